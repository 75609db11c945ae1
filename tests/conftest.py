"""Fixtures for all tests: an engine, a recorder of SQL, and tables for a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, create_engine, event
from sqlalchemy.pool import StaticPool


class SqlRecorder:
    """Every statement that reached the driver, in order."""

    def __init__(self) -> None:
        self.emitted: list[str] = []
        self.parameters: list[Any] = []

    def __call__(self, _c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        self.emitted.append(" ".join(statement.split()))
        self.parameters.append(parameters)

    def clear(self) -> None:
        self.emitted.clear()
        self.parameters.clear()

    def __len__(self) -> int:
        return len(self.emitted)


@pytest.fixture
def engine() -> Iterator[Engine]:
    """SQLite in memory, one connection, foreign keys enforced, SAVEPOINT made to work."""
    engine = create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    yield engine
    engine.dispose()


@pytest.fixture
def sql(engine: Engine) -> SqlRecorder:
    """Records what reaches the driver; BEGIN is left out."""
    recorder = SqlRecorder()

    @event.listens_for(engine, "before_cursor_execute")
    def record(*arguments: Any) -> None:
        if arguments[2] != "BEGIN":
            recorder(*arguments)

    return recorder


@pytest.fixture
def tables(engine: Engine) -> Callable[[MetaData], Engine]:
    """Create the tables of a model and return the engine."""

    def create(metadata: MetaData) -> Engine:
        metadata.create_all(engine)
        return engine

    return create
