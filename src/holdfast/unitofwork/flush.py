"""Flush: collect, plan, write, settle."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from holdfast import errors
from holdfast.foundation.describe import warn
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.states.changes import forget_changes
from holdfast.states.identity_map import Members
from holdfast.states.instance import InstanceState
from holdfast.states.lifecycle import Move, move
from holdfast.unitofwork.collect import collect
from holdfast.unitofwork.copy_keys import copy_keys, write_associations
from holdfast.unitofwork.insert import write_inserts
from holdfast.unitofwork.plan import (
    AssociationStep,
    CopyKeysStep,
    DeleteStep,
    FlushPlan,
    InsertStep,
    PostUpdateStep,
    Step,
    UpdateStep,
)
from holdfast.unitofwork.planner import build_plan
from holdfast.unitofwork.update_delete import write_deletes, write_post_updates, write_updates
from holdfast.unitofwork.work_set import (
    ConnectionSource,
    FlushOutcome,
    Journal,
    RowConnectionSource,
    WorkSet,
)

# ------------------------------------------------------------------------------
# Run a plan, step by step.
#
# Called by `flush`. It decides nothing: each step goes to the file that knows how to write it.


def write(plan: FlushPlan, journal: Journal) -> None:
    """Emit the SQL of a plan, and note in the journal what was done."""
    for step in plan.steps:
        journal.step = step
        WRITERS[type(step)](journal, step)
    journal.step = None


def write_copies(journal: Journal, step: CopyKeysStep) -> None:
    """Copy keys in memory."""
    copy_keys(journal, step.dependency, step.copies)


WRITERS: dict[type[Step], Callable[[Journal, Any], None]] = {
    CopyKeysStep: write_copies,
    InsertStep: write_inserts,
    UpdateStep: write_updates,
    AssociationStep: write_associations,
    PostUpdateStep: write_post_updates,
    DeleteStep: write_deletes,
}


# ------------------------------------------------------------------------------
# Bring objects in line with what was written: clean, persistent, or gone.
#
# Called by `flush` when all SQL was emitted and the listeners of `after_flush` have run.
#
# Rules kept here:
# 1. Deleted objects leave the identity map before new ones enter it, since a new one may have taken
#    over a key (SM-21).
# 2. Only objects that took part are touched; others keep their changes.


def settle(journal: Journal) -> FlushOutcome:
    """Make states agree with the database."""
    work, outcome = journal.work, FlushOutcome()
    members = work.members
    # Values that the database made, and did not return, are unknown now.
    members.identity_map.note_gaps()
    outcome.expelled = list(work.expelled)
    outcome.deleted = [*work.deletes, *journal.gone]
    # PERF: bench DELETE. Nothing is called for an object that was not deleted before.
    again = {each for each in outcome.deleted if (extra := each.extra) and extra.was_deleted}
    if again:
        # An earlier flush has deleted them, and they stay as they are (SM-7).
        outcome.deleted = [state for state in outcome.deleted if state not in again]
        for state in again:
            members.deleted.pop(state, None)
            members.identity_map.discard(state)
    if outcome.deleted:
        move(members, Move.DELETED, outcome.deleted)
    outcome.updated = [state for state in work.saves if state.pk is not None]
    for state in outcome.updated:
        changes = state.changes
        if changes and not changes.keys().isdisjoint(state.manager.mapper.primary_key_keys):
            rekey(members, state, outcome)
    expire_computed(work.saves)
    for base, states, keys in journal.inserted:
        enter(members, base, states, keys)
        outcome.inserted.extend(states)
    forget_changes(outcome.updated)
    if outcome.inserted:
        move(members, Move.INSERTED, outcome.inserted)
    return outcome


def expire_computed(states: Iterable[InstanceState]) -> None:
    """Forget what is computed from rows that have just been written."""
    kinds: dict[type[InstanceState], tuple[str, ...]] = {}
    for state in states:
        keys = kinds.get(type(state))
        if keys is None:
            keys = kinds[type(state)] = computed_keys(state.manager.mapper)
        if keys:
            values = state.dict
            for key in keys:
                if key not in state.committed_state:
                    values.pop(key, None)


def computed_keys(mapper: Any) -> tuple[str, ...]:
    """Composites, and SQL expressions that are read again after a flush."""
    found: tuple[str, ...] | None = mapper.memo.get(computed_keys)
    if found is None:
        expressions = tuple(
            prop.key
            for prop in mapper.column_attrs
            if prop.is_sql_expression and prop.expire_on_flush
        )
        found = mapper.memo[computed_keys] = expressions + mapper.composite_keys
    return found


def rekey(members: Members, state: InstanceState, outcome: FlushOutcome) -> None:
    """Enter a persistent object under its new key, when it changed."""
    pk = state.manager.mapper.read_pk(state.dict)
    if pk is None or pk == state.pk:
        return
    before = state.pk
    members.identity_map.discard(state)
    state.pk = pk
    members.identity_map.add(state)
    outcome.rekeyed.append((state, before, pk))


def enter(members: Members, base: Any, states: Any, keys: Any) -> None:
    """Give new objects their keys; nothing of them is unsaved any more."""
    space = members.identity_map.space_of(base, states[0].identity_token)
    taken = not space.keys().isdisjoint(keys)
    for state, pk in zip(states, keys, strict=True):
        state.pk = pk
        state.changes = None
        extra = state.extra
        if extra is not None:
            extra.empty_collections = None
            extra.pending = None
    if taken:
        for state in states:
            existing = members.identity_map.find_state(base, state.pk, state.identity_token)
            if existing is not None and existing is not state:
                if not existing.expired:
                    warn(errors.replaced_in_map_warning(state))
                members.identity_map.discard(existing)
                members.modified.pop(existing, None)
                existing.members = None


def expel(work: WorkSet) -> None:
    """Let pending orphans go; they are transient again."""
    move(work.members, Move.WITHDRAWN, list(work.expelled))


# ------------------------------------------------------------------------------
# Tell the whole story of a flush: collect, plan, write, settle.
#
# Called by `sessions.flushing`, which guards against a flush within a flush, opens the transaction
# and fires the session's events in between.
#
# Rules kept here:
# 1. Nothing is settled before everything is written: listeners of `after_flush` see the session as
#    it was, and after a failure the session's snapshot has only to be put back.


class Flush(Journal):
    """One flush, in phases; also what listeners of flush events get as `flush_context`.

    Attributes:
        only: Flush these objects and what follows from them; all when None.
        plan: What is written, once it was planned.
    """

    def __init__(
        self,
        members: Members,
        connection_for: ConnectionSource,
        only: Collection[InstanceState] | None = None,
        connection_for_row: RowConnectionSource | None = None,
    ) -> None:
        super().__init__(WorkSet(members, LoadPolicy.LOAD), connection_for, connection_for_row)
        self.only = only
        self.plan: FlushPlan | None = None

    def collect_and_plan(self) -> bool:
        """Find out what to write; tells whether there is anything."""
        self.work: WorkSet = collect(self.work.members, self.only)
        work = self.work
        for warning in work.warnings:
            warn(warning)
        if work.expelled:
            expel(work)
        if not work:
            return False
        self.plan = build_plan(work)
        return True

    def write(self) -> None:
        """Emit the SQL."""
        if self.plan is not None:
            write(self.plan, self)

    def settle(self) -> FlushOutcome:
        """Bring the objects' states in line with what was written."""
        return settle(self)
