"""Carry the effect of an UPDATE or DELETE with criteria to the objects in the session.

Called by `update_delete`, which finds the objects by evaluation or by their keys.

Rules kept here:
1. Values that Python can compute are set as loaded; others are expired (QY-202).
2. An attribute with an unflushed change is expired: the change is lost (QY-203).
3. Nothing is loaded. Where it is not known whether a row was meant, what may have changed is
   expired (QY-204).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from holdfast.dml.evaluate import EXPIRED, Evaluator
from holdfast.states.expiry import expire_keys, expire_states
from holdfast.states.instance import InstanceState
from holdfast.states.lifecycle import Move, move
from holdfast.states.members import Members
from holdfast.unitofwork.journal import FlushOutcome


@dataclass(slots=True)
class Matches:
    """The objects in memory whose rows a statement has changed.

    Attributes:
        states: Those of which it is known.
        uncertain: Those which lack the values to tell.
    """

    states: list[InstanceState] = field(default_factory=list)
    uncertain: list[InstanceState] = field(default_factory=list)


def matches_by_value(
    members: Members, mapper: Any, is_meant: Evaluator, *, identity_token: Any
) -> Matches:
    """The objects that criteria hold for."""
    found = Matches()
    for state in members.identity_map.states_of(mapper.base_mapper, identity_token):
        instance = state()
        if not isinstance(instance, mapper.class_):
            continue
        answer = is_meant(instance)
        if answer is EXPIRED:
            found.uncertain.append(state)
        elif answer:
            found.states.append(state)
    return found


def matches_by_key(
    members: Members, mapper: Any, keys: Iterable[Sequence[Any]], *, identity_token: Any
) -> Matches:
    """The objects with these primary keys."""
    find = members.identity_map.find_state
    pks = [key[0] if len(key) == 1 else tuple(key) for key in keys]
    states = [find(mapper, pk, identity_token) for pk in pks]
    return Matches([state for state in states if state is not None])


def note_deleted(members: Members, matches: Matches) -> FlushOutcome:
    """Rows are gone, and their objects with them."""
    outcome = FlushOutcome()
    expire_states(matches.uncertain)
    for state in matches.uncertain:
        members.modified.pop(state, None)
    outcome.deleted = matches.states
    if matches.states:
        move(members, Move.DELETED, matches.states)
    return outcome


def note_updated(matches: Matches, values: Mapping[str, Evaluator | None]) -> FlushOutcome:
    """Give objects the new values of their rows.

    Args:
        matches: The objects.
        values: Attribute name -> its new value, None where only the database knows it.
    """
    outcome = FlushOutcome()
    outcome.updated = [*matches.states, *matches.uncertain]
    for state in matches.states:
        _set_values(state, values)
    for state in matches.uncertain:
        expire_keys(state, values)
    return outcome


def _set_values(state: InstanceState, values: Mapping[str, Evaluator | None]) -> None:
    instance, loaded, changed = state(), state.dict, state.committed_state
    known = {
        key: evaluate(instance)
        for key, evaluate in values.items()
        if evaluate is not None and key in loaded and key not in changed
    }
    known = {key: value for key, value in known.items() if value is not EXPIRED}
    expire_keys(state, [key for key in values if key not in known])
    if not known:
        return
    loaded.update(known)
    manager: Any = state.manager
    for key in manager.mapper.composite_keys:
        loaded.pop(key, None)
    if manager.has_refresh_listeners:
        manager.dispatch.refresh(state, None, list(known))
