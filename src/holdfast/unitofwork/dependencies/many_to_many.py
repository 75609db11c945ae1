"""This file says what a many-to-many relationship asks of a flush: rows of its association table.

Rules kept here:
1. A change that both sides of a pair of relationships know of is written once.
2. Rows are recorded as pairs in the direction of the leading side, whichever side saw them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from holdfast.foundation.load_policy import LoadPolicy
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.dependencies.base import Dependency, attribute_of
from holdfast.unitofwork.dependencies.changed_keys import is_rekeyed
from holdfast.unitofwork.work_set import LOAD_FOR_FLUSH, AssociationRows, Batch, Pair, WorkSet


class ManyToManyDependency(Dependency):
    """Association rows between the parent and its members."""

    __slots__ = ("leader", "parent_columns", "parent_keys", "target_columns", "target_keys")

    def __init__(self, relationship: Any) -> None:
        super().__init__(relationship)
        # (attribute of the object, column of the association table) of either side.
        self.parent_columns: list[tuple[str, Any]] = [
            (attribute_of(self.parent, column, "source"), target)
            for column, target in relationship.synchronize_pairs
        ]
        self.target_columns: list[tuple[str, Any]] = [
            (attribute_of(self.mapper, column, "source"), target)
            for column, target in relationship.secondary_synchronize_pairs
        ]
        self.parent_keys: frozenset[str] = frozenset(key for key, _ in self.parent_columns)
        self.target_keys: frozenset[str] = frozenset(key for key, _ in self.target_columns)
        # Of this relationship and its other sides, the one under which rows are recorded.
        self.leader: Any = min(
            (
                relationship,
                *(
                    each
                    for each in relationship.reverse_properties
                    if each.secondary is relationship.secondary and not each.viewonly
                ),
            ),
            key=str,
        )

    def collect_saves(self, work: WorkSet, batch: Batch) -> None:
        """New members get a row, former ones lose theirs, and rows follow changed keys."""
        key = self.key
        rows = work.association_of(self.leader)
        for state, values in zip(batch.new, batch.dicts, strict=True):
            if key in values or state.extra is not None:
                self.record(work, rows, rows.added, state, self.current(state, values))
        for state in batch.old:
            rekeyed = bool(state.changes) and is_rekeyed(state, self.parent_keys)
            if not rekeyed and not self.is_touched(state):
                continue
            passive = self.relationship.passive_updates or not rekeyed
            history = work.history(
                state, self.slot, LoadPolicy.NO_INITIALIZE if passive else LOAD_FOR_FLUSH
            )
            self.record(work, rows, rows.added, state, history.added)
            self.record(work, rows, rows.removed, state, history.deleted, operation="delete")
            if rekeyed and not passive:
                self.record(work, rows, rows.rekeyed, state, history.unchanged)
            if self.relationship.cascade.delete_orphan:
                for member in history.deleted:
                    if member is not None and self.is_released(self.state_of(member)):
                        self.delete_with_it(work, self.state_of(member))

    def record(
        self,
        work: WorkSet,
        rows: AssociationRows,
        into: list[Pair],
        state: InstanceState,
        members: Iterable[Any],
        *,
        operation: str = "add",
    ) -> None:
        """Record one pair for each member, unless the other side did."""
        leads = self.leader is self.relationship
        owner = rows.owner
        for member in members:
            if member is None and not self.uselist:
                continue
            other = self.state_of(member)
            # The rows of a member that was deleted went with it.
            if not work.is_member(other, self.relationship, operation):
                continue
            if operation == "delete" and other.pk is None:
                continue
            pair = (state, other) if leads else (other, state)
            if operation == "delete" and pair in owner:
                # Twice in the collection, once in the table.
                continue
            if owner.setdefault(pair, self) is self:
                into.append(pair)

    def collect_deletes(self, work: WorkSet, states: Sequence[InstanceState]) -> None:
        """Deleted objects lose all their association rows."""
        rows = work.association_of(self.leader)
        policy = self.delete_policy(work)
        for state in states:
            if policy is LoadPolicy.NO_INITIALIZE and not (
                self.key in state().__dict__ or self.is_touched(state)
            ):
                continue
            history = work.history(state, self.slot, policy)
            self.record(work, rows, rows.removed, state, history.non_added(), operation="delete")
