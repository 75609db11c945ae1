"""Count the Python functions that each hot path calls per object or operation, as JSON.

    python tests/bench/call_counts.py

A process of its own: a listener on all sessions, left by somebody else, would be counted as well.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import holdfast

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.bench_cases import CASES
from bench.bench_hierarchies import HIERARCHY_CASES
from bench.bench_models import Orm

# Large enough that what a run does once weighs little where the work is done in bulk.
SIZE = 1_000


def python_calls(run: Callable[[], object]) -> int:
    """How many Python functions `run` calls; the collector, which calls some too, waits."""
    count = 0

    def profiler(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event == "call"

    gc.collect()
    gc.disable()
    sys.setprofile(profiler)
    try:
        run()
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


def measure() -> dict[str, float]:
    """Calls per unit, once what is made on first use is there: compiled statements, code."""
    orm = Orm("holdfast", holdfast)
    figures = {}
    for case in (*CASES, *HIERARCHY_CASES):
        if not case.is_ratio_of_bytes and case.against == "sqlalchemy.orm":
            size = min(SIZE, case.size)
            case.prepare(orm, size)()
            figures[case.name] = python_calls(case.prepare(orm, size)) / size
    return figures


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
