"""Changes that are forgotten leave nothing behind that a later flush would act upon."""

import pytest
from sqlalchemy import select

from holdfast import Session
from models import shop


@pytest.fixture
def session(engine, tables):
    tables(shop.Base.metadata)
    with Session(engine) as session:
        order = shop.Order(id=1, customer="Cy", lines=[shop.Line(number=1, product="pen")])
        order.notes["a"] = shop.Note(id=1, kind="a")
        session.add(order)
        session.commit()
        yield session


def roll_back(session, order):
    session.rollback()


def expire(session, order):
    session.expire(order)


def expire_attribute(session, order):
    session.expire(order, ["notes"])


def refresh(session, order):
    session.refresh(order)


def expire_all(session, order):
    session.expire_all()


@pytest.mark.rule("SM-110", "SM-160")
@pytest.mark.parametrize("forget", [roll_back, expire, expire_attribute, refresh, expire_all])
def test_member_whose_removal_was_forgotten_is_no_orphan(session, forget):
    order = session.get(shop.Order, 1)
    note = order.notes.pop("a")

    forget(session, order)
    note.text = "changed"
    session.commit()

    assert session.scalars(select(shop.Note.text)).all() == ["changed"]
    assert order.notes == {"a": note}


@pytest.mark.rule("SM-160")
def test_member_whose_removal_a_savepoint_took_back_is_no_orphan(session):
    order = session.get(shop.Order, 1)
    nested = session.begin_nested()
    note = order.notes.pop("a")

    nested.rollback()
    note.text = "changed"
    session.commit()

    assert session.scalars(select(shop.Note.text)).all() == ["changed"]


@pytest.mark.rule("SM-110")
def test_member_whose_move_was_forgotten_can_be_removed_where_it_is(session):
    order, other = session.get(shop.Order, 1), shop.Order(id=2, customer="Di")
    session.add(other)
    session.commit()
    note = order.notes["a"]
    other.notes["a"] = note
    session.expire(other)

    del order.notes["a"]
    session.commit()

    assert session.scalars(select(shop.Note)).all() == []
