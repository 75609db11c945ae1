"""Nothing keeps an object alive that the program let go of: reference counts suffice."""

import gc
import weakref

import pytest

from holdfast import Session
from models import library


@pytest.fixture
def session(engine, tables):
    tables(library.Base.metadata)
    gc.collect()
    gc.disable()
    try:
        with Session(engine) as session:
            yield session
    finally:
        gc.enable()


def test_a_flushed_and_dropped_object_dies_at_once(session):
    author = library.Author(name="Ann")
    session.add(author)
    session.flush()
    alive = weakref.ref(author)
    del author

    assert alive() is None


def test_an_updated_and_dropped_object_dies_at_once(session):
    session.add(library.Author(id=1, name="Ann"))
    session.commit()
    author = session.get_one(library.Author, 1)
    author.name = "Bo"
    session.flush()
    alive = weakref.ref(author)
    del author

    assert alive() is None


def test_a_deleted_and_dropped_object_dies_at_once(session):
    author = library.Author(name="Ann")
    session.add(author)
    session.flush()
    session.delete(author)
    session.flush()
    alive = weakref.ref(author)
    del author

    assert alive() is None


def test_a_changed_object_lives_until_it_is_flushed(session):
    session.add(library.Author(id=1, name="Ann"))
    session.commit()
    session.get_one(library.Author, 1).name = "Bo"

    session.commit()

    assert session.get_one(library.Author, 1).name == "Bo"


def test_a_dropped_session_dies_at_once(session, engine):
    other = Session(engine)
    other.add(library.Author(name="Ann"))
    other.commit()
    alive = weakref.ref(other)
    other.close()
    del other

    assert alive() is None
