from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import ForeignKey, exc, select

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    polymorphic_union,
    registry,
    selectinload,
    with_polymorphic,
)
from models.company import Boss, Company, Engineer, Manager, Person


@pytest.mark.rule("LD-180")
@pytest.mark.parametrize("how", [{}, {"aliased": True}, {"flat": True}])
def test_columns_of_subclasses_come_in_the_same_select(
    session: Session, sql: Any, how: dict[str, bool]
) -> None:
    staff = with_polymorphic(Person, "*", **how)
    found = {each.id: each for each in session.scalars(select(staff).order_by(staff.id))}

    assert (found[4].car, found[4].level, found[2].language, found[5].school) == (
        "red",
        9,
        "sql",
        "eton",
    )
    assert len(sql) == 1


@pytest.mark.rule("LD-180")
def test_attributes_of_subclasses_stand_under_the_class(session: Session) -> None:
    staff = with_polymorphic(Person, [Engineer, Boss])
    statement = select(staff.name).where(
        (staff.Engineer.language == "sql") | (staff.Boss.car == "red")
    )
    assert session.scalars(statement.order_by(staff.id)).all() == ["eve", "bob"]


def test_an_inner_join_leaves_other_classes_out(session: Session) -> None:
    staff = with_polymorphic(Person, [Manager], innerjoin=True)
    assert [each.name for each in session.scalars(select(staff).order_by(staff.id))] == [
        "max",
        "bob",
    ]


def test_a_class_of_another_hierarchy_is_refused() -> None:
    with pytest.raises(exc.InvalidRequestError, match="does not inherit from"):
        with_polymorphic(Engineer, [Manager])


@pytest.mark.rule("LD-183")
@pytest.mark.parametrize("option", [joinedload, selectinload])
def test_eager_loading_of_a_polymorphic_target(session: Session, sql: Any, option: Any) -> None:
    staff = with_polymorphic(Person, "*", flat=True)
    statement = select(Company).options(
        option(Company.staff.of_type(staff)).joinedload(staff.Engineer.machines)
    )
    company = session.scalars(statement).unique().one()
    sql.clear()
    eve, bob = company.staff[1], company.staff[3]
    assert isinstance(eve, Engineer)
    assert isinstance(bob, Boss)
    assert (eve.language, bob.car, [each.name for each in eve.machines]) == ("sql", "red", ["pc"])
    assert len(sql) == 0


@pytest.mark.rule("LD-181")
def test_a_hierarchy_in_one_table_is_selected_whole(engine: Any, sql: Any) -> None:
    class Local(DeclarativeBase):
        pass

    class Ship(Local):
        __tablename__ = "ship"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "ship"}

    class Tanker(Ship):
        load: Mapped[int | None]
        __mapper_args__ = {"polymorphic_identity": "tanker"}

    class Ferry(Ship):
        seats: Mapped[int | None]
        __mapper_args__ = {"polymorphic_identity": "ferry"}

    Local.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Ship(id=1), Tanker(id=2, load=7), Ferry(id=3, seats=9)])
        session.commit()
        session.expunge_all()
        sql.clear()
        ships = with_polymorphic(Ship, [Tanker])

        found = session.scalars(select(ships).order_by(ships.id)).all()

        assert [type(ship) for ship in found] == [Ship, Tanker, Ferry]
        assert found[1].__dict__["load"] == 7
        assert "seats" not in found[2].__dict__
        assert session.scalars(select(ships.id).where(ships.Tanker.load == 7)).all() == [2]
        assert "JOIN" not in " ".join(sql.emitted)


class Base(DeclarativeBase):
    pass


class Shape(Base):
    __tablename__ = "shape"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "shape"}


class Circle(Shape):
    __tablename__ = "circle"

    id: Mapped[int] = mapped_column(ForeignKey("shape.id"), primary_key=True)
    radius: Mapped[int]
    __mapper_args__ = {"polymorphic_identity": "circle", "polymorphic_load": "inline"}


def test_inline_subclasses_are_part_of_every_query(engine: Any, sql: Any) -> None:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Shape(), Circle(radius=3)])
        session.commit()
        session.expunge_all()
        sql.clear()
        _, circle = session.scalars(select(Shape).order_by(Shape.id)).all()
        assert isinstance(circle, Circle)
        assert circle.radius == 3
        assert len(sql) == 1
        assert session.scalars(select(Shape.id)).all() == [1, 2]


def test_a_union_of_tables_may_be_what_is_selected_from(session: Session, sql: Any) -> None:
    people, engineers = Person.__table__, Engineer.__table__
    union = polymorphic_union(
        {
            "engineer": people.join(engineers, people.c.id == engineers.c.id),
            "person": people.select().where(people.c.kind == "person"),
        },
        None,
        "everybody",
    )
    mapping = registry()

    class Member:
        name: str

    class Coder(Member):
        language: str

    mapping.map_imperatively(
        Member,
        people,
        polymorphic_on=people.c.kind,
        polymorphic_identity="person",
        with_polymorphic=("*", union),
        exclude_properties=["company_id"],
    )
    mapping.map_imperatively(
        Coder,
        engineers,
        inherits=Member,
        polymorphic_identity="engineer",
        inherit_condition=engineers.c.id == people.c.id,
    )
    statement = select(Member).where(Member.name != "zoe").order_by(Member.name)  # type: ignore[arg-type]
    coder, member = session.scalars(statement).all()
    assert (type(coder), coder.language) == (Coder, "sql")  # type: ignore[attr-defined]
    assert (type(member), member.name) == (Member, "pam")
    assert len(sql) == 1
    mapping.dispose()


@pytest.mark.rule("LD-180", "LD-51")
def test_inner_joined_relationship_of_a_subclass_keeps_rows_of_other_classes(
    session: Session, sql: Any
) -> None:
    staff = with_polymorphic(Person, [Engineer])
    query = select(staff).options(joinedload(staff.Engineer.machines, innerjoin=True))

    found = session.scalars(query.order_by(staff.id)).unique().all()

    assert [each.id for each in found] == [1, 2, 3, 4, 5]
    assert [machine.name for machine in found[1].machines] == ["pc"]
    assert len(sql) == 1


@pytest.mark.rule("MP-146", "LD-180")
def test_parts_of_one_alias_see_the_rows_of_both() -> None:
    class Base(DeclarativeBase):
        pass

    class Animal(Base):
        __tablename__ = "animal"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}

    class Dog(Animal):
        __mapper_args__ = {"polymorphic_identity": "dog"}

    class Cat(Animal):
        __mapper_args__ = {"polymorphic_identity": "cat"}

    animals = with_polymorphic(Animal, [Dog, Cat])
    both = select(animals.Dog.id, animals.Cat.id).compile(compile_kwargs={"literal_binds": True})
    alone = select(animals.Dog.id).compile(compile_kwargs={"literal_binds": True})
    all_ = str(select(animals.id, animals.Cat.id))

    assert "IN ('dog', 'cat')" in str(both)
    assert "IN ('dog')" in str(alone)
    assert "WHERE" not in all_
