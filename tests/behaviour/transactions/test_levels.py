"""Commit and rollback: what they do to objects, and how transactions begin."""

import pytest
from sqlalchemy import exc, inspect, select, text

from holdfast import Session, SessionTransactionOrigin
from models import library


def names(session):
    return session.scalars(select(library.Author.name).order_by(library.Author.id)).all()


@pytest.mark.rule("TX-1", "TX-3", "TX-4", "SB-142")
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


@pytest.mark.rule("SB-150", "SB-152")
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


@pytest.mark.rule("SB-162", "SB-163", "SB-164", "SB-166")
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


@pytest.mark.rule("SB-163", "SM-31")
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


@pytest.mark.rule("SB-165")
def test_rollback_gives_changed_keys_back(session):
    ann = session.get(library.Author, 1)
    ann.id = 5
    session.flush()
    assert inspect(ann).identity == (5,)

    session.rollback()

    assert inspect(ann).identity == (1,)
    assert session.get(library.Author, 1) is ann
    assert ann.id == 1


@pytest.mark.rule("SB-165")
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


@pytest.mark.rule("TX-21", "TX-24")
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


@pytest.mark.rule("SB-143", "SB-144")
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
