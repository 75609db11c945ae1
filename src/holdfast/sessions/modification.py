"""This file tells whether an object differs from what was last flushed."""

from __future__ import annotations

from typing import Any

from holdfast.foundation.load_policy import LoadPolicy, PassiveFlag, policy_of
from holdfast.states.instance import InstanceState

NOTHING_LOADED: LoadPolicy = policy_of(PassiveFlag.NO_CHANGE)


def is_modified(state: InstanceState, *, include_collections: bool) -> bool:
    """Whether a value differs; loads nothing (SM-46 to SM-48).

    Args:
        state: State of the object.
        include_collections: Whether changed collections count.
    """
    slots: dict[str, Any] = type(state).manager.slots  # type: ignore[attr-defined]
    values = state.dict
    if state.pk is None:
        return any(
            include_collections or not slots[key].collection for key in values if key in slots
        )
    keys = dict.fromkeys(state.changes or ())
    if state.extra is not None and state.extra.pending:
        keys.update(dict.fromkeys(state.extra.pending))
    for key in keys:
        slot = slots.get(key)
        if slot is None or (slot.collection and not include_collections):
            continue
        if slot.history(state, values, NOTHING_LOADED).has_changes():
            return True
    return False
