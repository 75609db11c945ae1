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


def check(monkeypatch, tmp_path, listed, failing):
    """Check a file that is accounted for, some tests of which are listed and some fail."""
    floors, differences = tmp_path / "floors.json", tmp_path / "differences.toml"
    floors.write_text("{}")
    lines = [f'"{name}" = "chosen: for the example"' for name in listed]
    differences.write_text("\n".join(['["a.py"]', *lines]))
    monkeypatch.setattr(run, "FLOORS", floors)
    monkeypatch.setattr(run, "DIFFERENCES", differences)
    monkeypatch.setattr(run, "ACCOUNTED", ["a.py"])
    outcome = run.Outcome(failing={"a.py": set(failing), "b.py": {"C::test_free"}})
    return run.check_floors(outcome, ["a.py", "b.py"], lambda files: outcome)


@pytest.mark.parametrize("listed", ["C::test_x[1]", "C::test_x"])
def test_failing_test_with_a_reason_is_as_expected(tmp_path, monkeypatch, listed):
    assert check(monkeypatch, tmp_path, [listed], ["C::test_x[1]"]) == 0


def test_failing_test_without_a_reason_fails_the_check(tmp_path, monkeypatch, capsys):
    assert check(monkeypatch, tmp_path, ["C::test_x[1]"], ["C::test_x[1]", "C::test_x[2]"]) == 1
    assert "NO REASON: a.py::C::test_x[2]" in capsys.readouterr().out


def test_listed_test_that_does_not_fail_fails_the_check(tmp_path, monkeypatch, capsys):
    assert check(monkeypatch, tmp_path, ["C::test_x"], []) == 1
    assert "LISTED, BUT DOES NOT FAIL: a.py::C::test_x" in capsys.readouterr().out


def test_failing_tests_are_named_as_pytest_names_them(outcome):
    assert outcome.failing["test/orm/test_merge.py"] == {"MergeTest::test_c"}


def test_each_accounted_file_is_one_of_the_suite_and_each_reason_says_why():
    assert set(run.ACCOUNTED) <= run.BASELINE.keys()
    for reasons in run.tomllib.loads(run.DIFFERENCES.read_text()).values():
        assert all(reason.startswith(("private: ", "chosen: ")) for reason in reasons.values())


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
