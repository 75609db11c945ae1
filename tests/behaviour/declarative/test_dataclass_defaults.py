"""What attributes of mapped dataclasses are while `__init__` was not given them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Integer, String, exc, inspect, select

from holdfast import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Session,
    composite,
    declared_attr,
    mapped_column,
    registry,
    relationship,
    synonym,
)


@pytest.fixture
def base() -> Any:
    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    return Base


@pytest.mark.rule("MP-71")
def test_default_of_a_subclass_is_written_though_the_shared_column_has_another(
    base: Any, tables: Any
) -> None:
    class Person(base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        kind: Mapped[str] = mapped_column(init=False)
        rank: Mapped[str] = mapped_column(default="none")
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}

    class Boss(Person):
        rank: Mapped[str] = mapped_column(default="high", use_existing_column=True)
        __mapper_args__ = {"polymorphic_identity": "boss"}

    boss = Boss()
    assert boss.rank == "high"
    assert "rank" not in boss.__dict__
    with Session(tables(base.metadata)) as session:
        session.add_all([Person(), boss])
        session.commit()
        rows = session.execute(select(Person.kind, Person.__table__.c.rank).order_by("kind")).all()
    assert rows == [("boss", "high"), ("person", "none")]


@pytest.mark.rule("MP-71")
@pytest.mark.parametrize("expected", ["currently 7", "currently not set"])
def test_synonym_with_another_default_than_its_target_is_refused(base: Any, expected: str) -> None:
    given = {} if expected.endswith("set") else {"default": 7}
    with pytest.raises(exc.ArgumentError, match=expected):

        class Thing(base):
            __tablename__ = "thing"
            id: Mapped[int] = mapped_column(primary_key=True, init=False)
            size: Mapped[int] = mapped_column(init=False, **given)
            extent: Mapped[int] = synonym("size", default=10)


@pytest.mark.rule("MP-73")
def test_default_of_a_collection_is_refused(base: Any) -> None:
    class Child(base):
        __tablename__ = "child"
        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id: Mapped[int] = mapped_column(ForeignKey("parent.id"))

    with pytest.raises(exc.ArgumentError, match="may only be set for a relationship that refer"):

        class Parent(base):
            __tablename__ = "parent"
            id: Mapped[int] = mapped_column(primary_key=True)
            children: Mapped[list[Child]] = relationship(default=None)


@pytest.mark.rule("MP-70")
def test_arguments_that_a_mapped_dataclass_cannot_have_are_refused() -> None:
    with pytest.raises(TypeError, match="'slots'"):

        @registry().mapped_as_dataclass(slots=True)
        class Thing:
            __tablename__ = "thing"
            id: Mapped[int] = mapped_column(primary_key=True)


@pytest.mark.rule("MP-77")
@pytest.mark.parametrize("wrap", [lambda make: make, declared_attr])
def test_function_in_the_metadata_of_a_mixins_field_makes_a_column_per_class(wrap: Any) -> None:
    @dataclasses.dataclass
    class Named:
        __sa_dataclass_metadata_key__ = "sa"
        name: str = dataclasses.field(default="", metadata={"sa": wrap(lambda: Column(String(20)))})

    made = []
    for table in ("one", "two"):

        @registry().mapped
        @dataclasses.dataclass
        class Thing(Named):
            __tablename__ = table
            id: int = dataclasses.field(
                default=0, metadata={"sa": Column(Integer, primary_key=True)}
            )

        made.append(inspect(Thing).columns.name)

    assert made[0] is not made[1]
    assert [column.table.name for column in made] == ["one", "two"]


@dataclasses.dataclass
class Point:
    x: int
    y: int


@pytest.mark.rule("MP-95")
def test_value_object_is_there_when_its_row_is_loaded(tables: Any) -> None:
    class Base(DeclarativeBase):
        pass

    class Corner(Base):
        __tablename__ = "corner"
        id: Mapped[int] = mapped_column(primary_key=True)
        at: Mapped[Point] = composite(mapped_column("x"), mapped_column("y"))

    with Session(tables(Base.metadata)) as session:
        session.add(Corner(id=1, at=Point(1, 2)))
        session.commit()
        session.expunge_all()

        loaded = session.scalars(select(Corner)).one()
        assert loaded.__dict__["at"] == Point(1, 2)
        session.commit()
        assert "at" not in loaded.__dict__
        session.scalars(select(Corner)).one()
        assert loaded.__dict__["at"] == Point(1, 2)
