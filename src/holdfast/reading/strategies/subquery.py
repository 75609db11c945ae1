"""Load a relationship of many parents by one SELECT over the statement that found them.

That statement stands in FROM as a subquery of the columns that the first relationship compares;
the relationships on the way to the attribute, and its own, are joined to it.

Rules kept here:
1. The embedded statement keeps its criteria and limits; its order only beside a limit (LD-61).
2. Where there is no statement to embed (a refresh, rows of a given statement), the relationship
   loads by selectin.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, inspect, select

from holdfast.foundation.sqlalchemy_core import unwrap_order_by
from holdfast.mapping.sockets import register_strategy
from holdfast.queries.aliases import aliased
from holdfast.queries.eager_joins import joined_to_target
from holdfast.queries.load_plan import FollowUp
from holdfast.queries.options.paths import LoadPath
from holdfast.queries.options.statement import StartsAt
from holdfast.queries.select import embedded_select
from holdfast.reading.assemble import finish_batch
from holdfast.reading.context import LoadContext, Source
from holdfast.reading.fetch import fetch_many, following
from holdfast.reading.origin import LoadOrigin
from holdfast.reading.strategies.base import (
    RelationshipStrategy,
    columns_on,
    current_choice,
    target_entity,
)


@register_strategy("subquery")
class SubqueryStrategy(RelationshipStrategy):
    """A SELECT after the parents, over theirs (LD-60)."""

    title = "subquery loader"
    follows_as = "subquery"

    def load_for(self, parents: list[Any], follow_up: FollowUp, context: LoadContext) -> None:
        """Load for these parents."""
        source = context.source
        if source is None:
            self.relationship.strategy_for("selectin").load_for(parents, follow_up, context)
            return
        mapper = self.relationship.parent
        names = [mapper.key_of(column) for column in self.relationship.lazy_clause.columns]
        # The embedded statement may find a parent several times, and its members as often.
        found: dict[Any, dict[int, Any]] = {}
        inner = following(context)
        for target, *key in self._rows(follow_up, context, source, inner):
            if target is not None:
                found.setdefault(tuple(key), {})[id(target)] = target
        finish_batch(inner)
        keyed = [tuple(getattr(parent, name) for name in names) for parent in parents]
        self.fill(parents, keyed, {key: list(each.values()) for key, each in found.items()})

    def _rows(
        self, follow_up: FollowUp, context: LoadContext, source: Source, inner: LoadContext
    ) -> Any:
        """Target and key of every row."""
        relationship = self.relationship
        path = context.path_of(follow_up.path)
        below = path.along(relationship)
        choice = current_choice(relationship, follow_up, context)
        parent, froms = self._parent_side(path, source)
        target = target_entity(relationship, choice, aliased=True)
        criteria = () if choice is None else choice.criteria
        froms, ordering = joined_to_target(froms, parent, relationship, target, criteria)
        keys = columns_on(parent, relationship.lazy_clause.columns)
        statement: Any = select(target, *keys).select_from(froms)
        statement = statement.order_by(*ordering)
        statement = statement.options(StartsAt(below), *context.load_options)
        columns = fetch_many(
            inner,
            statement.set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL),
            source.parameters,
            mapper=relationship.mapper,
            origin=LoadOrigin(is_relationship_load=True, path=below),
            source=source,
        )
        return zip(*columns, strict=True)

    def _parent_side(self, path: LoadPath, source: Source) -> tuple[Any, Any]:
        """The entity of the parents, and FROM with the embedded statement that leads to it."""
        way = path[source.depth + 1 :: 2]
        first = way[0] if way else self.relationship
        columns = first.lazy_clause.columns
        root = path[source.depth]
        inner = embedded_select(source.statement, root, columns)
        if needs_distinct(first, columns_on(root, columns)):
            inner = inner.distinct()
            for clause in inner._order_by_clauses:
                inner = inner.add_columns(*unwrap_order_by(clause))
        owner = root.mapper if root.mapper.isa(first.parent) else first.parent
        parent = inspect(aliased(owner, inner.subquery()))
        froms = parent.selectable
        mappers = path[source.depth + 2 :: 2]
        afters = [*way, self.relationship][1:]
        for relationship, mapper, after in zip(way, mappers, afters, strict=True):
            entity = relationship.entity
            if not entity.is_aliased_class:
                # What comes next may be a subclass's own.
                entity = after.parent if after.parent.isa(mapper) else mapper
            beyond = inspect(aliased(entity.entity))
            froms, _ = joined_to_target(froms, parent, relationship, beyond)
            parent = beyond
        return parent, froms


def needs_distinct(relationship: Any, columns: list[Any]) -> bool:
    """Whether the embedded rows may repeat the columns: unless they are keys of their tables."""
    given = relationship.distinct_target_key
    if given is not None:
        return bool(given)
    chosen = set(columns)
    return any(not chosen.issuperset(table.primary_key) for table in {c.table for c in columns})
