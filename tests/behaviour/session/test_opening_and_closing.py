"""Making, closing and ending sessions, and the factory of sessions."""

import gc

import pytest
from sqlalchemy import exc, inspect, select

from holdfast import (
    Session,
    close_all_sessions,
    make_transient,
    make_transient_to_detached,
    object_session,
    scoped_session,
    sessionmaker,
    was_deleted,
)
from models import library


@pytest.fixture
def bound(engine, tables):
    return tables(library.Base.metadata)


def test_new_session_touches_no_database(bound, sql):
    session = Session(bound)

    assert not session.in_transaction()
    assert session.get_transaction() is None
    assert session.is_active
    assert sql.emitted == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"autocommit": True}, "autocommit=True is no longer supported"),
        ({"future": False}, "'future' parameter"),
        ({"join_transaction_mode": "no"}, "invalid selection for join_transaction_mode"),
        ({"binds": {5: None}}, "Not an acceptable bind target"),
    ],
)
def test_constructor_refuses_arguments_that_mean_nothing(bound, arguments, message):
    with pytest.raises(exc.ArgumentError, match=message):
        Session(bound, **arguments)


def test_constructor_takes_one_positional_argument(bound):
    with pytest.raises(TypeError):
        Session(bound, False)


def test_block_closes_and_does_not_commit(bound):
    with Session(bound) as session:
        session.add(library.Author(name="Ann"))
        session.flush()

    with Session(bound) as session:
        assert session.scalars(select(library.Author)).all() == []


def test_both_scopes_commit_first_and_close_second(bound):
    with Session(bound) as session, session.begin():
        author = library.Author(name="Ann")
        session.add(author)

    assert inspect(author).detached
    with Session(bound) as session:
        assert session.scalar(select(library.Author.name)) == "Ann"


def test_use_after_commit_inside_the_block_is_refused(bound):
    session = Session(bound)

    with session.begin():
        session.commit()
        with pytest.raises(exc.InvalidRequestError, match="inside context manager"):
            session.add(library.Author(name="Ann"))


def test_sessions_are_numbered_in_order(bound):
    first, second = Session(bound), Session(bound)

    assert first.hash_key < second.hash_key


def test_objects_of_a_collected_session_are_detached(bound):
    session = Session(bound)
    author = library.Author(name="Ann")
    session.add(author)
    session.commit()
    session.close()
    session = Session(bound)
    author = session.get(library.Author, 1)

    del session
    gc.collect()

    assert inspect(author).detached
    assert object_session(author) is None


@pytest.mark.rule("SM-65")
def test_info_is_a_copy(bound):
    given = {"tenant": 1}
    session = Session(bound, info=given)
    session.info["more"] = 2

    assert given == {"tenant": 1}


def test_factory_stores_overrides_and_configures(bound):
    make = sessionmaker(bound, info={"a": 1}, expire_on_commit=False)

    session = make(info={"b": 2}, autoflush=False)
    make.configure(expire_on_commit=True)

    assert session.info == {"a": 1, "b": 2}
    assert not session.autoflush
    assert not session.expire_on_commit
    assert make().expire_on_commit
    assert isinstance(session, Session)
    assert "Session" in repr(make)


def test_factory_block_commits_and_closes(bound):
    make = sessionmaker(bound)
    with make.begin() as session:
        session.add(library.Author(name="Ann"))

    def fail():
        with make.begin() as session:
            session.add(library.Author(name="Bo"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    with make() as session:
        assert session.scalars(select(library.Author.name)).all() == ["Ann"]


def test_scoped_session_stands_for_one_session_per_scope(bound):
    scope = ["one"]
    sessions = scoped_session(sessionmaker(bound), scopefunc=lambda: scope[0])
    first = sessions()
    scope[0] = "two"
    sessions.add(library.Author(name="Ann"))

    assert sessions() is not first
    assert len(sessions.new) == 1
    assert sessions.scalar(select(library.Author.name)) == "Ann"
    with pytest.raises(exc.InvalidRequestError, match="already present"):
        sessions(autoflush=False)
    sessions.remove()
    assert not sessions.registry.has()


@pytest.mark.rule("SM-177")
def test_close_all_sessions_closes_every_living_one(bound):
    # Sessions of other tests, whose connections died, must be gone.
    gc.collect()
    session = Session(bound)
    author = library.Author(name="Ann")
    session.add(author)

    close_all_sessions()

    assert inspect(author).transient


@pytest.mark.rule("SM-172")
def test_make_transient_lets_the_object_be_saved_anew(bound):
    session = Session(bound)
    author = library.Author(name="Ann")
    session.add(author)
    session.commit()
    session.refresh(author)
    session.delete(author)
    session.commit()
    assert was_deleted(author)

    make_transient(author)
    session.add(author)
    session.commit()

    assert not was_deleted(author)
    assert session.get(library.Author, 1) is author


def test_make_transient_to_detached_gives_an_identity(bound):
    session = Session(bound)
    session.add(library.Author(name="Ann"))
    session.commit()
    session.close()
    author = library.Author(id=1)

    make_transient_to_detached(author)
    session.add(author)

    assert author.name == "Ann"
    with pytest.raises(exc.InvalidRequestError, match="must be transient"):
        make_transient_to_detached(author)
