"""Join what is loaded eagerly to a statement over tables.

The strategies only note an `EagerJoin` each; this file puts all of them into FROM at once, when it
is known whether the statement must be wrapped first.

Rules kept here:
1. DISTINCT and GROUP BY speak of the statement's own columns, LIMIT and OFFSET of its own rows,
   which a joined collection would multiply. Then the statement becomes a subquery and the joins go
   outside (LD-53).
2. The statement's own ORDER BY goes first, then that of joined collections.
3. An inner join below an outer one is nested into its right side, so that it drops no parents
   (LD-51).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.sql.expression import FromClause, Join

from holdfast.foundation.sqlalchemy_core import (
    ColumnAdapter,
    find_left_clause_that_matches_given,
    unwrap_order_by,
)
from holdfast.queries.adapt import alias_of, correlated, relationship_joins
from holdfast.queries.hierarchies import single_table_criterion
from holdfast.queries.planning import EagerJoin, PlanBuilder


def with_eager_joins(plain: Any, builder: PlanBuilder) -> Any:
    """The statement with the eager joins of the builder in its FROM."""
    if not builder.eager_joins:
        return plain
    if _must_wrap(plain, builder):
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


def _must_wrap(plain: Any, builder: PlanBuilder) -> bool:
    """Whether the joined columns or rows would change what the statement says of its own."""
    if plain._distinct or plain._group_by_clauses:
        return True
    return bool(builder.has_joined_collection and plain._has_row_limiting_clause)


def _join_into(froms: list[FromClause], join: EagerJoin, order_by: list[Any]) -> None:
    """Replace the FROM element that holds the join's parent by one with the join."""
    parent = join.parent.selectable
    places = find_left_clause_that_matches_given(froms, parent) if froms else []
    start = froms[places[0]] if places else parent
    made = _attached(start, join, order_by, alias_of(join.parent))
    if places:
        froms[places[0]] = made
    else:
        froms.append(made)


def _attached(start: Any, join: EagerJoin, order_by: list[Any], parent: Any) -> Any:
    """`start` with the join, and what hangs on its target, to the right of it."""
    conditions = relationship_joins(
        join.relationship, parent, join.target.selectable, criteria=join.criteria
    ).narrowed_by(single_table_criterion(join.target))
    table = join.relationship.parent.persist_selectable
    right: Any = correlated(join.target.selectable, parent, table)
    if join.relationship.order_by:
        order_by.extend(_ordering(join, right, conditions.association))
    beside = []
    for child in join.children:
        if child.isouter or not join.isouter or child.innerjoin == "unnested":
            beside.append(child)
        else:
            right = _attached(right, child, order_by, join.target.selectable)
    if conditions.association is not None:
        if join.isouter:
            right = Join(conditions.association, right, conditions.secondary)
            made = Join(start, right, conditions.primary, isouter=True)
        else:
            made = Join(start, conditions.association, conditions.primary)
            made = Join(made, right, conditions.secondary)
    else:
        made = Join(start, right, conditions.primary, isouter=join.isouter)
    for child in beside:
        made = _attached(made, child, order_by, join.target.selectable)
    return made


def joined_to_target(
    start: Any, parent: Any, relationship: Any, target: Any, criteria: Sequence[Any] = ()
) -> tuple[Any, list[Any]]:
    """A FROM element that holds `parent`, joined to `target`; and the relationship's ORDER BY."""
    ordering: list[Any] = []
    join = EagerJoin(relationship, parent, target, innerjoin=True, criteria=criteria)
    return _attached(start, join, ordering, alias_of(parent)), ordering


def _ordering(join: EagerJoin, target: Any, association: Any | None) -> list[Any]:
    """The relationship's ORDER BY, on the aliases of this join."""
    ordering = [ColumnAdapter(target).traverse(each) for each in join.relationship.order_by]
    if association is None:
        return ordering
    return [ColumnAdapter(association).traverse(each) for each in ordering]


def _wrapped(plain: Any, builder: PlanBuilder) -> Any:
    """SELECT own and joined columns FROM (the statement) JOIN what is eager."""
    inner = plain._generate()
    needed = [*builder.columns, *_columns_to_join_by(builder)]
    for each in plain._order_by_clauses:
        needed.extend(unwrap_order_by(each))
    inner._raw_columns = list(dict.fromkeys(needed))
    inner._for_update_arg = None
    subquery = inner.subquery()
    adapter = ColumnAdapter(subquery)
    eager_order_by: list[Any] = []
    made: Any = subquery
    for join in builder.eager_joins:
        attached = _attached(made, join, eager_order_by, alias_of(join.parent))
        # The condition speaks of the parent's own columns, which the subquery answers for.
        made = _with_adapted_conditions(attached, made, adapter, join.parent.selectable)
    own = [adapter.columns[column] for column in builder.columns]
    outer: Any = select(*own, *builder.eager_columns).select_from(made)
    outer._label_style = plain._label_style
    outer._for_update_arg = plain._for_update_arg
    own_order_by = tuple(adapter.traverse(each) for each in plain._order_by_clauses)
    outer._order_by_clauses = (*own_order_by, *eager_order_by)
    return outer


def _columns_to_join_by(builder: PlanBuilder) -> list[Any]:
    """The columns of the parents that the joins compare."""
    found: list[Any] = []
    for join in builder.eager_joins:
        for column in join.relationship.local_columns:
            if join.parent.is_aliased_class:
                column = join.parent.adapter.columns[column]
            found.append(column)
    return found


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
