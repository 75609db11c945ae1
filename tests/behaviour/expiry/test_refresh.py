"""Values read anew on request: `refresh`."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import ForeignKey, event, inspect, select, text
from sqlalchemy.exc import ArgumentError, InvalidRequestError

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    make_transient_to_detached,
    mapped_column,
    relationship,
    undefer,
)
from holdfast.exc import ObjectDeletedError
from models.library import Author


class Base(DeclarativeBase):
    pass


class House(Base):
    __tablename__ = "house"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    plan: Mapped[str] = mapped_column(deferred=True)
    joined: Mapped[list[Room]] = relationship(lazy="joined", viewonly=True)
    selectin: Mapped[list[Room]] = relationship(lazy="selectin", viewonly=True)
    subquery: Mapped[list[Room]] = relationship(lazy="subquery", viewonly=True)
    immediate: Mapped[list[Room]] = relationship(lazy="immediate", viewonly=True)
    select: Mapped[list[Room]] = relationship(viewonly=True)
    rooms: Mapped[list[Room]] = relationship()


class Room(Base):
    __tablename__ = "room"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    house_id: Mapped[int] = mapped_column(ForeignKey("house.id"))


class Garden(Base):
    __tablename__ = "garden"

    id: Mapped[int] = mapped_column(primary_key=True)
    # "all" contains refresh-expire.
    trees: Mapped[list[Tree]] = relationship(cascade="all", order_by="Tree.id")


class Tree(Base):
    __tablename__ = "tree"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    garden_id: Mapped[int] = mapped_column(ForeignKey("garden.id"))


EAGER = ["joined", "selectin", "subquery", "immediate"]


@pytest.fixture
def house(session: Session, tables: Any, sql: Any) -> House:
    tables(Base.metadata)
    session.add(House(id=1, name="red", plan="p", rooms=[Room(id=1, name="hall")]))
    session.commit()
    house = session.get_one(House, 1)
    sql.clear()
    return house


@pytest.mark.rule("SM-120")
def test_refresh_reads_the_row_and_all_columns(session, ann, sql):
    session.execute(text("UPDATE author SET name = 'Anna', email = 'anna@x'"))
    sql.clear()

    session.refresh(ann)

    assert len(sql) == 1
    assert (vars(ann)["name"], vars(ann)["email"]) == ("Anna", "anna@x")


@pytest.mark.rule("SM-121", "SM-120")
def test_refresh_loses_changes_of_the_object_and_flushes_those_of_others(session, ann, sql):
    book = ann.books[0]
    ann.name, book.title = "Anna", "new"

    session.refresh(ann)

    assert ann.name == "Ann"
    assert [each.split()[0] for each in sql.emitted] == ["UPDATE", "SELECT"]
    assert sql.emitted[0].startswith("UPDATE book")
    assert book not in session.dirty


@pytest.mark.rule("SM-122", "SM-120", "SM-126")
def test_refresh_loads_eager_relationships_and_leaves_lazy_and_deferred(session, house, sql):
    assert house.select
    assert house.plan == "p"
    for key in EAGER:
        assert getattr(house, key)
    session.execute(text("INSERT INTO room (id, name, house_id) VALUES (2, 'bath', 1)"))

    session.refresh(house)

    assert {key: len(vars(house)[key]) for key in EAGER} == dict.fromkeys(EAGER, 2)
    assert inspect(house).unloaded == {"plan", "select", "rooms"}


@pytest.mark.rule("SM-120", "LD-90")
def test_refresh_loads_a_deferred_column_that_an_option_has_loaded(session, house, sql):
    session.expunge_all()
    house = session.scalars(select(House).options(undefer(House.plan))).unique().one()
    assert vars(house)["plan"] == "p"
    session.execute(text("UPDATE house SET plan = 'q'"))

    session.refresh(house)

    assert vars(house)["plan"] == "q"


@pytest.mark.rule("SM-123")
def test_refresh_of_names_reads_these_alone(session, ann, sql):
    session.execute(text("UPDATE author SET name = 'Anna', email = 'anna@x'"))
    sql.clear()

    session.refresh(ann, ["name"])

    assert len(sql) == 1
    assert (ann.name, ann.email) == ("Anna", "ann@x")


@pytest.mark.rule("SM-123")
def test_refresh_of_names_loads_relationships_and_deferred_columns_at_once(session, house, sql):
    assert inspect(house).unloaded >= {"plan", "select"}

    session.refresh(house, ["plan", "select", "name"])

    assert len(sql) == 2
    assert vars(house)["plan"] == "p"
    assert len(vars(house)["select"]) == 1


@pytest.mark.rule("SM-123")
def test_refresh_of_names_keeps_changes_of_other_attributes_by_flushing_them(session, ann, sql):
    ann.name, ann.email = "Anna", "anna@x"

    session.refresh(ann, ["name"])

    assert (ann.name, ann.email) == ("Ann", "anna@x")
    assert session.scalar(text("SELECT email FROM author")) == "anna@x"


@pytest.mark.rule("SM-124")
def test_refresh_of_a_relationship_alone_reads_the_key_and_the_relationship(session, ann, sql):
    session.execute(text("INSERT INTO book (id, title, author_id) VALUES (3, 'three', 1)"))
    sql.clear()

    session.refresh(ann, ["books"])

    assert len(sql) == 2
    assert "name" not in sql.emitted[0]
    assert [book.title for book in vars(ann)["books"]] == ["one", "two", "three"]


@pytest.mark.rule("SM-125")
def test_refresh_of_no_names_is_a_refresh_of_all(session, ann):
    session.execute(text("UPDATE author SET name = 'Anna'"))

    session.refresh(ann, [])

    assert vars(ann)["name"] == "Anna"
    with pytest.raises(KeyError):
        session.refresh(ann, ["nothing"])


@pytest.mark.rule("SM-127")
def test_refresh_refuses_what_is_not_persistent_here(session, ann, engine):
    pending, detached = Author(name="new"), ann.books[0]
    session.add(pending)
    session.expunge(detached)
    foreign = Author(id=9)
    make_transient_to_detached(foreign)
    with Session(engine) as other:
        other.add(foreign)
        for stranger in (pending, Author(name="newer"), detached, foreign):
            with pytest.raises(InvalidRequestError, match="is not persistent within this Session"):
                session.refresh(stranger)


@pytest.mark.rule("SM-127")
def test_refresh_refuses_deleted_objects_and_missing_rows(session, ann):
    one, two = ann.books
    session.delete(one)
    session.flush()
    with pytest.raises(ObjectDeletedError):
        session.refresh(one)

    session.execute(text("DELETE FROM book WHERE id = 2"))
    with pytest.raises(InvalidRequestError, match="Could not refresh instance"):
        session.refresh(two)


@pytest.mark.rule("SM-128")
@pytest.mark.parametrize("lock", [True, {"read": True}])
def test_refresh_can_lock_the_row(session, ann, lock):
    seen = []
    event.listen(session, "do_orm_execute", lambda state: seen.append(state.statement))

    session.refresh(ann, with_for_update=lock)

    (statement,) = seen
    assert statement._for_update_arg.read is (lock is not True)


@pytest.mark.rule("SM-128")
def test_refresh_refuses_an_empty_lock(session, ann):
    with pytest.raises(ArgumentError):
        session.refresh(ann, with_for_update={})


@pytest.mark.rule("SM-129")
def test_refresh_expires_related_objects_along_the_cascade(session, tables, sql):
    tables(Base.metadata)
    session.add(Garden(id=1, trees=[Tree(name="oak"), Tree(name="elm")]))
    session.commit()
    garden = session.get_one(Garden, 1)
    oak, elm = garden.trees
    assert [oak.name, elm.name] == ["oak", "elm"]
    oak.name = "lost"
    sql.clear()

    session.refresh(garden)

    assert len(sql) == 1
    assert inspect(oak).expired
    assert inspect(elm).expired
    assert oak.name == "oak"
