"""This file forgets loaded values, so that the next access reads them again.

Called at commit and rollback for everything a session holds, and by `expire` for single objects.
Emits no SQL.

Rules kept here:
1. The object's dictionary is emptied in place: whoever holds it sees the same dictionary.
2. Attributes that are not mapped stay (fast test: everything in the dictionary is mapped).
3. Unflushed changes are forgotten together with the values that they changed, and so is what
   they said of the members of collections: a member that was removed is no orphan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from holdfast.states.changes import forget_change, note_gaps
from holdfast.states.instance import InstanceState, StateExtra
from holdfast.states.members import Members
from holdfast.states.parents import forget_parent

STATE_KEY = "_sa_instance_state"


def expire_everything(members: Members) -> None:
    """Expire every persistent object (SM-160)."""
    for space in list(members.identity_map.spaces.values()):
        expire_states(list(space.values()))
    members.modified.clear()


def expire_states(states: Iterable[InstanceState]) -> None:
    """Expire objects as a whole. The caller takes them out of the session's modified ones."""
    kind: Any = None
    mapped: frozenset[str] = frozenset()
    listeners: Any = None
    # PERF: commit_expire. One pass, no call per object but those of C.
    for state in states:
        instance = state()
        if instance is None:
            continue
        if type(state) is not kind:
            kind = type(state)
            manager = kind.manager
            mapped = manager.mapper.expirable_keys
            listeners = manager.dispatch.expire if manager.has_expire_listeners else None
            note_gaps(state)
        values = instance.__dict__
        if state.changes is not None:
            _forget_members(state, values, state.changes)
            state.changes = None
        if mapped.issuperset(values):
            values.clear()
            values[STATE_KEY] = state
        else:
            for key in mapped.intersection(values):
                if key != STATE_KEY:
                    del values[key]
        if state.extra is not None:
            _forget_rare(state.extra, mapped)
        if listeners is not None:
            listeners(state, None)


def _forget_members(state: InstanceState, values: dict[str, Any], keys: Iterable[str]) -> None:
    """Members that came or went since the last flush did not, for all that is known now."""
    manager: Any = state.manager
    for key in keys:
        slot = manager.slots.get(key)
        if slot is not None and slot.tracks_parent:
            for member, _ in slot.all_pending(state, values):
                forget_parent(member, slot.parent_token, state)


def _forget_rare(extra: StateExtra, names: Collection[str]) -> None:
    extra.released = names
    extra.deferred = extra.unset = frozenset()
    extra.pending = None
    extra.empty_collections = None
    # Parents that claimed or released the object did so in the state that is forgotten.
    extra.parents = None


def expire_keys(state: InstanceState, keys: Iterable[str]) -> None:
    """Expire the named attributes of one object.

    Raises:
        KeyError: A name is not mapped (SM-111).
    """
    manager: Any = type(state).manager
    names = list(keys)
    for key in manager.mapper.composite_keys:
        if key in names:
            names += manager.mapper.properties[key].column_keys
    note_gaps(state)
    values = state.dict
    extra = state.more()
    pending = extra.pending
    extra.released = {*extra.released, *names}
    extra.deferred = extra.deferred.difference(names)
    extra.unset = extra.unset.difference(names)
    if state.changes is not None:
        _forget_members(state, values, state.changes.keys() & names)
    for key in names:
        manager[key]
        values.pop(key, None)
        forget_change(state, key)
        if pending is not None:
            pending.pop(key, None)
    if manager.has_expire_listeners:
        manager.dispatch.expire(state, names)
