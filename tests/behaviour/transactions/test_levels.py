"""Commit, rollback, SAVEPOINT and what they do to objects."""

import pytest
from sqlalchemy import exc, inspect, select, text

from holdfast import Session, SessionTransactionOrigin
from models import library


@pytest.fixture
def bound(engine, tables):
    return tables(library.Base.metadata)


@pytest.fixture
def session(bound):
    with Session(bound) as session:
        session.add(library.Author(id=1, name="Ann"))
        session.commit()
        yield session


def names(session):
    return session.scalars(select(library.Author.name).order_by(library.Author.id)).all()


def test_transaction_tells_its_origin(session):
    with session.begin() as root:
        assert root.origin is SessionTransactionOrigin.BEGIN
        assert root.parent is None
        nested = session.begin_nested()
        assert nested.origin is SessionTransactionOrigin.BEGIN_NESTED
        assert nested.parent is root
        assert session.get_nested_transaction() is nested
        assert session.get_transaction() is root
        nested.commit()
    session.connection()
    assert session.get_transaction().origin is SessionTransactionOrigin.AUTOBEGIN


def test_begin_twice_is_refused(session):
    session.begin()

    with pytest.raises(exc.InvalidRequestError, match="already begun"):
        session.begin()


def test_ended_transaction_is_refused(session):
    transaction = session.begin()
    transaction.rollback()

    for method in (transaction.commit, transaction.rollback):
        with pytest.raises(exc.ResourceClosedError, match="This transaction is closed"):
            method()


def test_commit_expires_and_can_be_told_not_to(session, sql):
    ann = session.get(library.Author, 1)
    session.commit()
    assert inspect(ann).expired
    session.expire_on_commit = False
    assert ann.name == "Ann"
    session.commit()
    sql.clear()

    assert ann.name == "Ann"
    assert sql.emitted == []


def test_rollback_restores_new_deleted_and_changed_objects(session):
    ann = session.get(library.Author, 1)
    bo = library.Author(id=2, name="Bo")
    session.add(bo)
    session.flush()
    ann.name = "Anna"
    session.delete(ann)
    session.flush()

    session.rollback()

    assert inspect(bo).transient
    assert (bo.id, bo.name) == (2, "Bo")
    assert inspect(ann).persistent
    assert ann.name == "Ann"
    assert names(session) == ["Ann"]


def test_rollback_of_an_object_inserted_and_deleted_ends_transient(session):
    bo = library.Author(id=2, name="Bo")
    session.add(bo)
    session.flush()
    session.delete(bo)
    session.flush()

    session.rollback()

    assert inspect(bo).transient
    assert not inspect(bo).was_deleted
    session.add(bo)
    session.commit()
    assert names(session) == ["Ann", "Bo"]


def test_rollback_gives_changed_keys_back(session):
    ann = session.get(library.Author, 1)
    ann.id = 5
    session.flush()
    assert inspect(ann).identity == (5,)

    session.rollback()

    assert inspect(ann).identity == (1,)
    assert session.get(library.Author, 1) is ann
    assert ann.id == 1


def test_rollback_gives_exchanged_keys_back(session):
    bo = library.Author(id=2, name="Bo")
    session.add(bo)
    session.commit()
    ann = session.get(library.Author, 1)
    ann.id = 3
    session.flush()
    bo.id = 1
    session.flush()
    ann.id = 2
    session.flush()

    session.rollback()

    assert session.get(library.Author, 1) is ann
    assert session.get(library.Author, 2) is bo


def test_rollback_brings_back_an_object_whose_row_was_inserted_anew(session):
    ann = session.get(library.Author, 1)
    session.delete(ann)
    session.flush()
    session.execute(text("INSERT INTO author (id, name) VALUES (1, 'other')"))
    other = session.get(library.Author, 1)

    session.rollback()

    assert session.get(library.Author, 1) is ann
    assert ann in session
    assert other not in session


def test_savepoint_is_emitted_on_first_use(session, sql):
    session.connection()
    sql.clear()
    nested = session.begin_nested()
    assert sql.emitted == []

    session.execute(text("SELECT 1"))
    nested.commit()

    assert [statement.split()[0] for statement in sql.emitted] == [
        "SAVEPOINT",
        "SELECT",
        "RELEASE",
    ]


