"""Load a column, or SQL expression, with the rest of its row."""

from __future__ import annotations

from typing import Any

from holdfast.foundation.load_policy import LoadPolicy
from holdfast.mapping.sockets import register_strategy
from holdfast.queries.options.paths import AttributeChoice
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
