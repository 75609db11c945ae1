"""Mapping plain classes: which columns, under which names, to which tables, and undoing it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    func,
    inspect,
    select,
    union_all,
)
from sqlalchemy.exc import ArgumentError, InvalidRequestError, SADeprecationWarning

from holdfast import (
    DeclarativeBase,
    Mapped,
    Mapper,
    Session,
    clear_mappers,
    column_property,
    configure_mappers,
    deferred,
    mapped_column,
    registry,
    relationship,
    synonym,
)
from holdfast.errors.mapping import MappingError, UnknownOptionError
from holdfast.exc import UnmappedInstanceError
from holdfast.mapping import registry as configuration

metadata = MetaData()
person = Table(
    "person",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(20)),
    Column("town", String(20)),
)
address = Table(
    "address",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person_id", ForeignKey("person.id")),
    Column("street", String(20)),
)


class Thing:
    """Mapped anew by each test."""

    def __init__(self, **values: Any) -> None:
        for key, value in values.items():
            setattr(self, key, value)


@pytest.fixture
def mappers() -> Iterator[registry]:
    made = registry(metadata=metadata)
    yield made
    made.dispose()


@pytest.fixture
def session(tables: Callable[[MetaData], Any]) -> Iterator[Session]:
    with Session(tables(metadata)) as session:
        rows = [{"id": 1, "name": "Ada", "town": "Ulm"}, {"id": 2, "name": "Bo", "town": "Bonn"}]
        session.execute(person.insert(), rows)
        session.execute(address.insert(), [{"id": 7, "person_id": 1, "street": "Main"}])
        yield session


# -- which columns ---------------------------------------------------------------------------------


@pytest.mark.rule("MP-101")
def test_properties_name_attributes_and_what_they_hold(mappers: registry, session: Session) -> None:
    class Address(Thing):
        pass

    mappers.map_imperatively(Address, address)
    mapper = mappers.map_imperatively(
        Thing,
        person,
        properties={
            "called": person.c.name,
            "upper": column_property(func.upper(person.c.name)),
            "town": deferred(person.c.town),
            "addresses": relationship(Address, order_by=address.c.id),
            "place": synonym("town"),
        },
    )
    thing: Any = session.get_one(Thing, 1)

    assert set(mapper.attrs.keys()) == {"id", "called", "upper", "town", "addresses", "place"}
    assert (thing.called, thing.upper, thing.addresses[0].street) == ("Ada", "ADA", "Main")
    assert "town" in inspect(thing).unloaded
    assert thing.place == "Ulm"
    assert mapper.get_property_by_column(person.c.name).key == "called"


@pytest.mark.rule("MP-101")
@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"include_properties": ["id", "town"]}, ["id", "town"]),
        ({"include_properties": [person.c.id]}, ["id"]),
        ({"exclude_properties": ["name"]}, ["id", "town"]),
        ({"exclude_properties": [person.c.name, "town"]}, ["id"]),
        ({"column_prefix": "c_"}, ["c_id", "c_name", "c_town"]),
        ({"column_prefix": "c_", "exclude_properties": ["town"]}, ["c_id", "c_name"]),
        (
            {"column_prefix": "c_", "properties": {"called": person.c.name}},
            ["c_id", "called", "c_town"],
        ),
    ],
)
def test_columns_are_selected_and_prefixed_by_options(
    mappers: registry, session: Session, options: dict[str, Any], names: list[str], sql: Any
) -> None:
    mapper = mappers.map_imperatively(Thing, person, **options)
    things = session.scalars(select(Thing)).all()

    assert mapper.column_attrs.keys() == names
    assert len(things) == 2
    unmapped = {column.name for column in person.c if column not in set(mapper.c)}
    assert not [each for each in unmapped if f"person.{each}" in sql.emitted[-1]]
    key = mapper.primary_key_keys[0]
    assert sorted(getattr(each, key) for each in things) == [1, 2]


@pytest.mark.rule("MP-101")
def test_column_that_is_left_out_is_written_by_nobody(mappers: registry, session: Session) -> None:
    mappers.map_imperatively(Thing, person, exclude_properties=["town"])
    session.add(Thing(id=3, name="Cy", town="Rome"))
    thing: Any = session.get_one(Thing, 1)
    thing.town = "Rome"
    session.flush()

    rows = session.execute(select(person.c.id, person.c.town).order_by(person.c.id)).all()
    assert rows == [(1, "Ulm"), (2, "Bonn"), (3, None)]


@pytest.mark.rule("MP-101")
@pytest.mark.parametrize("option", ["include_properties", "exclude_properties"])
def test_declared_attribute_that_options_leave_out_warns(option: str) -> None:
    class Base(DeclarativeBase):
        pass

    chosen = ["id"] if option == "include_properties" else ["name"]
    with pytest.warns(SADeprecationWarning, match="'name' declared on .* is excluded"):

        class Person(Base):
            __tablename__ = "person"
            __mapper_args__ = {option: chosen}
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str]

    assert inspect(Person).column_attrs.keys() == ["id"]


@pytest.mark.parametrize("given", ["id", "columns", "attributes"])
def test_primary_key_says_which_columns_identify_and_in_which_order(
    mappers: registry, session: Session, given: str
) -> None:
    keys: Any = {
        "id": "id",
        "columns": [person.c.town, person.c.name],
        "attributes": ["place", "name"],
    }[given]
    mapper = mappers.map_imperatively(
        Thing, person, primary_key=keys, properties={"place": person.c.town}
    )

    if given == "id":
        assert mapper.primary_key == (person.c.id,)
        return
    assert mapper.primary_key == (person.c.town, person.c.name)
    thing: Any = session.get_one(Thing, ("Ulm", "Ada"))
    assert inspect(thing).identity == ("Ulm", "Ada")
    bo: Any = session.get_one(Thing, ("Bonn", "Bo"))
    bo.id = 9
    session.flush()
    assert session.scalars(select(person.c.id).where(person.c.town == "Bonn")).all() == [9]


def test_attribute_of_several_columns_writes_all_and_reads_the_first(
    mappers: registry, session: Session
) -> None:
    mapper = mappers.map_imperatively(
        Thing,
        person.join(address),
        properties={"id": [person.c.id, address.c.person_id], "address_id": address.c.id},
    )
    thing: Any = session.scalars(select(Thing)).one()
    session.add(Thing(id=3, name="Cy", address_id=8, street="Side"))
    session.flush()

    assert mapper.attrs.id.columns == [person.c.id, address.c.person_id]
    assert (thing.id, thing.name, thing.address_id, thing.street) == (1, "Ada", 7, "Main")
    rows = session.execute(select(address).order_by(address.c.id)).all()
    assert rows == [(7, 1, "Main"), (8, 3, "Side")]


# -- to what ---------------------------------------------------------------------------------------


def test_class_may_be_mapped_to_an_alias_and_to_a_union(
    mappers: registry, session: Session
) -> None:
    class Named(Thing):
        pass

    names = union_all(
        select(person.c.id, person.c.name.label("word")),
        select(address.c.id, address.c.street),
    ).subquery("names")
    mappers.map_imperatively(Thing, person.alias("p"))
    mappers.map_imperatively(Named, names, primary_key=[names.c.id, names.c.word])

    things: list[Any] = list(session.scalars(select(Thing).filter_by(town="Ulm")))
    assert [each.name for each in things] == ["Ada"]
    words: list[Any] = list(session.scalars(select(Named)))
    assert sorted(each.word for each in words) == ["Ada", "Bo", "Main"]
    assert session.get(Named, (7, "Main")) is not None


def test_select_has_to_be_a_subquery(mappers: registry) -> None:
    with pytest.raises(ArgumentError, match=r"Use \.subquery\(\)"):
        mappers.map_imperatively(Thing, select(person))


def test_rows_of_a_join_are_written_to_and_deleted_from_both_tables(
    mappers: registry, session: Session
) -> None:
    mappers.map_imperatively(
        Thing,
        person.join(address),
        properties={"id": [person.c.id, address.c.person_id], "address_id": address.c.id},
    )
    thing: Any = session.scalars(select(Thing)).one()
    thing.name, thing.street = "Eve", "Side"
    session.flush()
    assert session.scalars(select(person.c.name).where(person.c.id == 1)).one() == "Eve"
    assert session.scalars(select(address.c.street)).one() == "Side"
    session.delete(thing)
    session.flush()

    assert session.scalars(select(person.c.id)).all() == [2]
    assert session.scalars(select(address.c.id)).all() == []


# -- what there is not -----------------------------------------------------------------------------


def test_second_mapper_of_a_class_is_refused(mappers: registry) -> None:
    with pytest.raises(UnknownOptionError, match=r"'non_primary'.*Read it .*aliased\(Class"):
        mappers.map_imperatively(Thing, person, non_primary=True)
    mappers.map_imperatively(Thing, person)
    with pytest.raises(ArgumentError, match="already has a primary mapper defined"):
        mappers.map_imperatively(Thing, address)


def test_unknown_option_is_refused_with_the_names_that_there_are(mappers: registry) -> None:
    with pytest.raises(TypeError, match=r"'primary_keys' for .*There are primary_key, "):
        mappers.map_imperatively(Thing, person, primary_keys=["id"])

    class Base(DeclarativeBase):
        pass

    with pytest.raises(ArgumentError, match="unexpected keyword argument 'versioned'"):

        class Person(Base):
            __tablename__ = "person"
            __mapper_args__ = {"versioned": True}
            id: Mapped[int] = mapped_column(primary_key=True)


def test_mapper_is_made_by_a_registry_only() -> None:
    with pytest.raises(MappingError, match=r"Call registry\.map_imperatively"):
        Mapper(Thing, person)


@pytest.mark.parametrize("kind", ["class", "function"])
def test_mappers_may_be_made_by_the_applications_own(kind: str) -> None:
    class Quiet(Mapper[Any]):
        def __init__(self, class_: type, local_table: Any = None, **options: Any) -> None:
            super().__init__(class_, local_table, **{**options, "confirm_deleted_rows": False})

    def make(class_: type, *arguments: Any, **options: Any) -> Any:
        return Quiet(class_, *arguments, **options)

    class Base(DeclarativeBase):
        __mapper_cls__ = Quiet if kind == "class" else staticmethod(make)

    class Person(Base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert type(inspect(Person)) is Quiet
    assert Person.__mapper__ is inspect(Person)
    assert not inspect(Person).confirm_deleted_rows


# -- and back --------------------------------------------------------------------------------------


def test_class_is_as_before_when_its_registry_is_disposed_of(session: Session) -> None:
    class Plain:
        town = "nowhere"

        def hello(self) -> str:
            return "hello"

    before = dict(vars(Plain))
    made = registry()
    made.map_imperatively(Plain, person, properties={"town": person.c.town})
    plain: Any = session.get_one(Plain, 1)
    assert plain.town == "Ulm"
    session.expunge_all()
    made.dispose()

    assert dict(vars(Plain)) == before
    assert Plain().town == "nowhere"
    assert inspect(Plain, raiseerr=False) is None
    with pytest.raises(UnmappedInstanceError):
        session.add(Plain())
    made.map_imperatively(Plain, person)
    assert session.get_one(Plain, 2) is not None
    made.dispose()


def test_registry_that_others_lead_to_is_disposed_of_with_them_only() -> None:
    class Address(Thing):
        pass

    class Person(Thing):
        pass

    first, second = registry(), registry()
    first.map_imperatively(Address, address)
    second.map_imperatively(Person, person, properties={"addresses": relationship(Address)})
    configure_mappers()

    with pytest.raises(InvalidRequestError, match="pass cascade=True"):
        first.dispose()
    first.dispose(cascade=True)
    assert inspect(Person, raiseerr=False) is None
    assert not first.mappers
    assert not second.mappers


def test_clear_mappers_disposes_of_every_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of those that this test makes: the models of other tests stay mapped.
    monkeypatch.setattr(configuration, "registries", weakref.WeakSet())
    first, second = registry(), registry()
    first.map_imperatively(Thing, person)
    other = type("Other", (), {})
    second.map_imperatively(other, address)
    clear_mappers()

    assert inspect(Thing, raiseerr=False) is inspect(other, raiseerr=False) is None
