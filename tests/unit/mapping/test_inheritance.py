from __future__ import annotations

import pytest
from sqlalchemy import Column, ForeignKey, Integer, String, Table, exc, select
from sqlalchemy.exc import SAWarning

from holdfast.mapping.inheritance import chosen_mappers


class Person:
    pass


class Engineer(Person):
    pass


class Chief(Engineer):
    pass


@pytest.fixture
def person(model):
    return Table(
        "person",
        model.metadata,
        Column("id", Integer, primary_key=True),
        Column("kind", String),
        Column("name", String),
    )


@pytest.fixture
def engineer(model, person):
    return Table(
        "engineer",
        model.metadata,
        Column("person_id", ForeignKey("person.id"), primary_key=True),
        Column("skill", String),
    )


@pytest.fixture
def joined(model, person, engineer):
    base = model.map_imperatively(
        Person, person, polymorphic_on=person.c.kind, polymorphic_identity="person"
    )
    sub = model.map_imperatively(
        Engineer, engineer, inherits=Person, polymorphic_identity="engineer"
    )
    return base, sub


def test_class_without_mapped_base_is_a_root(model, person):
    mapper = model.map_imperatively(Person, person)

    assert mapper.inherits is None
    assert mapper.base_mapper is mapper
    assert mapper.self_and_descendants == (mapper,)
    assert mapper.isa(mapper)
    assert mapper.polymorphic_on is None


def test_joined_subclass_takes_identity_and_attributes_of_its_base(joined, person, engineer):
    base, sub = joined

    assert sub.inherits is base
    assert sub.base_mapper is base
    assert base.self_and_descendants == (base, sub)
    assert sub.tables == [person, engineer]
    assert sub.primary_key == base.primary_key
    assert str(sub.inherit_condition) == "person.id = engineer.person_id"
    assert sub.inherit_pairs == [(person.c.id, engineer.c.person_id)]
    assert sub.equivalent_columns[person.c.id] == {engineer.c.person_id}
    assert {"id", "kind", "name", "person_id", "skill"} == set(sub.attrs.keys())
    assert sub.attrs.name is base.attrs.name
    assert Engineer.name.parent is sub
    assert Person.name.parent is base


def test_hierarchy_shares_the_map_of_identities(joined):
    base, sub = joined

    assert base.polymorphic_map is sub.polymorphic_map
    assert base.polymorphic_map == {"person": base, "engineer": sub}
    assert sub.polymorphic_key == "kind"
    assert sub.isa(base)
    assert not base.isa(sub)
    assert base.common_parent(sub)


def test_new_object_has_its_discriminator(joined):
    assert Person().kind == "person"
    assert Engineer(name="x").kind == "engineer"


def test_subclass_table_needs_a_foreign_key(model, person):
    other = Table("other", model.metadata, Column("id", Integer, primary_key=True))
    model.map_imperatively(Person, person)

    with pytest.raises(exc.NoForeignKeysError, match="Can't determine the inherit condition"):
        model.map_imperatively(Engineer, other, inherits=Person)


def test_single_table_subclass_selects_its_own_rows(model, person):
    model.map_imperatively(Person, person, polymorphic_on="kind", polymorphic_identity="p")
    sub = model.map_imperatively(Engineer, inherits=Person, polymorphic_identity="e")
    model.map_imperatively(Chief, inherits=Engineer, polymorphic_identity="c")

    assert sub.single
    assert sub.local_table is person
    compiled = select(sub.class_).compile(compile_kwargs={"literal_binds": True})
    assert str(compiled).endswith("WHERE person.kind IN ('e', 'c')")


def test_concrete_subclass_stands_alone(model, person):
    table = Table(
        "robot", model.metadata, Column("id", Integer, primary_key=True), Column("name", String)
    )
    base = model.map_imperatively(Person, person)
    sub = model.map_imperatively(Engineer, table, inherits=Person, concrete=True)

    assert sub.base_mapper is sub
    assert sub.inherits is base
    assert sub.primary_key == (table.c.id,)
    assert set(sub.attrs.keys()) == {"id", "name"}


def test_attribute_added_to_the_base_reaches_subclasses(model, person, engineer):
    base = model.map_imperatively(Person, person, exclude_properties=["name"])
    sub = model.map_imperatively(Engineer, engineer, inherits=Person, exclude_properties=["name"])
    model.configure()
    base.add_property("called", person.c.name)

    assert "called" in sub.column_keys
    assert Engineer(called="x").called == "x"


def test_identity_used_twice_is_warned_of(model, joined, person):
    with pytest.warns(SAWarning, match="Reassigning polymorphic association for identity"):
        model.map_imperatively(Chief, inherits=Engineer, polymorphic_identity="engineer")


def test_subclass_without_identity_is_warned_of(model, joined):
    with pytest.warns(SAWarning, match="does not indicate a 'polymorphic_identity'"):
        model.map_imperatively(Chief, inherits=Engineer)


def test_abstract_subclass_is_not_warned_of(model, joined):
    model.map_imperatively(Chief, inherits=Engineer, polymorphic_abstract=True)


def test_unknown_discriminator_is_refused(model, person):
    with pytest.raises(exc.ArgumentError, match="Can't determine polymorphic_on value 'nope'"):
        model.map_imperatively(Person, person, polymorphic_on="nope")


def test_class_must_inherit_in_python_too(model, person, engineer):
    class Stranger:
        pass

    model.map_imperatively(Person, person)
    with pytest.raises(exc.ArgumentError, match="does not inherit from 'Person'"):
        model.map_imperatively(Stranger, engineer, inherits=Person)


def test_choice_of_subclasses_brings_those_between(model, joined):
    base, sub = joined
    chief = model.map_imperatively(Chief, inherits=Engineer, polymorphic_identity="c")

    assert chosen_mappers(base, "*") == (base, sub, chief)
    assert chosen_mappers(base, [Chief]) == (base, sub, chief)
    assert chosen_mappers(base, [Engineer]) == (base, sub)
    with pytest.raises(exc.InvalidRequestError, match="does not inherit from"):
        chosen_mappers(sub, [Person])


def test_inline_subclasses_are_joined_to_the_base(model, person, engineer):
    base = model.map_imperatively(
        Person, person, polymorphic_on="kind", polymorphic_identity="person"
    )
    sub = model.map_imperatively(
        Engineer,
        engineer,
        inherits=Person,
        polymorphic_identity="engineer",
        polymorphic_load="inline",
    )
    model.configure()

    assert base.with_polymorphic_mappers == [base, sub]
    assert str(base.selectable) == (
        "person LEFT OUTER JOIN engineer ON person.id = engineer.person_id"
    )
