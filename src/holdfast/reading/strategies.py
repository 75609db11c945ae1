"""Load attributes: what all ways share, columns, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect

from holdfast import errors
from holdfast.foundation.codegen import late_function
from holdfast.foundation.describe import warn
from holdfast.foundation.load_policy import ATTR_EMPTY, ATTR_WAS_SET, PASSIVE_NO_RESULT, LoadPolicy
from holdfast.mapping.sockets import register_strategy
from holdfast.queries.aliases import replace_columns, with_polymorphic
from holdfast.queries.load_plan import EXPRESSION, AttributeChoice, FollowUp, LoadPath
from holdfast.queries.planning import EntityLoadBuilder
from holdfast.reading.context import LoadContext, lazy_column_choice, table_at
from holdfast.reading.fetch import lacks, set_loaded_collection
from holdfast.reading.identity import load_column_values, load_expired

if TYPE_CHECKING:
    from holdfast.queries.facade.large import AppenderQuery, WriteOnlyCollection, appender_class
else:
    WriteOnlyCollection = late_function("holdfast.queries.facade.large", "WriteOnlyCollection")
    appender_class = late_function("holdfast.queries.facade.large", "appender_class")

# ------------------------------------------------------------------------------
# Define what the strategies of relationships have in common.
#
# An eager strategy is one only while its statement is compiled: an attribute that is touched later,
# because it was expired or never queried, loads lazily (SM-141).


class RelationshipStrategy:
    """How one relationship is loaded."""

    # For messages: what loader options call it.
    title = "lazy loader"
    # The strategy's name, for those that load once the rows are in.
    follows_as = ""

    def __init__(self, prop: Any) -> None:
        self.relationship = prop
        self.key: str = prop.key

    def setup(self, load: EntityLoadBuilder, choice: AttributeChoice | None) -> None:
        """Add to the SELECT that is compiled; or note that further SELECTs follow, if they do."""
        if not self.follows_as:
            return
        if not self.may_recurse(load.path, choice):
            # What is in memory already is found there.
            general = choice is not None and choice.wildcard
            if self.relationship.simple_many_to_one and not general:
                load.add_follow_up(self.relationship, "immediate", choice)
            return
        self.check_levels(choice)
        load.add_follow_up(self.relationship, self.follows_as, choice)

    def load(self, state: Any, d: dict[str, Any], policy: LoadPolicy) -> object:
        """Load because the attribute was touched."""
        return self.relationship.strategy_for("select").load(state, d, policy)

    def may_recurse(self, path: LoadPath, choice: AttributeChoice | None) -> bool:
        """Whether eager loading goes on below `path`, where nobody asked for it by an option.

        It stops at `join_depth`, or else before the same mapper comes a second time (LD-54).
        """
        if choice is not None and choice.strategy is not None and not choice.wildcard:
            return True
        relationship = self.relationship
        if relationship.join_depth:
            depth: int = relationship.join_depth
            return path.times_along(relationship) < depth
        return not path.passes_mapper(relationship.mapper)

    def check_levels(self, choice: AttributeChoice | None) -> None:
        """Refuse to go down a relationship again that leads elsewhere.

        Raises:
            LoadingError: It does.
        """
        if levels_of(choice) != 1 and not self.relationship.is_self_referential:
            raise errors.LoadingError.recursion(str(self.relationship))

    def fill(self, parents: list[Any], keyed: list[Any], found: dict[Any, list[Any]]) -> None:
        """Give the parents that lack the attribute what was found under their keys."""
        key = self.key
        if self.relationship.uselist:
            if self.relationship.rows_may_repeat:
                found = {each: once_each(members) for each, members in found.items()}
            for parent, parent_key in zip(parents, keyed, strict=True):
                if lacks(parent, key):
                    set_loaded_collection(parent, key, found.get(parent_key) or [])
            return
        for parent, parent_key in zip(parents, keyed, strict=True):
            if not lacks(parent, key):
                continue
            targets = found.get(parent_key)
            if targets is not None and len(targets) > 1:
                warn(errors.several_rows_warning("eagerly", self.relationship))
            parent.__dict__[key] = targets[0] if targets else None


def once_each(objects: Iterable[Any]) -> list[Any]:
    """The objects in their order, none of them twice."""
    return list({id(each): each for each in objects}.values())


def levels_of(choice: AttributeChoice | None) -> int:
    """How many levels an option asks for; -1 for all (LD-36)."""
    depth = None if choice is None else choice.settings.get("recursion_depth")
    if depth is None:
        return 1
    return -1 if depth < 0 else int(depth) + 1


def current_choice(
    relationship: Any, follow_up: FollowUp, context: LoadContext
) -> AttributeChoice | None:
    """What the options of this execution say of a relationship that is loaded by a SELECT.

    The plan may be an earlier execution's, and so are the values in its criteria.
    """
    choice = follow_up.choice
    options = context.load_options
    if not options or choice is None or not choice.criteria:
        return choice
    path = context.path_of(follow_up.path)
    return table_at(options, path).choice(path, relationship) or choice


def columns_on(entity: Any, columns: Iterable[Any]) -> list[Any]:
    """Columns of a mapper as they stand on one of its entities."""
    if not entity.is_aliased_class:
        return list(columns)
    return [entity.adapter.columns[column] for column in columns]


def on_target(relationship: Any, element: Any, entity: Any) -> Any:
    """An expression over a relationship's own target as it reads on the entity that is loaded."""
    if entity is relationship.entity or not entity.is_aliased_class:
        return element
    return replace_columns(
        element,
        entity.selectable,
        relationship.mapper,
        include=lambda column: not relationship.is_association_column(column),
    )


