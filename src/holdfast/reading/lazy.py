"""Load related objects by a SELECT for each parent."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import select

from holdfast import errors
from holdfast.foundation.describe import warn
from holdfast.foundation.load_policy import (
    ATTR_EMPTY,
    ATTR_WAS_SET,
    NO_VALUE,
    PASSIVE_CLASS_MISMATCH,
    PASSIVE_NO_RESULT,
    LoadPolicy,
)
from holdfast.mapping.sockets import register_strategy
from holdfast.queries.load_plan import AttributeChoice, FollowUp
from holdfast.queries.options import Load
from holdfast.queries.planning import EAGER, EntityLoadBuilder
from holdfast.queries.statement_options import StartsAt
from holdfast.reading.context import NOTHING, LoadContext, LoadOrigin, lazy_choice
from holdfast.reading.fetch import (
    PlannedSelect,
    fetch_columns,
    following,
    lacks,
    set_loaded_collection,
    uncached_if_deep,
)
from holdfast.reading.identity import (
    is_wholly_expired,
    load_by_key,
    load_expired,
    planned_get,
    refresh_state,
)
from holdfast.reading.strategies import (
    RelationshipStrategy,
    levels_of,
    on_target,
    once_each,
    target_entity,
)

# ------------------------------------------------------------------------------
# Load a relationship by one SELECT when it is touched, or from the identity map without any.
#
# Rules kept here:
# 1. A simple many-to-one asks the identity map first; a foreign key of None has no target (LD-11).
#    One with criteria (`and_()`) asks the database.
# 2. The foreign key is the object's present one, unflushed changes included (LD-15).
# 3. The session flushes before a SELECT, never for an answer from memory (LD-12).
# 4. Options of the statement that loaded the object apply below it (LD-17).


@register_strategy("select")
class LazyStrategy(RelationshipStrategy):
    """One SELECT for each object whose attribute is touched (LD-10)."""

    def __init__(self, prop: Any) -> None:
        super().__init__(prop)
        # Names of the attributes that hold the target's key, by which the identity map knows it.
        self.foreign_keys: tuple[str, ...] = prop.target_key_names
        self.single_foreign_key: str = self.foreign_keys[0] if len(self.foreign_keys) == 1 else ""
        self.base_mapper: Any = prop.mapper.base_mapper
        # A target that has it is not expired as a whole.
        self.target_key: str = prop.mapper.primary_key_keys[0]
        self.target_class: type[Any] = prop.mapper.class_
        self.needs_values: bool = prop.lazy_clause.needs_values
        self._planned: PlannedSelect | None = None

    @property
    def use_get(self) -> bool:
        """Whether the target is found in the identity map by the foreign key."""
        return bool(self.foreign_keys)

    def load(
        self,
        state: Any,
        d: dict[str, Any],
        policy: LoadPolicy,
        execution_options: Mapping[str, Any] = NOTHING,
        below: tuple[Any, ...] = (),
    ) -> object:
        """The related object, or the collection put into `d`; or a marker."""
        members = state.members
        session = None if members is None else members.session_reference()
        if session is not None and policy is LoadPolicy.LOAD and state.extra is None:
            # PERF: lazy many-to-one present.
            pk = d.get(self.single_foreign_key)
            space = members.identity_map.spaces.get(self.base_mapper)
            found = None if space is None or pk is None else space.get(pk)
            if found is not None:
                instance = found()
                if isinstance(instance, self.target_class) and self.target_key in instance.__dict__:
                    d[self.key] = instance
                    return ATTR_WAS_SET
        return self._load(session, state, d, policy, execution_options, below)

    def _load(
        self,
        session: Any,
        state: Any,
        d: dict[str, Any],
        policy: LoadPolicy,
        execution_options: Mapping[str, Any],
        below: tuple[Any, ...],
    ) -> object:
        """The same by every means that the policy allows."""
        if not policy.may_load:
            return PASSIVE_NO_RESULT
        # Before the object is read again, when options speak anew of what has expired.
        choice = None if state.extra is None else lazy_choice(state, self.relationship)
        own_key = state.manager.mapper.primary_key_keys[0]
        if own_key not in d and is_wholly_expired(state, policy):
            was_present = self.key in d
            load_expired(state, own_key, policy)
            if self.key in d and not was_present:
                return ATTR_WAS_SET
        if session is None:
            if not policy.raise_on_missing or not policy.may_fetch:
                return PASSIVE_NO_RESULT
            raise errors.DetachedInstanceError.lazy_load(state, self.key)
        by_key = self.foreign_keys and (choice is None or not choice.criteria)
        if by_key:
            pk = self._target_key(state, d, policy)
            if pk is None or pk is PASSIVE_NO_RESULT:
                return pk
            found = self._find_present(session, state, pk)
            instance = None if found is None else found()
            if instance is not None:
                return self._checked(instance, found, session, policy)
        if not policy.may_fetch or not (policy.fetches_related or state.pk is None):
            return PASSIVE_NO_RESULT
        if policy.autoflushes and state.pk is not None:
            session.autoflush_if_enabled()
        if by_key:
            return self._load_by_key(session, state, d, policy, execution_options, below)
        return self._load_by_values(session, state, d, policy, choice, execution_options, below)

    # -- by the target's key ---------------------------------------------------------------------

    def _target_key(self, state: Any, d: dict[str, Any], policy: LoadPolicy) -> Any:
        """The target's bare primary key, None when there is no target, or a marker."""
        if policy.against_committed:
            committed = [self._committed(state, d, key, policy) for key in self.foreign_keys]
            return self._key_of(committed)
        single = self.single_foreign_key
        if single:
            try:
                return d[single]
            except KeyError:
                pass
        return self._key_of([self._present(state, d, key, policy) for key in self.foreign_keys])

    def _key_of(self, values: list[Any]) -> Any:
        if any(value is PASSIVE_NO_RESULT for value in values):
            return PASSIVE_NO_RESULT
        if all(value is None or value is NO_VALUE for value in values):
            return None
        if any(value is None or value is NO_VALUE for value in values):
            return tuple(values) if self.relationship.mapper.allow_partial_pks else None
        return values[0] if len(values) == 1 else tuple(values)

    @staticmethod
    def _present(state: Any, d: dict[str, Any], key: str, policy: LoadPolicy) -> Any:
        return d[key] if key in d else state.manager.slots[key].get(state, d, policy)

    @staticmethod
    def _committed(state: Any, d: dict[str, Any], key: str, policy: LoadPolicy) -> Any:
        changes = state.changes
        if changes is not None and key in changes:
            return changes[key]
        return LazyStrategy._present(state, d, key, policy)

    def _find_present(self, session: Any, state: Any, pk: Any) -> Any:
        """The state of the target in the identity map, or None."""
        identity_map = session.members.identity_map
        if state.identity_token is None:
            space = identity_map.spaces.get(self.base_mapper)
            return None if space is None else space.get(pk)
        for token in session.tokens_for(self.relationship.mapper, pk, state):
            found = identity_map.find_state(self.base_mapper, pk, token)
            if found is not None:
                return found
        return None

    def _checked(self, instance: Any, found: Any, session: Any, policy: LoadPolicy) -> object:
        """An object of the identity map, if it is one of the target's class with a row."""
        if not isinstance(instance, self.target_class):
            return PASSIVE_CLASS_MISMATCH if policy.returns_no_value else None
        if self.target_key not in instance.__dict__ and found.expired:
            if not policy.may_fetch:
                return instance
            if not refresh_state(session, found):
                return None
        return instance

    def _load_by_key(
        self,
        session: Any,
        state: Any,
        d: dict[str, Any],
        policy: LoadPolicy,
        execution_options: Mapping[str, Any],
        below: tuple[Any, ...],
    ) -> object:
        # The flush may have changed the foreign key.
        pk = self._target_key(state, d, policy)
        if pk is None or pk is PASSIVE_NO_RESULT:
            return pk
        mapper = self.relationship.mapper
        options = self._options_below(state) or below
        values = (pk,) if self.single_foreign_key else pk
        if (
            options
            or execution_options
            or state.identity_token is not None
            or None in values
            or session.intercepts_execution
        ):
            loaded = (
                load_by_key(
                    session,
                    mapper,
                    pk,
                    options=options,
                    execution_options=execution_options,
                    identity_token=token,
                    origin=self._origin(state),
                )
                for token in session.tokens_for(mapper, pk, state)
            )
            return next((each for each in loaded if each is not None), None)
        found = planned_get(mapper).load_columns(session, values)[0]
        return found[0] if found else None

    # -- by the values of the join -----------------------------------------------------------------

    def _load_by_values(
        self,
        session: Any,
        state: Any,
        d: dict[str, Any],
        policy: LoadPolicy,
        choice: AttributeChoice | None,
        execution_options: Mapping[str, Any],
        below: tuple[Any, ...],
    ) -> object:
        values = self._join_values(state, d, policy)
        if values is None:
            return PASSIVE_NO_RESULT
        if any(value is NO_VALUE for value in values) or (
            self.needs_values and all(value is None for value in values)
        ):
            return self._deliver(state, d, [])
        options = self._options_below(state) or below
        if options or execution_options or choice is not None:
            found = fetch_columns(
                session,
                self._statement_under(options, choice, values),
                execution_options=execution_options,
                origin=self._origin(state),
            )[0]
        else:
            found = self.planned.load_columns(session, values, origin=self._origin(state))[0]
            if self.planned.plan.may_repeat or self.relationship.rows_may_repeat:
                found = once_each(found)
        return self._deliver(state, d, [each for each in found if each is not None])

    def _join_values(
        self, state: Any, d: dict[str, Any], policy: LoadPolicy
    ) -> tuple[Any, ...] | None:
        mapper = state.manager.mapper
        read = self._committed if policy.against_committed else self._present
        values = []
        for column in self.relationship.lazy_clause.columns:
            value = read(state, d, mapper.key_of(column), policy)
            if value is PASSIVE_NO_RESULT:
                return None
            values.append(value)
        return tuple(values)

    @property
    def planned(self) -> PlannedSelect:
        """The SELECT without options, planned once."""
        if self._planned is None:
            clause = self.relationship.lazy_clause
            target = self.relationship.entity
            statement = self._statement(target, clause.criterion)
            statement = statement.options(*self._lazy_reverses(target))
            self._planned = PlannedSelect(statement, clause.names, self.relationship.mapper)
        return self._planned

    def _lazy_reverses(self, target: Any) -> list[Load]:
        """Options that leave references back to the parent, which is in memory, to be lazy."""
        return [
            Load(target.entity).lazyload(getattr(target.entity, reverse.key))
            for reverse in self.relationship.reverse_properties
            if reverse.simple_many_to_one and reverse.lazy in EAGER
        ]

    def _statement(self, entity: Any, criterion: Any) -> Any:
        relationship = self.relationship
        statement: Any = select(entity).where(on_target(relationship, criterion, entity))
        if relationship.secondary is not None:
            statement = statement.select_from(entity, relationship.secondary)
        ordering = relationship.order_by or ()
        return statement.order_by(*(on_target(relationship, each, entity) for each in ordering))

    def _statement_under(self, options: Any, choice: Any, values: tuple[Any, ...]) -> Any:
        clause = self.relationship.lazy_clause
        value_of = dict(zip(clause.columns, values, strict=True))
        # Values rather than names, which expressions of the target could have taken.
        criterion = clause.bound(lambda column: partial(value_of.get, column))
        target = target_entity(self.relationship, choice)
        statement = self._statement(target, criterion)
        if choice is not None:
            criteria = (on_target(self.relationship, each, target) for each in choice.criteria)
            statement = statement.where(*criteria)
        return statement.options(*options)

    def _options_below(self, state: Any) -> tuple[Any, ...]:
        extra = state.extra
        if extra is None or not extra.load_options:
            return ()
        path = extra.load_path.along(self.relationship, self.relationship.mapper)
        options = getattr(extra.load_options, "for_touched", extra.load_options)
        return (StartsAt(path), *options)

    def _origin(self, state: Any) -> LoadOrigin:
        return LoadOrigin(
            is_relationship_load=True, lazy_loaded_from=state, touched=self.relationship
        )

    def _deliver(self, state: Any, d: dict[str, Any], found: list[Any]) -> object:
        if self.relationship.uselist:
            set_loaded_collection(state(), self.key, found)
            return ATTR_WAS_SET
        if len(found) > 1:
            warn(errors.several_rows_warning("lazily", self.relationship))
        return found[0] if found else None


# ------------------------------------------------------------------------------
# Load a relationship for each object, at once when its statement is read.


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
            self._load_level(level, context, policy, options, below)
            depth -= 1
            if depth:
                level = unseen_members(level, self.relationship, seen)

    def _load_level(
        self,
        parents: list[Any],
        context: LoadContext,
        policy: LoadPolicy,
        options: Mapping[str, Any],
        below: tuple[Any, ...],
    ) -> None:
        """Load for these parents, but for those whose load has led here."""
        lazy = self.relationship.strategy_for("select")
        loading = context.members.loading
        for parent in parents:
            if lacks(parent, self.key):
                values = parent.__dict__
                state = values["_sa_instance_state"]
                if (state, self.key) in loading:
                    continue
                loading.add((state, self.key))
                try:
                    value = lazy.load(state, values, policy, options, below)
                finally:
                    loading.discard((state, self.key))
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
