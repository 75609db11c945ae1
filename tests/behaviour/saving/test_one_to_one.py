"""One-to-one with the foreign key on the other side: the former partner loses the key."""

import pytest
from sqlalchemy import ForeignKey, select

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, relationship
from holdfast.attributes import get_history


class Base(DeclarativeBase):
    pass


class Jack(Base):
    __tablename__ = "jack"
    id: Mapped[int] = mapped_column(primary_key=True)
    port: Mapped["Port | None"] = relationship()


class Port(Base):
    __tablename__ = "port"
    id: Mapped[int] = mapped_column(primary_key=True)
    jack_id: Mapped[int | None] = mapped_column(ForeignKey("jack.id"))


@pytest.fixture
def session(engine, tables):
    tables(Base.metadata)
    with Session(engine) as session:
        session.add(Jack(id=1, port=Port(id=1)))
        session.commit()
        yield session


def keys(session):
    return dict(session.execute(select(Port.id, Port.jack_id)).all())


def test_a_partner_replaced_without_having_been_loaded_loses_its_key(session):
    session.get_one(Jack, 1).port = Port(id=2)
    session.commit()

    assert keys(session) == {1: None, 2: 1}


@pytest.mark.parametrize("loaded", [True, False])
def test_a_partner_set_to_none_loses_its_key(session, loaded):
    jack = session.get_one(Jack, 1)
    if loaded:
        assert jack.port.id == 1
    jack.port = None
    session.commit()

    assert keys(session) == {1: None}


@pytest.mark.parametrize("loaded", [True, False])
def test_a_deleted_partner_attribute_empties_the_key(session, loaded):
    jack = session.get_one(Jack, 1)
    if loaded:
        assert jack.port.id == 1
    del jack.port
    session.commit()

    assert keys(session) == {1: None}


def test_a_new_object_without_partner_is_saved(session):
    session.add(Jack(id=2, port=None))
    session.commit()

    assert session.get_one(Jack, 2).port is None


def test_a_jack_whose_partner_was_set_to_none_can_be_deleted(session):
    jack = session.get_one(Jack, 1)
    jack.port = None
    session.delete(jack)
    session.commit()

    assert keys(session) == {1: None}


def test_a_partner_replaced_while_all_is_expired_loses_its_key(session):
    jack = session.get_one(Jack, 1)
    session.expire(jack)
    jack.port = Port(id=2)
    session.commit()

    assert keys(session) == {1: None, 2: 1}


def test_asking_for_the_former_partner_does_not_flush_the_new_one(session):
    jack, former = session.get_one(Jack, 1), session.get_one(Port, 1)
    jack.port = Port(id=2)

    assert get_history(jack, "port") == ([jack.port], (), [former])
    assert jack.port in session.new
