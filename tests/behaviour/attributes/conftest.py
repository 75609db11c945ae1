"""A session on the library's tables, and an author with two books in it."""

import pytest

from holdfast import Session
from models import library


@pytest.fixture
def session(engine, tables):
    tables(library.Base.metadata)
    with Session(engine) as session:
        yield session


@pytest.fixture
def author(session):
    """Ann, with "One" and "Two", all expired."""
    author = library.Author(
        name="Ann", books=[library.Book(title="One"), library.Book(title="Two")]
    )
    session.add(author)
    session.commit()
    return author
