"""Classes that inherit from each other and have tables of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Column, Engine, ForeignKey, Integer, MetaData, String, Table, exc, select

from holdfast import (
    AbstractConcreteBase,
    ConcreteBase,
    DeclarativeBase,
    Mapped,
    Session,
    configure_mappers,
    declared_attr,
    joinedload,
    mapped_column,
    polymorphic_union,
    registry,
    relationship,
)
from holdfast.errors.attributes import AttributeAccessError
from holdfast.exc import UnmappedClassError

Tables = Callable[[MetaData], Engine]


@pytest.fixture
def model() -> Any:
    class Base(DeclarativeBase):
        pass

    class Employee(ConcreteBase, Base):
        __tablename__ = "employee"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        nickname: Mapped[str | None]
        __mapper_args__ = {"polymorphic_identity": "employee", "concrete": True}

    class Manager(Employee):
        __tablename__ = "manager"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        level: Mapped[int]
        __mapper_args__ = {"polymorphic_identity": "manager", "concrete": True}

    return Base, Employee, Manager


@pytest.mark.rule("MP-155", "MP-140")
def test_query_for_a_concrete_base_finds_the_objects_of_all_its_tables(
    model: Any, tables: Tables, sql: Any
) -> None:
    base, employee, manager = model
    with Session(tables(base.metadata)) as session:
        session.add_all([employee(id=1, name="pam"), manager(id=1, name="max", level=3)])
        session.commit()
        sql.clear()

        found = session.scalars(select(employee).order_by(employee.name)).all()

        assert [type(each) for each in found] == [manager, employee]
        assert [each.name for each in found] == ["max", "pam"]
        assert found[0].level == 3
        assert len(sql) == 1
        assert session.scalars(select(manager)).all() == [found[0]]
        assert session.query(employee).count() == 2
        session.expunge_all()
        with pytest.raises(exc.MultipleResultsFound, match="several with the key"):
            session.get(employee, 1)
        assert session.get_one(manager, 1).name == "max"
        found = session.scalars(select(manager)).all()
        names = select(select(employee).where(employee.name == "max").subquery().c.name)
        assert session.scalars(names).all() == ["max"]


@pytest.mark.rule("MP-155")
def test_attribute_of_the_base_that_a_concrete_class_does_not_map_raises(model: Any) -> None:
    _, employee, manager = model
    configure_mappers()
    max_ = manager(id=1, name="max", level=3)

    for use in (
        lambda: max_.nickname,
        lambda: setattr(max_, "nickname", "m"),
        lambda: delattr(max_, "nickname"),
        lambda: manager(nickname="m"),
    ):
        with pytest.raises(AttributeAccessError, match=r"does not implement attribute 'nickname'"):
            use()
    assert employee(nickname="p").nickname == "p"


@pytest.fixture
def abstract() -> Any:
    class Base(DeclarativeBase):
        pass

    class Company(Base):
        __tablename__ = "company"
        id: Mapped[int] = mapped_column(primary_key=True)
        staff: Mapped[list[Employee]] = relationship(
            back_populates="company", order_by="Employee.name"
        )

    class Employee(AbstractConcreteBase, Base):
        strict_attrs = True
        name: Mapped[str]

        @declared_attr
        def company_id(cls) -> Mapped[int | None]:
            return mapped_column(ForeignKey("company.id"))

        @declared_attr
        def company(cls) -> Mapped[Company | None]:
            return relationship(Company, back_populates="staff")

    class Manager(Employee):
        __tablename__ = "manager"
        id: Mapped[int] = mapped_column(primary_key=True)
        level: Mapped[int]
        __mapper_args__ = {"polymorphic_identity": "manager", "concrete": True}

    class Engineer(Employee):
        __tablename__ = "engineer"
        id: Mapped[int] = mapped_column(primary_key=True)
        language: Mapped[str]
        __mapper_args__ = {"polymorphic_identity": "engineer", "concrete": True}

    Company.__annotations__["staff"] = list[Employee]
    return Base, Company, Employee, Manager, Engineer


@pytest.mark.rule("MP-155")
def test_abstract_concrete_base_stands_for_its_subclasses(
    abstract: Any, tables: Tables, sql: Any
) -> None:
    base, company, employee, manager, engineer = abstract
    with pytest.raises(UnmappedClassError, match="mapping pending until all subclasses"):
        Session().query(employee)

    configure_mappers()
    with Session(tables(base.metadata)) as session:
        acme = company(id=1)
        acme.staff = [manager(name="max", level=1), engineer(name="eve", language="c")]
        session.add(acme)
        session.commit()
        session.expunge_all()
        sql.clear()

        found = session.scalars(select(employee).order_by(employee.name)).all()
        assert [(type(each), each.name) for each in found] == [(engineer, "eve"), (manager, "max")]
        assert found[1].level == 1
        assert len(sql) == 1
        assert not hasattr(employee, "level")
        session.expunge_all()
        acme = session.scalars(select(company).options(joinedload(company.staff))).unique().one()
        assert [type(each) for each in acme.staff] == [engineer, manager]
        assert acme.staff[0].company is acme
    with pytest.raises(exc.InvalidRequestError, match="Can't instantiate class"):
        employee()


@pytest.mark.rule("MP-156")
def test_relationship_of_the_base_is_not_inherited_by_a_concrete_class() -> None:
    class Base(DeclarativeBase):
        pass

    class Place(Base):
        __tablename__ = "place"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Person(Base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        place_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"))
        place: Mapped[Place | None] = relationship()

    class Guest(Person):
        __tablename__ = "guest"
        id: Mapped[int] = mapped_column(primary_key=True)
        __mapper_args__ = {"concrete": True}

    class Member(Person):
        pass

    configure_mappers()
    assert Member(place=Place()).place is not None
    with pytest.raises(AttributeError, match="'place'"):
        Guest(place=Place())


@pytest.mark.rule("MP-155")
@pytest.mark.parametrize("cast_nulls", [True, False])
def test_union_of_tables_that_stand_alone_is_made_by_hand(
    tables: Tables, sql: Any, cast_nulls: bool
) -> None:
    metadata = MetaData()
    robot, drone = (
        Table(
            name,
            metadata,
            Column("id", Integer, primary_key=True),
            Column("name", String(20)),
            Column(value, Integer),
        )
        for name, value in (("robot", "arms"), ("drone", "height"))
    )
    union = polymorphic_union(
        {"robot": robot, "drone": drone}, "sort", "machines", cast_nulls=cast_nulls
    )
    assert union.c.keys() == ["id", "name", "arms", "height", "sort"]

    class Robot:
        pass

    class Drone(Robot):
        pass

    mappers = registry()
    mappers.map_imperatively(
        Robot,
        robot,
        with_polymorphic=("*", union),
        polymorphic_on=union.c.sort,
        polymorphic_identity="robot",
    )
    mappers.map_imperatively(
        Drone, drone, inherits=Robot, concrete=True, polymorphic_identity="drone"
    )
    with Session(tables(metadata)) as session:
        session.execute(robot.insert(), [{"id": 1, "name": "r2", "arms": 3}])
        session.execute(drone.insert(), [{"id": 1, "name": "x", "height": 9}])
        sql.clear()

        found: Any = session.scalars(select(Robot).order_by(Robot.name)).all()  # type: ignore[attr-defined]

        assert [(type(each), each.name) for each in found] == [(Robot, "r2"), (Drone, "x")]
        assert (found[0].arms, found[1].height) == (3, 9)
        assert len(sql) == 1
        assert session.scalars(select(Drone)).all() == [found[1]]
        found[1].height = 10
        session.flush()
        assert session.execute(select(drone.c.height)).scalars().all() == [10]
    mappers.dispose()
