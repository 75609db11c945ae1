"""Both ends of a relationship follow each other, without loading (RL-40 to RL-50)."""

import pytest
from sqlalchemy import inspect

from holdfast.errors.attributes import AttributeValueError, BackrefClassError
from holdfast.foundation.load_policy import PASSIVE_NO_RESULT, LoadPolicy


def test_append_sets_the_reference(family):
    parent, child = family.Parent(), family.Child()
    parent.children.append(child)

    assert child.parent is parent


def test_setting_the_reference_appends(family):
    parent = family.Parent()
    child = family.Child(parent=parent)

    assert parent.children == [child]
    assert "children" in parent.__dict__


def test_new_reference_leaves_the_former_collection(family):
    first, second = family.Parent(), family.Parent()
    child = family.Child(parent=first)
    child.parent = second

    assert first.children == []
    assert second.children == [child]


def test_append_elsewhere_leaves_the_former_collection(family):
    first, second, child = family.Parent(), family.Parent(), family.Child()
    first.children.append(child)
    second.children.append(child)

    assert first.children == []
    assert child.parent is second


def test_assigned_collection_leaves_the_former_one(family):
    first, second, child = family.Parent(), family.Parent(), family.Child()
    first.children.append(child)
    second.children = [child]

    assert first.children == []
    assert child.parent is second


def test_removal_clears_the_reference(family):
    parent, child = family.Parent(), family.Child()
    parent.children = [child]
    parent.children.remove(child)

    assert child.parent is None


def test_member_that_is_in_a_list_twice_stays_a_member(family):
    parent, twice, once = family.Parent(), family.Child(), family.Child()
    parent.children = [twice, once]
    parent.children.append(twice)
    del parent.children[0]

    assert twice.parent is parent
    assert parent.children.pop() is twice
    assert twice.parent is None


def test_swapped_members_keep_their_parent(family):
    parent, one, two = family.Parent(), family.Child(), family.Child()
    parent.children = [one, two]
    parent.children[0], parent.children[1] = parent.children[1], parent.children[0]

    assert parent.children == [two, one]
    assert one.parent is two.parent is parent


def test_assigning_the_same_reference_again_appends_nothing(family):
    parent = family.Parent()
    child = family.Child(parent=parent)
    child.parent = parent

    assert parent.children == [child]


def test_deleted_reference_leaves_the_collection(family):
    parent = family.Parent()
    child = family.Child(parent=parent)
    del child.parent

    assert parent.children == []


def test_many_to_many_sides_follow_each_other(instrument):
    left, right = instrument.new_class("Left"), instrument.new_class("Right")
    instrument.collection(left, "rights", reverse_keys=("lefts",))
    instrument.collection(right, "lefts", reverse_keys=("rights",), collection_class=set)
    one, two = left(), right()
    one.rights.append(two)

    assert two.lefts == {one}
    two.lefts.clear()
    assert one.rights == []


def test_one_to_one_sides_follow_each_other(instrument):
    left, right = instrument.new_class("Left"), instrument.new_class("Right")
    instrument.reference(left, "right", reverse_keys=("left",))
    instrument.reference(right, "left", reverse_keys=("right",))
    one, two = left(), right()
    one.right = two

    assert two.left is one
    two.left = None
    assert one.right is None


def test_one_direction_only_when_one_side_names_the_other(instrument):
    parent, child = instrument.new_class("Parent"), instrument.new_class("Child")
    instrument.collection(parent, "children")
    instrument.reference(child, "parent", reverse_keys=("children",))
    one = parent()
    member = child(parent=one)

    assert one.children == [member]
    one.children.remove(member)
    assert member.parent is one


def test_unloaded_collection_queues_changes_until_it_loads(family, persistent, loader):
    parent, stays, leaves = persistent(family.Parent()), family.Child(), family.Child()
    leaves.__dict__["parent"] = parent
    comes = family.Child(parent=parent)
    leaves.parent = None

    assert loader.asked == []
    assert "children" not in parent.__dict__
    queued = inspect(parent).attrs.children.history
    assert queued == ([comes], (), [leaves])
    loader.answers["children"] = [stays, leaves]
    assert parent.children == [stays, comes]
    assert inspect(parent).attrs.children.history == ([comes], [stays], [leaves])


def test_queued_change_and_its_opposite_leave_nothing(family, persistent, loader):
    parent = persistent(family.Parent())
    child = family.Child(parent=parent)
    child.parent = None
    loader.answers["children"] = []

    assert parent.children == []


def test_collection_is_not_asked_of_the_loader_by_a_backref(family, persistent, loader):
    child = persistent(family.Child(), "parent")
    loader.answers["parent"] = None
    parent = family.Parent()
    parent.children.append(child)

    assert [policy.may_fetch for _, policy in loader.asked] == [False]


def test_object_without_the_other_end_is_refused(family, instrument):
    stranger = instrument.new_class("Stranger")()

    parent = family.Parent()

    with pytest.raises(BackrefClassError, match="no attribute 'parent'"):
        parent.children.append(stranger)


def test_change_that_would_reach_a_third_attribute_is_refused(instrument):
    a, b = instrument.new_class("A"), instrument.new_class("B")
    instrument.reference(a, "b", reverse_keys=("a1",))
    instrument.collection(b, "a1", reverse_keys=("b",))
    instrument.collection(b, "a2", reverse_keys=("b",))

    one = b()

    with pytest.raises(AttributeValueError, match="Bidirectional attribute conflict detected"):
        one.a2.append(a())


def test_parents_are_claimed_and_released(instrument):
    parent, child = instrument.new_class("Parent"), instrument.new_class("Child")
    slot = instrument.collection(parent, "children", reverse_keys=("parent",), tracks_parent=True)
    instrument.reference(child, "parent", reverse_keys=("children",))
    first, second, member = parent(), parent(), child()
    state = inspect(member)

    assert not slot.has_parent(state)
    assert slot.has_parent(state, optimistic=True)
    first.children.append(member)
    member.parent = second
    assert slot.has_parent(state)
    member.parent = None
    assert not slot.has_parent(state, optimistic=True)


def test_history_of_a_deferred_reference_asks_for_the_committed_object(
    instrument, persistent, loader
):
    owner, target = instrument.new_class("Owner"), instrument.new_class("Target")
    instrument.reference(owner, "target", defers_history=True)
    one, old, new = persistent(owner(), "target"), target(), target()
    loader.answers["target"] = PASSIVE_NO_RESULT
    one.target = new
    loader.answers["target"] = old

    slot, state = owner.target.slot, inspect(one)
    assert slot.history(state, state.dict, LoadPolicy.MEMORY_ONLY) == ([new], (), ())
    assert slot.history(state, state.dict, LoadPolicy.LOAD) == ([new], (), [old])
    assert loader.asked[-1][1].against_committed
