"""A plain model of what a session does: dictionaries of rows, one level per open transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# A class and a number; for a row of an association table, the table and the pair of numbers.
Key = tuple[Any, Any]
Rows = dict[Key, dict[str, Any]]


def copy_of(rows: Rows) -> Rows:
    return {key: dict(row) for key, row in rows.items()}


@dataclass
class Level:
    """What a rollback brings back: the rows, and the objects that stood for them."""

    rows: Rows
    objects: dict[Key, Any]


@dataclass
class RowModel:
    """The rows that a session shows, has written, and would go back to.

    Attributes:
        memory: What the objects show.
        stored: What the last flush left in the database.
        marked: Rows that the next flush deletes.
        levels: One for the transaction and one for each open SAVEPOINT.
    """

    memory: Rows = field(default_factory=dict)
    stored: Rows = field(default_factory=dict)
    marked: set[Key] = field(default_factory=set)
    levels: list[Level] = field(default_factory=lambda: [Level({}, {})])

    def flush(self) -> None:
        for key in self.marked:
            del self.memory[key]
        self.marked.clear()
        self.stored = copy_of(self.memory)

    def restore(self, rows: Rows) -> None:
        self.memory, self.stored = copy_of(rows), copy_of(rows)
        self.marked.clear()

    def open_level(self, objects: dict[Key, Any]) -> None:
        self.levels.append(Level(copy_of(self.stored), dict(objects)))

    def keys_of(self, kind: Any) -> set[Any]:
        """The numbers of the rows of one class or table that are there to stay."""
        return {number for each, number in self.memory.keys() - self.marked if each is kind}

    def referring(self, kind: Any, column: str, number: Any) -> list[Key]:
        """The rows of one class whose foreign key has a value."""
        return [key for key, row in self.memory.items() if key[0] is kind and row[column] == number]
