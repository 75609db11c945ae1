"""A library with three authors: two with books, one without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, insert

from holdfast import Session
from models.library import Author, Base, Book, Tag, book_tag


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
