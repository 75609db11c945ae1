"""Run the steps that turn what a relationship was given into marked, checked join conditions.

Called by `properties.relationship` when mappers are configured: deduce what was not given, mark the
columns, extract pairs, decide the direction, and check that the result can do its work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from holdfast.errors.relationships import RelationshipError
from holdfast.foundation.deprecated import warn
from holdfast.foundation.sqlalchemy_core import deep_deannotate
from holdfast.mapping.joins.deduce import deduce_join
from holdfast.mapping.joins.direction import (
    RelationshipDirection,
    find_direction,
)
from holdfast.mapping.joins.elements import has_mark, marked_columns, replace_parts
from holdfast.mapping.joins.pairs import Pairs, collect_pairs
from holdfast.mapping.joins.remote import Ends, mark, remote_columns

# What columns of mapped classes carry and join conditions have no use for.
ENTITY_MARKS = ("entity_namespace", "parententity", "parentmapper", "proxy_key")


@dataclass(slots=True)
class JoinCondition:
    """How a relationship joins its two classes; complete once `build_condition` returns it."""

    ends: Ends
    primaryjoin: Any
    secondaryjoin: Any
    direction: RelationshipDirection = RelationshipDirection.ONETOMANY
    pairs: Pairs = field(default_factory=Pairs)
    # Whether the application marked the target's columns itself.
    has_own_marks: bool = False
    # Columns of the target, or of the association table, in the conditions.
    remote_side: set[Any] = field(default_factory=set)
    # Columns of the parent in the primary join.
    local_columns: set[Any] = field(default_factory=set)

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
    condition = JoinCondition(ends, primaryjoin, secondaryjoin, has_own_marks=has_own_marks)
    condition.pairs = collect_pairs(primaryjoin, secondaryjoin, can_copy=can_copy)
    _check_foreign(ends, condition, writes=writes)
    condition.direction = find_direction(
        ends.name,
        primaryjoin=primaryjoin,
        has_secondary=secondaryjoin is not None,
        parent=ends.parent,
        target=ends.target,
        self_referential=ends.self_referential,
    )
    _check_remote(ends, condition)
    condition.remote_side = {
        column._deannotate() for column in remote_columns(primaryjoin, secondaryjoin)
    }
    condition.local_columns = {
        column._deannotate() for column in marked_columns(primaryjoin, "local")
    }
    return condition


def _given_or_deduced(ends: Ends, primaryjoin: Any, secondaryjoin: Any) -> tuple[Any, Any]:
    if secondaryjoin is not None and ends.secondary is None:
        raise RelationshipError.secondary_missing(ends.name)
    secondary = ends.secondary
    if primaryjoin is not None:
        primaryjoin = deep_deannotate(primaryjoin, values=ENTITY_MARKS)
    if secondaryjoin is not None:
        secondaryjoin = deep_deannotate(secondaryjoin, values=ENTITY_MARKS)
    if secondary is not None and secondaryjoin is None:
        secondaryjoin = deduce_join(
            ends.name,
            ends.target,
            secondary,
            near=ends.target_local,
            foreign_keys=ends.foreign_keys,
            secondary=secondary,
        )
    if primaryjoin is None:
        primaryjoin = deduce_join(
            ends.name,
            ends.parent,
            ends.target if secondary is None else secondary,
            near=ends.parent_local,
            foreign_keys=ends.foreign_keys,
            secondary=secondary,
        )
    return primaryjoin, secondaryjoin


def _check_foreign(ends: Ends, condition: JoinCondition, *, writes: bool) -> None:
    _check_foreign_of(
        ends,
        "primary",
        condition.primaryjoin,
        copies=bool(condition.pairs.synchronize),
        writes=writes,
    )
    if condition.secondaryjoin is not None:
        _check_foreign_of(
            ends,
            "secondary",
            condition.secondaryjoin,
            copies=bool(condition.pairs.secondary_synchronize),
            writes=writes,
        )


def _check_foreign_of(ends: Ends, which: str, join: Any, *, copies: bool, writes: bool) -> None:
    has_foreign = has_mark(join, "foreign")
    if copies if writes else has_foreign:
        return
    if writes and has_foreign:
        raise RelationshipError.no_equality(which, join, ends.name)
    raise RelationshipError.no_foreign_columns(which, join, ends.name)


def _check_remote(ends: Ends, condition: JoinCondition) -> None:
    if not condition.pairs.local_remote:
        raise RelationshipError.no_local_remote_pairs(ends.name)
    if ends.self_referential or ends.secondary is not None:
        return
    for column in marked_columns(condition.primaryjoin, "remote"):
        plain = column._deannotate()
        if ends.parent.c.contains_column(plain) and not ends.target.c.contains_column(plain):
            warn(
                f"Expression {plain} is marked as 'remote', but these column(s) are local to the "
                "local side.  The remote() annotation is needed only for a self-referential "
                "relationship where both sides of the relationship refer to the same tables."
            )
