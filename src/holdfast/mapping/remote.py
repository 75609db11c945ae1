"""Tell the sides of a relationship's join apart, and pair its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from functools import partial
from typing import Any

from sqlalchemy import Column
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList, ColumnClause, ColumnElement

from holdfast import errors
from holdfast.foundation.codegen import record
from holdfast.foundation.describe import warn
from holdfast.foundation.sqlalchemy_core import deep_annotate, selectables_overlap

# ------------------------------------------------------------------------------
# Look through SQL expressions for columns by their marks, and put others in their place.


def iter_parts(element: Any) -> Iterator[Any]:
    """All parts of an expression, the expression first."""
    return iter(visitors.iterate(element))


def iter_comparisons(element: Any) -> Iterator[Any]:
    """The parts of an expression that have a left and a right side."""
    return (part for part in iter_parts(element) if part.__visit_name__ == "binary")


def marked_columns(element: Any, *marks: str) -> list[Any]:
    """Columns of an expression that carry all of the marks, each once, in order."""
    wanted = set(marks)
    return list(
        dict.fromkeys(
            part
            for part in iter_parts(element)
            if isinstance(part, ColumnClause) and wanted.issubset(part._annotations)
        )
    )


def has_mark(element: Any, mark: str) -> bool:
    """Whether any part of an expression carries the mark."""
    return any(mark in part._annotations for part in iter_parts(element))


def replace_parts(element: Any, replace: Callable[[Any], Any]) -> Any:
    """A copy of an expression in which `replace(part)` stands for each part that it answers."""

    def visit(part: Any, **_: Any) -> Any:
        return replace(part)

    traverse: Any = visitors.replacement_traverse
    return traverse(element, {}, visit)


def with_comparisons(element: Any, visit: Callable[[Any], None]) -> Any:
    """A copy of an expression whose comparisons `visit` has seen, and perhaps changed."""
    return visitors.cloned_traverse(element, {}, {"binary": visit})


def conjuncts(element: Any) -> list[Any]:
    """The parts of an expression that AND joins; one part where it does not."""
    is_and = isinstance(element, BooleanClauseList) and element.operator is operators.and_
    return [part for each in element.clauses for part in conjuncts(each)] if is_and else [element]


def is_plain_equality(join: Any, count: int) -> bool:
    """Whether a condition is `count` equalities of columns joined by AND, and nothing else."""
    parts = conjuncts(join)
    return len(parts) == count and all(
        part.__visit_name__ == "binary"
        and part.operator is operators.eq
        and part.left.__visit_name__ == "column"
        and part.right.__visit_name__ == "column"
        for part in parts
    )


# ------------------------------------------------------------------------------
# Extract from marked join conditions the pairs of columns to compare and to copy.
#
# Rules kept here:
# 1. A pair to compare is (column of the parent's side, column of the other side).
# 2. A pair to copy is (column that has the value, column that refers to it), and comes from an
#    equality only.

Pair = tuple[Any, Any]


@record(eq=False, frozen=False)
class Pairs:
    """Column pairs of one relationship."""

    # (local column, remote column), of both conditions, each once.
    local_remote: list[Pair] = field(default_factory=list)
    # (source, destination): copied when the relationship is written.
    synchronize: list[Pair] = field(default_factory=list)
    # The same, from the target to the association table.
    secondary_synchronize: list[Pair] = field(default_factory=list)


def collect_pairs(
    primaryjoin: Any, secondaryjoin: Any, *, can_copy: Callable[[Any], bool]
) -> Pairs:
    """The pairs in the conditions; `can_copy` says whether a column may take part in copying."""
    pairs = Pairs()
    compared: dict[Pair, None] = {}
    for join, copied in (
        (primaryjoin, pairs.synchronize),
        (secondaryjoin, pairs.secondary_synchronize),
    ):
        if join is None:
            continue
        for operator, left, right in _products(join):
            for near, far in ((left, right), (right, left)):
                is_pair = "remote" in far._annotations and "remote" not in near._annotations
                if is_pair and can_copy(_plain(near)):
                    compared[_plain(near), _plain(far)] = None
            pair = _copy_pair(left, right) if operator is operators.eq else None
            if pair is not None and all(map(can_copy, pair)):
                copied.append(pair)
    pairs.local_remote = list(compared)
    return pairs


def _copy_pair(left: Any, right: Any) -> Pair | None:
    if "foreign" in right._annotations:
        return _plain(left), _plain(right)
    if "foreign" in left._annotations:
        return _plain(right), _plain(left)
    return None


def _plain(column: Any) -> Any:
    return column._deannotate()


def _products(join: Any) -> Iterator[tuple[Any, Any, Any]]:
    """(operator, left column, right column) for each comparison, down into both of its sides.

    A function around a column, or a custom operator, still relates that column to the other side.
    Scalar subqueries are looked into as well; an IN or BETWEEN relates its parts likewise.
    """
    for part in iter_parts(join):
        if not isinstance(part, BinaryExpression) or not operators.is_comparison(part.operator):
            continue
        sides = (part.left, part.right)
        # Core may turn an equality round; the pairs are those of the parent's columns in order.
        near, far = reversed(sides) if has_mark(part.left, "remote") else sides
        for left in marked_columns(near):
            for right in marked_columns(far):
                yield part.operator, left, right


# ------------------------------------------------------------------------------
# Mark the columns of a join condition: `foreign` ones refer, `remote` ones are the target's.
#
# Users mark columns with `foreign()` and `remote()`; what they leave out is derived here, in the
# order of `mark`. A third mark, `local`, says that the parent's value goes there.
#
# Rules kept here:
# 1. Marks written by the application stand, and no mark of that kind is then derived.
# 2. The columns of an association table are remote in both conditions.
# 3. In a table that refers to itself, the column that refers is remote: one-to-many.


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
        raise errors.RelationshipError.remote_side_twice(ends.name)
    return _mark_local(ends, primaryjoin), secondaryjoin


def _mark_where(join: Any, mark_name: str, condition: Callable[[Any], bool]) -> Any:
    def replace(part: Any) -> Any:
        if isinstance(part, ColumnElement) and condition(part):
            return part._annotate({mark_name: True})
        return None

    return replace_parts(join, replace)


def _mark_foreign(ends: Ends, join: Any) -> Any:
    if ends.foreign_keys:
        return _mark_where(join, "foreign", ends.foreign_keys.__contains__)
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


def _mark_remote(ends: Ends, primaryjoin: Any, secondaryjoin: Any) -> tuple[Any, Any]:
    if ends.secondary is not None:
        is_remote = ends.secondary.c.contains_column
        marked = _mark_where(primaryjoin, "remote", is_remote)
        return marked, _mark_where(secondaryjoin, "remote", is_remote)
    if ends.remote_side:
        return _mark_given_remote(ends, primaryjoin), secondaryjoin
    if _refers_to_own_table(ends, primaryjoin):
        marked = with_comparisons(primaryjoin, lambda each: _mark_self_reference(ends, each))
        return marked, secondaryjoin
    if selectables_overlap(ends.parent, ends.target):
        marked = with_comparisons(primaryjoin, lambda each: _mark_overlapping(ends, each))
        if has_mark(marked, "remote"):
            return marked, secondaryjoin
    return _mark_where(primaryjoin, "remote", partial(_is_on_target, ends)), secondaryjoin


def _mark_given_remote(ends: Ends, primaryjoin: Any) -> Any:
    if not _refers_to_own_table(ends, primaryjoin):
        return _mark_where(primaryjoin, "remote", ends.remote_side.__contains__)

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
    return any(
        all(
            isinstance(side, ColumnClause)
            and ends.parent.is_derived_from(side.table)
            and ends.target.is_derived_from(side.table)
            for side in (part.left, part.right)
        )
        for part in iter_comparisons(primaryjoin)
    )


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


def _is_on_target(ends: Ends, column: Any) -> bool:
    return ends.target.c.contains_column(column) and (
        not ends.parent_local.c.contains_column(column)
        or ends.target_local.c.contains_column(column)
    )


def _mark_local(ends: Ends, primaryjoin: Any) -> Any:
    """Mark the parent's columns; in a self-reference, those that are not the target's."""
    if has_mark(primaryjoin, "local"):
        return primaryjoin
    own = ends.parent.c.contains_column
    return _mark_where(primaryjoin, "local", lambda c: "remote" not in c._annotations and own(c))
