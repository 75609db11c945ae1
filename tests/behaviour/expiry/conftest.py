"""A session over a library of one author with two books, committed and read again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData

from holdfast import Session
from models import library


@pytest.fixture
def session(engine: Engine, tables: Callable[[MetaData], Engine]) -> Iterator[Session]:
    tables(library.Base.metadata)
    with Session(engine) as session:
        ann = library.Author(id=1, name="Ann", email="ann@x")
        ann.books = [library.Book(id=1, title="one"), library.Book(id=2, title="two")]
        session.add(ann)
        session.commit()
        yield session


@pytest.fixture
def ann(session: Session, sql: Any) -> library.Author:
    """The author, with loaded columns and books; what was emitted so far is forgotten."""
    author = session.get_one(library.Author, 1)
    assert len(author.books) == 2
    sql.clear()
    return author
