"""Refuse to load: `lazy="raise"`, `lazy="raise_on_sql"`, and `noload`, which reads as empty."""

from __future__ import annotations

from typing import Any

from holdfast.errors.loading import LoadRefusedError
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.markers import ATTR_EMPTY, ATTR_WAS_SET, PASSIVE_NO_RESULT
from holdfast.mapping.sockets import register_strategy
from holdfast.queries.options.paths import AttributeChoice
from holdfast.queries.planning import EntityLoadBuilder
from holdfast.reading.assemble import set_loaded_collection
from holdfast.reading.strategies.base import RelationshipStrategy


@register_strategy("raise")
class RaiseStrategy(RelationshipStrategy):
    """Touching the attribute while it is unloaded is an error (LD-70)."""

    title = "raise loader"

    def load(self, state: Any, d: dict[str, Any], policy: LoadPolicy) -> object:
        """Raise, except where a flush looks for what it may not touch (LD-72)."""
        if not policy.raise_on_missing:
            return super().load(state, d, policy)
        if not policy.may_fetch:
            return PASSIVE_NO_RESULT
        raise LoadRefusedError.by(self.relationship, "lazy='raise'")


@register_strategy("raise_on_sql")
class RaiseOnSqlStrategy(RelationshipStrategy):
    """The attribute loads where no SQL is needed, and raises otherwise (LD-71)."""

    title = "raise loader"

    def load(self, state: Any, d: dict[str, Any], policy: LoadPolicy) -> object:
        """Look into the identity map, then raise."""
        if not policy.raise_on_missing or not policy.may_fetch:
            return super().load(state, d, policy)
        found = super().load(state, d, LoadPolicy.MEMORY_ONLY)
        if found is PASSIVE_NO_RESULT:
            raise LoadRefusedError.by(self.relationship, "lazy='raise_on_sql'")
        return found


@register_strategy("noload")
class NoLoadStrategy(RelationshipStrategy):
    """The attribute reads as empty, whatever the database holds; deprecated."""

    title = "noload loader"

    def setup(self, load: EntityLoadBuilder, choice: AttributeChoice | None) -> None:
        """Nothing is selected."""

    def load(self, state: Any, d: dict[str, Any], policy: LoadPolicy) -> object:
        """Nothing is there but what was added since, which waits for the collection."""
        if not self.relationship.uselist or not policy.may_load:
            return ATTR_EMPTY
        set_loaded_collection(state(), self.key, [])
        return ATTR_WAS_SET
