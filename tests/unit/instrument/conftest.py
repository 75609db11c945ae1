"""Instrumented plain classes, without mappers, sessions or a database."""

import types

import pytest

from holdfast.instrument.collection_slot import CollectionSlot
from holdfast.instrument.descriptor import InstrumentedAttribute
from holdfast.instrument.keyed_dicts import attribute_keyed_dict
from holdfast.instrument.manager import default_constructor, register_class
from holdfast.instrument.reference_slot import ReferenceSlot, ValueSlot
from holdfast.states.ports import missing_value


class Instrumenter:
    """Puts attributes on classes the way `mapping` does."""

    def new_class(self, name="Thing", bases=(), **body):
        class_ = type(name, bases, body)
        register_class(class_).install_init(default_constructor)
        return class_

    def attribute(self, class_, slot_class, key, **settings):
        manager = register_class(class_)
        slot = slot_class(key, manager, **settings)
        manager.install(InstrumentedAttribute(class_, key, slot=slot))
        return slot

    def value(self, class_, key, **settings):
        return self.attribute(class_, ValueSlot, key, **settings)

    def reference(self, class_, key, **settings):
        return self.attribute(class_, ReferenceSlot, key, **settings)

    def collection(self, class_, key, **settings):
        return self.attribute(class_, CollectionSlot, key, **settings)


@pytest.fixture
def instrument():
    return Instrumenter()


@pytest.fixture
def family(instrument):
    """`Parent.children` and `Child.parent`, kept in step; both have a `name`."""
    parent, child = instrument.new_class("Parent"), instrument.new_class("Child")
    for class_ in (parent, child):
        instrument.value(class_, "name")
    instrument.collection(parent, "children", reverse_keys=("parent",))
    instrument.reference(child, "parent", reverse_keys=("children",))
    return types.SimpleNamespace(Parent=parent, Child=child)


@pytest.fixture
def keyed_family(instrument):
    """The same with a dictionary keyed by the child's name."""
    parent, child = instrument.new_class("Parent"), instrument.new_class("Child")
    instrument.value(child, "name")
    instrument.collection(
        parent,
        "children",
        reverse_keys=("parent",),
        collection_class=attribute_keyed_dict("name"),
    )
    instrument.reference(child, "parent", reverse_keys=("children",))
    return types.SimpleNamespace(Parent=parent, Child=child)


class Loader:
    """Stands in for the loader: answers by attribute name, remembers what it was asked."""

    def __init__(self):
        self.answers = {}
        self.asked = []

    def __call__(self, state, key, policy):
        self.asked.append((key, policy))
        return self.answers[key]


@pytest.fixture
def loader():
    plugged = missing_value.plugged if missing_value.is_plugged else None
    stand_in = Loader()
    missing_value.plug(stand_in)
    yield stand_in
    missing_value.plug(plugged)


@pytest.fixture
def persistent():
    """Makes an object look as one that was loaded: with a key, unchanged."""

    def make(obj, *unloaded):
        state = obj._sa_instance_state
        state.pk = 1
        state.changes = None
        for key in unloaded:
            obj.__dict__.pop(key, None)
        return obj

    return make
