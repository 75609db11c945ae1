"""Give joins, copied keys and state changes SQLAlchemy's private forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from types import SimpleNamespace
from typing import Any

from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.sqlalchemy_core import ClauseAdapter, deep_deannotate
from holdfast.mapping.condition import (
    JoinCondition,
    RelationshipDirection,
    build_condition,
    build_lazy_clause,
)
from holdfast.mapping.remote import Ends, Pair
from holdfast.queries.aliases import is_remote
from holdfast.sessions.transaction import Phased, Shift, moves
from holdfast.unitofwork.copy_keys import copy_column, key_value
from holdfast.unitofwork.dependencies import KeyPair, attribute_of
from holdfast.unitofwork.flush import Flush

# ------------------------------------------------------------------------------
# Show the join conditions of a relationship in the form in which SQLAlchemy's tests ask for them.
#
# They build one by hand from tables alone, which `mapping.joins` does as well.


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


# ------------------------------------------------------------------------------
# Copy keys between two objects under the names of `sqlalchemy.orm.sync` and `unitofwork`.
#
# A flush copies them for whole relationships; SQLAlchemy's tests ask for one pair of objects and
# name the columns.

Columns = Iterable[tuple[Any, Any]]


class UnitOfWork(Flush):
    """A flush of a whole session that nobody has started yet."""

    def __init__(self, session: Any) -> None:
        super().__init__(session.members, session.connection_for)
        self.session = session
        self.attributes: dict[Any, Any] = {}

    def register_object(self, state: Any, isdelete: bool = False) -> None:  # noqa: FBT001, FBT002
        """Nothing: what a flush has to do is found out from what the session holds."""


def populate(
    source: Any,
    source_mapper: Any,
    dest: Any,
    dest_mapper: Any,
    pairs: Columns,
    uow: Any,
    flag_cascaded: bool,  # noqa: FBT001  their form
) -> None:
    """Give one object the key of another."""
    dependency: Any = SimpleNamespace(relationship=SimpleNamespace(passive_updates=flag_cascaded))
    for source_column, column in pairs:
        pair = KeyPair(source_mapper, dest_mapper, source_column, column)
        copy_column(uow, dependency, pair, [(source, dest)])
        if flag_cascaded and column.primary_key and column.references(source_column):
            uow.attributes["pk_cascaded", dest, column] = True


def clear(dest: Any, dest_mapper: Any, pairs: Columns) -> None:
    """Take the key of another object away."""
    for source_column, column in pairs:
        key = attribute_of(dest_mapper, column, "destination")
        pair: Any = SimpleNamespace(
            source=None, source_column=source_column, holder=key, holder_column=column
        )
        nothing: Any = None
        copy_column(nothing, nothing, pair, [(None, dest)])


def update(source: Any, source_mapper: Any, dest: Any, old_prefix: str, pairs: Columns) -> None:
    """Put a key as it is, and as the database knows it, into a dictionary."""
    for source_column, column in pairs:
        key = attribute_of(source_mapper, source_column, "source")
        value = key_value(source, key)
        dest[column.key] = value
        dest[old_prefix + column.key] = source.committed_state.get(key, value)


def populate_dict(source: Any, source_mapper: Any, dict_: Any, pairs: Columns) -> None:
    """Put a key into a dictionary."""
    for source_column, column in pairs:
        dict_[column.key] = key_value(source, attribute_of(source_mapper, source_column, "source"))


def source_modified(_uow: Any, source: Any, source_mapper: Any, pairs: Columns) -> bool:
    """Whether a key differs from what the database knows."""
    keys = [attribute_of(source_mapper, column, "source") for column, _ in pairs]
    slots = source.manager.slots
    policy = LoadPolicy.NO_INITIALIZE
    return any(slots[key].history(source, source.dict, policy).deleted for key in keys)


# ------------------------------------------------------------------------------
# Show the phases of a transaction under the names of `sqlalchemy.orm.state_changes`.


class StateChange(Phased):
    """An object with phases, whose phase is read and set as `_state`."""

    declare_states: Any = staticmethod(moves)
    _expect_state = Phased.expecting

    @property
    def _state(self) -> object:
        return self.phase

    @_state.setter
    def _state(self, value: object) -> None:
        self.phase = value


StateChangeState = Enum
StateChangeStates = Shift
