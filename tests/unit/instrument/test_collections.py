"""Lists, sets, dictionaries and user-written classes report every change (RL-110 to RL-120)."""

import copy
import pickle

import pytest
from sqlalchemy import inspect

from holdfast.errors.attributes import (
    AttributeRequestError,
    CollectionClassError,
    CollectionTypeError,
    ObjectDereferencedError,
)
from holdfast.instrument import access
from holdfast.instrument.collection_adapter import collection_adapter
from holdfast.instrument.collection_roles import InstrumentedList, collection
from holdfast.instrument.keyed_dicts import KeyFuncDict, keyfunc_mapping


def members_by_backref(parent, children):
    """The children that hold the parent: what the collection has reported."""
    return [child for child in children if child.parent is parent]


def make(family, collection_class, instrument, count=6):
    owner = instrument.new_class("Owner")
    member = instrument.new_class("Member")
    instrument.value(member, "name")
    instrument.collection(
        owner, "children", reverse_keys=("parent",), collection_class=collection_class
    )
    instrument.reference(member, "parent", reverse_keys=("children",))
    return owner(), [member(name=number) for number in range(count)]


LIST_STEPS = [
    lambda items, new: items.append(new[0]),
    lambda items, new: items.extend(new[1:4]),
    lambda items, new: items.insert(1, new[4]),
    lambda items, new: items.__setitem__(0, new[5]),
    lambda items, new: items.__setitem__(slice(1, 3), [new[0]]),
    lambda items, new: items.__setitem__(slice(0, 4, 2), [new[1], new[2]]),
    lambda items, new: items.pop(),
    lambda items, new: items.pop(0),
    lambda items, new: items.reverse(),
    lambda items, new: items.__iadd__([new[3], new[4]]),
    lambda items, new: items.remove(new[3]),
    lambda items, new: items.__delitem__(0),
    lambda items, new: items.extend(new[:2]),
    lambda items, new: items.sort(key=id),
    lambda items, new: items.__delitem__(slice(0, 2)),
    lambda items, new: items.__imul__(1),
    lambda items, new: items.clear(),
]


def test_list_reports_every_change(family, instrument):
    owner, new = make(family, list, instrument)
    plain = []
    for step in LIST_STEPS:
        step(plain, new)
        step(owner.children, new)

        assert owner.children == plain
        assert set(map(id, members_by_backref(owner, new))) == set(map(id, plain))


SET_STEPS = [
    lambda items, new: items.add(new[0]),
    lambda items, new: items.update(new[1:3], new[3:5]),
    lambda items, new: items.discard(new[1]),
    lambda items, new: items.discard(new[1]),
    lambda items, new: items.remove(new[2]),
    lambda items, new: items.__ior__({new[1], new[2]}),
    lambda items, new: items.__isub__({new[0]}),
    lambda items, new: items.__iand__({new[1], new[2], new[5]}),
    lambda items, new: items.__ixor__({new[2], new[5]}),
    lambda items, new: items.difference_update({new[1]}),
    lambda items, new: items.intersection_update({new[5]}),
    lambda items, new: items.symmetric_difference_update({new[0]}),
    lambda items, new: items.clear(),
]


def test_set_reports_every_change(family, instrument):
    owner, new = make(family, set, instrument)
    plain = set()
    for step in SET_STEPS:
        step(plain, new)
        step(owner.children, new)

        assert owner.children == plain
        assert set(members_by_backref(owner, new)) == plain


def test_set_operators_refuse_what_is_no_set(family, instrument):
    owner, _ = make(family, set, instrument)

    with pytest.raises(TypeError):
        owner.children |= [1]


DICT_STEPS = [
    lambda items, new: items.__setitem__(0, new[0]),
    lambda items, new: items.update({1: new[1], 2: new[2]}),
    lambda items, new: items.__setitem__(1, new[3]),
    lambda items, new: items.setdefault(4, new[4]),
    lambda items, new: items.setdefault(4, new[5]),
    lambda items, new: items.pop(2),
    lambda items, new: items.pop(99, None),
    lambda items, new: items.__ior__({5: new[5]}),
    lambda items, new: items.__delitem__(0),
    lambda items, new: items.popitem(),
    lambda items, new: items.clear(),
]


def test_dict_reports_every_change(family, instrument):
    owner, new = make(family, keyfunc_mapping(lambda member: member.name), instrument)
    plain = {}
    for step in DICT_STEPS:
        step(plain, new)
        step(owner.children, new)

        assert owner.children == plain
        assert set(members_by_backref(owner, new)) == set(plain.values())


def test_keyed_dict_takes_members_and_keeps_given_keys(keyed_family):
    parent = keyed_family.Parent()
    named, other = keyed_family.Child(name="a"), keyed_family.Child(name="b")
    parent.children.set(named)
    parent.children["elsewhere"] = other

    assert parent.children == {"a": named, "elsewhere": other}
    parent.children.remove(other)
    assert parent.children == {"a": named}


def test_keyed_dict_refuses_a_member_without_key_from_a_backref(keyed_family):
    parent, child = keyed_family.Parent(), keyed_family.Child()

    with pytest.raises(AttributeRequestError, match="can't populate value in KeyFuncDict"):
        child.parent = parent


