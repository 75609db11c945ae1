"""Extract from marked join conditions the pairs of columns to compare and to copy.

Rules kept here:
1. A pair to compare is (column of the parent's side, column of the other side).
2. A pair to copy is (column that has the value, column that refers to it), and comes from an
   equality only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any

from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, ColumnClause

from holdfast.foundation.record import record
from holdfast.mapping.joins.elements import has_mark, iter_parts

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
    """The pairs in the conditions.

    Args:
        primaryjoin: The condition from the parent, with marks.
        secondaryjoin: The condition from the target to the association table, or None.
        can_copy: Whether a column may take part in copying: it is mapped, or in the association
            table.
    """
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
                if _is_remote(far) and not _is_remote(near) and can_copy(_plain(near)):
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


def _is_remote(column: Any) -> bool:
    return "remote" in column._annotations


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
        for left in _columns_in(near):
            for right in _columns_in(far):
                yield part.operator, left, right


def _columns_in(element: Any) -> list[Any]:
    if isinstance(element, ColumnClause):
        return [element]
    parts = (part for part in iter_parts(element) if isinstance(part, ColumnClause))
    return list(dict.fromkeys(parts))
