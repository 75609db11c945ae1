"""Column values: reading, setting, deleting, and the table of AH-20."""

import pytest
from sqlalchemy import inspect

from holdfast.errors.attributes import AttributeAccessError
from holdfast.errors.mapping import UnmappedInstanceError
from holdfast.foundation.load_policy import ATTR_WAS_SET, NO_VALUE, LoadPolicy
from holdfast.instrument import access
from holdfast.instrument.manager import instance_state


@pytest.fixture
def user_class(instrument):
    class_ = instrument.new_class("User")
    instrument.value(class_, "id", active_history=True)
    instrument.value(class_, "name")
    return class_


def history(obj, key="name"):
    return tuple(map(list, inspect(obj).attrs[key].history))


def test_unset_value_reads_as_none_and_stores_nothing(user_class):
    user = user_class()

    assert user.name is None
    assert "name" not in user.__dict__
    assert not inspect(user).modified
    assert history(user) == ([], [], [])


def test_value_set_on_a_new_object_is_added(user_class):
    user = user_class()
    user.name = "a"
    user.name = "b"

    assert history(user) == (["b"], [], [])


def test_loaded_value_is_unchanged(user_class, persistent):
    user = persistent(user_class(name="a"))

    assert history(user) == ([], ["a"], [])


def test_changed_value_has_its_former_one_as_deleted(user_class, persistent):
    user = persistent(user_class(name="a"))
    user.name = "b"
    user.name = "c"

    assert history(user) == (["c"], [], ["a"])


def test_value_set_to_none_is_added_as_none(user_class, persistent):
    user = persistent(user_class(name="a"))
    user.name = None

    assert history(user) == ([None], [], ["a"])


@pytest.mark.parametrize("values", [("a",), ("b", "a")])
def test_value_set_to_the_committed_one_is_no_net_change(user_class, persistent, values):
    user = persistent(user_class(name="a"))
    for value in values:
        user.name = value

    assert history(user) == ([], ["a"], [])
    assert inspect(user).modified


def test_comparison_of_the_type_decides(instrument, persistent):
    class_ = instrument.new_class()
    instrument.value(class_, "name", compare=lambda a, b: a.lower() == b.lower())
    thing = persistent(class_(name="A"))
    thing.name = "a"

    assert history(thing) == ([], ["a"], [])


def test_expired_then_set_value_has_no_former_one(user_class, persistent):
    user = persistent(user_class(name="a"), "name")
    user.name = "b"

    assert history(user) == (["b"], [], [])


def test_deleted_new_value_is_written_as_null(user_class):
    user = user_class(name="a")
    del user.name

    assert user.name is None
    assert history(user) == ([None], [], [])


def test_deleted_loaded_value_reads_as_none_without_a_load(user_class, persistent, loader):
    user = persistent(user_class(name="a"))
    del user.name

    assert user.name is None
    assert history(user) == ([], [], ["a"])
    assert loader.asked == []


def test_deletion_without_value_raises(user_class):
    with pytest.raises(AttributeAccessError, match=r"User\.name object does not have a value"):
        del user_class().name


def test_missing_value_of_a_persistent_object_is_loaded_and_stored(user_class, persistent, loader):
    user = persistent(user_class(), "name")
    loader.answers["name"] = "loaded"

    assert user.name == "loaded"
    assert history(user) == ([], ["loaded"], [])
    assert user.name == "loaded"
    assert len(loader.asked) == 1


def test_loader_may_store_the_value_itself(user_class, persistent, loader):
    user = persistent(user_class(), "name")
    user.__dict__["name"] = "stored"
    loader.answers["name"] = ATTR_WAS_SET
    slot = user_class.name.slot

    assert slot.absent(instance_state(user), user.__dict__, LoadPolicy.LOAD) == "stored"


def test_active_history_loads_the_former_value(user_class, persistent, loader):
    user = persistent(user_class(), "id")
    loader.answers["id"] = 7
    user.id = 8

    assert history(user, "id") == ([8], [], [7])


def test_history_that_may_not_load_is_blank(user_class, persistent, loader):
    user = persistent(user_class(), "name")

    assert not inspect(user).attrs.name.history
    assert loader.asked == []


def test_flagged_value_counts_as_added(user_class, persistent):
    user = persistent(user_class(name="a"))
    access.flag_modified(user, "name")

    assert history(user) == (["a"], [], [])


def test_committed_value_replaces_a_change(user_class, persistent):
    user = persistent(user_class(name="a"))
    user.name = "b"
    access.set_committed_value(user, "name", "c")

    assert history(user) == ([], ["c"], [])


def test_object_without_state_is_named_as_unmapped(user_class):
    bare = user_class.__new__(user_class)

    with pytest.raises(UnmappedInstanceError, match="is not mapped"):
        bare.name


def test_default_is_what_an_unset_value_reads_as(instrument):
    class_ = instrument.new_class()
    instrument.value(class_, "size", default=5)

    assert class_().size == 5
    assert inspect(class_()).attrs.size.loaded_value is NO_VALUE