def test_empty_collection_is_the_same_on_each_read(family):
    parent = family.Parent()

    assert parent.children is parent.children
    assert "children" not in parent.__dict__
    assert not inspect(parent).modified
    with pytest.raises(AttributeRequestError, match="special 'empty' collection"):
        collection_adapter(parent.children).append_without_event(family.Child())


def test_replaced_collection_keeps_members_and_is_severed(family):
    parent = family.Parent()
    kept, gone, new = family.Child(), family.Child(), family.Child()
    parent.children = [kept, gone]
    old = parent.children
    parent.children = [new, kept]

    assert (kept.parent, gone.parent, new.parent) == (parent, None, parent)
    assert collection_adapter(old) is None
    old.append(gone)
    assert gone.parent is None


def test_history_of_a_replaced_collection_names_kept_new_and_removed(family, persistent):
    parent = family.Parent()
    kept, gone, new = family.Child(), family.Child(), family.Child()
    parent.children = [kept, gone]
    persistent(parent)
    parent.children = [kept, new]

    assert inspect(parent).attrs.children.history == ([new], [kept], [gone])


def test_collection_assigned_to_itself_changes_nothing(family):
    parent, child = family.Parent(), family.Child()
    parent.children = [child]
    before = parent.children
    parent.children += [family.Child()]

    assert parent.children is before
    assert len(parent.children) == 2


@pytest.mark.parametrize(
    ("value", "name"), [(None, "None"), ("ab", "str"), ({}, "dict"), (set(), "set"), (5, "int")]
)
def test_value_of_another_kind_is_refused_before_anything_loads(
    family, persistent, loader, value, name
):
    parent = persistent(family.Parent(), "children")

    with pytest.raises(CollectionTypeError, match=f"collection type: {name} is not list-like"):
        parent.children = value
    assert loader.asked == []


def test_deleted_collection_loses_all_members(family):
    parent, child = family.Parent(), family.Child()
    parent.children = [child]
    del parent.children

    assert parent.children == []
    assert child.parent is None


def test_object_that_is_not_mapped_is_refused(family):
    parent = family.Parent()

    with pytest.raises(AttributeError, match="_sa_instance_state"):
        parent.children.append("text")
    with pytest.raises(AttributeError, match="_sa_instance_state"):
        family.Child().parent = object()


def test_none_is_taken_as_a_member(family):
    parent = family.Parent()
    parent.children.append(None)

    assert parent.children == [None]


def test_committed_members_are_unchanged_without_events(family):
    parent, child = family.Parent(), family.Child()
    access.set_committed_value(parent, "children", [child])

    assert child.parent is None
    assert inspect(parent).attrs.children.history == ((), [child], ())
    assert not inspect(parent).modified


def test_initialized_collection_is_filled_as_if_loaded(family):
    parent, child = family.Parent(), family.Child()
    adapter = access.init_collection(parent, "children")
    adapter.append_without_event(child)

    assert parent.children == [child]
    assert child.parent is None


def test_collection_whose_owner_is_gone_says_so(family):
    children = family.Parent().children

    with pytest.raises(ObjectDereferencedError, match="has been garbage collected"):
        children.append(family.Child())


class Stack:
    def __init__(self):
        self.items = []

    @collection.appender
    def push(self, item):
        self.items.append(item)

    @collection.remover
    def discard(self, item):
        self.items.remove(item)

    @collection.iterator
    def members(self):
        return iter(self.items)

    @collection.removes_return()
    def drop(self):
        return self.items.pop()

    @collection.replaces("item")
    def exchange(self, item):
        self.items.append(item)
        return self.items.pop(0)


def test_class_with_elected_methods_reports(family, instrument):
    owner, (a, b, c, *_) = make(family, Stack, instrument)
    stack = owner.children
    stack.push(a)
    stack.push(item=b)
    stack.exchange(item=c)

    assert list(collection_adapter(stack)) == [b, c]
    assert members_by_backref(owner, [a, b, c]) == [b, c]
    assert stack.drop() is c
    b.parent = None
    assert stack.items == []


def test_subclass_that_calls_super_reports_once(family, instrument):
    class Loud(list):
        def append(self, item):
            super().append(item)

    class Louder(Loud):
        def append(self, item):
            super().append(item)

    owner, (a, *_) = make(family, Louder, instrument)
    owner.children.append(a)

    assert type(owner.children) is Louder
    assert owner.children == [a]


def test_factory_may_be_a_function_of_a_builtin(family, instrument):
    owner, (a, *_) = make(family, list, instrument)
    owner.children.append(a)

    assert isinstance(owner.children, InstrumentedList)
    assert a.parent is owner


@pytest.mark.parametrize("class_", [dict, type("Bag", (), {})])
def test_class_without_appender_is_refused(family, instrument, class_):
    with pytest.raises(CollectionClassError, match="must elect an appender method"):
        make(family, class_, instrument)


def test_copy_and_slice_are_plain(family):
    parent = family.Parent()
    parent.children = [family.Child()]

    assert type(parent.children[:]) is list
    assert type(parent.children.copy()) is list
    assert copy.copy(list(parent.children)) == parent.children


def test_keyed_dict_survives_pickling():
    unpickled = pickle.loads(pickle.dumps(keyfunc_mapping(len)(["ab"] and {2: "ab"})))

    assert type(unpickled) is KeyFuncDict
    assert unpickled == {2: "ab"}
    assert unpickled.keyfunc("abc") == 3
