"""Hierarchies of several levels, whose classes are joined, single-table, concrete and abstract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, ForeignKey, MetaData, event, select

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
    subqueryload,
    with_polymorphic,
)
from models.company import Boss, Company, Engineer, Intern, Machine, Manager, Person

Tables = Callable[[MetaData], Engine]


class Base(DeclarativeBase):
    pass


class Animal(Base):
    __tablename__ = "animal"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owner.id"))
    owner: Mapped[Owner | None] = relationship(back_populates="animals")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}


class Named(Animal):
    """Not mapped: it hands on a column."""

    __abstract__ = True
    name: Mapped[str | None]


class Bird(Animal):
    """Single table."""

    wings: Mapped[int | None]
    __mapper_args__ = {"polymorphic_abstract": True}


class Parrot(Bird):
    """Joined below single."""

    __tablename__ = "parrot"

    id: Mapped[int] = mapped_column(ForeignKey("animal.id"), primary_key=True)
    word: Mapped[str]
    toys: Mapped[list[Toy]] = relationship(order_by="Toy.id")
    __mapper_args__ = {"polymorphic_identity": "parrot"}


class Macaw(Parrot):
    """Single below joined."""

    color: Mapped[str | None]
    __mapper_args__ = {"polymorphic_identity": "macaw"}


class Dog(Named):
    """Joined below an abstract class."""

    __tablename__ = "dog"

    id: Mapped[int] = mapped_column(ForeignKey("animal.id"), primary_key=True)
    __mapper_args__ = {"polymorphic_identity": "dog"}


class Fossil(Animal):
    """Concrete."""

    __tablename__ = "fossil"

    id: Mapped[int] = mapped_column(primary_key=True)
    age: Mapped[int]
    __mapper_args__ = {"concrete": True}


class Owner(Base):
    __tablename__ = "owner"

    id: Mapped[int] = mapped_column(primary_key=True)
    animals: Mapped[list[Animal]] = relationship(back_populates="owner", order_by="Animal.id")


class Toy(Base):
    __tablename__ = "toy"

    id: Mapped[int] = mapped_column(primary_key=True)
    parrot_id: Mapped[int | None] = mapped_column(ForeignKey("parrot.id"))


@pytest.fixture
def zoo(tables: Tables, sql: Any) -> Any:
    with Session(tables(Base.metadata)) as session:
        owner = Owner(id=1)
        owner.animals = [
            Animal(id=1),
            Parrot(id=2, wings=2, word="hi", toys=[Toy(id=1)]),
            Macaw(id=3, wings=2, word="ho", color="red", toys=[Toy(id=2), Toy(id=3)]),
            Dog(id=4, name="rex"),
        ]
        session.add_all([owner, Fossil(id=1, age=9)])
        session.commit()
        session.expunge_all()
        sql.clear()
        yield session


@pytest.mark.rule("MP-158", "MP-145")
def test_levels_of_every_kind_are_read_through_any_base(zoo: Session) -> None:
    def kinds(entity: Any) -> list[type]:
        return [type(each) for each in zoo.scalars(select(entity).order_by(entity.id))]

    assert kinds(Animal) == [Animal, Parrot, Macaw, Dog]
    assert kinds(Bird) == [Parrot, Macaw]
    assert kinds(Parrot) == [Parrot, Macaw]
    assert kinds(Macaw) == [Macaw]
    assert kinds(Dog) == [Dog]
    assert kinds(Fossil) == [Fossil]
    zoo.expunge_all()
    assert kinds(with_polymorphic(Animal, "*", flat=True)) == [Animal, Parrot, Macaw, Dog]
    assert kinds(aliased(Macaw, flat=True)) == [Macaw]
    macaw = zoo.get_one(Animal, 3)
    assert isinstance(macaw, Macaw)
    assert (macaw.wings, macaw.word, macaw.color) == (2, "ho", "red")
    dog = zoo.get_one(Animal, 4)
    assert isinstance(dog, Dog)
    assert dog.name == "rex"


@pytest.mark.rule("MP-158", "MP-142")
def test_levels_of_every_kind_are_written_to_their_tables(zoo: Session, sql: Any) -> None:
    macaw, dog = zoo.get_one(Macaw, 3), zoo.get_one(Dog, 4)
    assert len(macaw.toys) == 2
    macaw.color, macaw.wings, macaw.toys = "blue", 3, []
    dog.name = "max"
    sql.clear()
    zoo.flush()
    written = [each.split(" WHERE")[0] for each in sql.emitted if each.startswith("UPDATE")]
    assert sorted(written) == [
        "UPDATE animal SET wings=?",
        "UPDATE dog SET name=?",
        "UPDATE parrot SET color=?",
        "UPDATE toy SET parrot_id=?",
    ]
    sql.clear()
    zoo.delete(macaw)
    zoo.commit()
    deleted = [each.split(" WHERE")[0] for each in sql.emitted if each.startswith("DELETE")]
    assert deleted == ["DELETE FROM parrot", "DELETE FROM animal"]
    assert [type(each) for each in zoo.scalars(select(Bird))] == [Parrot]


@pytest.mark.rule("MP-158", "LD-183")
@pytest.mark.parametrize("load", [joinedload, selectinload, subqueryload])
def test_eager_loads_lead_to_and_from_every_level(zoo: Session, sql: Any, load: Any) -> None:
    animals = with_polymorphic(Animal, [Parrot, Macaw], flat=True)
    statement = select(Owner).options(
        load(Owner.animals.of_type(animals)).options(load(animals.Parrot.toys))
    )
    owner = zoo.scalars(statement).unique().one()
    sql.clear()
    _, parrot, macaw, _ = owner.animals
    assert isinstance(parrot, Parrot)
    assert isinstance(macaw, Macaw)
    assert (parrot.word, macaw.color) == ("hi", "red")
    assert [len(each.toys) for each in (parrot, macaw)] == [1, 2]
    assert macaw.owner is owner
    assert len(sql) == 0


@pytest.mark.rule("MP-158")
@pytest.mark.parametrize("level", [Bird, Parrot, Macaw])
def test_joins_and_existence_along_relationships_to_a_level(zoo: Session, level: Any) -> None:
    count = {Bird: 2, Parrot: 2, Macaw: 1}[level]
    joined = select(level.id).select_from(Owner).join(Owner.animals.of_type(level))
    assert len(zoo.scalars(joined).all()) == count
    of_level = Owner.animals.of_type(level)
    assert zoo.scalars(select(Owner.id).where(of_level.any(level.id == 3))).all() == [1]
    assert zoo.scalars(select(Owner.id).where(of_level.any(level.id == 4))).all() == []
    if level is not Bird:
        with_toys = select(level.id).join(level.toys).where(Toy.id == 2)
        assert zoo.scalars(with_toys).all() == [3]
    zoo.expunge_all()
    lazy = zoo.scalars(select(level).where(level.owner.has(Owner.id == 1))).all()
    assert [each.owner.id for each in lazy] == [1] * count


@pytest.mark.rule("MP-142")
def test_flush_orders_tables_of_classes_that_refer_to_each_other(empty: Session, sql: Any) -> None:
    engineer = Engineer(name="eve", manager=Boss(name="bob"), machines=[Machine(name="pc")])
    company = Company(name="acme")
    company.staff = [engineer, Intern(name="ian"), Manager(name="max")]
    empty.add(company)

    empty.flush()

    tables = [each.split("INTO ")[1].split(" ")[0] for each in sql.emitted if "INTO" in each]
    assert set(tables) == {"company", "person", "engineer", "manager", "boss", "machine"}
    for before, after in (
        ("company", "person"),
        ("person", "manager"),
        ("manager", "boss"),
        ("manager", "engineer"),
        ("engineer", "machine"),
    ):
        assert tables.index(before) < tables.index(after), (before, after)
    sql.clear()
    for each in (*company.staff, engineer.manager, *engineer.machines, company):
        empty.delete(each)
    empty.commit()
    gone = [each.split("FROM ")[1].split(" ")[0] for each in sql.emitted if "DELETE" in each]
    assert gone.index("machine") < gone.index("engineer") < gone.index("manager")
    assert gone.index("boss") < gone.index("company") == len(gone) - 1


def test_join_to_a_subclass_of_one_base_gets_an_alias_and_warns(session: Session) -> None:
    statement = select(Manager.name, Engineer.name).join(Manager.engineers)
    by_name = statement.where(Engineer.name == "eve").order_by(Engineer.id)

    with pytest.warns(Warning, match="An alias is being generated automatically"):
        assert session.execute(by_name).all() == [("max", "eve")]
    with pytest.warns(Warning, match="overlapping tables"):
        found = session.execute(select(Manager, Engineer).join(Manager.engineers)).one()
    assert [type(each) for each in found] == [Manager, Engineer]
    other = aliased(Engineer, flat=True)
    named = select(Manager.name, other.name).join(Manager.engineers.of_type(other))
    assert session.execute(named.where(other.name == "eve")).all() == [("max", "eve")]


@pytest.mark.parametrize("names", [["car"], ["level"], ["car", "level"], ["name", "car"]])
def test_expired_attributes_are_read_from_the_tables_that_have_them(
    session: Session, sql: Any, names: list[str]
) -> None:
    boss = session.get_one(Boss, 4)
    expected = {name: getattr(boss, name) for name in names}
    table_of = {"car": "boss", "level": "manager", "name": "person"}
    for way in ("expire", "refresh"):
        session.expire(boss, names)
        sql.clear()
        if way == "refresh":
            session.refresh(boss, names)
        assert {name: getattr(boss, name) for name in names} == expected
        (statement,) = sql.emitted
        used = {table for table in ("person", "manager", "boss") if f"{table}." in statement}
        wanted = {table_of[name] for name in names}
        assert used == wanted | ({"manager"} if wanted == {"person", "boss"} else set())


def test_refresh_of_a_base_loaded_as_such_reads_its_own_class(session: Session, sql: Any) -> None:
    boss = session.scalars(select(Person).where(Person.id == 4)).one()
    sql.clear()
    session.refresh(boss)
    assert len(sql) == 1
    assert isinstance(boss, Boss)
    assert vars(boss)["car"] == "red"


def test_listeners_of_a_base_hear_of_its_subclasses() -> None:
    heard: list[str] = []

    class Own(DeclarativeBase):
        pass

    class Job(Own):
        __tablename__ = "job"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "job"}

    @event.listens_for(Job, "init", propagate=True)
    def note(target: Any, args: Any, kwargs: Any) -> None:
        heard.append(type(target).__name__)

    class Task(Job):
        __mapper_args__ = {"polymorphic_identity": "task"}

    Job()
    Task()
    assert heard == ["Job", "Task"]
