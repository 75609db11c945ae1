"""What tests of transactions see with: recorders of control and of events, and short readings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event, select

from holdfast import Session
from models import library

CONTROL = {
    "begin": "BEGIN",
    "begin_twophase": "BEGIN TWOPHASE",
    "commit": "COMMIT",
    "commit_twophase": "COMMIT PREPARED",
    "prepare_twophase": "PREPARE",
    "release_savepoint": "RELEASE",
    "rollback": "ROLLBACK",
    "rollback_savepoint": "ROLLBACK TO",
    "rollback_twophase": "ROLLBACK PREPARED",
    "savepoint": "SAVEPOINT",
}

EVENTS = (
    "after_begin",
    "after_commit",
    "after_flush",
    "after_flush_postexec",
    "after_rollback",
    "after_soft_rollback",
    "after_transaction_create",
    "after_transaction_end",
    "before_commit",
    "before_flush",
    "deleted_to_detached",
)


def record_control(engine: Engine, log: list[Any], entry: Callable[[str], Any] = str) -> None:
    """Add each BEGIN, COMMIT, SAVEPOINT and so on of an engine to a list."""
    for name, word in CONTROL.items():
        event.listen(engine, name, lambda *_, word=word: log.append(entry(word)))


def record_events(session: Session, log: list[Any], names: tuple[str, ...] = EVENTS) -> None:
    """Add the name of each event of a session to a list."""
    for name in names:
        event.listen(session, name, lambda *_, name=name: log.append(name))


@contextmanager
def listening(target: Any, name: str, function: Callable[..., Any]) -> Iterator[None]:
    """Hear an event inside the block."""
    event.listen(target, name, function)
    try:
        yield
    finally:
        event.remove(target, name, function)


def names_in(session: Session) -> list[str]:
    """The names of the authors in the database, as a session sees them."""
    return list(session.scalars(select(library.Author.name).order_by(library.Author.id)))


def author(number: int, **values: Any) -> library.Author:
    """A new author with a key."""
    return library.Author(id=number, **{"name": f"author {number}", **values})
