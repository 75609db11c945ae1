"""Fixtures for events: a session on the library, whose database has one author with two books."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast import Session
from models import library


@pytest.fixture
def session(tables) -> Iterator[Session]:
    """A session without objects; the database has Ann and her books x and y."""
    with Session(tables(library.Base.metadata)) as session:
        books = [library.Book(id=1, title="x", pages=10), library.Book(id=2, title="y")]
        session.add(library.Author(id=1, name="Ann", books=books))
        session.commit()
        session.expunge_all()
        yield session
