"""This file records what the flushes of one transaction level did, and undoes it in memory.

Nothing is recorded when objects are loaded, added or changed: what a rollback needs of that is in
`Members` anyway. A flush adds its outcome set by set.

Rules kept here:
1. What became pending or was inserted since the level began becomes transient (SB-162, TX-35),
   and so does an object read from a row that was inserted since.
2. What was deleted since becomes persistent, unless the level inserted it too (SB-163, SM-31).
3. Keys changed since are changed back (SB-165).
4. The root level expires everything; a nested one expires what was changed since, and what was
   restored (SM-160).
"""

from __future__ import annotations

from itertools import count
from typing import Any, Protocol

from holdfast.foundation.codegen import FieldTuple
from holdfast.states.changes import expire_everything, expire_states
from holdfast.states.identity_map import Members
from holdfast.states.instance import InstanceState
from holdfast.states.lifecycle import Move, move

# Numbers the flushes of all sessions.
MOMENTS = count(1)


class Outcome(Protocol):
    """What one flush did."""

    @property
    def inserted(self) -> list[InstanceState]:
        """States that became persistent."""

    @property
    def updated(self) -> list[InstanceState]:
        """States that were persistent and changed."""

    @property
    def deleted(self) -> list[InstanceState]:
        """States whose rows were deleted."""

    @property
    def rekeyed(self) -> list[tuple[InstanceState, Any, Any]]:
        """States whose primary key changed, with the old and the new key."""


class KeyChange(FieldTuple):
    """The key that an object had when the level began, and the flushes that changed it."""

    pk: Any
    first: int
    last: int


