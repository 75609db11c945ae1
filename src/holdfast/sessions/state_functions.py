"""This file offers functions on single objects: what session, what key, transient again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect
from sqlalchemy.exc import NoInspectionAvailable

from holdfast.errors.mapping import UnmappedClassError
from holdfast.errors.session import MembershipError, SessionArgumentError
from holdfast.foundation.load_policy import LoadPolicy, PassiveFlag, policy_of
from holdfast.foundation.markers import NO_VALUE
from holdfast.sessions.membership import expunge_states
from holdfast.sessions.subjects import key_values, state_of
from holdfast.states.identity import IdentityKey
from holdfast.states.instance import InstanceState

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
        extra.pending = None
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
        raise MembershipError.not_transient()
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
            raise SessionArgumentError.identity_key_needs_subject()
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
        raise SessionArgumentError.identity_key_needs_key()
    return found


def mapper_of_class(class_: Any) -> Any:
    """The mapper of a class, or the mapper given.

    Raises:
        UnmappedClassError: The class is not mapped.
    """
    try:
        return inspect(class_).mapper
    except (NoInspectionAvailable, AttributeError):
        raise UnmappedClassError(class_) from None


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
