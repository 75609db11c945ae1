"""Load a column, or a SQL expression that the mapping or the statement gives, with its row."""

from __future__ import annotations

from typing import Any

from holdfast.errors.queries import LoaderStrategyException
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.markers import ATTR_EMPTY
from holdfast.mapping.sockets import register_strategy
from holdfast.queries.options.paths import EXPRESSION, AttributeChoice
from holdfast.queries.planning import EntityLoadBuilder
from holdfast.reading.on_demand import load_expired


@register_strategy("column")
class ColumnStrategy:
    """The value stands in the entity's own row."""

    def __init__(self, prop: Any) -> None:
        self.prop = prop

    def setup(self, load: EntityLoadBuilder, choice: AttributeChoice | None) -> None:
        """Select the column."""
        load.add_column(self.prop.key, *self.prop.columns)

    def load(self, state: Any, d: dict[str, Any], policy: LoadPolicy) -> object:
        """Read it again, with all other expired columns."""
        return load_expired(state, self.prop.key, policy)


@register_strategy("query_expression")
class QueryExpressionStrategy(ColumnStrategy):
    """The value is what `with_expression()` gives, or else the mapped default (LD-117)."""

    def setup(self, load: EntityLoadBuilder, choice: AttributeChoice | None) -> None:
        """Select the expression, if there is one."""
        if self.prop.strategy_name != "query_expression":
            raise LoaderStrategyException.no_query_expression(self.prop)
        given = None if choice is None else choice.settings.get(EXPRESSION)
        if given is not None:
            load.add_column(self.prop.key, given)
        elif not self.prop.deferred:
            super().setup(load, choice)

    def load(self, state: Any, d: dict[str, Any], policy: LoadPolicy) -> object:
        """Read the default; what a statement gave is gone with it."""
        return ATTR_EMPTY if self.prop.deferred else super().load(state, d, policy)
