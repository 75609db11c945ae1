"""This file records what an object looked like when the database last agreed with it.

Called by the attribute slots before each change, and by the flush when it has written.

Rules kept here:
1. Only the first value is kept: later changes of the same attribute leave the record alone.
2. A session hears of the first change of an object before anything is stored, so that a session
   which refuses changes leaves the object as it was.
3. Records that objects share are never changed: whoever has more to record takes a copy.
"""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.states.instance import InstanceState


class SharedChanges(dict[str, object]):
    """The record of objects that were constructed with the same keywords.

    PERF: construction. One record for all of them is one object less for the collector to visit.
    """

    __slots__ = ()


def own_changes(state: InstanceState) -> dict[str, object]:
    """The record of a changed object, to be written to."""
    changes = state.changes
    assert changes is not None
    if type(changes) is SharedChanges:
        changes = state.changes = dict(changes)
    return changes


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
        own_changes(state)[key] = old


def replace_change(state: InstanceState, key: str, old: object) -> None:
    """The same, also when another value was remembered before."""
    note_change(state, key, old)
    own_changes(state)[key] = old


def note_dirty(state: InstanceState) -> None:
    """Count the object as changed though no attribute is."""
    if state.changes is None:
        members = state.members
        if members is not None:
            members.note_modified(state)
        state.changes = {}


def note_gaps(state: InstanceState) -> None:
    """The object loses values: a query must see what it lacks."""
    members = state.members
    if members is not None:
        members.identity_map.note_gaps()


def forget_change(state: InstanceState, key: str) -> None:
    """Take the present value of one attribute as the one in the database."""
    changes = state.changes
    if changes is not None and key in changes:
        del own_changes(state)[key]


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