def test_nested_rollback_leaves_what_was_before(session):
    ann = session.get(library.Author, 1)
    bo = library.Author(id=2, name="Bo")
    session.add(bo)
    nested = session.begin_nested()
    cy = library.Author(id=3, name="Cy")
    session.add(cy)
    bo.name = "Bob"
    session.flush()

    nested.rollback()

    assert inspect(cy).transient
    assert inspect(bo).persistent
    assert bo.name == "Bo"
    assert not inspect(ann).expired
    session.commit()
    assert names(session) == ["Ann", "Bo"]


def test_nested_rollback_brings_deleted_objects_back(session):
    ann = session.get(library.Author, 1)

    def fail():
        with session.begin_nested():
            session.delete(ann)
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert inspect(ann).persistent
    assert session.in_transaction()
    assert ann.name == "Ann"


def test_released_work_belongs_to_the_outer_transaction(session):
    with session.begin_nested():
        bo = library.Author(id=2, name="Bo")
        session.add(bo)
    assert inspect(bo).persistent

    session.rollback()

    assert inspect(bo).transient


def test_session_commit_and_rollback_end_every_level(session):
    session.begin_nested()
    inner = session.begin_nested()
    session.add(library.Author(id=2, name="Bo"))
    session.commit()
    assert not session.in_transaction()
    assert not inner.is_active

    session.begin_nested()
    session.add(library.Author(id=3, name="Cy"))
    session.flush()
    session.rollback()

    assert not session.in_transaction()
    assert names(session) == ["Ann", "Bo"]


def test_outer_handle_ends_the_inner_one_too(session):
    outer = session.begin_nested()
    inner = session.begin_nested()
    session.add(library.Author(id=2, name="Bo"))
    outer.commit()
    assert not inner.is_active
    outer = session.begin_nested()
    session.begin_nested()
    session.add(library.Author(id=3, name="Cy"))
    session.flush()
    outer.rollback()

    assert names(session) == ["Ann", "Bo"]


def test_failure_inside_a_savepoint_spares_the_outer_transaction(session):
    session.add(library.Author(id=2, name="Bo"))
    with pytest.raises(exc.IntegrityError), session.begin_nested():
        session.add(library.Author(id=3, name=None))

    session.commit()

    assert names(session) == ["Ann", "Bo"]


def test_autobegin_can_be_forbidden(bound):
    session = Session(bound, autobegin=False)

    with pytest.raises(exc.InvalidRequestError, match="Autobegin is disabled"):
        session.execute(text("SELECT 1"))
    with session.begin():
        session.execute(text("SELECT 1"))
    with pytest.raises(exc.InvalidRequestError, match="Autobegin is disabled"):
        session.add(library.Author(name="Ann"))
    session.begin_nested()
    assert session.in_nested_transaction()


@pytest.mark.parametrize(
    ("mode", "after_commit", "after_rollback"),
    [
        ("conditional_savepoint", True, False),
        ("rollback_only", True, False),
        ("create_savepoint", True, True),
        ("control_fully", False, False),
    ],
)
def test_outside_transaction_is_ended_as_the_mode_says(bound, mode, after_commit, after_rollback):
    for end, is_active in (("commit", after_commit), ("rollback", after_rollback)):
        with bound.connect() as connection:
            outside = connection.begin()
            session = Session(connection, join_transaction_mode=mode)
            session.add(library.Author(name="Ann"))
            session.flush()
            getattr(session, end)()

            assert outside.is_active is is_active
            assert not connection.closed
            connection.rollback()


def test_connections_of_a_transaction_are_listed(session):
    root = session.begin()
    with pytest.raises(exc.InvalidRequestError, match="has not acquired a connection"):
        root.bound_connection()
    connection = session.connection()

    assert root.connections == frozenset([connection])
    assert root.bound_connection() is connection
    assert session.connection() is connection


def test_options_come_too_late_for_an_established_connection(session):
    session.connection()

    with pytest.warns(exc.SAWarning, match="already established"):
        session.connection(execution_options={"logging_token": "x"})
