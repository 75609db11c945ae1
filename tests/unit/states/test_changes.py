import pytest

from holdfast.states.changes import (
    SharedChanges,
    forget_change,
    forget_changes,
    note_change,
    note_dirty,
    replace_change,
)
from holdfast.states.lifecycle import Move, move
from unit.states.doubles import Session, author


def test_only_the_first_value_of_an_attribute_is_kept():
    _held, state = author()

    note_change(state, "name", "first")
    note_change(state, "name", "second")
    note_change(state, "email", None)

    assert state.changes == {"name": "first", "email": None}


def test_persistent_object_with_a_change_is_held_and_begins_the_session():
    session = Session()
    one, state = author(7)
    move(session.members, Move.ATTACHED, [state])

    note_change(state, "name", "old")
    note_change(state, "email", "old")

    assert session.members.modified == {state: one}
    assert session.begun == 1


def test_pending_object_with_a_change_is_not_listed_as_modified():
    session = Session()
    _held, state = author()
    move(session.members, Move.ADDED, [state])

    note_change(state, "name", "old")

    assert session.members.modified == {}


def test_change_that_the_session_refuses_is_not_recorded():
    session = Session()
    session.refuses = ValueError("no")
    _held, state = author(7)
    move(session.members, Move.ATTACHED, [state])

    with pytest.raises(ValueError, match="no"):
        note_change(state, "name", "old")

    assert state.changes is None


def test_forgetting_changes_makes_an_object_clean():
    session = Session()
    _held, state = author(7)
    move(session.members, Move.ATTACHED, [state])
    note_dirty(state)
    assert state.modified

    forget_changes([state])

    assert not state.modified
    assert session.members.modified == {}


def test_shared_record_is_copied_by_the_first_other_change():
    (_a, one), (_b, two) = author(), author()
    shared = SharedChanges.fromkeys(["name"], "old")
    one.changes = two.changes = shared

    note_change(one, "name", "later")
    note_change(one, "email", None)
    forget_change(two, "name")

    assert one.changes == {"name": "old", "email": None}
    assert two.changes == {}
    assert shared == {"name": "old"}


def test_replaced_change_forgets_what_was_remembered_before():
    _held, state = author()
    note_change(state, "name", "first")

    replace_change(state, "name", "second")

    assert state.changes == {"name": "second"}
