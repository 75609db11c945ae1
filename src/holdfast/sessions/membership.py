"""Decide who belongs to a session, as what, and follow objects that are linked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from sqlalchemy import inspect
from sqlalchemy.exc import NoInspectionAvailable

from holdfast import errors
from holdfast.foundation.describe import warn
from holdfast.foundation.load_policy import NO_VALUE, LoadPolicy, PassiveFlag, policy_of
from holdfast.mapping.cascades import reachable
from holdfast.sessions.host import SessionHost, key_values, state_of
from holdfast.states.changes import forget_parents
from holdfast.states.identity_map import Members
from holdfast.states.instance import IdentityKey, InstanceState
from holdfast.states.lifecycle import Move, fire, move, place
from holdfast.states.ports import link_listener
from holdfast.unitofwork.collect import is_orphan

# ------------------------------------------------------------------------------
# Decide who belongs to a session, and as what: add, delete, expunge.
#
# Called by `Session` and, for linked objects, by `change_cascades`. Moves objects through
# `states.lifecycle`; follows cascades; reads from the database only for the `delete` cascade.
#
# Rules kept here:
# 1. An object is in one session at a time (SB-66); an identity belongs to one object (SB-67).
# 2. `before_attach` fires before anything changed, `after_attach` when the object is in (EV-151).
# 3. Cascades are walked before an object is marked for deletion, so that a load on the way does not
#    flush the deletion.


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
            raise errors.MembershipError.was_deleted(state)
        if state.pk is not None:
            members.deleted.pop(state, None)
            return
        if state in members.new:
            return
    instance = state()
    if instance is None:
        return
    if state.was_deleted and state.pk is not None:
        raise errors.MembershipError.was_deleted(state)
    check_attachable(session, state)
    cause = Move.ADDED if state.pk is None else Move.ATTACHED
    _attach(session, state, instance, cause)


def check_attachable(session: SessionHost, state: InstanceState) -> None:
    """Raise unless the object may join the session."""
    holder = None if state.members is session.members else state.session
    if holder is not None:
        raise errors.MembershipError.other_session(state, holder.hash_key, session.hash_key)
    if state.pk is not None:
        mapper = state.manager.mapper
        present = session.members.identity_map.find_state(mapper, state.pk, state.identity_token)
        if present is not None and present is not state:
            raise errors.MembershipError.identity_taken(state, state.key)


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
        raise errors.MembershipError.not_persisted(state)
    if state in members.deleted:
        return
    extra = state.extra
    was_deleted = extra is not None and extra.was_deleted
    if state.members is not members:
        if was_deleted and state.session is None:
            # Its row is gone already: nothing is left to do.
            session.autobegin()
            return
        check_attachable(session, state)
        _attach(session, state, instance, Move.ATTACHED)
    elif session.innermost is None:
        session.autobegin()
    if was_deleted:
        # Its row is gone already, which the flush will find and warn of (SB-84).
        check_attachable(session, state)
        members.identity_map.add(state)
        members.deleted[state] = instance
    elif type(state).manager.mapper.delete_keys:
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
        raise errors.MembershipError.not_present(state)
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
        warn(errors.use_in_flush_warning(method))


# ------------------------------------------------------------------------------
# Bring an object that is linked to a member into the session.
#
# Plugged into the `link_listener` socket: the attribute slots call it when an object is appended,
# assigned, removed or replaced, but not for the other end, which a back reference keeps in step
# (CA-31).
#
# Rules kept here:
# 1. A new member of a relationship with `save-update` joins the session of its owner (CA-30).
# 2. A pending object that lost its `delete-orphan` parent leaves the session at once (CA-63).


class Links:
    """What a session does when one of its objects is linked to another, or unlinked."""

    def linked(self, state: InstanceState, key: str, child: InstanceState) -> None:
        """Let `child` join the session of `state`."""
        session: Any = state.session
        if session is None:
            return
        prop = state.manager.mapper.properties[key]
        if session.is_writing:
            for each in (prop, *prop.reverse_properties):
                warn_inside_flush(
                    session, "collection append" if each.uselist else "related attribute set"
                )
        if prop.cascade.save_update and not session.members.is_member(child):
            add_state(session, child)

    def unlinked(self, state: InstanceState, key: str, child: InstanceState) -> None:
        """Let `child` go when nobody claims it and it has no row yet."""
        session: Any = state.session
        prop = state.manager.mapper.properties[key]
        if session is not None and session.is_writing:
            self._warn_of_removal(session, state, prop, child)
        if not prop.cascade.delete_orphan:
            return
        holder: Any = child.session
        if (
            holder is not None
            and child in holder.members.new
            and is_orphan(child, child.manager.mapper)
        ):
            expunge(holder, child())

    def _warn_of_removal(
        self, session: Any, state: InstanceState, prop: Any, child: InstanceState
    ) -> None:
        if not prop.uselist:
            # An attribute that has a value is being set, which `linked` warns of.
            if prop.key not in state.dict:
                warn_inside_flush(session, "related attribute delete")
            return
        warn_inside_flush(session, "collection remove")
        if any(child.dict.get(each.key) is state() for each in prop.reverse_properties):
            warn_inside_flush(session, "related attribute set")


link_listener.plug(cast("Any", Links()))


# ------------------------------------------------------------------------------
# Offer functions on single objects: what session, what key, transient again.

NOTHING_LOADED: LoadPolicy = policy_of(PassiveFlag.NO_CHANGE)


def object_state(instance: object) -> InstanceState:
    """The `InstanceState` of an object: `inspect(obj)` with another error.

    Raises:
        UnmappedInstanceError: The object's class is not mapped.
    """
    return state_of(instance)


def state_or_attribute_error(instance: Any) -> InstanceState:
    """The state of an object; AttributeError for an unmapped one (SM-173)."""
    state: InstanceState = instance._sa_instance_state
    return state


def was_deleted(object_: object) -> bool:
    """Whether a flush deleted the object's row, also after it left its session (SM-7)."""
    return state_or_attribute_error(object_).was_deleted


