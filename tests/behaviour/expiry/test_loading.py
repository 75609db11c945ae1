"""What the first access to an expired attribute loads."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import ForeignKey, inspect, select

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    defer,
    lazyload,
    mapped_column,
    relationship,
    selectinload,
    undefer,
)
from models import company
from models.library import Author


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    room: Mapped[str]
    photo: Mapped[str] = mapped_column(deferred=True)
    width: Mapped[int] = mapped_column(deferred=True, deferred_group="size")
    height: Mapped[int] = mapped_column(deferred=True, deferred_group="size")
    items: Mapped[list[Item]] = relationship(lazy="joined", order_by="Item.id")
    lazy: Mapped[list[Item]] = relationship(viewonly=True, order_by="Item.id")


class Item(Base):
    __tablename__ = "item"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelf.id"))
    parts: Mapped[list[Part]] = relationship(order_by="Part.id")


class Part(Base):
    __tablename__ = "part"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))


COLUMNS = {"id", "name", "room"}


@pytest.fixture
def shelf(session: Session, tables: Any, sql: Any) -> Shelf:
    tables(Base.metadata)
    items = [Item(name="a", parts=[Part(), Part()]), Item(name="b", parts=[Part()])]
    session.add(Shelf(id=1, name="left", room="hall", photo="p", width=2, height=3, items=items))
    session.commit()
    session.expunge_all()
    shelf = session.get_one(Shelf, 1)
    sql.clear()
    return shelf


def loaded(obj: object) -> set[str]:
    return vars(obj).keys() - {"_sa_instance_state"}


@pytest.mark.rule("SM-140 all, a column")
@pytest.mark.parametrize("how", ["expire", "commit", "rollback"])
def test_a_column_of_a_wholly_expired_object_brings_the_row_and_eager_relationships(
    session, shelf, sql, how
):
    assert shelf.lazy
    getattr(session, how)(*([shelf] if how == "expire" else []))
    sql.clear()

    assert shelf.name == "left"

    assert len(sql) == 1
    assert "JOIN item" in sql.emitted[0]
    assert loaded(shelf) == {*COLUMNS, "items"}


@pytest.mark.rule("SM-140 all, a lazy relationship")
def test_a_lazy_relationship_of_a_wholly_expired_object_brings_both(session, shelf, sql):
    session.expire(shelf)

    assert [item.name for item in shelf.lazy] == ["a", "b"]

    assert len(sql) == 2
    assert loaded(shelf) == {*COLUMNS, "items", "lazy"}


@pytest.mark.rule("SM-140 one column")
def test_one_expired_column_loads_alone(session, shelf, sql):
    session.expire(shelf, ["name"])

    assert shelf.name == "left"

    assert len(sql) == 1
    assert "room" not in sql.emitted[0]
    assert "item" not in sql.emitted[0]


@pytest.mark.rule("SM-140 several columns")
def test_several_expired_columns_load_together(session, shelf, sql):
    session.expire(shelf, ["name", "room"])

    assert shelf.room == "hall"
    assert shelf.name == "left"

    assert len(sql) == 1


@pytest.mark.rule("SM-140 several columns", "SM-140 deferred column, unloaded")
def test_a_deferred_column_that_was_expired_with_others_is_deferred_again(session, shelf, sql):
    assert shelf.photo == "p"
    session.expire(shelf, ["name", "photo"])
    sql.clear()

    assert shelf.name == "left"
    assert "photo" not in vars(shelf)
    assert shelf.photo == "p"

    assert len(sql) == 2


@pytest.mark.rule("SM-140 several columns", "SM-143")
def test_a_column_deferred_by_an_option_loads_with_the_others_once_it_expired(session, shelf, sql):
    session.expunge_all()
    shelf = session.scalars(select(Shelf).options(defer(Shelf.room))).unique().one()
    session.expire(shelf, ["name", "room"])
    sql.clear()

    assert shelf.name == "left"
    assert vars(shelf)["room"] == "hall"

    assert len(sql) == 1


@pytest.mark.rule("SM-140 column and relationship")
def test_a_column_leaves_an_expired_relationship_expired(session, shelf, sql):
    session.expire(shelf, ["name", "items"])

    assert shelf.name == "left"

    assert len(sql) == 1
    assert "items" not in vars(shelf)


@pytest.mark.rule("SM-140 relationship only", "SM-141")
def test_an_expired_relationship_loads_alone_and_lazily(session, shelf, sql):
    session.expire(shelf, ["items"])

    assert shelf.name == "left"
    assert len(sql) == 0

    assert [item.name for item in shelf.items] == ["a", "b"]
    assert len(sql) == 1
    assert "JOIN" not in sql.emitted[0]


@pytest.mark.rule("SM-140 deferred column, unloaded")
def test_a_deferred_column_loads_alone_or_with_its_group(session, shelf, sql):
    assert shelf.photo == "p"
    assert len(sql) == 1
    assert loaded(shelf) == {*COLUMNS, "items", "photo"}
    sql.clear()

    assert (shelf.width, shelf.height) == (2, 3)
    assert len(sql) == 1


@pytest.mark.rule("SM-140 subclass column, joined inheritance")
def test_a_column_of_a_subclass_loads_from_its_table_alone(session, tables, sql):
    tables(company.Base.metadata)
    session.add(company.Engineer(id=1, name="Eve", language="c"))
    session.commit()
    eve = session.get_one(company.Engineer, 1)
    session.expire(eve, ["language"])
    sql.clear()

    assert eve.language == "c"

    assert len(sql) == 1
    assert "FROM engineer" in sql.emitted[0]
    assert "person" not in sql.emitted[0]


@pytest.mark.rule("SM-140 subclass column, joined inheritance")
def test_columns_of_a_base_row_load_with_one_select_of_the_rest(session, tables, sql):
    tables(company.Base.metadata)
    session.add(company.Boss(id=1, name="Bo", level=3, car="red"))
    session.commit()
    session.expunge_all()
    boss = session.scalars(select(company.Person)).one()
    assert inspect(boss).unloaded >= {"level", "car"}
    sql.clear()

    assert (boss.level, boss.car) == (3, "red")

    assert len(sql) == 1
    assert "FROM person" not in sql.emitted[0]


@pytest.mark.rule("SM-140 all, a column")
def test_an_expired_object_of_a_hierarchy_loads_from_all_its_tables(session, tables, sql):
    tables(company.Base.metadata)
    session.add(company.Boss(id=1, name="Bo", level=3, car="red"))
    session.commit()
    boss = session.scalars(select(company.Person)).one()
    session.expire(boss)
    sql.clear()

    assert (boss.name, boss.level, boss.car) == ("Bo", 3, "red")

    assert len(sql) == 1


@pytest.mark.rule("SM-142")
def test_a_query_of_the_object_fills_what_is_expired(session, ann, sql):
    session.expire(ann)
    session.execute(select(Author.name))
    assert inspect(ann).expired
    sql.clear()

    assert session.scalars(select(Author)).one() is ann

    assert loaded(ann) == {"id", "name", "email"}
    assert len(sql) == 1


@pytest.mark.rule("SM-143")
@pytest.mark.parametrize("how", ["expire", "commit"])
def test_deferring_by_an_option_ends_with_a_full_expiry(session, shelf, sql, how):
    session.expunge_all()
    query = select(Shelf).options(defer(Shelf.name), undefer(Shelf.photo), lazyload(Shelf.items))
    shelf = session.scalars(query).one()
    assert loaded(shelf) == {"id", "room", "photo"}

    getattr(session, how)(*([shelf] if how == "expire" else []))
    assert shelf.room == "hall"

    assert {"id", "room", "name"} <= loaded(shelf)
    assert "photo" not in loaded(shelf)


@pytest.mark.rule("SM-144")
def test_options_below_a_lazy_relationship_apply_again_after_expiry(session, shelf, sql):
    session.expunge_all()
    query = select(Shelf).options(lazyload(Shelf.lazy).selectinload(Item.parts))
    shelf = session.scalars(query).unique().one()
    for _ in range(2):
        session.expire_all()
        assert shelf.name == "left"
        sql.clear()
        for item in shelf.items:
            session.expire(item)

        assert [len(vars(item)["parts"]) for item in shelf.lazy] == [2, 1]

        assert len(sql) == 2


@pytest.mark.rule("SM-144")
def test_an_eager_option_applies_again_to_a_wholly_expired_object(session, ann, sql):
    session.expunge_all()
    ann = session.scalars(select(Author).options(selectinload(Author.books))).one()
    session.expire(ann)
    sql.clear()

    assert ann.name == "Ann"

    assert len(vars(ann)["books"]) == 2
    assert len(sql) == 2
