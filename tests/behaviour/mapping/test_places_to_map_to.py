"""Classes mapped to joins and queries, and tables that do not say enough."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, func, select
from sqlalchemy.exc import SAWarning

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, registry
from holdfast.errors.flush import FlushError


@pytest.fixture
def people() -> Table:
    return Table(
        "person",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("name", String(20)),
        Column("town", String(20)),
    )


@pytest.mark.rule("MP-122", "MP-123")
def test_class_mapped_to_a_subquery_is_written_to_the_table(people: Any, tables: Any) -> None:
    class Person:
        pass

    registry().map_imperatively(Person, select(people).where(people.c.town == "Ulm").subquery())
    with Session(tables(people.metadata)) as session:
        person = Person(id=1, name="Ada", town="Ulm")
        session.add_all([person, Person(id=2, name="Bo", town="Bonn")])
        session.commit()

        assert session.scalars(select(Person)).all() == [person]
        assert session.execute(select(func.count()).select_from(people)).scalar_one() == 2


@pytest.mark.rule("MP-122", "MP-123")
def test_object_of_a_class_mapped_to_an_aggregate_is_refused_before_any_sql(
    people: Any, tables: Any, sql: Any
) -> None:
    class Town:
        pass

    query = select(people.c.town, func.count().label("size")).group_by(people.c.town).subquery()
    registry().map_imperatively(Town, query, primary_key=[query.c.town])
    with Session(tables(people.metadata)) as session:
        session.execute(people.insert(), [{"id": 1, "town": "Ulm"}, {"id": 2, "town": "Ulm"}])
        town = session.scalars(select(Town)).one()
        assert (town.town, town.size) == ("Ulm", 2)
        sql.clear()
        session.add(Town(town="Bonn", size=1))

        with pytest.raises(FlushError, match="what it is mapped to is a query"):
            session.flush()
        assert len(sql) == 0


def test_subclass_table_without_primary_key_warns() -> None:
    class Base(DeclarativeBase):
        pass

    class Parent(Base):
        __tablename__ = "parent"
        id: Mapped[int] = mapped_column(primary_key=True)

    child = Table("child", Base.metadata, Column("id", ForeignKey("parent.id")))

    with pytest.warns(SAWarning, match="Could not assemble any primary keys"):

        class Child(Parent):
            __table__ = child


def test_key_columns_that_share_an_attribute_and_are_not_equal_warn() -> None:
    metadata = MetaData()
    person = Table("person", metadata, Column("id", Integer, primary_key=True))
    staff = Table(
        "staff",
        metadata,
        Column("nr", Integer, primary_key=True),
        Column("person_id", ForeignKey("person.id"), primary_key=True),
    )

    class Person:
        pass

    class Employee(Person):
        pass

    mappers = registry()
    mappers.map_imperatively(Person, person)
    mappers.map_imperatively(
        Employee,
        staff,
        inherits=Person,
        properties={"id": [staff.c.nr, person.c.id]},
        primary_key=[person.c.id, staff.c.nr],
    )
    with pytest.warns(SAWarning, match="is being combined with distinct primary key column"):
        mappers.configure()


@pytest.mark.rule("MP-147")
def test_column_of_a_single_table_subclass_is_none_of_its_siblings() -> None:
    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}

    class Engineer(Person):
        __mapper_args__ = {"polymorphic_identity": "engineer"}
        language: Mapped[str | None]

    class Manager(Person):
        __mapper_args__ = {"polymorphic_identity": "manager"}
        level: Mapped[int | None]

    assert "language" in Person.__table__.c
    assert not hasattr(Manager, "language")
    assert not hasattr(Person, "level")


@pytest.mark.rule("MP-20")
def test_class_with_two_mapped_bases_is_refused() -> None:
    class Base(DeclarativeBase):
        pass

    class One(Base):
        __tablename__ = "one"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Two(Base):
        __tablename__ = "two"
        id: Mapped[int] = mapped_column(primary_key=True)

    with pytest.raises(Exception, match="has multiple mapped bases"):

        class Both(One, Two):
            pass
