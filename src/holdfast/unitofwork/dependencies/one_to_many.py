"""This file says what a one-to-many relationship asks of a flush: children after parents.

The parent is the source of the key and the children hold it. One-to-one with the foreign key on
the other side is the same with at most one child.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from holdfast.errors.flush import FlushError
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.states.history import History
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.dependencies.base import KeyedDependency
from holdfast.unitofwork.dependencies.changed_keys import is_rekeyed
from holdfast.unitofwork.work_set import LOAD_FOR_FLUSH, Batch, KeyCopy, WorkSet


class OneToManyDependency(KeyedDependency):
    """Children take the parent's key."""

    __slots__ = ()

    def __init__(self, relationship: Any) -> None:
        super().__init__(relationship, relationship.parent, relationship.mapper)

    def collect_saves(self, work: WorkSet, batch: Batch) -> None:
        """New children take the key; removed ones lose it or go; all follow a changed one."""
        key = self.key
        copies = (work.late_copies if self.writes_late else work.copies).setdefault(self, [])
        for state, values in zip(batch.new, batch.dicts, strict=True):
            if key in values or state.extra is not None:
                self.take_in(work, copies, state, self.current(state, values))
        source_keys = self.source_keys
        for state in batch.old:
            rekeyed = bool(state.changes) and is_rekeyed(state, source_keys)
            if rekeyed or self.is_touched(state):
                self.collect_changed(work, copies, state, rekeyed=rekeyed)

    def take_in(
        self,
        work: WorkSet,
        copies: list[KeyCopy],
        parent: InstanceState,
        children: Iterable[Any],
    ) -> None:
        """Let `children` take the key of `parent`."""
        saves, listed, checked = work.saves, work.listed, self.checked
        for child in children:
            if child is None:
                if self.uselist:
                    raise FlushError.none_in_collection(str(self.relationship))
                continue
            state = child.__dict__["_sa_instance_state"]
            if type(state) not in checked:
                self.check_class(state)
            if (state in saves and state not in listed) or work.include(
                state, self.relationship, "add"
            ):
                copies.append((parent, state))

    def collect_changed(
        self, work: WorkSet, copies: list[KeyCopy], state: InstanceState, *, rekeyed: bool
    ) -> None:
        """One persistent parent whose children or key changed."""
        passive = self.relationship.passive_updates or not rekeyed
        history = work.history(
            state, self.slot, LoadPolicy.NO_INITIALIZE if passive else LOAD_FOR_FLUSH
        )
        self.take_in(work, copies, state, history.added)
        self.let_go(work, state, history)
        if rekeyed:
            listed = self.relationship.passive_updates
            children = [self.state_of(child) for child in history.unchanged if child is not None]
            copies.extend(
                (state, child)
                for child in children
                if work.include(child, self.relationship, "pk change", listed=listed)
            )

    def let_go(self, work: WorkSet, parent: InstanceState, history: History) -> None:
        """Children that the parent no longer has lose its key, or go with it."""
        for child in history.deleted:
            if child is None:
                continue
            state = self.state_of(child)
            if not self.relationship.cascade.delete_orphan:
                self.clear(work, parent, state)
            elif self.is_released(state):
                self.delete_with_it(work, state)

    def clear(self, work: WorkSet, parent: InstanceState, child: InstanceState) -> None:
        """Let `child` lose the key of `parent`; a copy from elsewhere comes later and wins."""
        if not work.include(child, self.relationship, "delete"):
            return
        clears = work.late_clears if self.writes_late else work.clears
        clears.setdefault(self, []).append((None, child))

    def collect_deletes(self, work: WorkSet, states: Sequence[InstanceState]) -> None:
        """Children of deleted parents lose the key, unless they go as well."""
        relationship = self.relationship
        if relationship.passive_deletes == "all":
            return
        policy = self.delete_policy(work)
        for parent in states:
            if policy is LoadPolicy.NO_INITIALIZE and not (
                self.key in parent().__dict__ or self.is_touched(parent)
            ):
                continue
            history = work.history(parent, self.slot, policy)
            self.let_go(work, parent, history)
            if relationship.cascade.delete and not self.writes_late:
                continue
            for child in history.unchanged:
                if child is not None:
                    self.leave(work, parent, self.state_of(child))

    def leave(self, work: WorkSet, parent: InstanceState, child: InstanceState) -> None:
        """The parent of `child` is deleted and the child stays."""
        if self.writes_late and child in work.deletes:
            # The rows refer to each other: the reference goes before either row can.
            work.early_clears.setdefault(self, []).append((None, child))
        elif self.writes_late:
            if work.include(child, self.relationship, "delete"):
                work.early_clears.setdefault(self, []).append((None, child))
        else:
            self.clear(work, parent, child)
