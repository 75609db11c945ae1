"""Hold what one flush has to do, and note what it did."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, TypeVar

from holdfast import errors
from holdfast.foundation.load_policy import PASSIVE_NO_RESULT, LoadPolicy, PassiveFlag, policy_of
from holdfast.states.changes import History
from holdfast.states.identity_map import Members
from holdfast.states.instance import InstanceState

# ------------------------------------------------------------------------------
# Hold what one flush has found to do, before it is ordered.
#
# Filled by `collect` and the `dependencies`, read by `planner`. Nothing here emits SQL or changes
# an object, so that a `WorkSet` can be made only to be printed.
#
# Rules kept here:
# 1. An object is either saved or deleted, never both.
# 2. Objects outside of the session are left out, with a warning. Keys reach them in memory, so that
#    they are linked as their parents say when they come in later (CA-32).
# 3. When an object changes sides after its relationships were asked, `flipped` is set, and
#    `collect`
#    asks all relationships again.

KeyCopy = tuple[InstanceState | None, InstanceState]
"""Source of a key and the object that holds the foreign key; no source: the key is cleared."""

Pair = tuple[InstanceState, InstanceState]

# `lazy="raise"` does not hinder a flush (CA-105), and members are those of the row as the database
# has it, also when the key in memory is a new one.
LOAD_FOR_FLUSH = policy_of(PassiveFlag.PASSIVE_MERGE | PassiveFlag.LOAD_AGAINST_COMMITTED)


class AssociationRows:
    """Rows of one association table to write, as pairs in the direction of the leading side."""

    __slots__ = ("added", "owner", "rekeyed", "removed")

    def __init__(self) -> None:
        self.added: list[Pair] = []
        self.removed: list[Pair] = []
        # Pairs that stay while a key of theirs changes.
        self.rekeyed: list[Pair] = []
        # Pair -> the side that recorded it, so that the other side leaves it alone.
        self.owner: dict[Pair, object] = {}

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.rekeyed)


class Batch:
    """Objects of one class that are to be saved, as the relationships look at them."""

    __slots__ = ("dicts", "mapper", "new", "old")

    def __init__(self, mapper: Any, states: Iterable[InstanceState]) -> None:
        self.mapper: Any = mapper
        self.new: list[InstanceState] = []
        # Persistent objects that have something recorded.
        self.old: list[InstanceState] = []
        for state in states:
            if state.pk is None:
                self.new.append(state)
            elif state.changes or state.extra is not None:
                self.old.append(state)
        self.dicts: list[Any | dict[str, Any]] = [state().__dict__ for state in self.new]


class WorkSet:
    """What one flush has to do.

    Attributes:
        members: What the session holds.
        policy: Whether unloaded attributes may be loaded.
        saves: Objects to insert or update; state -> object, which keeps it alive.
        deletes: Persistent objects to delete; state -> object.
        listed: Saved objects that only take part so that keys reach them, without UPDATE.
        expelled: Pending objects that leave the session in place of being inserted.
        unread: Attributes, as (state, name), whose value a flush would load and this one did not.
        copies, clears: Foreign keys to set and to empty, by relationship.
        late_copies, late_clears: The same for `post_update`, to be written by an UPDATE of their
            own after all rows are saved.
        early_clears: Those to be emptied before rows are deleted.
        outside_copies, outside_clears: Those of objects outside of the session, in memory only.
        associations: Association rows, by relationship.
    """

    __slots__ = (
        "associations",
        "cancelled",
        "clears",
        "copies",
        "deletes",
        "early_clears",
        "expelled",
        "flipped",
        "fresh_deletes",
        "fresh_saves",
        "late_clears",
        "late_copies",
        "listed",
        "members",
        "outside_clears",
        "outside_copies",
        "policy",
        "saves",
        "unread",
        "warnings",
    )

    def __init__(self, members: Members, policy: LoadPolicy) -> None:
        self.members: Members = members
        self.policy: LoadPolicy = policy
        self.saves: dict[InstanceState, Any] = {}
        self.deletes: dict[InstanceState, Any] = {}
        self.listed: dict[InstanceState, None] = {}
        self.expelled: dict[InstanceState, Any] = {}
        # Objects whose deletion was called off because another object took them in.
        self.cancelled: dict[InstanceState, None] = {}
        self.unread: dict[tuple[InstanceState, str], None] = {}
        self.warnings: dict[str, None] = {}
        # Objects whose relationships were not asked yet.
        self.fresh_saves: list[InstanceState] = []
        self.fresh_deletes: list[InstanceState] = []
        self.flipped: bool = False
        self.forget_links()

    def __bool__(self) -> bool:
        return bool(self.saves or self.deletes or self.expelled)

    def forget_links(self) -> None:
        """Start over with what the relationships ask for; saves and deletes stay."""
        self.copies: dict[Any, list[KeyCopy]] = {}
        self.clears: dict[Any, list[KeyCopy]] = {}
        self.late_copies: dict[Any, list[KeyCopy]] = {}
        self.late_clears: dict[Any, list[KeyCopy]] = {}
        self.early_clears: dict[Any, list[KeyCopy]] = {}
        self.outside_copies: dict[Any, list[KeyCopy]] = {}
        self.outside_clears: dict[Any, list[KeyCopy]] = {}
        self.associations: dict[Any, AssociationRows] = {}
        self.fresh_saves = list(self.saves)
        self.fresh_deletes = list(self.deletes)
        self.flipped = False

    # -- objects -----------------------------------------------------------------------------------

    def add_save(self, state: InstanceState, instance: Any) -> None:
        """Save an object of the session that is not part of the work yet."""
        self.saves[state] = instance
        self.fresh_saves.append(state)

    def include(
        self,
        state: InstanceState,
        relationship: Any,
        operation: str,
        *,
        listed: bool = False,
    ) -> bool:
        """Make a related object part of the work; tells whether it will be saved.

        Args:
            state: The related object.
            relationship: Leads to it; for the warning.
            operation: "add" when it was linked, "delete" when it was unlinked or its holder goes,
                "pk change" when its holder's key changes.
            listed: The object gets the new key in memory only.
        """
        if state in self.saves:
            if not listed:
                self.listed.pop(state, None)
            return True
        if state in self.expelled:
            return False
        if state in self.deletes:
            if operation != "add":
                return False
            self.cancelled[state] = None
            self.saves[state] = self.deletes.pop(state)
            self.flipped = True
            return True
        if not self.is_member(state, relationship, operation):
            return False
        if listed:
            self.listed[state] = None
        self.add_save(state, state())
        return True

    def is_member(self, state: InstanceState, relationship: Any, operation: str) -> bool:
        """Whether the session holds a related object; warns when it does not."""
        if self.members.is_member(state):
            return True
        if not state.was_deleted:
            self.warnings[errors.not_in_session_warning(state, operation, relationship)] = None
        return False

    def is_outside(self, state: InstanceState) -> bool:
        """Whether an object that may have a row one day is not in the session."""
        return not self.members.is_member(state) and not state.was_deleted

    def delete(self, state: InstanceState) -> bool:
        """Delete an object of the session; tells whether this is news."""
        if state in self.deletes or state in self.cancelled or state in self.expelled:
            return False
        if not self.members.is_member(state):
            return False
        instance = self.saves.pop(state, None)
        if instance is not None:
            self.listed.pop(state, None)
            self.flipped = True
        if state.pk is None:
            # A row that was never written needs no DELETE.
            self.expelled[state] = state()
            return True
        self.deletes[state] = state() if instance is None else instance
        self.fresh_deletes.append(state)
        return True

    # -- links -------------------------------------------------------------------------------------

    def association_of(self, leader: Hashable) -> AssociationRows:
        """The association rows recorded under the leading side of a relationship."""
        rows = self.associations.get(leader)
        if rows is None:
            rows = self.associations[leader] = AssociationRows()
        return rows

    def history(self, state: InstanceState, slot: Any, policy: LoadPolicy) -> History:
        """History of a relationship, loading it when both policies say so."""
        values = state().__dict__
        unseen = slot.defers_history and (state.changes or {}).get(slot.key) is PASSIVE_NO_RESULT
        if unseen:
            # What a one-to-one reference held before was not looked at when it was set.
            policy = LOAD_FOR_FLUSH
        if policy.may_fetch and not self.policy.may_fetch:
            if unseen or slot.key not in values:
                self.unread[state, slot.key] = None
            policy = self.policy
        history: History = slot.history(state, values, policy)
        return history

    def value_in_row(self, state: InstanceState, key: str) -> Any:
        """The value of a column attribute that the row of an object has, loaded if need be."""
        committed = state.committed_state
        if key in committed:
            return committed[key]
        values = state().__dict__
        if key not in values and not self.policy.may_fetch:
            self.unread[state, key] = None
        return state.manager.slots[key].get(state, values, self.policy)  # type: ignore[attr-defined]


# ------------------------------------------------------------------------------
# Record what a flush has written so far, for `settle` and for the session's rollback.
#
# Filled by `insert`, `update` and `delete`, step by step.

T = TypeVar("T")

ConnectionSource = Callable[[Any], Any]

RowConnectionSource = Callable[..., Any]
"""Gives the connection for a mapper and one object; see `Session.connection_callable`."""


class FlushOutcome:
    """What a flush did, once objects are settled.

    Attributes:
        inserted: Objects that are persistent now.
        updated: Objects that were persistent before and are clean now.
        deleted: Objects whose rows are gone.
        rekeyed: (object, bare primary key before, and now) where it changed.
        expelled: Pending objects that left the session.
    """

    __slots__ = ("deleted", "expelled", "inserted", "rekeyed", "updated")

    def __init__(self) -> None:
        self.inserted: list[InstanceState] = []
        self.updated: list[InstanceState] = []
        self.deleted: list[InstanceState] = []
        self.rekeyed: list[tuple[InstanceState, Any, Any]] = []
        self.expelled: list[InstanceState] = []


class Journal:
    """What was written so far, and what writing needs to know.

    Attributes:
        work: What the flush has to do.
        connection_for: Gives the connection of the transaction for a mapper.
        connection_for_row: The same for one object, where they are spread over several databases.
        inserted: Pairs of objects of one hierarchy and their new bare primary keys, by step.
        replaced: Objects marked for deletion whose row a new object took over; state -> successor.
        gone: Persistent objects that were found to have no row any more.
        cascaded: (object, attribute) of primary keys that the database changes by itself.
        step: What is being written just now; None before and afterwards.
        versions: Objects whose version counter this flush has written; state -> version.
    """

    def __init__(
        self,
        work: WorkSet,
        connection_for: ConnectionSource,
        connection_for_row: RowConnectionSource | None = None,
    ) -> None:
        self.work: WorkSet = work
        self.connection_for = connection_for
        self.connection_for_row = connection_for_row
        self.inserted: list[tuple[Any, Sequence[InstanceState], Sequence[Any]]] = []
        self.replaced: dict[InstanceState, InstanceState] = {}
        self.gone: list[InstanceState] = []
        self.cascaded: set[tuple[InstanceState, str]] = set()
        self.step: Any = None
        self.versions: dict[InstanceState, Any] = {}

    def batches(
        self, mapper: Any, states: Sequence[InstanceState]
    ) -> Iterator[tuple[Any, Sequence[InstanceState]]]:
        """Connections, each with objects of one hierarchy to be written on it together."""
        for connection, batch in self.by_connection(mapper, states):
            if mapper.batch:
                yield connection, batch
            else:
                yield from ((connection, (state,)) for state in batch)

    def by_connection(
        self,
        mapper: Any,
        items: Sequence[T],
        state_of: Callable[[T], InstanceState] | None = None,
    ) -> Iterator[tuple[Any, Sequence[T]]]:
        """Connections, each with consecutive items whose rows are in its database.

        Args:
            mapper: Of the objects.
            items: The objects, or what belongs to them.
            state_of: The object that an item belongs to.
        """
        find = self.connection_for_row
        if not items:
            return
        if find is None:
            yield self.connection_for(mapper), items
            return

        def place(item: Any) -> tuple[Any, Any]:
            state: InstanceState = item if state_of is None else state_of(item)
            # It may give the object its token, and so comes first.
            connection = find(mapper, state())
            return connection, state.identity_token

        for (connection, _), group in groupby(items, place):
            yield connection, list(group)
