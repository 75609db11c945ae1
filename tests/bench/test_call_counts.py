"""Profile counts of the hot paths: they do not depend on the machine, and may not rise."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.util import has_compiled_ext

# Python function calls per object or operation, as measured, with a little room for another
# Python. Lower them when a path got shorter.
LIMITS = {
    "load 100,000": 0.2,
    "load 10,000": 0.2,
    "load 100, twenty sessions": 47,
    "10,000 rows already present": 0.15,
    "joined eager load 1,000 x 10": 14.5,
    "selectin eager load 1,000 x 10": 16.2,
    "get, hit": 1.1,
    "get, miss": 65,
    "lazy many-to-one, present": 4.2,
    "lazy many-to-one, SQL": 54,
    "flush 20,000 new, generated keys": 0.27,
    "flush 20,000 new, given keys": 0.27,
    "flush graph 1,000 x 10": 63,
    "bulk_insert_mappings 20,000": 0.25,
    "bulk insert() 20,000": 0.25,
    "bulk insert().returning() 10,000": 2.5,
    "bulk update() by key 10,000": 1.4,
    "UPDATE 20,000": 0.2,
    "DELETE 20,000": 3.4,
    "commit that expires 100,000": 0.1,
    "rollback that expires 100,000": 0.15,
    "expire_all of 100,000": 0.02,
    "refresh 100,000 expired, one SELECT": 1.2,
    "merge, present": 12.5,
    "merge, SQL": 83,
    "merge graph 1,000 x 10": 116,
    "set many-to-one with backref": 7.2,
    "lazy one-to-many": 72,
    "construction": 1.1,
    "append with backref": 6.5,
    "attribute get": 1.1,
    "attribute set": 1.1,
    "fresh select by key": 112,
    "fresh select by key, Query": 139,
    "portions of 100": 0.42,
    "portions of 1,000": 0.2,
    "columns only 20,000": 0.15,
    "load 10,000 of 30 columns": 0.2,
    "load 10,000 of typed columns": 3.4,
    "polymorphic load, joined tables": 0.33,
    "polymorphic load, one table": 0.33,
    "flush 10,000 new in joined tables": 5.7,
    "declare and configure 100 classes": 4900,
}

pytestmark = pytest.mark.skipif(
    not has_compiled_ext(), reason="SQLAlchemy without its compiled extensions calls more in Python"
)


@pytest.fixture(scope="module")
def figures():
    program = Path(__file__).with_name("call_counts.py")
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", LIMITS)
def test_hot_path_calls_no_more_functions_than_measured(figures, name):
    assert figures[name] <= LIMITS[name]


def test_every_timed_hot_path_has_a_limit(figures):
    assert figures.keys() == LIMITS.keys()
