"""Profile counts of the hot paths: they do not depend on the machine, and may not rise.

Counted are calls of Python functions per object or per operation, once everything that is made on
first use (compiled statements, generated code) is there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.util import has_compiled_ext

import holdfast
from bench.bench_cases import CASES
from bench.bench_models import Orm

CASE_NAMED = {case.name: case for case in CASES}
# Python function calls per unit, as measured, with a little room for another Python.
# The size is large enough that what a run does once weighs little.
LIMITS = {
    "load 100,000": (1_000, 0.25),
    "load 100, twenty sessions": (100, 44),
    "10,000 rows already present": (1_000, 0.2),
    "joined eager load 1,000 x 10": (100, 17.5),
    "selectin eager load 1,000 x 10": (100, 20),
    "get, hit": (100, 1.5),
    "get, miss": (100, 66),
    "lazy many-to-one, present": (100, 5.5),
    "lazy many-to-one, SQL": (100, 54),
    "flush 20,000 new, generated keys": (1_000, 0.3),
    "flush 20,000 new, given keys": (1_000, 0.3),
    "flush graph 1,000 x 10": (100, 116),
    "UPDATE 20,000": (1_000, 0.2),
    "DELETE 20,000": (100, 9),
    "commit that expires 100,000": (1_000, 0.1),
    "construction": (100, 1.5),
    "append with backref": (100, 6.5),
    "attribute get": (100, 1.5),
    "attribute set": (100, 1.5),
    "fresh select by key": (100, 112),
}


pytestmark = pytest.mark.skipif(
    not has_compiled_ext(), reason="SQLAlchemy without its compiled extensions calls more in Python"
)


def python_calls(run: Callable[[], object]) -> int:
    """How many Python functions `run` calls."""
    count = 0

    def profiler(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(profiler)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


@pytest.fixture(scope="module")
def orm() -> Orm:
    return Orm("holdfast", holdfast)


@pytest.mark.parametrize(("name", "size", "limit"), [(n, *pair) for n, pair in LIMITS.items()])
def test_hot_path_calls_no_more_functions_than_measured(orm, name, size, limit):
    prepare = CASE_NAMED[name].prepare
    prepare(orm, size)()

    calls = python_calls(prepare(orm, size)) / size

    assert calls <= limit


def test_every_timed_hot_path_has_a_limit():
    timed = {case.name for case in CASES if not case.is_ratio_of_bytes}

    # The two long loads are one path.
    assert timed - LIMITS.keys() == {"load 10,000"}
