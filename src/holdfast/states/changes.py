"""This file records what an object looked like when the database last agreed with it.

Called by the attribute slots before each change, and by the flush when it has written.

Rules kept here:
1. Only the first value is kept: later changes of the same attribute leave the record alone.
2. A session hears of the first change of an object before anything is stored, so that a session
   which refuses changes leaves the object as it was.
"""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.states.instance import InstanceState


def note_change(state: InstanceState, key: str, old: object) -> None:
    """Remember `old` as the value that the database is known to hold for `key`.

    `old` is `NO_VALUE` where that is not known or there is none.
    """
    changes = state.changes
    if changes is None:
        members = state.members
        if members is not None:
            members.note_modified(state)
        state.changes = {key: old}
    elif key not in changes:
        changes[key] = old


def note_dirty(state: InstanceState) -> None:
    """Count the object as changed though no attribute is."""
    if state.changes is None:
        members = state.members
        if members is not None:
            members.note_modified(state)
        state.changes = {}


def forget_change(state: InstanceState, key: str) -> None:
    """Take the present value of one attribute as the one in the database."""
    changes = state.changes
    if changes is not None:
        changes.pop(key, None)


def forget_changes(states: Iterable[InstanceState]) -> None:
    """Take the present values of all attributes as those in the database."""
    for state in states:
        state.changes = None
        members = state.members
        if members is not None:
            members.modified.pop(state, None)
        extra = state.extra
        if extra is not None and extra.pending is not None:
            extra.pending = None