class Snapshot:
    """What happened in one level: states only, objects are not kept alive."""

    __slots__ = ("deleted", "former_keys", "inserted", "updated")

    def __init__(self) -> None:
        # In the order of the flushes, as events are to fire; state -> which flush it was.
        self.inserted: dict[InstanceState, int] = {}
        self.deleted: dict[InstanceState, int] = {}
        self.updated: dict[InstanceState, None] = {}
        self.former_keys: dict[InstanceState, KeyChange] = {}

    def record(self, outcome: Outcome) -> None:
        """Add what a flush did."""
        moment = next(MOMENTS)
        self.inserted.update(dict.fromkeys(outcome.inserted, moment))
        self.deleted.update(dict.fromkeys(outcome.deleted, moment))
        self.updated.update(dict.fromkeys(outcome.updated))
        for state, old, _ in outcome.rekeyed:
            self._note_change(state, KeyChange(old, moment, moment))

    def _note_change(self, state: InstanceState, change: KeyChange) -> None:
        # The oldest key is the one to go back to.
        known = self.former_keys.get(state, change)
        self.former_keys[state] = KeyChange(known.pk, known.first, change.last)

    def note_gone(self, state: InstanceState) -> None:
        """Add an object whose row turned out to be gone."""
        self.deleted[state] = next(MOMENTS)

    def hand_over(self, outer: Snapshot) -> None:
        """Let the enclosing level answer for what this one, now released, did (TX-36)."""
        outer.inserted.update(self.inserted)
        outer.deleted.update(self.deleted)
        outer.updated.update(self.updated)
        for state, change in self.former_keys.items():
            outer._note_change(state, change)

    def clear(self) -> None:
        """Forget everything."""
        self.inserted.clear()
        self.deleted.clear()
        self.updated.clear()
        self.former_keys.clear()

    def undo(self, members: Members, *, only_changed: bool) -> None:
        """Bring the objects of a session back to where the level found them.

        Args:
            members: What the session holds.
            only_changed: Expire what the level changed; otherwise everything.
        """
        self._take_in_readers(members)
        restored = self._deleted_only(members)
        # Held while they move: events fire for all of them.
        alive = [state() for state in (*self.inserted, *restored)]
        self._make_transient(members)
        self._change_keys_back(members)
        for state in members.deleted:
            if state.was_deleted:
                members.identity_map.discard(state)
        members.deleted.clear()
        for state in restored:
            _make_room(members, state)
        move(members, Move.DELETE_UNDONE, restored)
        if only_changed:
            self._expire_changed(members, restored)
        else:
            expire_everything(members)
        self.clear()
        del alive

    def detach_deleted(self, members: Members) -> None:
        """After a commit: what was deleted leaves the session (SM-24)."""
        gone = [state for state in self.deleted if state.members is members and state.was_deleted]
        alive = [state() for state in gone]
        present = [state for state, held in zip(gone, alive, strict=True) if held is not None]
        move(members, Move.DELETE_COMMITTED, present)
        for state in gone:
            state.members = None
        self.deleted.clear()

    def _take_in_readers(self, members: Members) -> None:
        """Rows that come to nothing may have been read anew, after their objects were let go."""
        first_inserted: dict[Any, int] = {}
        for state, moment in self.inserted.items():
            # A row that was given another key has been another one's before.
            change = self.former_keys.get(state)
            since = moment if change is None else change.last
            row = _row_of(state)
            first_inserted[row] = min(since, first_inserted.get(row, since))
        first_inserted.pop(None, None)
        for row, moment in first_inserted.items():
            reader = members.identity_map.find_state(*row)
            if reader is not None and reader not in self.former_keys:
                self.inserted.setdefault(reader, moment)
        for state, moment in self.deleted.items():
            if (
                state not in self.former_keys
                and first_inserted.get(_row_of(state), moment) < moment
            ):
                self.inserted.setdefault(state, moment)
        for state, (pk, moment, _) in self.former_keys.items():
            if first_inserted.get(_row_of(state, pk), moment) < moment:
                self.inserted.setdefault(state, moment)

    def _make_transient(self, members: Members) -> None:
        persistent: list[InstanceState] = []
        deleted: list[InstanceState] = []
        for state in self.inserted:
            if state.members is None:
                # Expunged since: no event, but the row is gone.
                state.pk = None
                if state.extra is not None:
                    state.extra.was_deleted = False
            elif state.members is members and state() is not None:
                (deleted if state.was_deleted else persistent).append(state)
        for state in persistent:
            if state.expired:
                # Its values are lost, and the next flush must not write NULLs for them.
                state.more().released = state.manager.mapper.column_keys
        move(members, Move.INSERT_UNDONE, persistent)
        move(members, Move.WITHDRAWN, list(members.new))
        move(members, Move.INSERT_AND_DELETE_UNDONE, deleted)

    def _deleted_only(self, members: Members) -> list[InstanceState]:
        return [
            state
            for state in self.deleted
            if state.members is members
            and state.was_deleted
            and state() is not None
            and state not in self.inserted
        ]

    def _change_keys_back(self, members: Members) -> None:
        moved = []
        for state, (pk, _, _) in self.former_keys.items():
            if state in self.inserted or state.members not in (members, None):
                continue
            is_here = members.identity_map.holds(state)
            if is_here:
                members.identity_map.discard(state)
                moved.append(state)
            state.pk = pk
        # Two steps: keys may have been exchanged.
        for state in moved:
            _make_room(members, state)
            members.identity_map.add(state)

    def _expire_changed(self, members: Members, restored: list[InstanceState]) -> None:
        changed = [*members.modified, *self.updated, *restored]
        # Rows that were changed may have been read anew, after their objects were let go.
        find_state = members.identity_map.find_state
        for state in self.updated:
            if state() is None and (mapper := state.manager.mapper) is not None:
                reader = find_state(mapper, state.pk, state.identity_token)
                changed += [reader] if reader is not None else []
        expire_states(
            [state for state in dict.fromkeys(changed) if members.identity_map.holds(state)]
        )
        for state in changed:
            members.modified.pop(state, None)


def _row_of(state: InstanceState, pk: Any = None) -> tuple[Any, Any, Any] | None:
    """The row that an object stands for, as the identity map is asked for it.

    Args:
        state: Of the object.
        pk: A former key of the object.
    """
    mapper = state.manager.mapper
    if pk is None:
        pk = state.pk
    if mapper is None or pk is None:
        return None
    return (mapper.base_mapper, pk, state.identity_token)


def _make_room(members: Members, state: InstanceState) -> None:
    """An object loaded under the key of a row that comes back belongs to nobody's row."""
    identity_map = members.identity_map
    other = identity_map.find_state(state.manager.mapper, state.pk, state.identity_token)
    if other is not None and other is not state:
        identity_map.discard(other)
        members.modified.pop(other, None)
        other.members = None
