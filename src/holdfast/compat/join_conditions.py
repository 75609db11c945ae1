"""Show the join conditions of a relationship in the form in which SQLAlchemy's tests ask for them.

They build one by hand from tables alone, which `mapping.joins` does as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from holdfast.foundation.sqlalchemy_core import ClauseAdapter, deep_deannotate
from holdfast.mapping.joins.condition import JoinCondition, build_condition
from holdfast.mapping.joins.direction import RelationshipDirection
from holdfast.mapping.joins.lazy_clause import build_lazy_clause
from holdfast.mapping.joins.pairs import Pair
from holdfast.mapping.joins.remote import Ends
from holdfast.queries.adapt import is_remote


def join_condition(
    parent_persist_selectable: Any,
    child_persist_selectable: Any,
    parent_local_selectable: Any,
    child_local_selectable: Any,
    *,
    prop: Any,
    primaryjoin: Any = None,
    secondary: Any = None,
    secondaryjoin: Any = None,
    consider_as_foreign_keys: Any = None,
    local_remote_pairs: Sequence[tuple[Any, Any]] = (),
    remote_side: Any = None,
    self_referential: bool | None = None,
    support_sync: bool = True,
    can_be_synced_fn: Callable[[Any], bool] = lambda *_: True,
) -> JoinConditionView:
    """A condition between tables, as the tests make it."""
    if self_referential is None:
        self_referential = parent_persist_selectable is child_persist_selectable
    ends = Ends(
        name=str(prop),
        parent=parent_persist_selectable,
        parent_local=parent_local_selectable,
        target=child_persist_selectable,
        target_local=child_local_selectable,
        secondary=secondary,
        foreign_keys=set(consider_as_foreign_keys or ()),
        remote_side=set(remote_side or [remote for _, remote in local_remote_pairs]),
        self_referential=self_referential,
    )
    condition = build_condition(
        ends, primaryjoin, secondaryjoin, writes=support_sync, can_copy=can_be_synced_fn
    )
    return JoinConditionView(condition)


class JoinConditionView:
    """One condition under SQLAlchemy's names."""

    def __init__(self, condition: JoinCondition, relationship: Any = None) -> None:
        pairs = condition.pairs
        self.condition = condition
        self.primaryjoin: Any = condition.primaryjoin
        self.secondaryjoin: Any = condition.secondaryjoin
        self.primaryjoin_reverse_remote: Any = condition.reversed_joins()[0]
        self.primaryjoin_minus_local: Any = _without_sides(condition.primaryjoin)
        self.secondaryjoin_minus_local: Any = _without_sides(condition.secondaryjoin)
        self.direction: RelationshipDirection = condition.direction
        self.local_columns: set[Any] = condition.local_columns
        self.remote_columns: set[Any] = condition.remote_side
        self.local_remote_pairs: list[Pair] = pairs.local_remote
        self.synchronize_pairs: list[Pair] = pairs.synchronize
        self.secondary_synchronize_pairs: list[Pair] = pairs.secondary_synchronize
        self.parent_persist_selectable: Any = condition.ends.parent
        self.child_persist_selectable: Any = condition.ends.target
        self.secondary_can_be_used_for_related_join: bool = bool(
            relationship is not None and relationship.association_key
        )

    def join_targets(self, source: Any, target: Any, *_how: Any) -> tuple[Any, ...]:
        """The conditions between two selectables that stand for the tables."""
        on_source = ClauseAdapter(source, include_fn=lambda column: not is_remote(column))
        on_target = ClauseAdapter(target, include_fn=is_remote)
        primaryjoin = on_target.traverse(on_source.traverse(self.primaryjoin))
        return primaryjoin, self.secondaryjoin, self.condition.ends.secondary, on_target, target

    def create_lazy_clause(self, reverse_direction: bool = False) -> tuple[Any, ...]:  # noqa: FBT001, FBT002
        """The clause of a lazy load, the names of its parameters, and the columns compared."""
        clause = build_lazy_clause(self.primaryjoin, self.secondaryjoin, reverse=reverse_direction)
        names = dict(zip(clause.columns, clause.names, strict=True))
        pairs = [pair[::-1] if reverse_direction else pair for pair in self.local_remote_pairs]
        return clause.criterion, names, {remote: local for local, remote in pairs}


def _without_sides(join: Any) -> Any:
    return None if join is None else deep_deannotate(join, values=("local", "remote"))
