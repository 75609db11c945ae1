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
        level, seen = parents, seen_at_first(parents, depth)
        while level and depth:
            self._load_level(level, policy, options, below)
            depth -= 1
            if depth:
                level = unseen_members(level, self.relationship, seen)

    def _load_level(
        self,
        parents: list[Any],
        policy: LoadPolicy,
        options: Mapping[str, Any],
        below: tuple[Any, ...],
    ) -> None:
        """Load for these parents."""
        lazy = self.relationship.strategy_for("select")
        for parent in parents:
            if lacks(parent, self.key):
                values = parent.__dict__
                state = values["_sa_instance_state"]
                value = lazy.load(state, values, policy, options, below)
                if value is PASSIVE_NO_RESULT or value is ATTR_EMPTY:
                    continue
                if value is not ATTR_WAS_SET:
                    values[self.key] = value


def seen_at_first(parents: list[Any], depth: int) -> dict[int, Any]:
    """The objects that need no further visit; none are noted where there is one level only."""
    return {} if depth == 1 else {id(each): each for each in parents}


def unseen_members(parents: list[Any], relationship: Any, seen: dict[int, Any]) -> list[Any]:
    """The related objects that were not seen yet, and now are: rows in a circle come to an end."""
    found = []
    for parent in parents:
        for each in loaded_members(parent, relationship):
            if id(each) not in seen:
                seen[id(each)] = each
                found.append(each)
    return found


def loaded_members(parent: Any, relationship: Any) -> list[Any]:
    """The related objects in memory of an object."""
    value = parent.__dict__.get(relationship.key)
    if value is None:
        return []
    if not relationship.uselist:
        return [value]
    return list(value.values() if hasattr(value, "values") else value)
