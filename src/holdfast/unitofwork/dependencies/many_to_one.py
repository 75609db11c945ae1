"""This file says what a many-to-one relationship asks of a flush: targets before holders.

The target is the source of the key and the object with the attribute holds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from holdfast.foundation.load_policy import LoadPolicy
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.dependencies.base import KeyedDependency
from holdfast.unitofwork.work_set import Batch, KeyCopy, WorkSet


class ManyToOneDependency(KeyedDependency):
    """The holder takes the key of the object that it refers to."""

    __slots__ = ()

    def __init__(self, relationship: Any) -> None:
        super().__init__(relationship, relationship.mapper, relationship.parent)

    def collect_saves(self, work: WorkSet, batch: Batch) -> None:
        """Holders take the key of what they refer to now."""
        key, saves, checked = self.key, work.saves, self.checked
        copies = (work.late_copies if self.writes_late else work.copies).setdefault(self, [])
        for state, values in zip(batch.new, batch.dicts, strict=True):
            if key in values:
                target = values[key]
                if target is None:
                    self.clear(work, state)
                    continue
                if self.uselist:
                    target = next(iter(self.current(state, values)), None)
                    if target is None:
                        continue
                target_state = target.__dict__["_sa_instance_state"]
                if type(target_state) not in checked:
                    self.check_class(target_state)
                if target_state in saves or self.is_available(work, target_state):
                    copies.append((target_state, state))
        for state in batch.old:
            if self.is_touched(state):
                self.collect_changed(work, copies, state)

    def collect_changed(self, work: WorkSet, copies: list[KeyCopy], state: InstanceState) -> None:
        """One persistent holder that refers to something else than before."""
        history = work.history(state, self.slot, LoadPolicy.NO_INITIALIZE)
        for target in history.added:
            if target is None:
                self.clear(work, state)
            elif self.is_available(work, self.state_of(target)):
                copies.append((self.state_of(target), state))
        if history.deleted and not history.added:
            self.clear(work, state)
        if self.relationship.cascade.delete_orphan:
            self.delete_released(work, history.deleted)

    def is_available(self, work: WorkSet, target: InstanceState) -> bool:
        """Whether the target has, or is about to get, a row of this session."""
        return work.is_member(target, self.relationship, "add")

    def clear(self, work: WorkSet, holder: InstanceState) -> None:
        """The holder refers to nothing any more."""
        clears = work.late_clears if self.writes_late else work.clears
        clears.setdefault(self, []).append((None, holder))

    def delete_released(self, work: WorkSet, targets: Sequence[Any]) -> None:
        """Delete those former targets that nobody holds."""
        for target in targets:
            if target is not None and self.is_released(self.state_of(target)):
                self.delete_with_it(work, self.state_of(target))

    def collect_deletes(self, work: WorkSet, states: Sequence[InstanceState]) -> None:
        """Former targets of deleted holders may be orphans; late keys go before the rows."""
        cascade = self.relationship.cascade
        for state in states:
            known = self.key in state().__dict__ or self.is_touched(state)
            if known and (cascade.delete or cascade.delete_orphan):
                history = work.history(state, self.slot, LoadPolicy.NO_INITIALIZE)
                if cascade.delete_orphan:
                    self.delete_released(work, history.deleted)
                for target in history.non_deleted():
                    if target is not None and cascade.delete:
                        self.delete_with_it(work, self.state_of(target))
            if self.writes_late and self.refers(state):
                work.early_clears.setdefault(self, []).append((None, state))

    def refers(self, state: InstanceState) -> bool:
        """Whether the row of `state` refers to another row through this relationship."""
        values = state().__dict__
        return any(values.get(pair.holder) is not None for pair in self.pairs)
