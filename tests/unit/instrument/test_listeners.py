"""Listeners see and may change what is set, and cost nothing when there are none."""

import pytest

from holdfast.instrument.manager import register_class
from holdfast.instrument.slots import OP_APPEND, OP_BULK_REPLACE, OP_REPLACE


class Dispatch:
    """Lists of listeners by event name, as Core's dispatcher has them."""

    def __init__(self, **listeners):
        for name, listener in listeners.items():
            setattr(self, name, [listener])

    def __getattr__(self, name):
        return ()


@pytest.fixture
def listen():
    def install(attribute, **listeners):
        attribute.__dict__["dispatch"] = Dispatch(**listeners)
        attribute.refresh_accessors()

    return install


def test_accessors_are_exchanged_on_the_same_descriptor(family, listen):
    attribute = family.Parent.name
    before = attribute.fset
    listen(attribute, set=lambda state, value, old, token: value)

    assert family.Parent.name is attribute
    assert attribute.fset is not before
    assert "name" not in register_class(family.Parent).plain_keys


def test_set_listener_gives_the_value_to_store(family, listen):
    listen(family.Parent.name, set=lambda state, value, old, token: value.upper())

    assert family.Parent(name="a").name == "A"


def test_append_listener_hears_of_the_operation_that_started_it(family, listen):
    heard = []

    def append(state, value, token, key):
        heard.append((token.op, token.key))
        return value

    listen(family.Parent.children, append=append)
    parent, one, two, three = family.Parent(), family.Child(), family.Child(), family.Child()
    parent.children.append(one)
    two.parent = parent
    parent.children = [one, two, three]

    assert heard == [
        (OP_APPEND, "children"),
        (OP_REPLACE, "parent"),
        (OP_BULK_REPLACE, "children"),
    ]


def test_bulk_replace_listener_may_change_the_members(family, listen):
    extra = family.Child()
    listen(
        family.Parent.children,
        bulk_replace=lambda state, values, token, keys: values.append(extra),
    )
    parent = family.Parent()
    parent.children = []

    assert parent.children == [extra]


def test_init_scalar_listener_gives_the_value_to_read(family, listen):
    listen(family.Parent.name, init_scalar=lambda state, value, values: "default")

    assert family.Parent().name == "default"


def test_collections_are_announced_when_made_and_when_replaced(family, listen):
    made, gone = [], []
    listen(
        family.Parent.children,
        init_collection=lambda state, items, adapter: made.append(adapter),
        dispose_collection=lambda state, items, adapter: gone.append(adapter),
    )
    parent = family.Parent()
    first = parent.children._sa_adapter
    parent.children = []

    assert made[0] is first
    assert gone == [first]
