"""Attributes on the class, their managers, and `inspect()`."""

import pytest
from sqlalchemy import inspect
from sqlalchemy.exc import NoInspectionAvailable

from holdfast.errors.mapping import UnmappedClassError
from holdfast.instrument import access
from holdfast.instrument.descriptor import InstrumentedAttribute
from holdfast.instrument.manager import manager_of_class, register_class, unregister_class
from holdfast.instrument.proxies import ForwardedValue, ProxyAttribute


class Comparator:
    def shout(self):
        return "!"


def test_attribute_answers_for_itself(family):
    attribute = family.Parent.name

    assert str(attribute) == "Parent.name"
    assert inspect(attribute) is attribute
    assert attribute.is_attribute
    assert hash(attribute) == object.__hash__(attribute)


def test_unknown_names_are_asked_of_the_comparator(instrument):
    class_ = instrument.new_class("Thing")
    register_class(class_).install(InstrumentedAttribute(class_, "name", comparator=Comparator()))

    assert class_.name.shout() == "!"
    with pytest.raises(AttributeError, match="Neither 'InstrumentedAttribute' object nor"):
        class_.name.whisper


def test_subclass_takes_over_attributes_also_later_ones(family, instrument):
    class Sub(family.Parent):
        pass

    manager = register_class(Sub)
    instrument.value(family.Parent, "size")

    assert set(manager) == {"name", "children", "size"}
    assert Sub(size=3).size == 3


def test_uninstalled_attribute_gives_back_what_was_there(instrument):
    class Thing:
        name = "before"

    instrument.value(Thing, "name")
    register_class(Thing).uninstall("name")

    assert Thing.name == "before"
    assert "name" not in register_class(Thing)


def test_unregistered_class_is_unknown(family):
    unregister_class(family.Parent)

    with pytest.raises(UnmappedClassError):
        manager_of_class(family.Parent)
    with pytest.raises(NoInspectionAvailable):
        inspect(family.Parent)


def test_synonym_reads_and_writes_the_other_attribute(family):
    from_name = ProxyAttribute(family.Parent, "title", None, None, ForwardedValue("name"))
    register_class(family.Parent).install(from_name)
    parent = family.Parent(title="a")

    assert parent.name == parent.title == "a"
    assert access.get_history(parent, "title") == (["a"], (), ())
    del parent.title
    assert parent.name is None


def test_attribute_states_are_ordered_and_read_by_name(family):
    parent = family.Parent(name="a")
    states = inspect(parent).attrs

    assert list(states.keys()) == ["name", "children"]
    assert states.name.value == states["name"].loaded_value == "a"
    assert [each.key for each in states] == ["name", "children"]
    with pytest.raises(AttributeError):
        states.nothing


def test_functions_act_as_attribute_access(family):
    parent, child = family.Parent(), family.Child()
    access.set_attribute(parent, "children", [child])
    access.set_attribute(parent, "name", "a")
    access.del_attribute(parent, "name")

    assert access.get_attribute(child, "parent") is parent
    assert access.is_instrumented(parent, "name")
    assert not access.is_instrumented(parent, "other")


@pytest.mark.parametrize(
    "call",
    [
        lambda obj: access.get_attribute(obj, "nothing"),
        lambda obj: access.set_attribute(obj, "nothing", 1),
        lambda obj: access.get_history(obj, "nothing"),
        lambda obj: access.flag_modified(obj, "nothing"),
        lambda obj: access.init_collection(obj, "nothing"),
    ],
)
def test_unknown_name_is_a_key_error(family, call):
    with pytest.raises(KeyError):
        call(family.Parent())


def test_flagging_an_unloaded_value_is_refused(family):
    with pytest.raises(Exception, match="Can't flag attribute 'name' modified; it's not present"):
        access.flag_modified(family.Parent(), "name")


def test_flagged_object_is_modified_without_a_changed_attribute(family):
    parent = family.Parent()
    access.flag_dirty(parent)

    assert inspect(parent).modified
    assert inspect(parent).committed_state == {}
