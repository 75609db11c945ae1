import gc

import pytest

from holdfast.states.lifecycle import MOVES, Move, State, move, state_of
from unit.states.doubles import Session, author

FLAGS = ("transient", "pending", "persistent", "deleted", "detached")


def prepared(start, session):
    """An object in the state that a move starts from."""
    one, state = author(None if start in (State.TRANSIENT, State.PENDING) else 7)
    if start is State.PENDING:
        move(session.members, Move.ADDED, [state])
    elif start in (State.PERSISTENT, State.DELETED):
        move(session.members, Move.ATTACHED, [state])
        if start is State.DELETED:
            move(session.members, Move.DELETED, [state])
    session.dispatch.fired.clear()
    return one, state


@pytest.mark.parametrize("cause", list(Move), ids=lambda cause: cause.name)
def test_move_ends_where_the_table_says_and_fires_its_event(cause):
    session = Session()
    start, end, event = MOVES[cause]
    _held, state = prepared(start, session)
    assert state_of(state) is start
    if end in (State.PERSISTENT, State.DETACHED) and state.pk is None:
        state.pk = 7  # the caller gives the key

    move(session.members, cause, [state])

    assert state_of(state) is end
    assert session.dispatch.fired == ([(event, state)] if event else [])


@pytest.mark.parametrize("state_kind", list(State))
def test_exactly_one_flag_is_true_in_each_state(state_kind):
    session = Session()
    _held, state = prepared(state_kind, session)

    flags = {flag for flag in FLAGS if getattr(state, flag)}

    assert flags == {state_kind.value}


def test_object_of_a_collected_session_reads_as_detached():
    session = Session()
    _held, state = prepared(State.PERSISTENT, session)

    del session
    gc.collect()

    assert state_of(state) is State.DETACHED
    assert state.session is None


def test_deleted_object_keeps_key_and_session_and_leaves_the_map():
    session = Session()
    _held, state = prepared(State.DELETED, session)

    assert state.identity == (7,)
    assert state.session is session
    assert state.was_deleted
    assert session.members.states() == []


def test_restored_object_is_held_again_with_its_changes():
    session = Session()
    one, state = prepared(State.DELETED, session)
    state.changes = {"name": "old"}

    move(session.members, Move.DELETE_UNDONE, [state])

    assert session.members.modified == {state: one}
    assert not state.was_deleted