def make_transient(instance: object) -> None:
    """Turn an object into one that was never saved; its loaded values stay (SM-170 to SM-172)."""
    state = state_or_attribute_error(instance)
    members = state.members
    if members is not None and members.session is not None:
        expunge_states(members, [state])
    state.members = None
    state.pk = None
    extra = state.extra
    if extra is not None:
        extra.was_deleted = False
        extra.deferred = extra.unset = frozenset()
        extra.released = ()
        extra.identity_token = None


def make_transient_to_detached(instance: object) -> None:
    """Give a new object the identity that its primary key attributes name (SM-174).

    Attributes without value count as expired, and load once the object is in a session. An object
    without primary key is detached all the same, with a key that no row has.

    Raises:
        InvalidRequestError: The object has an identity or a session already.
    """
    state = state_or_attribute_error(instance)
    if state.pk is not None or state.is_attached:
        raise errors.MembershipError.not_transient()
    manager: Any = type(state).manager
    pk = manager.mapper.read_pk(state.dict)
    if pk is None:
        found = [state.dict.get(key, NO_VALUE) for key in manager.mapper.primary_key_keys]
        parts = tuple(NO_VALUE if part is None else part for part in found)
        pk = parts if len(parts) > 1 else parts[0]
    state.members = None
    state.pk = pk
    state.changes = None
    extra = state.extra
    if extra is not None:
        extra.was_deleted = False
        extra.empty_collections = None
        extra.pending = None
    if manager.has_expire_listeners:
        manager.dispatch.expire(state, state.unloaded)


def identity_key(
    class_: Any = None,
    ident: Any = None,
    *,
    instance: Any = None,
    row: Any = None,
    identity_token: Any = None,
) -> IdentityKey:
    """The identity key of a class and primary key, of an object, or of a row (API-50 to API-53).

    Example:
        >>> identity_key(User, 5)
        (<class 'User'>, (5,), None)
    """
    if class_ is None:
        if instance is None:
            raise errors.SessionArgumentError.identity_key_needs_subject()
        mapper = state_of(instance).manager.mapper
        found: IdentityKey = mapper.identity_key_from_instance(instance)
        return found
    mapper = mapper_of_class(class_)
    if row is not None:
        found = mapper.identity_key_from_row(row, identity_token=identity_token)
    elif ident is not None:
        values = key_values(mapper, ident)
        found = mapper.identity_key_from_primary_key(values, identity_token=identity_token)
    else:
        raise errors.SessionArgumentError.identity_key_needs_key()
    return found


def mapper_of_class(class_: Any) -> Any:
    """The mapper of a class, or the mapper given.

    Raises:
        UnmappedClassError: The class is not mapped.
    """
    try:
        return inspect(class_).mapper
    except (NoInspectionAvailable, AttributeError):
        raise errors.UnmappedClassError(class_) from None


def differs(state: InstanceState, *, include_collections: bool) -> bool:
    """Whether a value differs; loads nothing (SM-46 to SM-48).

    Args:
        state: State of the object.
        include_collections: Whether changed collections count.
    """
    slots: dict[str, Any] = type(state).manager.slots  # type: ignore[attr-defined]
    values = state.dict
    if state.pk is None:
        return any(
            include_collections or not slots[key].collection for key in values if key in slots
        )
    keys = dict.fromkeys(state.changes or ())
    if state.extra is not None and state.extra.pending:
        keys.update(dict.fromkeys(state.extra.pending))
    for key in keys:
        slot = slots.get(key)
        if slot is None or (slot.collection and not include_collections):
            continue
        if slot.history(state, values, NOTHING_LOADED).has_changes():
            return True
    return False
