"""This file defines the five object states and every legal move between them.

Everything that puts an object into a session or takes it out goes through `move`.

Rules kept here:
1. Everything that affects the state of objects lives in this file: the table `MOVES` lists each
   move with where it starts, where it ends and the event that it fires.
2. A move is made for a whole batch: first all objects are moved, then the events fire in the
   same order, so that a listener sees a consistent session (SM-20).
3. Who calls `move` has checked that the objects are where the move starts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from holdfast.foundation.codegen import Choice, FieldTuple
from holdfast.foundation.result_rows import paused_collector
from holdfast.states.identity_map import Members, Space
from holdfast.states.instance import DeletedExtra, InstanceState


class State(Choice):
    """Where an object stands between its constructor and the database (SM-1)."""

    TRANSIENT = "transient"
    PENDING = "pending"
    PERSISTENT = "persistent"
    DELETED = "deleted"
    DETACHED = "detached"


def state_of(state: InstanceState) -> State:
    """Which of the five states an object is in."""
    if not state.is_attached:
        return State.TRANSIENT if state.pk is None else State.DETACHED
    if state.pk is None:
        return State.PENDING
    return State.DELETED if state.was_deleted else State.PERSISTENT


class Move(Choice):
    """The ways from one state to another, named by what causes them."""

    ADDED = "added"
    INSERTED = "inserted"
    LOADED = "loaded"
    WITHDRAWN = "withdrawn"
    DELETED = "deleted"
    EXPUNGED = "expunged"
    INSERT_UNDONE = "insert undone"
    MADE_TRANSIENT = "made transient"
    ATTACHED = "attached"
    DELETE_COMMITTED = "delete committed"
    DELETE_UNDONE = "delete undone"
    INSERT_AND_DELETE_UNDONE = "insert and delete undone"
    MADE_DETACHED = "made detached"


class Transition(FieldTuple):
    """Where a move starts and ends, and the session event that it fires."""

    start: State
    end: State
    event: str | None


MOVES: dict[Move, Transition] = {
    Move.ADDED: Transition(State.TRANSIENT, State.PENDING, "transient_to_pending"),
    Move.INSERTED: Transition(State.PENDING, State.PERSISTENT, "pending_to_persistent"),
    # The table of states has no state before a row is read: a loaded object starts persistent.
    Move.LOADED: Transition(State.PERSISTENT, State.PERSISTENT, "loaded_as_persistent"),
    Move.WITHDRAWN: Transition(State.PENDING, State.TRANSIENT, "pending_to_transient"),
    Move.DELETED: Transition(State.PERSISTENT, State.DELETED, "persistent_to_deleted"),
    Move.EXPUNGED: Transition(State.PERSISTENT, State.DETACHED, "persistent_to_detached"),
    Move.INSERT_UNDONE: Transition(State.PERSISTENT, State.TRANSIENT, "persistent_to_transient"),
    Move.MADE_TRANSIENT: Transition(State.PERSISTENT, State.TRANSIENT, "persistent_to_detached"),
    Move.ATTACHED: Transition(State.DETACHED, State.PERSISTENT, "detached_to_persistent"),
    Move.DELETE_COMMITTED: Transition(State.DELETED, State.DETACHED, "deleted_to_detached"),
    Move.DELETE_UNDONE: Transition(State.DELETED, State.PERSISTENT, "deleted_to_persistent"),
    Move.INSERT_AND_DELETE_UNDONE: Transition(
        State.DELETED, State.TRANSIENT, "deleted_to_detached"
    ),
    Move.MADE_DETACHED: Transition(State.TRANSIENT, State.DETACHED, None),
}


def _hold_as_new(members: Members, states: Collection[InstanceState]) -> None:
    for state in states:
        state.members = members
        members.new[state] = state()


def _hold_by_key(members: Members, states: Collection[InstanceState]) -> None:
    new, modified = members.new, members.modified
    space_of = members.identity_map.space_for_state
    # PERF: flush of 20,000. Objects of one class come together; their space is looked up once.
    kind: type[InstanceState] | None = None
    space: Space | None = None
    for state in states:
        new.pop(state, None)
        state.members = members
        extra = state.extra
        if extra is not None:
            extra.was_deleted = False
            space, kind = space_of(state), None
        elif type(state) is not kind or space is None:
            space, kind = space_of(state), type(state)
        space[state.pk] = state
        if state.changes is not None:
            modified[state] = state()
    members.identity_map.note_gaps()
    for each in members.identity_map.spaces.values():
        each.sweep_if_grown()


def _hold_as_deleted(members: Members, states: Collection[InstanceState]) -> None:
    deleted, modified = members.deleted, members.modified
    space_of = members.identity_map.space_for_state
    # PERF: DELETE 20,000. As above; every object gets a part that the collector would visit.
    kind: type[InstanceState] | None = None
    space: Space | None = None
    with paused_collector():
        for state in states:
            deleted.pop(state, None)
            if modified:
                modified.pop(state, None)
            extra = state.extra
            if extra is not None:
                space, kind = space_of(state), None
            elif type(state) is not kind or space is None:
                space, kind = space_of(state), type(state)
            if space.get(state.pk) is state:
                del space[state.pk]
            if extra is None:
                state.extra = DeletedExtra()
            else:
                extra.was_deleted = True


def _release(members: Members, states: Collection[InstanceState]) -> None:
    for state in states:
        members.new.pop(state, None)
        if state.pk is not None:
            _drop_from_map(members, state)
        state.members = None


def _release_without_key(members: Members, states: Collection[InstanceState]) -> None:
    _release(members, states)
    for state in states:
        state.pk = None
        if state.extra is not None:
            state.extra.was_deleted = False
            state.extra.deferred = frozenset()


def _nothing(members: Members, states: Collection[InstanceState]) -> None:
    """The caller has arranged everything: rows loaded in bulk, and keys given by hand."""


def _drop_from_map(members: Members, state: InstanceState) -> None:
    members.deleted.pop(state, None)
    members.modified.pop(state, None)
    members.identity_map.discard(state)


_ACTIONS: dict[Move, Callable[[Members, Collection[InstanceState]], None]] = {
    Move.ADDED: _hold_as_new,
    Move.INSERTED: _hold_by_key,
    Move.LOADED: _nothing,
    Move.WITHDRAWN: _release,
    Move.DELETED: _hold_as_deleted,
    Move.EXPUNGED: _release,
    Move.INSERT_UNDONE: _release_without_key,
    Move.MADE_TRANSIENT: _release_without_key,
    Move.ATTACHED: _hold_by_key,
    Move.DELETE_COMMITTED: _release,
    Move.DELETE_UNDONE: _hold_by_key,
    Move.INSERT_AND_DELETE_UNDONE: _release_without_key,
    Move.MADE_DETACHED: _nothing,
}


def move(members: Members, cause: Move, states: Collection[InstanceState]) -> None:
    """Move objects of one session, or objects about to join it, and fire the events.

    Args:
        members: What the session holds.
        cause: Which way the objects go.
        states: The objects' states; their objects must be alive.
    """
    _ACTIONS[cause](members, states)
    fire(members, cause, states)


def place(members: Members, cause: Move, states: Collection[InstanceState]) -> None:
    """Make a move whose event the caller fires later, after events of its own."""
    _ACTIONS[cause](members, states)


def fire(members: Members, cause: Move, states: Collection[InstanceState]) -> None:
    """Fire the event of a move that was made already."""
    event = MOVES[cause].event
    session = members.session
    if event is None or session is None or not session.has_listeners:
        return
    listeners = getattr(session.dispatch, event)
    if listeners:
        for state in list(states):
            listeners(session, state)
