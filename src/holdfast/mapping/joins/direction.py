"""Decide which side of a relationship refers to the other.

Rules kept here:
1. With an association table, both sides are referred to: many-to-many.
2. The side whose columns are foreign refers; seen from the parent that is many-to-one, seen from
   the target one-to-many.
3. Where both sides have foreign columns in the condition, as in a table that refers to itself, the
   `remote` marks decide.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from holdfast.errors.relationships import RelationshipError
from holdfast.mapping.joins.elements import iter_comparisons, marked_columns
from holdfast.mapping.joins.remote import Ends


class RelationshipDirection(Enum):
    """Which side of a relationship holds the foreign key."""

    ONETOMANY = 1
    """The target's."""

    MANYTOONE = 2
    """The parent's."""

    MANYTOMANY = 3
    """Neither: an association table's."""


ONETOMANY = RelationshipDirection.ONETOMANY
MANYTOONE = RelationshipDirection.MANYTOONE
MANYTOMANY = RelationshipDirection.MANYTOMANY


def find_direction(ends: Ends, primaryjoin: Any) -> RelationshipDirection:
    """The direction of a relationship whose primary join is marked.

    Raises:
        RelationshipError: The marks do not tell.
    """
    if ends.secondary is not None:
        return MANYTOMANY
    foreign = marked_columns(primaryjoin, "foreign")
    on_parent = any(ends.parent.c.contains_column(column) for column in foreign)
    on_target = any(ends.target.c.contains_column(column) for column in foreign)
    if on_parent and on_target:
        return _by_marks(ends, primaryjoin, foreign)
    if on_target:
        return ONETOMANY
    if on_parent:
        return MANYTOONE
    raise RelationshipError.no_direction(ends.name)


def _by_marks(ends: Ends, primaryjoin: Any, foreign: list[Any]) -> RelationshipDirection:
    remote = [c for c in foreign if "remote" in c._annotations]
    local = [c for c in foreign if "remote" not in c._annotations]
    if remote and local and not ends.self_referential:
        raise RelationshipError.both_directions(ends.name)
    if remote and local:
        # A column compared with itself, as one part of a composite key that both rows share, is
        # foreign and remote wherever it stands: it tells nothing, so it is left out.
        shared = _self_compared(primaryjoin)
        remote = [c for c in remote if c not in shared]
        local = [c for c in local if c not in shared]
        if bool(remote) == bool(local):
            raise RelationshipError.both_directions(ends.name)
    return ONETOMANY if remote else MANYTOONE


def _self_compared(primaryjoin: Any) -> set[Any]:
    """Columns that the condition compares with themselves."""
    return {part.left for part in iter_comparisons(primaryjoin) if part.left.compare(part.right)}
