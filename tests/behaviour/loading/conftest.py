"""A library with three authors: two with books, one without.

Every test runs twice on SQLite. Statements that somebody listens to go through Core's connection;
otherwise the frequent ones are read closer to the driver, and must give the same. On servers, whose
drivers have nothing below to record by, somebody always listens.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import URL, Engine, MetaData, create_engine, event, insert
from sqlalchemy.pool import StaticPool

import databases
from conftest import SqlRecorder
from holdfast import Session
from models.library import Author, Base, Book, Tag, book_tag


class RecordingConnection(sqlite3.Connection):
    """Records statements below everything that could listen to them."""

    recorder = SqlRecorder()

    def cursor(self, *_: Any) -> Any:  # type: ignore[override]
        return super().cursor(RecordingCursor)


class RecordingCursor(sqlite3.Cursor):
    def execute(self, statement: str, parameters: Any = ()) -> Any:
        self.connection.recorder(None, None, statement, parameters)
        return super().execute(statement, parameters)


@pytest.fixture(params=["heard"] if databases.SERVERS else ["heard", "unheard"])
def engine(request: pytest.FixtureRequest, database: URL | None) -> Iterator[Engine]:
    if database is not None:
        with databases.server_engine(database) as engine:
            yield engine
            databases.close_sessions()
        databases.empty(database)
        return
    engine = create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"factory": RecordingConnection}
    )
    if request.param == "heard":
        event.listen(engine, "before_cursor_execute", lambda *_: None)
    yield engine
    engine.dispose()


@pytest.fixture
def sql(engine: Engine) -> SqlRecorder:
    recorder = RecordingConnection.recorder = SqlRecorder()
    if databases.SERVERS:
        event.listen(engine, "before_cursor_execute", recorder)
    return recorder


@pytest.fixture
def library(tables: Callable[[MetaData], Engine], sql: Any) -> Engine:
    engine = tables(Base.metadata)
    with engine.begin() as connection:
        connection.execute(
            insert(Author.__table__),
            [{"id": 1, "name": "ann"}, {"id": 2, "name": "bob"}, {"id": 3, "name": "cy"}],
        )
        connection.execute(
            insert(Book.__table__),
            [
                {"id": 1, "title": "a", "pages": 10, "author_id": 1},
                {"id": 2, "title": "b", "pages": 20, "author_id": 1},
                {"id": 3, "title": "c", "pages": 30, "author_id": 2},
                {"id": 4, "title": "d", "pages": None, "author_id": None},
            ],
        )
        connection.execute(insert(Tag.__table__), [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}])
        connection.execute(
            insert(book_tag), [{"book_id": 1, "tag_id": 1}, {"book_id": 1, "tag_id": 2}]
        )
    sql.clear()
    return engine


@pytest.fixture
def session(library: Engine) -> Iterator[Session]:
    with Session(library) as session:
        yield session