def target_entity(
    relationship: Any, choice: AttributeChoice | None, *, aliased: bool = False
) -> Any:
    """The entity that is loaded: the one named with `of_type()`, or the relationship's own.

    Subclasses named there bring their columns along, `aliased` where the statement may have the
    same tables; objects of other classes are loaded as well.
    """
    target = relationship.entity
    named = None if choice is None else choice.of_type
    if named is None or named is target:
        return target
    classes = named if isinstance(named, tuple) else (named,)
    if target.is_mapper and all(each.is_mapper for each in classes):
        flat = aliased and len(classes) > 1
        return inspect(with_polymorphic(target, classes, aliased=aliased, flat=flat))
    return named


# ------------------------------------------------------------------------------
# Load a column, or a SQL expression that the mapping or the statement gives, with its row.


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
            raise errors.LoaderStrategyException.no_query_expression(self.prop)
        given = None if choice is None else choice.settings.get(EXPRESSION)
        if given is not None:
            load.add_column(self.prop.key, given)
        elif not self.prop.deferred:
            super().setup(load, choice)

    def load(self, state: Any, d: dict[str, Any], policy: LoadPolicy) -> object:
        """Read the default; what a statement gave is gone with it."""
        return ATTR_EMPTY if self.prop.deferred else super().load(state, d, policy)


# ------------------------------------------------------------------------------
# Leave a column out of the row, and load it when it is touched, alone or with its group.


@register_strategy("deferred")
class DeferredStrategy:
    """The value is read when it is asked for (LD-111)."""

    def __init__(self, prop: Any) -> None:
        self.prop = prop
        self.key: str = prop.key

    def setup(self, load: EntityLoadBuilder, choice: AttributeChoice | None) -> None:
        """Leave the column out; the primary key is loaded whatever options say (LD-110).

        What tells the class of a row is in the row anyhow, and left out only by its name.
        """
        kept = load.mapper.primary_key_keys
        if choice is not None and choice.wildcard:
            kept = (*kept, load.mapper.polymorphic_key)
        if self.key in kept:
            load.add_column(self.key, *self.prop.columns)
        elif not self.prop.deferred or choice is not None:
            load.defer(self.key)

    def load(self, state: Any, d: dict[str, Any], policy: LoadPolicy) -> object:
        """Read the column and the unloaded rest of its group."""
        if state.pk is None:
            return ATTR_EMPTY
        if not policy.may_fetch:
            return PASSIVE_NO_RESULT
        session = state.session
        if session is None:
            if not policy.raise_on_missing:
                return PASSIVE_NO_RESULT
            raise errors.DetachedInstanceError.deferred_load(state, self.key)
        if policy.raise_on_missing and self._is_refused(state):
            raise errors.LoadRefusedError.by(self.prop, "raiseload=True")
        if policy.autoflushes:
            session.autoflush_if_enabled()
        if not load_column_values(session, state, self._keys(state, d)):
            raise errors.ObjectDeletedError(state)
        return ATTR_WAS_SET

    def _is_refused(self, state: Any) -> bool:
        choice = lazy_column_choice(state, self.prop)
        if choice is not None and choice.strategy == "deferred":
            return bool(choice.settings.get("raiseload"))
        return bool(self.prop.raiseload)

    def _keys(self, state: Any, d: dict[str, Any]) -> tuple[str, ...]:
        group = self.prop.group
        if group is None:
            return (self.key,)
        return tuple(
            prop.key
            for prop in state.manager.mapper.properties.values()
            if prop.kind == "column" and prop.group == group and prop.key not in d
        )


# ------------------------------------------------------------------------------
# Refuse to load: `lazy="raise"`, `lazy="raise_on_sql"`, and `noload`, which reads as empty.


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
        raise errors.LoadRefusedError.by(self.relationship, "lazy='raise'")


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
            raise errors.LoadRefusedError.by(self.relationship, "lazy='raise_on_sql'")
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


# ------------------------------------------------------------------------------
# Serve collections that are never loaded whole: `lazy="write_only"` and `lazy="dynamic"`.
#
# They take no part in any SELECT of their parents. Their slots, `instrument.large_slot`, ask here
# for what their attributes read as.


@register_strategy("write_only")
class WriteOnlyStrategy(RelationshipStrategy):
    """The attribute makes statements (RL-160)."""

    title = "write only loader"
    fetch_members = None

    def collection_of(self, state: Any) -> WriteOnlyCollection[Any]:
        """What reading the attribute gives."""
        return WriteOnlyCollection(self.relationship, state)


@register_strategy("dynamic")
class DynamicStrategy(RelationshipStrategy):
    """The attribute is a query (RL-165)."""

    title = "dynamic loader"

    def __init__(self, prop: Any) -> None:
        super().__init__(prop)
        self.class_: type[AppenderQuery[Any]] = appender_class(prop.query_class)

    def collection_of(self, state: Any) -> AppenderQuery[Any]:
        """What reading the attribute gives."""
        return self.class_(self.relationship, state)

    def fetch_members(self, state: Any, *, autoflush: bool) -> Sequence[Any]:
        """The members that the database holds."""
        return self.collection_of(state).autoflush(autoflush).all()
