"""Load the columns of a subclass by one SELECT ... IN for each 500 rows of the base.

For `polymorphic_load="selectin"` and `selectin_polymorphic()`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, bindparam, select, tuple_

from holdfast.mapping.sockets import register_strategy
from holdfast.queries.load_plan import FollowUp
from holdfast.queries.options.statement import StartsAt
from holdfast.reading.assemble import finish_batch
from holdfast.reading.context import LoadContext
from holdfast.reading.fetch import fetch_many, following
from holdfast.reading.origin import LoadOrigin

CHUNK = 500


@register_strategy("subclass")
class SubclassStrategy:
    """What the rows of a base lack of one subclass."""

    def __init__(self, mapper: Any) -> None:
        self.mapper = mapper

    def load_for(self, objects: list[Any], follow_up: FollowUp, context: LoadContext) -> None:
        """Load them for those of the objects that lack them (LD-182)."""
        mapper = self.mapper
        wanted = own_keys(mapper, follow_up.path.last.mapper)
        missing = [each for each in objects if not each.__dict__.keys() >= wanted]
        pks = [each.__dict__["_sa_instance_state"].pk for each in missing]
        statement = follow_up.memo.get("statement")
        if statement is None or context.load_options:
            only = wanted.union(mapper.primary_key_keys, [mapper.polymorphic_key])
            columns = mapper.primary_key
            found = columns[0] if len(columns) == 1 else tuple_(*columns)
            path = context.path_of(follow_up.path)
            statement = (
                select(mapper)
                .where(found.in_(bindparam("primary_keys", expanding=True)))
                .options(StartsAt(path, only=only), *context.load_options)
                .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
            )
            if not context.load_options:
                follow_up.memo["statement"] = statement
        origin = LoadOrigin(path=context.path_of(follow_up.path))
        inner = following(context)
        for start in range(0, len(pks), CHUNK):
            keys = {"primary_keys": pks[start : start + CHUNK]}
            fetch_many(inner, statement, keys, mapper=mapper, origin=origin)
        finish_batch(inner)


def own_keys(mapper: Any, base: Any) -> frozenset[str]:
    """Columns that a mapper has and its base has not, but for those that load on access."""
    return frozenset(
        key
        for key in mapper.column_keys
        if base.properties.get(key) is not mapper.properties[key]
        and key not in mapper.deferred_keys
    )
