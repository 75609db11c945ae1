"""Keep both ends of a relationship in step, in memory and without SQL.

Called by the slots of relationships for every member that comes or goes. The other end changes
with `LoadPolicy.MEMORY_ONLY`: a collection there that is not loaded queues the change (RL-44).

Rules kept here:
1. A change never returns to the attribute that started it: its token says where that was.
2. A change never reaches a third attribute: a relationship has two ends.
"""

from __future__ import annotations

from typing import Any

from holdfast.errors.attributes import AttributeValueError, BackrefClassError
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.instrument.tokens import AttributeEventToken

_MEMORY_ONLY = LoadPolicy.MEMORY_ONLY


def link_backref(
    slot: Any,
    owner: Any,
    child_state: Any,
    child: Any,
    initiator: AttributeEventToken,
) -> None:
    """`child` becomes a member of `owner` through `slot`: make the other end say so."""
    slots: dict[str, Any] = child_state.manager.slots
    origin = initiator.parent_token
    for key in slot.reverse_keys:
        reverse = slots.get(key)
        if reverse is None:
            raise BackrefClassError.missing(child_state, str(slot), key)
        if origin is reverse.parent_token:
            if initiator.op in reverse.adding_operations:
                continue
        elif origin is not slot.parent_token:
            raise AttributeValueError.backref_conflict(
                owner, str(initiator.impl), str(reverse), str(slot)
            )
        back = reverse.reverse_keys
        if reverse.is_plain and len(back) == 1 and back[0] == slot.key:
            reverse.take(child_state, child.__dict__, owner, initiator)
        else:
            reverse.append(child_state, child.__dict__, owner, initiator, _MEMORY_ONLY)


def unlink_backref(
    slot: Any,
    owner: Any,
    child_state: Any,
    child: Any,
    initiator: AttributeEventToken | None,
    token: AttributeEventToken,
) -> None:
    """`child` is no longer a member of `owner` through `slot`: make the other end say so.

    Args:
        slot: The attribute that gives the member up.
        owner: Its object.
        child_state: State of the former member.
        child: The former member.
        initiator: Who started the change, or None for `slot` itself.
        token: What the other end is told about who started it.
    """
    slots: dict[str, Any] = child_state.manager.slots
    for key in slot.reverse_keys:
        reverse = slots.get(key)
        if reverse is None:
            continue
        if (
            initiator is not None
            and initiator.parent_token is reverse.parent_token
            and initiator.op in reverse.removing_operations
        ):
            continue
        back = reverse.reverse_keys
        if reverse.is_plain and len(back) == 1 and back[0] == slot.key:
            reverse.let_go(child_state, child.__dict__, owner, token)
        else:
            reverse.pop(child_state, child.__dict__, owner, token, _MEMORY_ONLY)
