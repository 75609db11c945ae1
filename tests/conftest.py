"""Fixtures for all tests: an engine, a recorder of SQL, and tables for a model."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import URL, Engine, MetaData, event

import databases

# A parameter as PostgreSQL's or MariaDB's driver wants it.
PARAMETER = re.compile(r"%\(\w+\)s(::\w+)?|%s")


def in_order(parameters: Any) -> Any:
    """Parameters as tuples, for drivers that want names as well."""
    if isinstance(parameters, dict):
        return tuple(parameters.values())
    if isinstance(parameters, list):
        return [in_order(each) for each in parameters]
    return parameters


class SqlRecorder:
    """Every statement that reached the driver, in order, with `?` for each parameter."""

    def __init__(self) -> None:
        self.emitted: list[str] = []
        self.parameters: list[Any] = []

    def __call__(self, _c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        plain = " ".join(statement.split()).replace("INNER JOIN", "JOIN")
        self.emitted.append(PARAMETER.sub("?", plain))
        self.parameters.append(in_order(parameters))

    def clear(self) -> None:
        self.emitted.clear()
        self.parameters.clear()

    def __len__(self) -> int:
        return len(self.emitted)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what needs an engine on every database that there is."""
    if "database" in metafunc.fixturenames:
        urls: list[Any] = [*databases.SERVERS] or [None]
        names = ["sqlite" if url is None else url.get_backend_name() for url in urls]
        metafunc.parametrize("database", urls, ids=names, indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With servers named, leave out what would run as without them."""
    if databases.SERVERS:
        needs = {item: "database" in getattr(item, "fixturenames", ()) for item in items}
        config.hook.pytest_deselected(items=[item for item in items if not needs[item]])
        items[:] = [item for item in items if needs[item]]


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest, worker_id: str) -> Iterator[URL | None]:
    """A server's database for this worker, or None for SQLite in memory."""
    if request.param is None:
        yield None
        return
    with databases.own_database(request.param, f"holdfast_{worker_id}_{os.getpid()}") as url:
        yield url


@pytest.fixture
def engine(database: URL | None) -> Iterator[Engine]:
    """An engine on an empty database."""
    if database is None:
        engine = databases.sqlite_engine()
        yield engine
        databases.close_sessions()
        engine.dispose()
        return
    with databases.server_engine(database) as engine:
        yield engine
        databases.close_sessions()
    databases.empty(database)


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
