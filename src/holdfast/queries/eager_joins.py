"""Join what is loaded eagerly to a statement over tables.

The strategies only note an `EagerJoin` each; this file puts all of them into FROM at once, when it
is known whether the statement must be wrapped first.

Rules kept here:
1. DISTINCT and GROUP BY speak of the statement's own columns, LIMIT and OFFSET of its own rows,
   which a joined collection would multiply. Then the statement becomes a subquery and the joins go
   outside (LD-53).
2. The statement's own ORDER BY goes first, then that of joined collections.
3. An inner join below an outer one is nested into its right side, so that it drops no parents
   (LD-51); all others follow one another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.sql.expression import FromClause, FromGrouping, Join

from holdfast.foundation.sqlalchemy_core import (
    ColumnAdapter,
    find_left_clause_that_matches_given,
    unwrap_order_by,
)
from holdfast.queries.aliases import alias_of, correlated, relationship_joins, replace_columns
from holdfast.queries.loader_criteria import row_criterion
from holdfast.queries.planning import EagerJoin, PlanBuilder


def with_eager_joins(plain: Any, builder: PlanBuilder) -> Any:
    """The statement with the eager joins of the builder in its FROM."""
    if not builder.eager_joins:
        return plain
    for column in _columns_to_join_by(builder):
        builder.column(column)
    repeats_rows = builder.has_joined_collection and plain._has_row_limiting_clause
    if plain._distinct or plain._group_by_clauses or repeats_rows:
        return _wrapped(plain, builder)
    froms = list(plain._from_obj)
    order_by: list[Any] = []
    for join in builder.eager_joins:
        _join_into(froms, join, order_by)
    joined = plain._generate()
    joined._from_obj = tuple(froms)
    joined._raw_columns = [*builder.columns, *builder.eager_columns]
    if order_by:
        joined._order_by_clauses = (*plain._order_by_clauses, *order_by)
    return joined


def _join_into(froms: list[FromClause], join: EagerJoin, order_by: list[Any]) -> None:
    """Replace the FROM element that holds the join's parent by one with the join."""
    if join.above is not None:
        join.place = join.above.place
    else:
        parent = join.parent.selectable
        places = find_left_clause_that_matches_given(froms, parent) if froms else []
        join.place = places[0] if places else len(froms)
        if not places:
            froms.append(parent)
    froms[join.place] = _attached(froms[join.place], join, order_by)


def _attached(start: Any, join: EagerJoin, order_by: list[Any]) -> Any:
    """`start` with the join to the right of it, or where its parent stands if it is nested."""
    parent = alias_of(join.parent)
    conditions = relationship_joins(
        join.relationship, parent, join.target.selectable, criteria=join.criteria
    ).narrowed_by(row_criterion(join.target, is_eager=True))
    table = join.relationship.parent.persist_selectable
    right: Any = correlated(join.target.selectable, parent, table)
    if join.relationship.order_by:
        order_by.extend(_ordering(join, right, conditions.association))

    def joined(left: Any) -> Any:
        return conditions.joined(left, right, isouter=join.isouter)

    nested = _nested(start, parent, joined) if join.is_nested else None
    return joined(start) if nested is None else nested


def _nested(start: Any, parent: Any, joined: Callable[[Any], Any]) -> Any:
    """`start` with a join put next to `parent`, within the right side of its outer join."""
    if start is parent:
        return joined(start)
    if not isinstance(start, Join):
        return None
    left, right = (
        side.element if isinstance(side, FromGrouping) else side
        for side in (start.left, start.right)
    )
    beside = _nested(left, parent, joined)
    if beside is not None:
        return Join(beside, right, start.onclause, isouter=start.isouter)
    if right is parent and not start.isouter:
        return joined(start)
    beside = _nested(right, parent, joined)
    return None if beside is None else Join(left, beside, start.onclause, isouter=start.isouter)


def joined_to_target(
    start: Any, parent: Any, relationship: Any, target: Any, criteria: Sequence[Any] = ()
) -> tuple[Any, list[Any]]:
    """A FROM element that holds `parent`, joined to `target`; and the relationship's ORDER BY."""
    ordering: list[Any] = []
    join = EagerJoin(relationship, parent, target, innerjoin=True, criteria=criteria)
    return _attached(start, join, ordering), ordering


def _ordering(join: EagerJoin, target: Any, association: Any | None) -> list[Any]:
    """The relationship's ORDER BY, on the aliases of this join."""
    mapper = join.relationship.mapper
    ordering = [replace_columns(each, target, mapper) for each in join.relationship.order_by]
    if association is None:
        return ordering
    return [ColumnAdapter(association).traverse(each) for each in ordering]


def _wrapped(plain: Any, builder: PlanBuilder) -> Any:
    """SELECT own and joined columns FROM (the statement) JOIN what is eager."""
    inner = plain._generate()
    for clause in plain._order_by_clauses:
        for column in unwrap_order_by(clause):
            builder.column(column)
    inner._raw_columns = list(dict.fromkeys(builder.columns))
    subquery = inner.subquery()
    adapter = ColumnAdapter(subquery)
    eager_order_by: list[Any] = []
    made: Any = subquery
    for join in builder.eager_joins:
        attached = _attached(made, join, eager_order_by)
        if join.above is None:
            # The condition speaks of the parent's own columns, which the subquery answers for.
            attached = _with_adapted_conditions(attached, made, adapter, join.parent.selectable)
        made = attached
    own = [adapter.columns[column] for column in builder.columns]
    outer: Any = select(*own, *builder.eager_columns).select_from(made)
    outer._label_style = plain._label_style
    lock = plain._for_update_arg
    # What the lock is `of` stands in the subquery, which has the lock too.
    outer._for_update_arg = lock if lock is None or lock.of is None else None
    own_order_by = tuple(adapter.traverse(each) for each in plain._order_by_clauses)
    outer._order_by_clauses = (*own_order_by, *eager_order_by)
    return outer


def _columns_to_join_by(builder: PlanBuilder) -> list[Any]:
    """The columns of the parents that the joins compare."""
    return [
        column if join.parent.adapter is None else join.parent.adapter.columns[column]
        for join in builder.eager_joins
        if join.above is None
        for column in join.relationship.local_columns
    ]


def _with_adapted_conditions(join: Any, until: Any, adapter: Any, parent: Any) -> Any:
    if join is until or not isinstance(join, Join):
        return join
    return Join(
        _with_adapted_conditions(join.left, until, adapter, parent),
        correlated(join.right, adapter.selectable, parent),
        adapter.traverse(join.onclause),
        isouter=join.isouter,
        full=join.full,
    )
