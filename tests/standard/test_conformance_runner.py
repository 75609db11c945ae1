"""The runner of SQLAlchemy's tests counts right, and a file that falls below its floor fails."""

import json
from collections import Counter
from xml.etree import ElementTree

import pytest

from conformance import run

REPORT = """
<testsuites><testsuite>
  <testcase classname="test.orm.test_merge.MergeTest" name="test_a"/>
  <testcase classname="test.orm.test_merge.MergeTest" name="test_b"><skipped/></testcase>
  <testcase classname="test.orm.test_merge.MergeTest" name="test_c">
    <failure message="KeyError: 0x7f01 17"/>
  </testcase>
  <testcase classname="" name="test.orm.test_load"><error message="ImportError"/></testcase>
</testsuite></testsuites>
"""


@pytest.fixture
def outcome():
    return run.evaluate(ElementTree.fromstring(REPORT))


def test_results_are_counted_by_file(outcome):
    assert outcome.passed == {"test/orm/test_merge.py": 1}
    assert outcome.failed == {"test/orm/test_merge.py": 1, "test/orm/test_load.py": 1}


def test_reasons_that_differ_in_numbers_only_are_one(outcome):
    assert outcome.reasons["KeyError: N N"] == 1


@pytest.mark.parametrize(("passed", "status"), [(4, 1), (5, 0), (6, 0)])
def test_file_below_its_floor_fails(tmp_path, monkeypatch, capsys, passed, status):
    floors = tmp_path / "floors.json"
    floors.write_text(json.dumps({"a.py": 5}))
    monkeypatch.setattr(run, "FLOORS", floors)
    outcome = run.Outcome(passed=Counter({"a.py": passed}))

    assert run.check_floors(outcome, ["a.py", "new.py"], lambda files: outcome) == status
    assert ("BELOW ITS FLOOR: a.py" in capsys.readouterr().out) == bool(status)


def test_file_that_holds_its_floor_in_a_second_run_has_not_fallen(tmp_path, monkeypatch):
    floors = tmp_path / "floors.json"
    floors.write_text(json.dumps({"a.py": 5, "b.py": 5}))
    monkeypatch.setattr(run, "FLOORS", floors)
    asked = []

    def run_again(files):
        asked.append(files)
        return run.Outcome(passed=Counter({"a.py": 5}))

    first = run.Outcome(passed=Counter({"a.py": 4, "b.py": 5}))

    assert run.check_floors(first, ["a.py", "b.py"], run_again) == 0
    assert asked == [["a.py"]]


def test_floors_only_rise(tmp_path, monkeypatch):
    floors = tmp_path / "floors.json"
    floors.write_text(json.dumps({"a.py": 5, "b.py": 5}))
    monkeypatch.setattr(run, "FLOORS", floors)

    run.raise_floors(run.Outcome(passed=Counter({"a.py": 4, "b.py": 6})), ["a.py", "b.py"])

    assert json.loads(floors.read_text()) == {"a.py": 5, "b.py": 6}


def test_no_file_has_a_floor_above_what_stock_passes():
    floors = json.loads(run.FLOORS.read_text())

    assert all(count <= run.BASELINE[file] for file, count in floors.items())
