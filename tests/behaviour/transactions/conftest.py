"""Fixtures for transactions: a session on the library, engines of their own, recorded control."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

import databases
from holdfast import Session
from models import library
from watching import record_control


@pytest.fixture
def bound(tables) -> Engine:
    """The engine, with the tables of the library."""
    return tables(library.Base.metadata)


@pytest.fixture
def session(bound: Engine) -> Iterator[Session]:
    """A session; the database has one author."""
    with Session(bound) as session:
        session.add(library.Author(id=1, name="Ann"))
        session.commit()
        yield session


@pytest.fixture
def control(bound: Engine) -> list[str]:
    """What controls transactions on the engine, in order."""
    log: list[str] = []
    record_control(bound, log)
    return log


@pytest.fixture
def apart() -> Iterator[Callable[[], Engine]]:
    """Makes engines of SQLite databases of their own, with the tables of the library."""
    made = []

    def make() -> Engine:
        engine = databases.sqlite_engine()
        library.Base.metadata.create_all(engine)
        made.append(engine)
        return engine

    yield make
    databases.close_sessions()
    for engine in made:
        engine.dispose()
