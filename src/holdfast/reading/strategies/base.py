"""Define what the strategies of relationships have in common.

An eager strategy is one only while its statement is compiled: an attribute that is touched later,
because it was expired or never queried, loads lazily (SM-141).
"""

from __future__ import annotations

from operator import eq
from typing import Any

from holdfast.foundation.load_policy import LoadPolicy
from holdfast.queries.paths import AttributeChoice
from holdfast.queries.planning import EntityLoadBuilder


class RelationshipStrategy:
    """How one relationship is loaded."""

    # For messages: what loader options call it.
    title = "lazy loader"

    def __init__(self, prop: Any) -> None:
        self.relationship = prop
        self.key: str = prop.key

    def setup(self, load: EntityLoadBuilder, choice: AttributeChoice | None) -> None:
        """Add to the SELECT that is compiled; by default nothing."""

    def load(self, state: Any, d: dict[str, Any], policy: LoadPolicy) -> object:
        """Load because the attribute was touched."""
        return self.relationship.strategy_for("select").load(state, d, policy)

    def may_recurse(self, load: EntityLoadBuilder, choice: AttributeChoice | None) -> bool:
        """Whether eager loading goes on below `load`, where nobody asked for it by an option.

        It stops at `join_depth`, or else before the same mapper comes a second time (LD-54).
        """
        if choice is not None and choice.strategy is not None and not choice.wildcard:
            return True
        relationship = self.relationship
        if relationship.join_depth:
            depth: int = relationship.join_depth
            return load.path.times_along(relationship) < depth
        return not load.path.passes_mapper(relationship.mapper)


def target_entity(relationship: Any, choice: AttributeChoice | None) -> Any:
    """The entity that is loaded: the one named with `of_type()`, or the relationship's own."""
    if choice is not None and choice.of_type is not None:
        return choice.of_type
    return relationship.entity


def is_plain_equality(relationship: Any) -> bool:
    """Whether the join says that pairs of columns are equal, and nothing more."""
    join = relationship.primaryjoin
    parts = list(join.clauses) if join.__visit_name__ == "clauselist" else [join]
    return len(parts) == len(relationship.local_remote_pairs) and all(
        part.__visit_name__ == "binary"
        and part.operator is eq
        and part.left.__visit_name__ == "column"
        and part.right.__visit_name__ == "column"
        for part in parts
    )
