"""This file reads objects by key, forgets their values, and reads them again: get, expire, refresh.

Rules kept here:
1. `get` answers from the identity map where it can, and then emits nothing (SB-120).
2. `refresh` expires first and flushes then: changes of the object itself are lost (SM-121).
3. `refresh` loads what the query of the object would load, deferred columns included, while an
   expired object is read with all columns that its class does not defer (LD-90).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from holdfast import errors
from holdfast.foundation.codegen import FieldTuple, Keywords
from holdfast.foundation.describe import warn
from holdfast.foundation.sqlalchemy_core import EMPTY_DICT, ForUpdateArg
from holdfast.mapping.cascades import reachable
from holdfast.reading.context import REFRESH
from holdfast.reading.identity import load_by_key, refresh_state
from holdfast.sessions.host import SessionHost, key_values, mapper_of, state_of
from holdfast.sessions.membership import expunge_states
from holdfast.states.changes import expire_everything, expire_keys, expire_states
from holdfast.states.instance import InstanceState, bare_key
from holdfast.states.lifecycle import Move, move


class LookupArguments(Keywords, total=False):
    """Keywords of `Session.get` and `get_one`, for type checkers."""

    options: Sequence[Any] | None
    populate_existing: bool | None
    with_for_update: Any
    identity_token: Any
    execution_options: Mapping[str, Any]
    bind_arguments: Mapping[str, Any] | None


class Lookup(FieldTuple):
    """How an object is looked up by its key; see `Session.get`."""

    with_for_update: Any
    populate_existing: bool | None
    identity_token: Any
    execution_options: Mapping[str, Any]
    bind_arguments: Mapping[str, Any] | None


def get(
    session: SessionHost, entity: Any, ident: Any, how: Lookup, options: Sequence[Any] | None
) -> Any | None:
    """The object with a primary key: from the identity map, else from the database."""
    mapper = mapper_of(entity)
    values = key_values(mapper, ident)
    for_update = for_update_of(how.with_for_update)
    execution_options = how.execution_options or EMPTY_DICT
    merged = {**session.execution_options, **execution_options}
    populate_existing = how.populate_existing
    if populate_existing is None:
        populate_existing = bool(merged.get("populate_existing", False))
    else:
        execution_options = {**execution_options, "populate_existing": populate_existing}
    if not (populate_existing or mapper.always_refresh) and for_update is None:
        present = _find_present(session, mapper, values, how.identity_token)
        if present is not None:
            return present if isinstance(present, mapper.class_) else None
    if all(value is None for value in values):
        warn(errors.null_identity_warning())
        return None
    if merged.get("autoflush", True):
        session.autoflush_if_enabled()
    return load_by_key(
        session,
        mapper,
        bare_key(values),
        populate_existing=populate_existing,
        with_for_update=for_update,
        options=tuple(options or ()),
        execution_options=execution_options,
        bind_arguments=how.bind_arguments,
        identity_token=how.identity_token,
    )


def _find_present(session: SessionHost, mapper: Any, values: list[Any], token: Any) -> Any | None:
    """The object in the identity map, refreshed when it was expired as a whole."""
    pk = bare_key(values)
    identity_map = session.members.identity_map
    try:
        state = identity_map.find_state(mapper, pk, token)
    except TypeError:
        # A value that cannot be hashed is no key of the map; the database may still know it.
        return None
    if state is None:
        return None
    instance = state()
    if instance is None or not isinstance(instance, mapper.class_):
        return instance
    if state.expired:
        session.autoflush_if_enabled()
        if not refresh_state(session, state, None):
            remove_gone(session, state)
            return None
    elif token is None:
        session.remember_space(mapper)
    return instance


def remove_gone(session: SessionHost, state: InstanceState) -> None:
    """An object whose row turned out to be gone becomes deleted (SB-122)."""
    instance = state()
    transaction = session.innermost
    if transaction is not None:
        transaction.snapshot.note_gone(state)
    move(session.members, Move.DELETED, [state])
    del instance


def for_update_of(given: Any) -> ForUpdateArg | None:
    """Core's form of a `with_for_update` argument.

    Raises:
        ArgumentError: An empty dictionary (SB-129).
    """
    if given is None or given is False:
        return None
    if given is True:
        return ForUpdateArg()
    if isinstance(given, ForUpdateArg):
        return given
    if not given or not isinstance(given, Mapping):
        raise errors.SessionArgumentError.bad_for_update()
    return ForUpdateArg(**given)


def check_persistent(session: SessionHost, state: InstanceState) -> None:
    """Raise unless the object is persistent in this session (SM-112, SM-127)."""
    if state.members is not session.members or state.pk is None:
        raise errors.MembershipError.not_persistent(state)
    if state.was_deleted:
        raise errors.ObjectDeletedError(state)


def expire(session: SessionHost, instance: object, names: Iterable[str] | None) -> None:
    """Forget the values of an object, or of the named attributes (SM-110 to SM-113)."""
    state = state_of(instance)
    if state.members is not session.members or state.pk is None or state.was_deleted:
        raise errors.MembershipError.not_persistent(state)
    _expire(session, state, None if names is None else list(names))


def _expire(session: SessionHost, state: InstanceState, names: list[str] | None) -> None:
    if names:
        expire_keys(state, names)
        return
    members = session.members
    reached = [state]
    held = []
    if type(state).manager.mapper.refresh_expire_keys:
        for each in reachable(state, "refresh-expire"):
            reached.append(each)
            held.append(each())
    here = [each for each in reached if each.members is members]
    for each in here:
        members.modified.pop(each, None)
    expire_states([each for each in here if each.pk is not None and not each.was_deleted])
    # A new object that lives by its parent alone goes with the collection that is forgotten.
    orphans = [
        each for each in here if each.pk is None and each.manager.mapper.orphan_relationships
    ]
    expunge_states(members, orphans)


def expire_all(session: SessionHost) -> None:
    """Forget the values of every persistent object (SM-114)."""
    expire_everything(session.members)


def refresh(
    session: SessionHost, instance: object, names: Iterable[str] | None, with_for_update: Any
) -> None:
    """Read an object anew, or the named attributes of it (SM-120 to SM-129)."""
    state = state_of(instance)
    check_persistent(session, state)
    for_update = for_update_of(with_for_update)
    wanted = list(names) if names is not None else []
    _expire(session, state, wanted)
    session.autobegin()
    session.autoflush_if_enabled()
    _check_key_is_flushed(state)
    if not refresh_state(
        session, state, wanted or None, with_for_update=for_update, origin=REFRESH
    ):
        raise errors.MembershipError.not_refreshed(state)


def _check_key_is_flushed(state: InstanceState) -> None:
    """Raise when the row would be looked for under a key that is still to be written."""
    changes = state.changes
    if not changes:
        return
    manager: Any = type(state).manager
    mapper = manager.mapper
    values = state.dict
    changed = {
        key
        for key in mapper.primary_key_keys
        if key in changes and manager.slots[key].history(state, values).has_changes()
    }
    if changed:
        raise errors.SessionUseError.unflushed_key_change(sorted(changed), mapper)
