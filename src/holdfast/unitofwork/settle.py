"""This file brings objects in line with what was written: clean, persistent, or gone.

Called by `flush` when all SQL was emitted and the listeners of `after_flush` have run.

Rules kept here:
1. Deleted objects leave the identity map before new ones enter it, since a new one may have taken
   over a key (SM-21).
2. Only objects that took part are touched; others keep their changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from holdfast.errors.flush import replaced_in_map_warning
from holdfast.foundation.deprecated import warn
from holdfast.states.changes import forget_changes
from holdfast.states.instance import InstanceState
from holdfast.states.lifecycle import Move, move
from holdfast.states.members import Members
from holdfast.unitofwork.journal import FlushOutcome, Journal
from holdfast.unitofwork.work_set import WorkSet


def settle(journal: Journal) -> FlushOutcome:
    """Make states agree with the database."""
    work, outcome = journal.work, FlushOutcome()
    members = work.members
    # Values that the database made, and did not return, are unknown now.
    members.identity_map.note_gaps()
    outcome.expelled = list(work.expelled)
    outcome.deleted = [*work.deletes, *journal.gone]
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
                    warn(replaced_in_map_warning(state))
                members.identity_map.discard(existing)
                members.modified.pop(existing, None)
                existing.members = None


def expel(work: WorkSet) -> None:
    """Let pending orphans go; they are transient again."""
    move(work.members, Move.WITHDRAWN, list(work.expelled))
