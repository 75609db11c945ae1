"""This file decides who belongs to a session, and as what: add, delete, expunge.

Called by `Session` and, for linked objects, by `change_cascades`. Moves objects through
`states.lifecycle`; follows cascades; reads from the database only for the `delete` cascade.

Rules kept here:
1. An object is in one session at a time (SB-66); an identity belongs to one object (SB-67).
2. `before_attach` fires before anything changed, `after_attach` when the object is in (EV-151).
3. Cascades are walked before an object is marked for deletion, so that a load on the way does not
   flush the deletion.
"""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.errors.session import MembershipError, use_in_flush_warning
from holdfast.foundation.deprecated import warn
from holdfast.mapping.cascades import reachable
from holdfast.sessions.host import SessionHost
from holdfast.sessions.subjects import state_of
from holdfast.states.instance import InstanceState
from holdfast.states.lifecycle import Move, fire, move, place
from holdfast.states.members import Members
from holdfast.states.parents import forget_parents


def add(session: SessionHost, instance: object) -> None:
    """Bring an object into the session, with what it is linked to (SB-60 to SB-70)."""
    add_state(session, state_of(instance))


def add_all(session: SessionHost, instances: Iterable[object]) -> None:
    """Bring several objects in, in order."""
    if session.has_listeners:
        for instance in instances:
            session.add(instance)
        return
    members = session.members
    new = members.new
    kind: type[InstanceState] | None = None
    keys: tuple[str, ...] = ()
    # PERF: add_all. A new object without links needs two stores.
    for instance in instances:
        try:
            values = instance.__dict__
            state = values["_sa_instance_state"]
        except (AttributeError, KeyError, TypeError):
            state_of(instance)
            raise
        if type(state) is not kind:
            state_of(instance)
            session.autobegin()
            kind = type(state)
            keys = kind.manager.mapper.save_update_keys
        if (
            state.pk is None
            and state.members is None
            and state.extra is None
            and (not keys or values.keys().isdisjoint(keys))
        ):
            state.members = members
            new[state] = instance
        else:
            add_state(session, state)


def add_state(session: SessionHost, state: InstanceState) -> None:
    """Bring an object in, with what its `save-update` cascades reach."""
    extra = state.extra
    if extra is not None and extra.parents and not any(extra.parents.values()):
        # Whoever adds an object wants it, though its former parents have let it go.
        forget_parents(state)
    _take_in(session, state)
    if not type(state).manager.mapper.save_update_keys:
        return
    members = session.members
    if session.has_listeners:
        for other in reachable(state, "save-update", halt_on=members.is_member):
            _take_in(session, other)
        return
    new = members.new
    for other in reachable(state, "save-update", halt_on=members.is_member):
        # PERF: flush of a graph. A new object that nobody listens for needs two stores.
        if other.pk is None and other.members is None:
            other.members = members
            new[other] = other()
        else:
            _take_in(session, other)


def _take_in(session: SessionHost, state: InstanceState) -> None:
    members = session.members
    extra = state.extra
    if extra is not None and extra.loads_related:
        extra.loads_related = False
    elif state.members is members:
        session.autobegin()
        if state.was_deleted:
            raise MembershipError.was_deleted(state)
        if state.pk is not None:
            members.deleted.pop(state, None)
            return
        if state in members.new:
            return
    instance = state()
    if instance is None:
        return
    if state.was_deleted and state.pk is not None:
        raise MembershipError.was_deleted(state)
    check_attachable(session, state)
    cause = Move.ADDED if state.pk is None else Move.ATTACHED
    _attach(session, state, instance, cause)


def check_attachable(session: SessionHost, state: InstanceState) -> None:
    """Raise unless the object may join the session."""
    holder = None if state.members is session.members else state.session
    if holder is not None:
        raise MembershipError.other_session(state, holder.hash_key, session.hash_key)
    if state.pk is not None:
        mapper = state.manager.mapper
        present = session.members.identity_map.find_state(mapper, state.pk, state.identity_token)
        if present is not None and present is not state:
            raise MembershipError.identity_taken(state, state.key)


