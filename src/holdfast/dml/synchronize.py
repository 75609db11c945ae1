"""Carry the effect of an UPDATE or DELETE with criteria to the objects in the session.

Called by `update_delete`, which finds the objects by evaluation or by their keys.

Rules kept here:
1. Values that Python can compute are set as loaded; others are expired (QY-202).
2. An attribute with an unflushed change is expired: the change is lost (QY-203).
3. What is computed from columns is forgotten: composites, and SQL expressions.
4. Nothing is loaded. Where it is not known whether a row was meant, what may have changed is
   expired (QY-204).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any

from holdfast.dml.evaluate import Evaluator
from holdfast.dml.text import EXPIRED
from holdfast.foundation.record import record
from holdfast.instrument.manager import instance_state
from holdfast.states.changes import note_gaps
from holdfast.states.expiry import expire_keys, expire_states
from holdfast.states.lifecycle import Move, move
from holdfast.states.members import Members
from holdfast.unitofwork.journal import FlushOutcome
from holdfast.unitofwork.settle import expire_computed


@record(eq=False, frozen=False)
class Matches:
    """The objects in memory whose rows a statement has changed.

    Attributes:
        objects: Those of which it is known.
        uncertain: Those which lack the values to tell.
    """

    objects: list[Any] = field(default_factory=list)
    uncertain: list[Any] = field(default_factory=list)


def matches_by_value(
    members: Members, mapper: Any, is_meant: Evaluator, *, identity_token: Any
) -> Matches:
    """The objects that criteria hold for."""
    found = Matches()
    for state in members.identity_map.states_of(mapper.base_mapper, identity_token):
        instance = state()
        if isinstance(instance, mapper.class_):
            answer = is_meant(instance)
            if answer is EXPIRED:
                found.uncertain.append(instance)
            elif answer:
                found.objects.append(instance)
    return found


def matches_by_key(
    members: Members, mapper: Any, keys: Iterable[Sequence[Any]], *, identity_token: Any
) -> Matches:
    """The objects with these primary keys, each once."""
    find = members.identity_map.find
    pks = dict.fromkeys(key[0] if len(key) == 1 else tuple(key) for key in keys)
    found = [find(mapper, pk, identity_token) for pk in pks]
    return Matches([each for each in found if each is not None])


def note_deleted(members: Members, matches: Matches) -> FlushOutcome:
    """Rows are gone, and their objects with them."""
    outcome = FlushOutcome()
    uncertain = list(map(instance_state, matches.uncertain))
    expire_states(uncertain)
    for state in uncertain:
        members.modified.pop(state, None)
    outcome.deleted = list(map(instance_state, matches.objects))
    if outcome.deleted:
        move(members, Move.DELETED, outcome.deleted)
    return outcome


def note_updated(matches: Matches, values: Mapping[str, Evaluator | None]) -> FlushOutcome:
    """Give objects the new values of their rows.

    Args:
        matches: The objects.
        values: Attribute name -> its new value, None where only the database knows it.
    """
    outcome = FlushOutcome()
    outcome.updated = list(map(instance_state, (*matches.objects, *matches.uncertain)))
    unknown = dict.fromkeys(values)
    for instance in matches.objects:
        _set_values(instance, values)
    for instance in matches.uncertain:
        _set_values(instance, unknown)
    if outcome.updated:
        note_gaps(outcome.updated[0])
        expire_computed(outcome.updated)
    return outcome


def _set_values(instance: Any, values: Mapping[str, Evaluator | None]) -> None:
    state = instance_state(instance)
    loaded, changed = state.dict, state.committed_state
    known = {
        key: evaluate(instance)
        for key, evaluate in values.items()
        if evaluate is not None and key in loaded and key not in changed
    }
    known = {key: value for key, value in known.items() if value is not EXPIRED}
    unknown = [key for key in values if key not in known]
    if unknown:
        expire_keys(state, unknown)
    if known:
        loaded.update(known)
        manager: Any = state.manager
        if manager.has_refresh_listeners:
            manager.dispatch.refresh(state, None, list(known))
