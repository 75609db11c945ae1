"""Profile counts of the hot paths: they do not depend on the machine, and may not rise.

Counted are calls of Python functions per object or per operation, once everything that is made on
first use (compiled statements, generated code) is there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

import holdfast
from bench.bench_cases import CASES
from bench.bench_models import Orm

CASE_NAMED = {case.name: case for case in CASES}
# Python function calls per unit, as measured, with a little room for another Python.
LIMITS = {
}


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
