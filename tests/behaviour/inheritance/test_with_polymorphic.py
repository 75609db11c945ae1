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
