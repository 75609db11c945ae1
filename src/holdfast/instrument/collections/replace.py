"""Fill a new collection that takes the place of an old one.

Members that both have pass over without events; the others are appended or removed (RL-112).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from holdfast.instrument.collections.adapter import CollectionAdapter


def bulk_replace(
    values: Sequence[Any],
    existing: CollectionAdapter | None,
    new: CollectionAdapter,
    initiator: Any = None,
) -> None:
    """Put `values` into the collection of `new`, which is empty.

    Args:
        values: The members wanted.
        existing: Adapter of the collection that is replaced, if there was one.
        new: Adapter of the collection that takes its place.
        initiator: Who started the change.
    """
    former = {id(each): each for each in existing or ()}
    kept: dict[int, Any] = {}
    collection, append = new(), new.slot.roles.appender
    for member in values:
        if id(member) in former:
            kept[id(member)] = member
            append(collection, member, _sa_initiator=False)
        else:
            append(collection, member, _sa_initiator=initiator)
    if existing is None:
        return
    slot, state = existing.slot, existing.owner_state
    owner = state()
    for member in kept.values():
        slot.member_added_again(state, member, initiator)
    for number, member in former.items():
        if number not in kept:
            slot.member_removed(state, owner, member, initiator, is_gone=True)