def _attach(session: SessionHost, state: InstanceState, instance: object, cause: Move) -> None:
    session.autobegin()
    if not session.has_listeners:
        place(session.members, cause, (state,))
        return
    session.dispatch.before_attach(session, state)
    place(session.members, cause, (state,))
    session.dispatch.after_attach(session, state)
    fire(session.members, cause, (state,))


def enable_relationship_loading(session: SessionHost, instance: object) -> None:
    """Let an object load relationships by its keys, without making it a member (API-60)."""
    state = state_of(instance)
    if session.members.is_member(state):
        return
    check_attachable(session, state)
    if session.has_listeners:
        session.dispatch.before_attach(session, state)
    state.members = session.members
    state.more().loads_related = True
    if session.has_listeners:
        session.dispatch.after_attach(session, state)
        fire(session.members, Move.ADDED if state.pk is None else Move.ATTACHED, (state,))


def delete(session: SessionHost, instance: object) -> None:
    """Mark an object, and what its `delete` cascades reach, for deletion (SB-80 to SB-86)."""
    state = state_of(instance)
    members = session.members
    if state.pk is None:
        raise MembershipError.not_persisted(state)
    if state in members.deleted:
        return
    extra = state.extra
    was_deleted = extra is not None and extra.was_deleted
    if state.members is not members:
        if was_deleted and state.members is None:
            # Its row is gone already: nothing is left to do.
            session.autobegin()
            return
        check_attachable(session, state)
        _attach(session, state, instance, Move.ATTACHED)
    else:
        if session.innermost is None:
            session.autobegin()
        if was_deleted:
            # Its row is gone already, which the flush will find and warn of (SB-84).
            check_attachable(session, state)
            place(members, Move.DELETE_UNDONE, (state,))
    if type(state).manager.mapper.delete_keys:
        reached = [(each, each()) for each in reachable(state, "delete")]
        members.deleted[state] = instance
        for each, held in reached:
            _mark(session, each, held)
    else:
        members.deleted[state] = instance


def _mark(session: SessionHost, state: InstanceState, instance: object) -> None:
    """Mark an object that a cascade reached; new ones are left to the flush."""
    members = session.members
    if state.pk is None or state in members.deleted or instance is None:
        return
    if state.members is not members:
        check_attachable(session, state)
        _attach(session, state, instance, Move.ATTACHED)
    elif state.was_deleted:
        return
    members.deleted[state] = instance


def expunge(session: SessionHost, instance: object) -> None:
    """Take an object, and what its `expunge` cascades reach, out of the session (SM-100)."""
    state = state_of(instance)
    if state.members is not session.members:
        raise MembershipError.not_present(state)
    reached = [state]
    if type(state).manager.mapper.expunge_keys:
        reached += [each for each in reachable(state, "expunge") if each.members is session.members]
    expunge_states(session.members, reached)


def expunge_states(members: Members, states: Iterable[InstanceState]) -> None:
    """Take objects of one session out of it, each as its state demands."""
    pending: list[InstanceState] = []
    persistent: list[InstanceState] = []
    deleted: list[InstanceState] = []
    held = []
    for state in states:
        held.append(state())
        if state.pk is None:
            pending.append(state)
        else:
            (deleted if state.was_deleted else persistent).append(state)
    move(members, Move.WITHDRAWN, pending)
    move(members, Move.EXPUNGED, persistent)
    move(members, Move.DELETE_COMMITTED, deleted)
    del held


def expunge_all(session: SessionHost) -> None:
    """Empty the session of pending and persistent objects (SM-105, SM-26)."""
    members = session.members
    if not session.has_listeners:
        for space in members.identity_map.spaces.values():
            for state in space.values():
                state.members = None
        for state in members.new:
            state.members = None
        members.clear()
        return
    persistent = [(state, state()) for state in members.identity_map.states()]
    pending = list(members.new.items())
    move(members, Move.EXPUNGED, [state for state, held in persistent if held is not None])
    move(members, Move.WITHDRAWN, [state for state, _ in pending])
    members.clear()


def warn_inside_flush(session: SessionHost, method: str) -> None:
    """Warn of a change of membership while rows are being written (EV-64)."""
    if session.is_writing:
        warn(use_in_flush_warning(method))
