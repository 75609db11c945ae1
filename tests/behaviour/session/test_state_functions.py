"""Functions that move single objects: transient again, or detached without a load."""

import gc

import pytest
from sqlalchemy import event, exc, inspect, select

from holdfast import Session, close_all_sessions, make_transient, make_transient_to_detached
from models import library

MOVES = ("pending_to_transient", "persistent_to_detached", "persistent_to_transient")


@pytest.fixture
def session(engine, tables):
    tables(library.Base.metadata)
    with Session(engine) as session:
        session.add(library.Author(id=1, name="Ann", email="a@x", books=[library.Book(id=1)]))
        session.commit()
        session.expunge_all()
        yield session


@pytest.mark.rule("SM-170")
def test_make_transient_forgets_session_and_key_and_keeps_loaded_values(session, sql):
    ann = session.get(library.Author, 1)
    session.expire(ann, ["email"])
    sql.clear()

    make_transient(ann)

    state = inspect(ann)
    assert state.transient
    assert (state.session, state.key, state.was_deleted, state.expired) == (
        None,
        None,
        False,
        False,
    )
    assert state.expired_attributes == set()
    assert ann not in session
    assert (ann.id, ann.name, ann.email, ann.books) == (1, "Ann", None, [])
    assert sql.emitted == []


@pytest.mark.rule("SM-170")
def test_make_transient_of_an_expired_object_leaves_it_empty(session):
    ann = session.get(library.Author, 1)
    session.expire(ann)

    make_transient(ann)

    assert (ann.id, ann.name, ann.books) == (None, None, [])


@pytest.mark.rule("SM-171")
@pytest.mark.parametrize(
    ("start", "events"),
    [
        ("pending", ["pending_to_transient"]),
        ("persistent", ["persistent_to_detached"]),
        ("detached", []),
    ],
)
def test_make_transient_fires_what_leaving_the_session_fires(session, start, events):
    if start == "pending":
        author = library.Author(name="Bo")
        session.add(author)
    else:
        author = session.get(library.Author, 1)
    if start == "detached":
        session.expunge(author)
    heard = []
    for name in MOVES:
        event.listen(session, name, lambda _, each, name=name: heard.append(name))

    make_transient(author)

    assert inspect(author).transient
    assert heard == events


@pytest.mark.rule("SM-172")
def test_object_made_transient_is_inserted_with_the_key_it_carries(session, sql):
    ann = session.get(library.Author, 1)
    make_transient(ann)
    ann.id = 7
    ann.email = None
    session.add(ann)
    sql.clear()

    session.flush()

    assert len(sql.emitted) == 1
    assert sql.emitted[0].startswith("INSERT INTO author")
    assert session.scalars(select(library.Author.id).order_by(library.Author.id)).all() == [1, 7]


@pytest.mark.rule("SM-173")
@pytest.mark.parametrize("function", [make_transient, make_transient_to_detached])
def test_unmapped_objects_have_no_state_to_change(function):
    with pytest.raises(AttributeError):
        function(object())


@pytest.mark.rule("SM-174")
def test_make_transient_to_detached_takes_the_values_as_those_of_the_row(session, sql):
    author = library.Author(id=1, name="other")

    make_transient_to_detached(author)

    state = inspect(author)
    assert state.detached
    assert state.key == (library.Author, (1,), None)
    assert not state.modified
    assert state.expired_attributes == {"email"}
    sql.clear()
    session.add(author)
    assert state.persistent
    assert sql.emitted == []
    assert author not in session.dirty
    assert (author.name, author.email, len(author.books)) == ("other", "a@x", 1)
    assert len(sql.emitted) == 2


@pytest.mark.rule("SM-174")
def test_make_transient_to_detached_does_not_ask_for_a_key(session):
    author = library.Author(name="nobody")

    make_transient_to_detached(author)

    assert inspect(author).detached
    session.add(author)
    assert inspect(author).persistent
    assert author.name == "nobody"


@pytest.mark.rule("SM-175")
@pytest.mark.parametrize("start", ["pending", "persistent", "detached"])
def test_make_transient_to_detached_refuses_what_is_not_transient(session, start):
    if start == "pending":
        author = library.Author(name="Bo")
        session.add(author)
    else:
        author = session.get(library.Author, 1)
    if start == "detached":
        session.expunge(author)

    with pytest.raises(exc.InvalidRequestError, match="Given object must be transient"):
        make_transient_to_detached(author)


@pytest.mark.rule("SM-177")
def test_close_all_sessions_closes_sessions_with_and_without_a_transaction(session, engine):
    # Sessions of other tests, whose connections died, must be gone.
    gc.collect()
    idle, busy = Session(engine), Session(engine)
    author = busy.get(library.Author, 1)

    close_all_sessions()

    assert inspect(author).detached
    assert not busy.in_transaction()
    assert not idle.in_transaction()
    assert list(busy) == []
