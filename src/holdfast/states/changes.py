"""Tell what changed on an object, what expired, and which parents claim it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NamedTuple

from holdfast.foundation.load_policy import NO_VALUE
from holdfast.states.identity_map import Members
from holdfast.states.instance import EMPTY, InstanceState, StateExtra

# ------------------------------------------------------------------------------
# Define `History`: how an attribute differs from what the database holds.
#
# Builders here compare values that a slot hands them; they never load and never touch objects.


class History(NamedTuple):
    """Added, unchanged and deleted values of one attribute since the last flush (AH-20).

    Each part is a sequence. For a scalar a part holds at most one value.
    """

    added: Sequence[Any]
    unchanged: Sequence[Any]
    deleted: Sequence[Any]

    def __bool__(self) -> bool:
        """False only for the blank history (AH-26)."""
        return self != HISTORY_BLANK

    def empty(self) -> bool:
        """Whether nothing was added or deleted and nothing is unchanged (AH-24)."""
        return not self.added and not self.deleted and not self.unchanged

    def has_changes(self) -> bool:
        """Whether something was added or deleted (AH-23)."""
        return bool(self.added or self.deleted)

    def sum(self) -> Sequence[Any]:
        """Added, unchanged and deleted values, in this order (AH-25)."""
        return [*self.added, *self.unchanged, *self.deleted]

    def non_deleted(self) -> Sequence[Any]:
        """Added and unchanged values (AH-25)."""
        return [*self.added, *self.unchanged]

    def non_added(self) -> Sequence[Any]:
        """Unchanged and deleted values (AH-25)."""
        return [*self.unchanged, *self.deleted]

    def as_state(self) -> History:
        """The same with each object replaced by its state (AH-27)."""
        return History(*([state_or_none(each) for each in part] for part in self))


HISTORY_BLANK = History((), (), ())


def state_or_none(instance: Any) -> Any:
    """The state of a related object; None stays None."""
    return None if instance is None else instance.__dict__["_sa_instance_state"]


def value_history(
    current: object, committed: object, is_equal: Callable[[Any, Any], Any]
) -> History:
    """History of a column value that has a recorded change.

    Args:
        current: Present value, or `NO_VALUE` when the attribute has none.
        committed: Value that the database is known to hold, or `NO_VALUE`.
        is_equal: The column type's comparison.
    """
    if current is NO_VALUE:
        return HISTORY_BLANK if committed is NO_VALUE else History((), (), [committed])
    if committed is NO_VALUE:
        return History([current], (), ())
    # A comparison may answer with something that is no truth value, such as an array.
    if is_equal(current, committed) is True:
        return History((), [current], ())
    return History([current], (), [committed])


def reference_history(current: object, committed: object) -> History:
    """History of a reference to one object that has a recorded change."""
    if current is NO_VALUE:
        if committed is NO_VALUE:
            return HISTORY_BLANK
        return History((), (), [committed])
    if committed is NO_VALUE:
        return History([current], (), ())
    if current is committed:
        return History((), [current], ())
    # Nothing was there before: nothing was taken away.
    return History([current], (), () if committed is None else [committed])


def collection_history(current: Sequence[Any], committed: Sequence[Any]) -> History:
    """History of a collection, member by member, compared by identity and in their order."""
    before = set(map(id, committed))
    now = set(map(id, current))
    added = [each for each in current if id(each) not in before]
    unchanged = [each for each in current if id(each) in before]
    deleted = [each for each in committed if id(each) not in now]
    return History(added, unchanged, deleted)


# ------------------------------------------------------------------------------
# Record what an object looked like when the database last agreed with it.
#
# Called by the attribute slots before each change, and by the flush when it has written.
#
# Rules kept here:
# 1. Only the first value is kept: later changes of the same attribute leave the record alone.
# 2. A session hears of the first change of an object before anything is stored, so that a session
#    which refuses changes leaves the object as it was.
# 3. Records that objects share are never changed: whoever has more to record takes a copy.


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


# ------------------------------------------------------------------------------
# Record which parents claim an object, so that a flush can tell orphans.
#
# Only relationships with a `delete-orphan` cascade or a single-parent rule record anything; the
# record is keyed by the relationship's slot.
#
# Rules kept here:
# 1. An object never heard of counts as claimed when it has a row (it was loaded as someone's child,
#    or stands on its own), and as unclaimed when it is new.
# 2. A release by one parent does not undo a later claim by another (CA-64).


def claim_child(state: InstanceState, slot: object, parent: InstanceState) -> None:
    """`parent` now holds the object through the relationship of `slot`."""
    extra = state.more()
    if extra.parents is None:
        extra.parents = {}
    extra.parents[slot] = parent


def release_child(state: InstanceState, slot: object, parent: InstanceState) -> bool:
    """`parent` no longer holds the object; tells whether it was the one that did.

    A claim by another parent in the meantime stands.
    """
    extra = state.more()
    if extra.parents is None:
        extra.parents = {}
    holder = extra.parents.get(slot)
    if isinstance(holder, InstanceState) and holder is not parent:
        return False
    extra.parents[slot] = False
    return True


def has_parent(state: InstanceState, slot: object, *, optimistic: bool) -> bool:
    """Whether someone holds the object through the relationship of `slot`.

    Args:
        state: The possible orphan.
        slot: Names the relationship.
        optimistic: The answer for an object that was never claimed nor released.
    """
    extra = state.extra
    if extra is None or extra.parents is None:
        return optimistic
    holder = extra.parents.get(slot)
    return optimistic if holder is None else holder is not False


def is_claimed_by(state: InstanceState, slot: object) -> InstanceState | None:
    """The parent that is known to hold the object, or None."""
    extra = state.extra
    if extra is None or extra.parents is None:
        return None
    holder = extra.parents.get(slot)
    return holder if isinstance(holder, InstanceState) else None


def forget_parent(state: InstanceState, slot: object, parent: InstanceState) -> None:
    """Forget what `parent` said of an object with a row: neither claimed nor released."""
    known = None if state.extra is None or state.pk is None else state.extra.parents
    if known is not None and known.get(slot) in (False, parent):
        del known[slot]


def forget_parents(state: InstanceState) -> None:
    """Forget all claims and releases."""
    extra = state.extra
    if extra is not None:
        extra.parents = None


# ------------------------------------------------------------------------------
# Forget loaded values, so that the next access reads them again.
#
# Called at commit and rollback for everything a session holds, and by `expire` for single objects.
# Emits no SQL.
#
# Rules kept here:
# 1. The object's dictionary is emptied in place: whoever holds it sees the same dictionary.
# 2. Attributes that are not mapped stay (fast test: everything in the dictionary is mapped).
# 3. Unflushed changes are forgotten together with the values that they changed, and so is what
#    they said of the members of collections: a member that was removed is no orphan.

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
                # What the member's own end records of its leaving stands (CA-62).
                if not (
                    member.changes and any(each in member.changes for each in slot.reverse_keys)
                ):
                    forget_parent(member, slot.parent_token, state)


def _forget_rare(extra: StateExtra, names: Collection[str]) -> None:
    extra.released = names
    extra.said = EMPTY
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
    values = state.dict
    for key in manager.mapper.composite_keys:
        parts = manager.mapper.properties[key].column_keys
        if key in names:
            names += parts
        elif not set(parts).isdisjoint(names):
            # Made from them, and to be made anew.
            values.pop(key, None)
    note_gaps(state)
    extra = state.more()
    pending = extra.pending
    columns = manager.mapper.column_of_key
    extra.released = {*extra.released, *(key for key in names if key in columns)}
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
