"""Load a relationship for each object, at once when its statement is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.markers import ATTR_EMPTY, ATTR_WAS_SET, PASSIVE_NO_RESULT
from holdfast.mapping.sockets import register_strategy
from holdfast.queries.load_plan import FollowUp
from holdfast.queries.options.paths import AttributeChoice
from holdfast.queries.options.statement import StartsAt
from holdfast.queries.planning import EntityLoadBuilder
from holdfast.reading.assemble import lacks
from holdfast.reading.context import LoadContext
from holdfast.reading.fetch import following, uncached_if_deep
from holdfast.reading.strategies.base import RelationshipStrategy, levels_of


@register_strategy("immediate")
class ImmediateStrategy(RelationshipStrategy):
    """The lazy load of every parent, right after the parents (LD-73)."""

    title = "immediate loader"

    def setup(self, load: EntityLoadBuilder, choice: AttributeChoice | None) -> None:
        """Note that it follows; where it may not recurse, from memory only."""
        self.check_levels(choice)
        load.add_follow_up(self.relationship, "immediate", choice)

    def load_for(self, parents: list[Any], follow_up: FollowUp, context: LoadContext) -> None:
        """Load what the parents lack, one by one."""
        depth = levels_of(follow_up.choice)
        recurses = self.may_recurse(follow_up.path, follow_up.choice)
        policy = LoadPolicy.NO_AUTOFLUSH if recurses else LoadPolicy.MEMORY_ONLY
        path = follow_up.path.along(self.relationship)
        options = uncached_if_deep(following(context).execution_options, path)
        # Where loading ends at a depth, the SELECTs must know how deep they are.
        below = (StartsAt(path),) if self.relationship.join_depth else ()
        level = parents
        while level and depth:
            level = self._load_level(level, policy, options, below)
            depth -= 1

    def _load_level(
        self,
        parents: list[Any],
        policy: LoadPolicy,
        options: Mapping[str, Any],
        below: tuple[Any, ...],
    ) -> list[Any]:
        """Load for these parents; what was found, if it may have the relationship as well."""
        lazy = self.relationship.strategy_for("select")
        found: dict[int, Any] = {}
        for parent in parents:
            if lacks(parent, self.key):
                values = parent.__dict__
                state = values["_sa_instance_state"]
                value = lazy.load(state, values, policy, options, below)
                if value is PASSIVE_NO_RESULT or value is ATTR_EMPTY:
                    continue
                if value is not ATTR_WAS_SET:
                    values[self.key] = value
            for each in loaded_members(parent, self.relationship):
                found[id(each)] = each
        return list(found.values())


def loaded_members(parent: Any, relationship: Any) -> list[Any]:
    """The related objects in memory of an object."""
    value = parent.__dict__.get(relationship.key)
    if value is None:
        return []
    if not relationship.uselist:
        return [value]
    return list(value.values() if hasattr(value, "values") else value)
