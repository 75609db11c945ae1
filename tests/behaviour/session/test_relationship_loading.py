"""`enable_relationship_loading`: related objects by key values, for an object that is no member."""

import pytest
from sqlalchemy import inspect

from holdfast import Session, object_session
from models import library


@pytest.fixture
def session(engine, tables):
    tables(library.Base.metadata)
    with Session(engine) as session:
        author = library.Author(id=1, name="Ann", books=[library.Book(id=5)])
        session.add(author)
        session.commit()
        yield session


def test_a_new_object_loads_by_its_foreign_key_and_stays_outside(session):
    book = library.Book(author_id=1)
    session.enable_relationship_loading(book)

    assert book.author.name == "Ann"
    assert book not in session
    assert book not in session.new
    assert object_session(book) is session
    assert inspect(book).pending
    session.commit()
    assert inspect(book).identity is None


def test_a_new_object_loads_a_collection_by_its_key(session):
    author = library.Author(id=1)
    session.enable_relationship_loading(author)

    assert [book.id for book in author.books] == [5]
    assert author not in session


def test_a_detached_object_loads_and_its_changes_are_not_flushed(session):
    book = session.get_one(library.Book, 5)
    session.expunge(book)
    session.enable_relationship_loading(book)
    book.title = "changed"

    assert book.author.id == 1
    assert book not in session
    assert not session.dirty
    session.commit()
    session.expunge_all()
    assert session.get_one(library.Book, 5).title is None


def test_add_makes_it_a_member(session):
    book = library.Book(author_id=1)
    session.enable_relationship_loading(book)
    session.add(book)
    assert book in session.new
    session.commit()

    assert book.author.id == 1
    assert inspect(book).persistent


def test_without_it_a_new_object_loads_nothing(session):
    assert library.Book(author_id=1).author is None
