"""A session over two databases, and what is sent to each: a database of the run, and SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event

import databases
from holdfast.ext.horizontal_shard import ShardedSession
from models.harbour import Base, Pier, Port

Shards = dict[str, Engine]


def sea_of(mapper: Any, instance: Any, clause: Any = None) -> str:
    """A new object belongs to the shard of its sea."""
    return str((instance.port if isinstance(instance, Pier) else instance).sea)


def shards_of_key(_mapper: Any, _key: Any, *, lazy_loaded_from: Any, **_: Any) -> list[str]:
    """A key may be anywhere, unless an object refers to it."""
    return ["north", "south"] if lazy_loaded_from is None else [lazy_loaded_from.identity_token]


def shards_of_statement(state: Any) -> list[str]:
    """A statement goes everywhere, unless it loads for objects."""
    parent = state.lazy_loaded_from if state.is_select else None
    if parent is not None:
        return [parent.identity_token]
    token = state.execution_options.get("identity_token")
    return ["north", "south"] if token is None else [token]


@pytest.fixture
def shards(engine: Engine) -> Iterator[Shards]:
    """Two databases with the same tables."""
    other = databases.sqlite_engine()
    found = {"north": engine, "south": other}
    for each in found.values():
        Base.metadata.create_all(each)
    yield found
    databases.close_sessions()
    other.dispose()


@pytest.fixture
def sent(shards: Shards) -> list[tuple[str, str]]:
    """Shard and first word of every statement."""
    found: list[tuple[str, str]] = []
    for name, engine in shards.items():

        @event.listens_for(engine, "before_cursor_execute")
        def note(_c: Any, _k: Any, statement: str, *_: Any, name: str = name) -> None:
            if statement != "BEGIN":
                found.append((name, statement.split()[0]))

    return found


@pytest.fixture
def make(shards: Shards) -> Callable[..., ShardedSession]:
    """Makes sessions over both."""

    def session(**arguments: Any) -> ShardedSession:
        choosers = {
            "shard_chooser": sea_of,
            "identity_chooser": shards_of_key,
            "execute_chooser": shards_of_statement,
        }
        return ShardedSession(**{"shards": shards, **choosers, **arguments})

    return session


@pytest.fixture
def session(make: Callable[..., ShardedSession], sent: Any) -> Iterator[ShardedSession]:
    """A session; Bodo and Bari have equal keys, and so have their piers."""
    with make() as session:
        bodo = Port(id=1, sea="north", name="Bodo", depth=9, piers=[Pier(id=1)])
        bari = Port(id=1, sea="south", name="Bari", depth=5, piers=[Pier(id=1), Pier(id=2)])
        session.add_all([bodo, bari, Port(id=2, sea="north", name="Bude", depth=3)])
        session.commit()
        session.expunge_all()
        sent.clear()
        yield session
