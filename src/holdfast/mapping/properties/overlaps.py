"""Warn where two relationships write the same column without knowing of each other (RL-60).

Only columns of foreign keys that overlap in the schema, or that several relationships copy from
different columns, are looked at: each relationship is checked once, against those before it.
"""

from __future__ import annotations

import weakref
from typing import Any

from holdfast.errors.relationships import overlap_warning
from holdfast.foundation.deprecated import warn

# Column that is written -> relationships that write it. Nothing here keeps a column alive, which
# could lead to all else of its model; relationships of disposed mappers are left out when met.
_writers: weakref.WeakKeyDictionary[Any, weakref.WeakSet[Any]] = weakref.WeakKeyDictionary()


def check_overlaps(prop: Any) -> None:
    """Record what a relationship writes, and warn of conflicts with those recorded before."""
    for source, target in _written(prop):
        writers = _writers.setdefault(target, weakref.WeakSet())
        others = [
            (other, copied)
            for other in writers
            if _conflicts(prop, other)
            for copied, written in _written(other)
            if written is target
        ]
        writers.add(prop)
        if others:
            warn(
                overlap_warning(
                    str(prop),
                    source,
                    target,
                    sorted(f"'{other}' (copies {copied} to {target})" for other, copied in others),
                    sorted(other.key for other, _ in others),
                )
            )


def _written(prop: Any) -> list[tuple[Any, Any]]:
    """The columns that a relationship copies, and those that it writes."""
    return [*prop.synchronize_pairs, *prop.secondary_synchronize_pairs]


def _conflicts(prop: Any, other: Any) -> bool:
    if other is prop or other.parent.disposed or other.mapper.disposed:
        return False
    if other in prop.reverse_properties or prop in other.reverse_properties:
        return False
    if other.key in prop.overlaps or prop.key in other.overlaps or "*" in prop.overlaps:
        return False
    if prop.parent.is_sibling(other.parent) or prop.mapper.is_sibling(other.mapper):
        return False
    if prop.parent.is_sibling(other.mapper) or prop.mapper.is_sibling(other.parent):
        return False
    return prop.key != other.key or not prop.parent.common_parent(other.parent)
