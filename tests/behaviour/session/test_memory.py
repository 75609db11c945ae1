"""Nothing keeps an object alive that the program let go of: reference counts suffice."""

import gc
import weakref

import pytest
from sqlalchemy import event, inspect, select

from holdfast import Session, sessionmaker
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


@pytest.mark.rule("SM-60", "SM-61")
def test_a_flushed_and_dropped_object_dies_at_once(session):
    author = library.Author(name="Ann")
    session.add(author)
    session.flush()
    alive = weakref.ref(author)
    del author

    assert alive() is None


@pytest.mark.rule("SM-60", "SM-61")
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


@pytest.mark.rule("SM-61", "SM-62")
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


@pytest.mark.rule("SM-60")
def test_a_clean_and_dropped_object_leaves_the_identity_map(session):
    session.add(library.Author(id=1, name="Ann"))
    session.commit()
    author = session.get_one(library.Author, 1)
    key = inspect(author).key
    assert key in session.identity_map
    del author

    assert key not in session.identity_map
    assert len(session.identity_map) == 0
    assert list(session) == []


@pytest.mark.rule("SM-60")
def test_a_query_makes_a_new_object_where_the_former_was_collected(session):
    session.add(library.Author(id=1, name="Ann"))
    session.commit()
    session.get_one(library.Author, 1).nickname = "A"

    assert not hasattr(session.get_one(library.Author, 1), "nickname")


@pytest.mark.rule("SM-60")
@pytest.mark.parametrize("name", ["name", "books"])
def test_an_object_whose_changes_were_given_up_dies_at_once(session, name):
    session.add(library.Author(id=1, name="Ann"))
    session.commit()
    author = session.get_one(library.Author, 1)
    setattr(author, name, "Bo" if name == "name" else [])
    session.expire(author)
    alive = weakref.ref(author)
    del author

    assert alive() is None


@pytest.mark.rule("SM-61")
@pytest.mark.parametrize("kind", ["new", "deleted", "changed", "collection", "reference"])
def test_what_a_flush_has_to_write_is_held_until_it_has(session, kind):
    session.add_all([library.Author(id=1, name="Ann"), library.Book(id=1, author_id=1)])
    session.commit()
    if kind == "new":
        subject = library.Author(id=2, name="Bo")
        session.add(subject)
    elif kind == "reference":
        subject = session.get_one(library.Book, 1)
        subject.author = None
    else:
        subject = session.get_one(library.Author, 1)
        if kind == "deleted":
            session.delete(subject)
        elif kind == "changed":
            subject.name = "Anna"
        else:
            subject.books = []
    alive = weakref.ref(subject)
    del subject

    assert alive() is not None
    session.flush()
    assert alive() is None


@pytest.mark.rule("SM-63")
def test_a_loaded_collection_and_a_reference_keep_their_members_alive(session):
    author = library.Author(id=1, name="Ann", books=[library.Book(id=1), library.Book(id=2)])
    session.add(author)
    session.commit()
    session.expunge_all()

    author = session.scalars(select(library.Author)).one()
    books = [weakref.ref(book) for book in author.books]
    assert all(book() is not None for book in books)
    assert len(session.identity_map) == 3
    author_again = weakref.ref(author)
    kept = books[0]()
    assert kept.author is author
    del author

    assert author_again() is kept.author


def hold_strongly(target):
    """The recipe of the documents: every persistent object in a set of its session's."""

    @event.listens_for(target, "pending_to_persistent")
    @event.listens_for(target, "deleted_to_persistent")
    @event.listens_for(target, "detached_to_persistent")
    @event.listens_for(target, "loaded_as_persistent")
    def hold(session, instance):
        session.info.setdefault("held", set()).add(instance)

    @event.listens_for(target, "persistent_to_detached")
    @event.listens_for(target, "persistent_to_deleted")
    @event.listens_for(target, "persistent_to_transient")
    def let_go(session, instance):
        session.info["held"].discard(instance)


@pytest.fixture(params=["session", "sessionmaker"])
def holding(request, session, engine):
    """A session that holds its persistent objects strongly."""
    if request.param == "session":
        holding = Session(engine)
        hold_strongly(holding)
    else:
        make = sessionmaker(engine)
        hold_strongly(make)
        holding = make()
    with holding:
        yield holding


@pytest.mark.rule("SM-64")
def test_persistent_objects_can_be_held_by_listeners(holding):
    holding.add_all([library.Author(id=1, name="Ann"), library.Author(id=2, name="Bo")])
    holding.commit()
    gc.collect()
    assert {each.name for each in holding} == {"Ann", "Bo"}

    holding.expunge_all()
    gc.collect()
    assert holding.info["held"] == set()
    holding.scalars(select(library.Author)).all()
    gc.collect()

    assert len(holding.identity_map) == 2
    assert holding.info["held"] == set(holding)


@pytest.mark.rule("SM-64")
def test_held_objects_follow_deletion_rollback_and_return(holding):
    ann = library.Author(id=1, name="Ann")
    holding.add(ann)
    holding.commit()

    def held():
        return {inspect(each).identity for each in holding.info["held"]}

    holding.delete(ann)
    holding.flush()
    assert held() == set()
    holding.rollback()
    assert held() == {(1,)}
    holding.add(library.Author(id=2, name="Bo"))
    holding.flush()
    assert held() == {(1,), (2,)}
    holding.rollback()
    assert held() == {(1,)}
    holding.expunge(ann)
    assert held() == set()
    holding.add(ann)
    assert held() == {(1,)}
    alive = weakref.ref(ann)
    del ann
    assert alive() is not None
    holding.close()
    assert alive() is None


@pytest.mark.rule("SM-65")
def test_info_belongs_to_one_session_and_starts_as_a_copy(engine):
    given = {"tenant": 1}
    first, second = Session(engine, info=given), Session(engine, info=given)

    first.info["more"] = 2

    assert second.info == given == {"tenant": 1}
    assert first.info == {"tenant": 1, "more": 2}
    assert Session(engine).info == {}
