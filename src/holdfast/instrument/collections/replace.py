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
    append = new.bulk_appender()
    for member in values:
        if id(member) in former:
            kept[id(member)] = member
            append(member, _sa_initiator=False)
        else:
            append(member, _sa_initiator=initiator)
    if existing is None:
        return
    for member in kept.values():
        existing.fire_append_wo_mutation_event(member, initiator)
    for number, member in former.items():
        if number not in kept:
            existing.fire_remove_event(member, initiator, is_gone=True)
