"""What `inspect()` tells of a mapped class and of its attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import ForeignKey, MetaData, inspect, select
from sqlalchemy.exc import InvalidRequestError, NoInspectionAvailable

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    class_mapper,
    column_property,
    composite,
    mapped_column,
    object_mapper,
    relationship,
    synonym,
    validates,
)
from holdfast.exc import UnmappedClassError, UnmappedInstanceError


class Base(DeclarativeBase):
    pass


class Place(Base):
    __tablename__ = "place"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column()
    x: Mapped[int] = mapped_column(name="east", info={"unit": "km"})
    y: Mapped[int]
    version: Mapped[int] = mapped_column()
    at = composite(complex, "x", "y")
    east: Mapped[int] = synonym("x")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"))
    parent: Mapped[Place | None] = relationship(remote_side=id, back_populates="parts")
    parts: Mapped[list[Place]] = relationship(back_populates="parent", order_by=id)
    twice: Mapped[int] = column_property(id * 2)

    __mapper_args__ = {
        "polymorphic_on": kind,
        "polymorphic_identity": "place",
        "version_id_col": version,
    }

    @validates("y")
    def check(self, key: str, value: int) -> int:
        return value


class Town(Place):
    __tablename__ = "town"
    id: Mapped[int] = mapped_column(ForeignKey("place.id"), primary_key=True)
    name: Mapped[str]
    __mapper_args__ = {"polymorphic_identity": "town"}


class Village(Place):
    __mapper_args__ = {"polymorphic_identity": "village"}


class Other(Base):
    __tablename__ = "other"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[int] = mapped_column(primary_key=True)


@pytest.fixture
def session(tables: Callable[[MetaData], Any]) -> Iterator[Session]:
    with Session(tables(Base.metadata)) as session:
        yield session


COLUMNS = ["id", "kind", "x", "y", "version", "parent_id", "twice"]


@pytest.mark.rule("MP-170")
def test_mapper_names_its_class_and_tables() -> None:
    place, town, village = inspect(Place), inspect(Town), inspect(Village)

    assert (place.class_, town.class_) == (Place, Town)
    assert place.local_table is place.persist_selectable is place.selectable is Place.__table__
    assert town.local_table is Town.__table__
    assert village.local_table is Place.__table__
    assert [table.name for table in town.tables] == ["place", "town"]
    assert str(town.persist_selectable) == "place JOIN town ON place.id = town.id"
    assert town.primary_key == (Place.__table__.c.id,)
    assert inspect(Other).primary_key == (Other.__table__.c.id, Other.__table__.c.code)
    assert place.class_manager.mapper is place


@pytest.mark.rule("MP-170")
def test_mapper_sorts_its_attributes_by_kind() -> None:
    mapper = inspect(Place)

    assert set(mapper.attrs.keys()) == {*COLUMNS, "at", "east", "parent", "parts"}
    assert set(mapper.column_attrs.keys()) == set(COLUMNS)
    assert set(mapper.relationships.keys()) == {"parent", "parts"}
    assert mapper.synonyms.keys() == ["east"]
    assert mapper.composites.keys() == ["at"]
    assert {each.key for each in mapper.iterate_properties} == set(mapper.attrs.keys())
    assert mapper.c is mapper.columns
    assert mapper.c.x is Place.__table__.c.east
    assert set(mapper.all_orm_descriptors.keys()) == set(mapper.attrs.keys())
    method, options = mapper.validators["y"]
    assert method.__name__ == "check"
    assert options == {"include_removes": False, "include_backrefs": True}


@pytest.mark.rule("MP-170")
def test_mapper_knows_its_hierarchy() -> None:
    place, town, village, other = (inspect(each) for each in (Place, Town, Village, Other))

    assert (place.inherits, town.inherits) == (None, place)
    assert town.base_mapper is place.base_mapper is place
    assert place.polymorphic_map == {"place": place, "town": town, "village": village}
    assert place.polymorphic_on is Place.__table__.c.kind
    assert (place.polymorphic_identity, town.polymorphic_identity) == ("place", "town")
    assert list(place.self_and_descendants) == [place, town, village]
    assert list(town.self_and_descendants) == [town]
    assert place.version_id_col is Place.__table__.c.version
    assert (place.single, town.single, village.single) == (False, False, True)
    assert not place.concrete
    assert town.isa(place)
    assert not place.isa(town)
    assert town.common_parent(village)
    assert not town.common_parent(other)
    assert town.is_sibling(village)
    assert not town.is_sibling(place)
    assert town.primary_mapper() is town


@pytest.mark.rule("MP-170")
def test_mapper_finds_attributes_by_name_and_by_column() -> None:
    mapper, columns = inspect(Place), Place.__table__.c

    assert mapper.get_property("x") is mapper.attrs.x
    assert mapper.get_property_by_column(columns.east) is mapper.attrs.x
    assert mapper.has_property("at")
    assert not mapper.has_property("east_west")


@pytest.mark.rule("MP-170")
def test_mapper_makes_keys_of_objects_rows_and_values(session: Session) -> None:
    mapper = inspect(Other)
    other = Other(id=3, code=4)
    session.add(other)
    session.flush()
    key = (Other, (3, 4), None)

    assert mapper.primary_key_from_instance(other) == [3, 4]
    assert mapper.identity_key_from_instance(other) == key
    assert mapper.identity_key_from_primary_key((3, 4)) == key
    row = session.execute(select(Other.__table__)).one()
    assert mapper.identity_key_from_row(row) == key
    assert inspect(Town).identity_key_from_primary_key((5,), "shard") == (Place, (5,), "shard")


@pytest.mark.rule("MP-170")
def test_mapper_follows_a_cascade() -> None:
    inner = Village()
    outer = Place(parts=[Town(parts=[inner])])
    mapper = inspect(Place)

    found = list(mapper.cascade_iterator("save-update", inspect(outer)))
    assert [each[0] for each in found] == [outer.parts[0], inner]
    assert [each[1] for each in found] == [inspect(Town), inspect(Village)]
    assert all(each[2] is inspect(each[0]) and each[3] is vars(each[0]) for each in found)
    assert list(mapper.cascade_iterator("delete", inspect(outer))) == []


@pytest.mark.rule("MP-171")
def test_collections_of_attributes_are_ordered_and_read_by_name_and_as_attributes() -> None:
    mapper = inspect(Place)

    for collection in (mapper.attrs, mapper.column_attrs, mapper.relationships):
        keys = collection.keys()
        assert [each.key for each in collection] == keys
        assert collection[keys[0]] is getattr(collection, keys[0])
        assert keys[0] in collection
        assert "unknown" not in collection
        with pytest.raises(AttributeError):
            collection.unknown
        with pytest.raises(KeyError):
            collection["unknown"]
    # Expressions before columns, which stand as in the table.
    assert mapper.column_attrs.keys() == ["twice", *COLUMNS[:-1]]
    assert [key for key in mapper.attrs if key.key in COLUMNS] == [*mapper.column_attrs]


@pytest.mark.rule("MP-172")
def test_attribute_on_the_class_says_what_it_is() -> None:
    mapper = inspect(Place)

    assert (Place.x.key, Place.x.class_, Place.x.parent) == ("x", Place, mapper)
    assert Place.x.property is mapper.attrs.x
    assert Place.x.expression is not None
    assert Place.x.expression.name == "east"
    assert Place.x.comparator.property is mapper.attrs.x
    assert Place.x.info == {"unit": "km"}
    assert (str(Place.x), str(Place.parts), str(Town.name)) == (
        "Place.x",
        "Place.parts",
        "Town.name",
    )
    assert Town.x.parent is inspect(Town)
    assert inspect(Place.x) is Place.x


@pytest.mark.rule("MP-172")
def test_attribute_may_be_that_of_a_subclass_or_of_an_alias() -> None:
    towns = Place.parts.of_type(aliased(Town, flat=True))
    alias = aliased(Place, name="p2")
    moved = Place.x.adapt_to_entity(inspect(alias))

    assert towns.property is Place.parts.property
    assert "JOIN town AS" in str(select(Place.id).join(towns))
    assert (moved.class_, moved.parent) == (alias, inspect(alias))
    assert str(select(moved)) == str(select(alias.x))
    assert str(alias.x) == "aliased(Place).x"


@pytest.mark.rule("MP-173")
def test_class_that_is_not_mapped_is_refused() -> None:
    class Plain:
        pass

    with pytest.raises(NoInspectionAvailable):
        inspect(Plain)
    with pytest.raises(NoInspectionAvailable):
        inspect(Plain())
    with pytest.raises(UnmappedClassError, match="Plain"):
        class_mapper(Plain)
    with pytest.raises(UnmappedInstanceError, match="Plain"):
        object_mapper(Plain())
    assert class_mapper(Place) is object_mapper(Place()) is inspect(Place)


@pytest.mark.rule("MP-174")
def test_unknown_property_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match=r"Mapper 'Mapper\[Place.*has no property 'z'"):
        inspect(Place).get_property("z")


@pytest.mark.rule("MP-176")
def test_unknown_name_on_the_class_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'Place' has no attribute 'z'"):
        Place.z  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="z"):
        aliased(Place).z  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="has an attribute 'z'"):
        Place.x.z
