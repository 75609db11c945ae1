"""Time what a program pays for its imports, on top of `import sqlalchemy`, with either ORM.

    python tests/bench/import_time.py

Every figure is of a fresh process, with compiled files present; the least of several in turn, as
in the other rows. Processor time, since other programs on the machine lengthen the time of a clock
on the wall.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import Any

PROGRAM = """
import time, sqlalchemy
start = time.process_time()
{}
print(time.process_time() - start)
"""
NAMES = "DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload, sessionmaker"
IMPORTS = {name: f"from {name} import {NAMES}" for name in ("sqlalchemy.orm", "holdfast")}


def seconds_of(line: str, cache: str) -> float:
    """Processor time that one line takes in a fresh process."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(line)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return float(done.stdout)


def measure(lines: dict[str, str], rounds: int) -> dict[str, float]:
    """The least for each line, by its name."""
    found: dict[str, list[float]] = {name: [] for name in lines}
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(rounds + 1):
            for name, line in lines.items():
                found[name].append(seconds_of(line, cache))
    # The first of each has written the compiled files.
    return {name: min(each[1:]) for name, each in found.items()}


def import_row(rounds: int) -> dict[str, Any]:
    """The row of `compare.py`: at most 25 ms where `sqlalchemy.orm` takes 35."""
    best = measure(IMPORTS, rounds)
    ratio = best["sqlalchemy.orm"] / best["holdfast"]
    return {"name": "import", "goal": 35 / 25, "size": 1, "ratio": ratio, "best": best}


def main() -> int:
    for name, seconds in measure(IMPORTS, rounds=9).items():
        print(f"{name}: {seconds * 1000:.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
