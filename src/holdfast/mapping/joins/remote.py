"""Mark the columns of a join condition: `foreign` ones refer, `remote` ones are the target's.

Users mark columns with `foreign()` and `remote()`; what they leave out is derived here, in the
order of `mark`. A third mark, `local`, says that the parent's value goes there.

Rules kept here:
1. Marks written by the application stand, and no mark of that kind is then derived.
2. The columns of an association table are remote in both conditions.
3. In a table that refers to itself, the column that refers is remote: one-to-many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Column
from sqlalchemy.sql.elements import ColumnClause, ColumnElement

from holdfast.errors.relationships import RelationshipError
from holdfast.foundation.deprecated import warn
from holdfast.foundation.record import record
from holdfast.foundation.sqlalchemy_core import deep_annotate, selectables_overlap
from holdfast.mapping.joins.elements import (
    has_mark,
    iter_comparisons,
    iter_parts,
    replace_parts,
    with_comparisons,
)


def remote(expr: Any) -> Any:
    """Mark a part of a `primaryjoin` as belonging to the related class."""
    return _marked(expr, "remote")


def foreign(expr: Any) -> Any:
    """Mark a part of a `primaryjoin` as the column that refers."""
    return _marked(expr, "foreign")


def _marked(expr: Any, mark: str) -> Any:
    if hasattr(expr, "__clause_element__"):
        expr = expr.__clause_element__()
    return deep_annotate(expr, {mark: True})


@record(eq=False, frozen=False)
class Ends:
    """What `mark` needs to know of both ends of a relationship."""

    # The relationship's name, for messages.
    name: str
    # Everything the class is mapped to, and its own table: they differ for a joined subclass.
    parent: Any
    parent_local: Any
    target: Any
    target_local: Any
    secondary: Any
    # The arguments of those names.
    foreign_keys: set[Any]
    remote_side: set[Any]
    # Does the target's mapper belong to the parent's hierarchy?
    self_referential: bool


def mark(ends: Ends, primaryjoin: Any, secondaryjoin: Any) -> tuple[Any, Any]:
    """Both conditions with all marks."""
    if not has_mark(primaryjoin, "foreign"):
        primaryjoin = _mark_foreign(ends, primaryjoin)
        if secondaryjoin is not None:
            secondaryjoin = _mark_foreign(ends, secondaryjoin)
    if not has_mark(primaryjoin, "remote"):
        primaryjoin, secondaryjoin = _mark_remote(ends, primaryjoin, secondaryjoin)
    elif ends.remote_side:
        raise RelationshipError.remote_side_twice(ends.name)
    return _mark_local(ends, primaryjoin), secondaryjoin


def _add(mark_name: str, condition: Callable[[Any], bool]) -> Callable[[Any], Any]:
    def replace(part: Any) -> Any:
        if isinstance(part, ColumnElement) and condition(part):
            return part._annotate({mark_name: True})
        return None

    return replace


# -- foreign -------------------------------------------------------------------------------------


def _mark_foreign(ends: Ends, join: Any) -> Any:
    if ends.foreign_keys:
        return replace_parts(join, _add("foreign", ends.foreign_keys.__contains__))
    return with_comparisons(join, lambda each: _mark_referring(ends, each))


def _mark_referring(ends: Ends, binary: Any) -> None:
    """Mark whichever side of a comparison refers to the other, by the schema's foreign keys."""
    left, right = binary.left, binary.right
    if not isinstance(left, ColumnElement) or not isinstance(right, ColumnElement):
        return
    if "foreign" in left._annotations or "foreign" in right._annotations:
        return
    referring = _referring(ends, left, right)
    if referring is None:
        return
    if referring.compare(left):
        binary.left = left._annotate({"foreign": True})
    else:
        binary.right = right._annotate({"foreign": True})


def _referring(ends: Ends, left: Any, right: Any) -> Any:
    if isinstance(left, Column) and isinstance(right, Column):
        if left.references(right):
            return left
        if right.references(left):
            return right
    if ends.secondary is not None:
        columns = ends.secondary.c
        if columns.contains_column(left) and not columns.contains_column(right):
            return left
        if columns.contains_column(right) and not columns.contains_column(left):
            return right
    return None


# -- remote --------------------------------------------------------------------------------------


