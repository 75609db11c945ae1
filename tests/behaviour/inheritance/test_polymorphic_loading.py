"""What queries for a base load of its subclasses: by the mapping, and by options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Column, Engine, ForeignKey, Integer, MetaData, String, Table, literal, select

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    column_property,
    defer,
    joinedload,
    load_only,
    mapped_column,
    registry,
    relationship,
    selectin_polymorphic,
    selectinload,
    with_polymorphic,
)
from models.company import Boss, Company, Engineer, Manager, Person

Tables = Callable[[MetaData], Engine]


def vehicles(*, car: dict[str, Any], van: dict[str, Any]) -> Any:
    """A hierarchy of three levels: Vehicle, Car(Vehicle), Van(Car), Bus(Vehicle)."""

    class Base(DeclarativeBase):
        pass

    class Vehicle(Base):
        __tablename__ = "vehicle"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        name: Mapped[str | None]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "vehicle"}

    class Car(Vehicle):
        __tablename__ = "car"
        id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"), primary_key=True)
        doors: Mapped[int]
        __mapper_args__ = {"polymorphic_identity": "car", **car}

    class Van(Car):
        __tablename__ = "van"
        id: Mapped[int] = mapped_column(ForeignKey("car.id"), primary_key=True)
        load: Mapped[int]
        __mapper_args__ = {"polymorphic_identity": "van", **van}

    class Bus(Vehicle):
        __tablename__ = "bus"
        id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"), primary_key=True)
        seats: Mapped[int]
        __mapper_args__ = {"polymorphic_identity": "bus"}

    return Base, Vehicle, Car, Van, Bus


def loaded(model: Any, tables: Tables, sql: Any) -> tuple[list[Any], list[str]]:
    """What a query for the base loads, and the statements that it takes."""
    base, vehicle, car, van, bus = model
    session = Session(tables(base.metadata))
    session.add_all([vehicle(id=1), car(id=2, doors=4), van(id=3, doors=2, load=9)])
    session.add(bus(id=4, seats=50))
    session.commit()
    session.expunge_all()
    sql.clear()
    found = session.scalars(select(vehicle).order_by(vehicle.id)).all()
    emitted = list(sql.emitted)
    # Under the assertions of the test nothing more is loaded.
    session.expunge_all()
    session.close()
    return list(found), emitted


@pytest.mark.rule("MP-150")
def test_inline_adds_the_table_by_an_outer_join(tables: Tables, sql: Any) -> None:
    model = vehicles(car={"polymorphic_load": "inline"}, van={"polymorphic_load": "inline"})

    found, emitted = loaded(model, tables, sql)

    (statement,) = emitted
    assert "LEFT OUTER JOIN car ON vehicle.id = car.id" in statement
    assert "LEFT OUTER JOIN van ON car.id = van.id" in statement
    assert "bus" not in statement
    assert (found[1].doors, found[2].doors, found[2].load) == (4, 2, 9)
    assert "seats" not in vars(found[3])


@pytest.mark.rule("MP-150")
def test_selectin_loads_each_subclass_by_a_second_select(tables: Tables, sql: Any) -> None:
    model = vehicles(car={"polymorphic_load": "selectin"}, van={"polymorphic_load": "selectin"})

    found, emitted = loaded(model, tables, sql)

    base, *others = emitted
    assert "JOIN" not in base
    assert ["van" in each for each in others] == [True, False]
    assert all("IN (" in each and "vehicle.name" not in each for each in others)
    assert (found[1].doors, found[2].doors, found[2].load) == (4, 2, 9)
    assert "seats" not in vars(found[3])


@pytest.mark.rule("MP-150")
def test_inline_below_selectin_comes_with_that_select(tables: Tables, sql: Any) -> None:
    model = vehicles(car={"polymorphic_load": "selectin"}, van={"polymorphic_load": "inline"})

    found, emitted = loaded(model, tables, sql)

    base, second = emitted
    assert "JOIN" not in base
    assert "LEFT OUTER JOIN van ON car.id = van.id" in second
    assert (found[1].doors, found[2].doors, found[2].load) == (4, 2, 9)


@pytest.mark.rule("MP-151")
@pytest.mark.parametrize("form", ["star", "classes", "pair", "selectable"])
def test_with_polymorphic_of_the_mapper_is_for_every_query(
    tables: Tables, sql: Any, form: str
) -> None:
    metadata = MetaData()
    vehicle = Table(
        "vehicle", metadata, Column("id", Integer, primary_key=True), Column("kind", String(9))
    )
    car, bus = (
        Table(
            name,
            metadata,
            Column("id", ForeignKey("vehicle.id"), primary_key=True),
            Column(value, Integer),
        )
        for name, value in (("car", "doors"), ("bus", "seats"))
    )
    whole = vehicle.outerjoin(car).outerjoin(bus)
    columns = vehicle.c.id, vehicle.c.kind, car.c.doors, bus.c.seats
    query = select(*columns, car.c.id.label("car_id"), bus.c.id.label("bus_id"))

    class Vehicle:
        pass

    class Car(Vehicle):
        pass

    class Bus(Vehicle):
        pass

    forms: dict[str, Any] = {
        "star": "*",
        "classes": [Car],
        "pair": ("*", None),
        "selectable": ("*", query.select_from(whole).subquery("whole")),
    }
    mappers = registry()
    mappers.map_imperatively(
        Vehicle,
        vehicle,
        polymorphic_on=vehicle.c.kind,
        polymorphic_identity="vehicle",
        with_polymorphic=forms[form],
    )
    mappers.map_imperatively(Car, car, inherits=Vehicle, polymorphic_identity="car")
    mappers.map_imperatively(Bus, bus, inherits=Vehicle, polymorphic_identity="bus")
    with Session(tables(metadata)) as session:
        session.add_all([Vehicle(), Car(doors=4), Bus(seats=50)])  # type: ignore[call-arg]
        session.commit()
        session.expunge_all()
        sql.clear()

        found = session.scalars(select(Vehicle).order_by(Vehicle.id)).all()  # type: ignore[attr-defined]
        from_car = session.scalars(select(Vehicle).where(Car.doors == 4)).all()  # type: ignore[attr-defined]

        assert [type(each) for each in found] == [Vehicle, Car, Bus]
        assert vars(found[1])["doors"] == 4
        assert ("seats" in vars(found[2])) is (form != "classes")
        assert from_car == [found[1]]
        assert len(sql) == 2
        assert ("AS whole" in sql.emitted[0]) is (form == "selectable")


@pytest.mark.rule("LD-182")
def test_options_of_a_subclass_follow_its_select(session: Session, sql: Any) -> None:
    statement = select(Company).options(
        selectinload(Company.staff).options(
            selectin_polymorphic(Person, [Engineer, Manager]), selectinload(Engineer.machines)
        )
    )
    company = session.scalars(statement).one()
    sql.clear()

    eve, max_, bob = company.staff[1:4]

    assert isinstance(eve, Engineer)
    assert isinstance(bob, Boss)
    assert isinstance(max_, Manager)
    assert ([each.name for each in eve.machines], eve.language) == (["pc"], "sql")
    assert (max_.level, bob.level) == (2, 9)
    assert len(sql) == 0
    assert "car" not in vars(bob)


@pytest.mark.rule("LD-182")
def test_joined_relationship_of_a_subclass_is_joined_in_its_select(
    session: Session, sql: Any
) -> None:
    statement = select(Person).options(
        selectin_polymorphic(Person, [Engineer]), joinedload(Engineer.machines)
    )
    found = {each.id: each for each in session.scalars(statement)}
    assert len(sql) == 2
    assert "LEFT OUTER JOIN machine" in sql.emitted[1]
    sql.clear()
    eve = found[2]
    assert isinstance(eve, Engineer)
    assert [each.name for each in eve.machines] == ["pc"]
    assert len(sql) == 0


@pytest.mark.rule("LD-182")
def test_alias_with_its_own_subclasses_is_loaded_by_one_select(session: Session, sql: Any) -> None:
    managers = with_polymorphic(Manager, [Boss])
    statement = select(Person).options(selectin_polymorphic(Person, [managers]))
    found = {each.id: each for each in session.scalars(statement)}

    assert len(sql) == 2
    assert (vars(found[3])["level"], vars(found[4])["level"], vars(found[4])["car"]) == (
        2,
        9,
        "red",
    )


@pytest.mark.rule("LD-182")
def test_objects_that_are_complete_take_no_part_in_the_select(session: Session, sql: Any) -> None:
    bosses = session.scalars(select(Boss)).all()
    sql.clear()

    session.scalars(select(Person).options(selectin_polymorphic(Person, [Boss]))).all()

    assert bosses[0].car == "red"
    assert len(sql) == 1


def test_columns_that_load_only_leaves_out_tell_the_class_all_the_same(
    session: Session, sql: Any
) -> None:
    person = aliased(Person)
    query = select(person).options(load_only(person.name)).order_by(person.id)

    found = session.scalars(query).all()

    assert [type(each).__name__ for each in found][1:3] == ["Engineer", "Manager"]
    sql.clear()
    assert [each.kind for each in found][1:3] == ["engineer", "manager"]
    assert len(sql) == 0


def test_deferred_column_of_a_subclass_is_refused_where_an_option_says_so(
    session: Session,
) -> None:
    option = selectinload(Company.staff.of_type(Engineer)).options(
        defer(Engineer.language, raiseload=True)
    )
    company = session.scalars(select(Company).options(option)).one()
    with pytest.raises(Exception, match="not available due to raiseload=True"):
        _ = company.staff[1].language  # type: ignore[attr-defined]


def test_collection_read_from_a_union_that_has_rows_twice_has_each_member_once(
    tables: Tables,
) -> None:
    class Base(DeclarativeBase):
        pass

    class Shelf(Base):
        __tablename__ = "shelf"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Item(Base):
        __tablename__ = "item"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        shelf_id: Mapped[int] = mapped_column(ForeignKey("shelf.id"))
        shelf: Mapped[Any] = relationship(Shelf, backref="items")

    table = Item.__table__
    twice = select(table).union_all(select(table)).subquery("twice")

    class Thing:
        pass

    Base.registry.map_imperatively(
        Thing,
        twice,
        primary_key=[twice.c.id],
        exclude_properties=["shelf_id"],
    )
    Shelf.things = relationship(  # type: ignore[attr-defined]
        Thing,
        primaryjoin=Shelf.id == twice.c.shelf_id,
        foreign_keys=twice.c.shelf_id,
        viewonly=True,
    )
    with Session(tables(Base.metadata)) as session:
        shelf = Shelf(items=[Item(kind="a"), Item(kind="b")])  # type: ignore[call-arg]
        session.add(shelf)
        session.commit()
        assert len(shelf.things) == 2  # type: ignore[attr-defined]


def test_expression_of_a_subclass_may_have_values_of_its_own(tables: Tables) -> None:
    class Base(DeclarativeBase):
        pass

    class Animal(Base):
        __tablename__ = "animal"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}

    class Dog(Animal):
        __tablename__ = "dog"
        id: Mapped[int] = mapped_column(ForeignKey("animal.id"), primary_key=True)
        age: Mapped[int] = mapped_column()
        years: Mapped[int] = column_property(age * literal(7))
        __mapper_args__ = {"polymorphic_identity": "dog"}

    with Session(tables(Base.metadata)) as session:
        session.add(Dog(age=2))
        session.commit()
        session.expunge_all()
        dog: Any = session.scalars(select(Animal)).one()
        assert (dog.years, dog.age) == (14, 2)


@pytest.mark.parametrize("entity", [Manager, Person])
def test_option_for_a_class_beside_the_one_that_is_selected_does_no_harm(
    session: Session, entity: Any
) -> None:
    option = selectinload(Engineer.machines)
    found = session.scalars(select(entity).options(option).where(entity.id == 3)).one()
    assert found.name == "max"
    whole = with_polymorphic(Person, "*", flat=True)
    query = select(whole).options(selectin_polymorphic(Person, [Engineer]))
    assert len(session.scalars(query).all()) == 5
