"""Fixtures for tests of asyncio: test functions may be coroutines, and the engine is awaited."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import URL, Engine, MetaData

import databases
from holdfast.ext.asyncio import (
    AsyncEngine,
    async_sessionmaker,
    close_all_sessions,
    create_async_engine,
)

DRIVERS = {"postgresql": "postgresql+asyncpg", "mysql": "mysql+aiomysql"}
DRIVERS["mariadb"] = "mariadb+aiomysql"


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine in the event loop of its fixtures."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    test = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    pyfuncitem.funcargs["runner"].run(test)
    return True


@pytest.fixture(autouse=True)
def runner() -> Iterator[asyncio.Runner]:
    """The event loop of a test and of its fixtures."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def async_engine(database: URL | None, runner: asyncio.Runner) -> Iterator[AsyncEngine]:
    """An asyncio engine on an empty database."""
    if database is None:
        engine = create_async_engine("sqlite+aiosqlite://")
        databases.prepare_sqlite(engine.sync_engine)
    else:
        driver = DRIVERS[database.get_backend_name()]
        engine = create_async_engine(database.set(drivername=driver))
        databases.give_strings_a_length(engine.sync_engine)
    yield engine
    runner.run(close_all_sessions())
    runner.run(engine.dispose())
    if database is not None:
        databases.empty(database)


@pytest.fixture
def engine(async_engine: AsyncEngine) -> Engine:
    """The ordinary engine behind it, for the recorder of SQL."""
    return async_engine.sync_engine


@pytest.fixture
def tables(
    async_engine: AsyncEngine, runner: asyncio.Runner
) -> Callable[[MetaData], async_sessionmaker[Any]]:
    """Create the tables of a model and return a factory of sessions."""

    async def create(metadata: MetaData) -> None:
        async with async_engine.begin() as connection:
            await connection.run_sync(metadata.create_all)

    def factory(metadata: MetaData) -> async_sessionmaker[Any]:
        runner.run(create(metadata))
        return async_sessionmaker(async_engine)

    return factory