def _mark_remote(ends: Ends, primaryjoin: Any, secondaryjoin: Any) -> tuple[Any, Any]:
    if ends.secondary is not None:
        of_secondary = _add("remote", ends.secondary.c.contains_column)
        return replace_parts(primaryjoin, of_secondary), replace_parts(secondaryjoin, of_secondary)
    if ends.remote_side:
        return _mark_given_remote(ends, primaryjoin), secondaryjoin
    if _refers_to_own_table(ends, primaryjoin):
        marked = with_comparisons(primaryjoin, lambda each: _mark_self_reference(ends, each))
        return marked, secondaryjoin
    if selectables_overlap(ends.parent, ends.target):
        marked = with_comparisons(primaryjoin, lambda each: _mark_overlapping(ends, each))
        if has_mark(marked, "remote"):
            return marked, secondaryjoin
    return replace_parts(primaryjoin, _add("remote", _on_target(ends))), secondaryjoin


def _mark_given_remote(ends: Ends, primaryjoin: Any) -> Any:
    if not _refers_to_own_table(ends, primaryjoin):
        return replace_parts(primaryjoin, _add("remote", ends.remote_side.__contains__))

    def visit(binary: Any) -> None:
        left, right = binary.left, binary.right
        is_left, is_right = left in ends.remote_side, right in ends.remote_side
        if is_left and is_right and left.compare(right):
            # A column shared by both rows: the left-hand one is the target's.
            is_right = False
        if is_left:
            binary.left = left._annotate({"remote": True})
        if is_right:
            binary.right = right._annotate({"remote": True})

    return with_comparisons(primaryjoin, visit)


def _refers_to_own_table(ends: Ends, primaryjoin: Any) -> bool:
    """Whether some comparison has the same table on both sides."""
    for part in iter_comparisons(primaryjoin):
        left, right = part.left, part.right
        if (
            isinstance(left, ColumnClause)
            and isinstance(right, ColumnClause)
            and ends.parent.is_derived_from(left.table)
            and ends.parent.is_derived_from(right.table)
            and ends.target.is_derived_from(left.table)
            and ends.target.is_derived_from(right.table)
        ):
            return True
    return False


def _warn_unless_simple(ends: Ends, binary: Any) -> None:
    """Say that the marks are guesswork where a comparison has columns within expressions."""
    if any(
        not isinstance(side, ColumnClause)
        and any(isinstance(part, ColumnClause) for part in iter_parts(side))
        for side in (binary.left, binary.right)
    ):
        warn(
            f"Non-simple column elements in primary join condition for property {ends.name} - "
            "consider using remote() annotations to mark the remote side."
        )


def _mark_self_reference(ends: Ends, binary: Any) -> None:
    _warn_unless_simple(ends, binary)
    left, right = binary.left, binary.right
    if "foreign" in left._annotations and isinstance(left, ColumnClause):
        binary.left = left._annotate({"remote": True})
    elif "foreign" in right._annotations and isinstance(right, ColumnClause):
        binary.right = right._annotate({"remote": True})


def _mark_overlapping(ends: Ends, binary: Any) -> None:
    """Mark the target's side where both classes share a table, as those of one hierarchy may.

    The side that only the target's own table has is the target's, or else the side that only its
    tables have at all. Where that does not tell, the parent is taken to refer to the target.
    """
    _warn_unless_simple(ends, binary)
    sides = [binary.left, binary.right]
    if not all(isinstance(side, ColumnElement) for side in sides):
        return
    own = [
        ends.target_local.c.contains_column(side) and not ends.parent_local.c.contains_column(side)
        for side in sides
    ]
    if own[0] is own[1]:
        own = [bool(ends.target.c.contains_column(side)) for side in sides]
    if own[0] is own[1]:
        own = ["foreign" not in side._annotations for side in sides]
    if own[0] is own[1]:
        return
    if own[0]:
        binary.left = binary.left._annotate({"remote": True})
    else:
        binary.right = binary.right._annotate({"remote": True})


def _on_target(ends: Ends) -> Callable[[Any], bool]:
    def is_remote(column: Any) -> bool:
        return bool(
            ends.target.c.contains_column(column)
            and (
                not ends.parent_local.c.contains_column(column)
                or ends.target_local.c.contains_column(column)
            )
        )

    return is_remote


# -- local ---------------------------------------------------------------------------------------


def _mark_local(ends: Ends, primaryjoin: Any) -> Any:
    """Mark the parent's columns; in a self-reference, those that are not the target's."""
    if has_mark(primaryjoin, "local"):
        return primaryjoin
    columns = ends.parent.c
    return replace_parts(
        primaryjoin,
        _add("local", lambda c: "remote" not in c._annotations and columns.contains_column(c)),
    )
