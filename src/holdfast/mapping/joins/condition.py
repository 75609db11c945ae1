"""Run the steps that turn what a relationship was given into marked, checked join conditions.

Called by `properties.relationship` when mappers are configured: deduce what was not given, mark the
columns, extract pairs, decide the direction, and check that the result can do its work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from holdfast.errors.relationships import RelationshipError
from holdfast.foundation.deprecated import warn
from holdfast.foundation.record import record
from holdfast.foundation.sqlalchemy_core import deep_deannotate
from holdfast.mapping.joins.deduce import deduce_join
from holdfast.mapping.joins.direction import RelationshipDirection, find_direction
from holdfast.mapping.joins.elements import has_mark, marked_columns, replace_parts
from holdfast.mapping.joins.pairs import Pairs, collect_pairs
from holdfast.mapping.joins.remote import Ends, mark


@record
class JoinCondition:
    """How a relationship joins its two classes."""

    ends: Ends
    primaryjoin: Any
    secondaryjoin: Any
    # Whether the application marked the target's columns itself.
    has_own_marks: bool
    direction: RelationshipDirection
    pairs: Pairs
    # Columns of the target, or of the association table, in the conditions.
    remote_side: set[Any]
    # Columns of the parent in the primary join.
    local_columns: set[Any]

    def reversed_joins(self) -> tuple[Any, Any]:
        """Both conditions as the relationship in the other direction needs them.

        Marks of the application say which side is which, so they are turned round; marks that were
        derived here are taken off, for the other relationship to derive its own.
        """
        marks = ("local", "remote")
        if self.secondaryjoin is not None:
            return (
                deep_deannotate(self.secondaryjoin, values=marks),
                deep_deannotate(self.primaryjoin, values=marks),
            )
        if self.has_own_marks:
            return replace_parts(self.primaryjoin, _swap_sides), None
        return deep_deannotate(self.primaryjoin, values=marks), None


def _swap_sides(part: Any) -> Any:
    marks = part._annotations
    if "remote" in marks:
        return part._deannotate(("remote",))._annotate({"local": True})
    if "local" in marks:
        return part._deannotate(("local",))._annotate({"remote": True})
    return None


def build_condition(
    ends: Ends,
    primaryjoin: Any,
    secondaryjoin: Any,
    *,
    writes: bool,
    can_copy: Callable[[Any], bool],
) -> JoinCondition:
    """The join conditions of one relationship.

    Args:
        ends: Both ends.
        primaryjoin: As given, or None.
        secondaryjoin: As given, or None.
        writes: Whether the relationship copies keys in a flush; a view-only one does not.
        can_copy: Whether a column is mapped, or in the association table.

    Raises:
        RelationshipError: The conditions cannot serve.
        NoJoinError: No foreign key leads from one side to the other.
        AmbiguousJoinError: Several do.
    """
    primaryjoin, secondaryjoin = _given_or_deduced(ends, primaryjoin, secondaryjoin)
    has_own_marks = has_mark(primaryjoin, "remote")
    primaryjoin, secondaryjoin = mark(ends, primaryjoin, secondaryjoin)
    pairs = collect_pairs(primaryjoin, secondaryjoin, can_copy=can_copy)
    _check_foreign(ends, "primary", primaryjoin, pairs.synchronize, writes=writes)
    if secondaryjoin is not None:
        _check_foreign(ends, "secondary", secondaryjoin, pairs.secondary_synchronize, writes=writes)
    direction = find_direction(ends, primaryjoin)
    _check_remote(ends, primaryjoin, pairs)
    return JoinCondition(
        ends,
        primaryjoin,
        secondaryjoin,
        has_own_marks,
        direction,
        pairs,
        remote_side=_plain_columns(primaryjoin, "remote") | _plain_columns(secondaryjoin, "remote"),
        local_columns=_plain_columns(primaryjoin, "local"),
    )


def _plain_columns(join: Any, side: str) -> set[Any]:
    """Columns of a condition that carry a mark, without it."""
    return set() if join is None else {each._deannotate() for each in marked_columns(join, side)}


def _given_or_deduced(ends: Ends, primaryjoin: Any, secondaryjoin: Any) -> tuple[Any, Any]:
    secondary = ends.secondary
    if secondary is None:
        if secondaryjoin is not None:
            raise RelationshipError.secondary_missing(ends.name)
    elif secondaryjoin is None:
        secondaryjoin = deduce_join(ends, ends.target, secondary, near=ends.target_local)
    if primaryjoin is None:
        beyond = ends.target if secondary is None else secondary
        primaryjoin = deduce_join(ends, ends.parent, beyond, near=ends.parent_local)
    return primaryjoin, secondaryjoin


def _check_foreign(ends: Ends, which: str, join: Any, copied: list[Any], *, writes: bool) -> None:
    has_foreign = has_mark(join, "foreign")
    if copied if writes else has_foreign:
        return
    if writes and has_foreign:
        raise RelationshipError.no_equality(which, join, ends.name)
    raise RelationshipError.no_foreign_columns(which, join, ends.name)


def _check_remote(ends: Ends, primaryjoin: Any, pairs: Pairs) -> None:
    if not pairs.local_remote:
        raise RelationshipError.no_local_remote_pairs(ends.name)
    if ends.self_referential or ends.secondary is not None:
        return
    for column in marked_columns(primaryjoin, "remote"):
        plain = column._deannotate()
        if ends.parent.c.contains_column(plain) and not ends.target.c.contains_column(plain):
            warn(
                f"Expression {plain} is marked as 'remote', but these column(s) are local to the "
                "local side.  The remote() annotation is needed only for a self-referential "
                "relationship where both sides of the relationship refer to the same tables."
            )
