"""Fixtures for the forms of 1.x, whose deprecation warnings are tested by themselves."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

import databases
from holdfast import legacy
from models import library
from watching import record_control


@pytest.fixture(autouse=True)
def forms_are_known() -> Iterator[None]:
    """Let the deprecated forms be used without warnings."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(?s).*is a form of SQLAlchemy 1.x")
        yield


@pytest.fixture
def bound(tables) -> Engine:
    """The engine, with the tables of the library."""
    return tables(library.Base.metadata)


@pytest.fixture
def make(bound: Engine) -> Iterator[Callable[..., legacy.Session]]:
    """Makes sessions of 1.x; the database has Ann and her books x and y."""
    with legacy.Session(bound) as session:
        books = [library.Book(id=1, title="x"), library.Book(id=2, title="y")]
        session.add(library.Author(id=1, name="Ann", books=books))
        session.commit()
    made: list[legacy.Session] = []

    def make(**arguments: Any) -> legacy.Session:
        made.append(legacy.Session(bound, **arguments))
        return made[-1]

    yield make
    for session in made:
        session.close()


@pytest.fixture
def session(make: Any) -> legacy.Session:
    """One that is in a transaction at all times."""
    return make()


@pytest.fixture
def auto(make: Any) -> legacy.Session:
    """One in autocommit mode."""
    return make(autocommit=True)


@pytest.fixture
def control(bound: Engine) -> list[str]:
    """What controls transactions on the engine, in order."""
    log: list[str] = []
    record_control(bound, log)
    return log


@pytest.fixture
def pooled(tmp_path: Path) -> Iterator[Engine]:
    """An engine with a pool of several connections; the database has authors 1 to 5."""
    engine = databases.sqlite_engine(str(tmp_path / "library"))
    library.Base.metadata.create_all(engine)
    with legacy.Session(engine) as session:
        session.add_all([library.Author(id=n, name=f"author {n}") for n in range(1, 6)])
        session.commit()
    yield engine
    databases.close_sessions()
    engine.dispose()
