"""What the examples share: a journal of steps, each with its outcome, statements and time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.table import Table
from sqlalchemy import Engine, event


@dataclass
class Step:
    """What one step did."""

    name: str
    outcome: str = ""
    statements: int = 0
    seconds: float = 0.0


class Journal:
    """Counts the statements and the time of each step."""

    def __init__(self, engine: Engine, title: str) -> None:
        self.title = title
        self.steps: list[Step] = []
        event.listen(engine, "before_cursor_execute", self._count)

    def _count(self, *_: object) -> None:
        if self.steps:
            self.steps[-1].statements += 1

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a block; what it found goes into the `outcome` of the step it is given."""
        step = Step(name)
        self.steps.append(step)
        start = time.perf_counter()
        yield step
        step.seconds = time.perf_counter() - start

    def table(self) -> Table:
        """All steps, for the terminal."""
        table = Table(title=self.title)
        table.add_column("step")
        table.add_column("what happened")
        table.add_column("statements", justify="right")
        table.add_column("seconds", justify="right")
        for step in self.steps:
            table.add_row(step.name, step.outcome, f"{step.statements:,}", f"{step.seconds:.3f}")
        return table
