"""Load the columns of a subclass by one SELECT ... IN for each 500 rows of the base.

For `polymorphic_load="selectin"` and `selectin_polymorphic()`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, bindparam, select, tuple_

from holdfast.mapping.sockets import register_strategy
from holdfast.queries.load_plan import FollowUp, SubclassLoad
from holdfast.queries.options.statement import StartsAt
from holdfast.reading.assemble import finish_batch
from holdfast.reading.context import LoadContext
from holdfast.reading.fetch import fetch_many, following
from holdfast.reading.origin import LoadOrigin
from holdfast.reading.strategies.base import columns_on

CHUNK = 500


@register_strategy("subclass")
class SubclassStrategy:
    """What the rows of a base lack of one subclass, and of those that are selected with it."""

    def __init__(self, subclass: SubclassLoad) -> None:
        self.entity: Any = subclass.entity
        self.mapper: Any = subclass.entity.mapper
        # Mapper -> names of the attributes that its objects need.
        self.wanted: dict[Any, frozenset[str]] = {
            each: own_keys(each, subclass.base) | subclass.joined
            for each in (self.mapper, *self.entity.with_polymorphic_mappers)
        }

    def load_for(self, objects: list[Any], follow_up: FollowUp, context: LoadContext) -> None:
        """Load them for those of the objects that lack them (LD-182)."""
        states = [each.__dict__["_sa_instance_state"] for each in objects if self._lacks(each)]
        pks = [state.pk for state in states]
        statement = follow_up.memo.get("statement")
        if statement is None or context.load_options:
            statement = self._statement(follow_up, context)
            if not context.load_options:
                follow_up.memo["statement"] = statement
        origin = LoadOrigin(path=context.path_of(follow_up.path))
        inner = following(context)
        for start in range(0, len(pks), CHUNK):
            keys = {"primary_keys": pks[start : start + CHUNK]}
            fetch_many(inner, statement, keys, mapper=self.mapper, origin=origin)
        finish_batch(inner)

    def _lacks(self, instance: Any) -> bool:
        values = instance.__dict__
        mapper = values["_sa_instance_state"].manager.mapper
        wanted = self.wanted.get(mapper) or self.wanted[self.mapper]
        return not values.keys() >= wanted

    def _statement(self, follow_up: FollowUp, context: LoadContext) -> Any:
        mapper = self.mapper
        only = frozenset().union(
            *self.wanted.values(), mapper.primary_key_keys, [mapper.polymorphic_key]
        )
        columns = columns_on(self.entity, mapper.primary_key)
        found = columns[0] if len(columns) == 1 else tuple_(*columns)
        statement = (
            select(self.entity)
            .where(found.in_(bindparam("primary_keys", expanding=True)))
            .options(StartsAt(context.path_of(follow_up.path), only=only), *context.load_options)
        )
        return statement.set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)


def own_keys(mapper: Any, base: Any) -> frozenset[str]:
    """Columns that a mapper has and its base has not, but for those that load on access."""
    return frozenset(
        key
        for key in mapper.column_keys
        if base.properties.get(key) is not mapper.properties[key]
        and key not in mapper.deferred_keys
    )
