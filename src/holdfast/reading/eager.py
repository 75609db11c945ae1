"""Load related objects for all parents at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from sqlalchemy import (
    LABEL_STYLE_NONE,
    LABEL_STYLE_TABLENAME_PLUS_COL,
    bindparam,
    inspect,
    select,
    tuple_,
)
from sqlalchemy.sql.expression import FromClause, Join

from holdfast import errors
from holdfast.foundation.sqlalchemy_core import unwrap_order_by
from holdfast.mapping.remote import is_plain_equality
from holdfast.mapping.sockets import register_strategy
from holdfast.queries.aliases import aliased
from holdfast.queries.eager_joins import joined_to_target
from holdfast.queries.entities import reads_own_tables
from holdfast.queries.load_plan import AttributeChoice, FollowUp, LoadPath, SubclassLoad
from holdfast.queries.planning import EagerJoin, EntityLoadBuilder
from holdfast.queries.select import embedded_select
from holdfast.queries.statement_options import StartsAt
from holdfast.reading.context import LoadContext, LoadOrigin, Source
from holdfast.reading.fetch import fetch_many, finish_batch, following
from holdfast.reading.lazy import seen_at_first, unseen_members
from holdfast.reading.strategies import (
    RelationshipStrategy,
    columns_on,
    current_choice,
    levels_of,
    on_target,
    target_entity,
)

# ------------------------------------------------------------------------------
# Load a relationship by a JOIN in the same SELECT, or from the statement's own joins.
#
# Rules kept here:
# 1. The target is joined under an anonymous alias, which the statement cannot refer to (LD-50),
#    unless `of_type()` names an alias.
# 2. A statement that cannot be changed (`from_statement`) gets no joins: the attribute loads
#    lazily.


@register_strategy("joined")
class JoinedStrategy(RelationshipStrategy):
    """LEFT OUTER JOIN, or JOIN with `innerjoin`."""

    title = "joined loader"

    def setup(self, load: EntityLoadBuilder, choice: AttributeChoice | None) -> None:
        """Note the join, and the columns of its target."""
        if not load.can_join or not self.may_recurse(load.path, choice):
            return
        relationship = self.relationship
        target = target_entity(relationship, choice, aliased=True)
        if target is relationship.entity or not target.is_aliased_class:
            target = inspect(aliased(target.entity, flat=True))
        elif reads_own_tables(target):
            raise errors.LoaderConflictError.unaliased()
        innerjoin = relationship.innerjoin
        if choice is not None and choice.settings.get("innerjoin") is not None:
            innerjoin = choice.settings["innerjoin"]
        if not load.entity.mapper.isa(relationship.parent):
            # Rows of other classes stay (LD-51).
            innerjoin = False
        join = EagerJoin(
            relationship,
            load.entity,
            target,
            innerjoin=innerjoin,
            criteria=() if choice is None else choice.criteria,
            above=load.join,
        )
        load.plan.eager_joins.append(join)
        child = EntityLoadBuilder(
            load.plan,
            target,
            load.path.along(relationship, relationship.mapper),
            eager=True,
            join=join,
        )
        load.add_joined(relationship, child)
        child.set_up()


@register_strategy("contains_eager")
class ContainsEagerStrategy(RelationshipStrategy):
    """The statement has joined the target already (LD-94)."""

    title = "joined loader"

    def setup(self, load: EntityLoadBuilder, choice: AttributeChoice | None) -> None:
        """Note which columns of the statement are the target's."""
        relationship = self.relationship
        entity = _contained_entity(relationship, choice)
        entity = load.plan.aliases.get(entity, entity)
        child = EntityLoadBuilder(
            load.plan,
            entity,
            load.path.along(relationship, relationship.mapper),
            join=load.join,
        )
        load.add_joined(relationship, child, contains_eager=True)
        child.set_up()


def _contained_entity(relationship: Any, choice: AttributeChoice | None) -> Any:
    alias = None if choice is None else choice.settings.get("alias")
    if alias is None:
        return target_entity(relationship, choice)
    if isinstance(alias, FromClause):
        return inspect(aliased(relationship.mapper, alias))
    return inspect(alias)


# ------------------------------------------------------------------------------
# Load a relationship of many parents by one SELECT over the statement that found them.
#
# That statement stands in FROM as a subquery of the columns that the first relationship compares;
# the relationships on the way to the attribute, and its own, are joined to it.
#
# Rules kept here:
# 1. The embedded statement keeps its criteria and limits; its order only beside a limit (LD-61).
# 2. Where there is no statement to embed (a refresh, rows of a given statement), or one without the
#    columns of a subclass, the relationship loads by selectin.


@register_strategy("subquery")
class SubqueryStrategy(RelationshipStrategy):
    """A SELECT after the parents, over theirs (LD-60)."""

    title = "subquery loader"
    follows_as = "subquery"

    def load_for(self, parents: list[Any], follow_up: FollowUp, context: LoadContext) -> None:
        """Load for these parents."""
        source = context.source
        if source is None or not self._can_embed(context.path_of(follow_up.path), source):
            self.relationship.strategy_for("selectin").load_for(parents, follow_up, context)
            return
        mapper = self.relationship.parent
        names = [mapper.key_of(column) for column in self.relationship.lazy_clause.columns]
        # The embedded statement may find a parent several times, and its members as often.
        found: dict[Any, dict[int, Any]] = {}
        inner = following(context)
        for target, *key in self._rows(follow_up, context, source, inner):
            if target is not None:
                found.setdefault(tuple(key), {})[id(target)] = target
        finish_batch(inner)
        keyed = [tuple(getattr(parent, name) for name in names) for parent in parents]
        self.fill(parents, keyed, {key: list(each.values()) for key, each in found.items()})

    def _can_embed(self, path: LoadPath, source: Source) -> bool:
        """Whether the statement that found the parents has the columns of their class."""
        root = path[source.depth]
        way = path[source.depth + 1 :: 2]
        parent = (way[0] if way else self.relationship).parent
        return root.mapper.isa(parent) or parent in root.with_polymorphic_mappers

    def _rows(
        self, follow_up: FollowUp, context: LoadContext, source: Source, inner: LoadContext
    ) -> Any:
        """Target and key of every row."""
        relationship = self.relationship
        path = context.path_of(follow_up.path)
        below = path.along(relationship)
        choice = current_choice(relationship, follow_up, context)
        parent, froms = self._parent_side(path, source)
        target = target_entity(relationship, choice, aliased=True)
        criteria = () if choice is None else choice.criteria
        froms, ordering = joined_to_target(froms, parent, relationship, target, criteria)
        keys = columns_on(parent, relationship.lazy_clause.columns)
        statement: Any = select(target, *keys).select_from(froms)
        statement = statement.order_by(*ordering)
        statement = statement.options(StartsAt(below), *context.load_options)
        columns = fetch_many(
            inner,
            statement.set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL),
            source.parameters,
            mapper=relationship.mapper,
            origin=LoadOrigin(is_relationship_load=True, path=below),
            source=source,
        )
        return zip(*columns, strict=True)

    def _parent_side(self, path: LoadPath, source: Source) -> tuple[Any, Any]:
        """The entity of the parents, and FROM with the embedded statement that leads to it."""
        way = path[source.depth + 1 :: 2]
        first = way[0] if way else self.relationship
        columns = first.lazy_clause.columns
        root = path[source.depth]
        inner = embedded_select(source.statement, root, columns)
        if needs_distinct(first, columns_on(root, columns)):
            inner = inner.distinct()
            for clause in inner._order_by_clauses:
                inner = inner.add_columns(*unwrap_order_by(clause))
        owner = root.mapper if root.mapper.isa(first.parent) else first.parent
        parent = inspect(aliased(owner, inner.subquery()))
        froms = parent.selectable
        mappers = path[source.depth + 2 :: 2]
        afters = [*way, self.relationship][1:]
        for relationship, mapper, after in zip(way, mappers, afters, strict=True):
            entity = relationship.entity
            if not entity.is_aliased_class:
                # What comes next may be a subclass's own.
                entity = after.parent if after.parent.isa(mapper) else mapper
            beyond = inspect(aliased(entity.entity))
            froms, _ = joined_to_target(froms, parent, relationship, beyond)
            parent = beyond
        return parent, froms


def needs_distinct(relationship: Any, columns: list[Any]) -> bool:
    """Whether the embedded rows may repeat the columns: unless they are keys of their tables."""
    given = relationship.distinct_target_key
    if given is not None:
        return bool(given)
    chosen = set(columns)
    return any(not chosen.issuperset(table.primary_key) for table in {c.table for c in columns})


# ------------------------------------------------------------------------------
# Load a relationship of many parents by one SELECT ... IN for each 500 of them.
#
# Three forms of the SELECT:
# - a many-to-one whose foreign key is the target's primary key: targets IN foreign keys;
# - a collection whose members hold the parent's primary key: members IN parents' keys (LD-31), or
#   those whose rows in the association table do;
# - anything else: the parent's table joined to the target.
#
# Rules kept here:
# 1. Parents that have the attribute take part in the SELECT and keep what they have (LD-37).
# 2. Parents without members get an empty collection (LD-34).

CHUNK = 500
KEYS = "primary_keys"


@register_strategy("selectin")
class SelectInStrategy(RelationshipStrategy):
    """A SELECT after the parents, for all of them (LD-30)."""

    title = "selectin loader"
    follows_as = "selectin"

    def load_for(self, parents: list[Any], follow_up: FollowUp, context: LoadContext) -> None:
        """Load for these parents, and as far down as `recursion_depth` says."""
        choice = follow_up.choice
        settings = {} if choice is None else choice.settings
        size = settings.get("chunksize") or CHUNK
        depth = levels_of(choice)
        level, seen = parents, seen_at_first(parents, depth)
        while level and depth:
            self._load_level(level, follow_up, context, size)
            depth -= 1
            if depth:
                level = unseen_members(level, self.relationship, seen)

    def _load_level(
        self, parents: list[Any], follow_up: FollowUp, context: LoadContext, size: int
    ) -> None:
        form = self._form(follow_up, context, by_target=True)
        keyed = form.find_keys(parents)
        if keyed is None:
            form = self._form(follow_up, context, by_target=False)
            keyed = form.find_keys(parents)
            assert keyed is not None
        wanted = iter(dict.fromkeys(key for key in keyed if key is not None))
        found: dict[Any, list[Any]] = {}
        inner = following(context)
        while chunk := list(islice(wanted, size)):
            form.load_chunk(chunk, found, inner)
        finish_batch(inner)
        self.fill(parents, keyed, found)

    def _form(self, follow_up: FollowUp, context: LoadContext, *, by_target: bool) -> SelectInForm:
        """The SELECT; kept with the plan unless the execution's own options take part."""
        options = context.load_options
        if options and (follow_up.needs_options or context.keeps_for_all):
            return SelectInForm(self.relationship, follow_up, context, options, by_target=by_target)
        form: SelectInForm | None = follow_up.memo.get(by_target)
        if form is None:
            form = SelectInForm(self.relationship, follow_up, context, (), by_target=by_target)
            follow_up.memo[by_target] = form
        return form


class SelectInForm:
    """The SELECT of one relationship on one path, and which key of a parent it asks by."""

    __slots__ = ("mapper", "path", "relationship", "statement", "target_keys")

    def __init__(
        self,
        relationship: Any,
        follow_up: FollowUp,
        context: LoadContext,
        options: tuple[Any, ...],
        *,
        by_target: bool,
    ) -> None:
        self.relationship: Any = relationship
        self.mapper: Any = relationship.mapper
        path = context.path_of(follow_up.path)
        choice = current_choice(relationship, follow_up, context)
        # Names of the foreign key attributes, where the target is asked for by its own key.
        by_target = by_target and relationship.omit_join is not False
        self.target_keys: tuple[str, ...] = relationship.simple_many_to_one if by_target else ()
        self.path: LoadPath = path.along(relationship, relationship.mapper)
        self.statement: Any = self._statement(choice).options(StartsAt(self.path), *options)

    def find_keys(self, parents: list[Any]) -> list[Any] | None:
        """The key of each parent, None for one that can have no members.

        None where a parent's foreign key is not loaded.
        """
        names = self.target_keys
        if not names:
            return [parent.__dict__["_sa_instance_state"].pk for parent in parents]
        try:
            if len(names) == 1:
                name = names[0]
                return [parent.__dict__[name] for parent in parents]
            keys = [tuple(parent.__dict__[name] for name in names) for parent in parents]
        except KeyError:
            return None
        return [None if None in key else key for key in keys]

    def load_chunk(self, keys: list[Any], found: dict[Any, list[Any]], inner: LoadContext) -> None:
        """Add what belongs to these keys to `found`."""
        origin = LoadOrigin(is_relationship_load=True, path=self.path)
        *key_columns, targets = fetch_many(
            inner, self.statement, {KEYS: keys}, mapper=self.mapper, origin=origin
        )
        row_keys = key_columns[0] if len(key_columns) == 1 else list(zip(*key_columns, strict=True))
        last: Any = None
        members: list[Any] = []
        for key, target in zip(row_keys, targets, strict=True):
            if key != last:
                last = key
                members = found.setdefault(key, [])
            if target is not None:
                members.append(target)

    def _statement(self, choice: AttributeChoice | None) -> Any:
        relationship = self.relationship
        entity = target_entity(relationship, choice)
        criteria = () if choice is None else choice.criteria
        own = [on_target(relationship, each, entity) for each in criteria]
        if self.target_keys:
            keys = columns_on(entity, self.mapper.primary_key)
            return _asked_by(select(*keys, entity)).where(*own)
        columns = self._remote_key_columns()
        if columns is None:
            return self._joined_statement(entity, criteria)
        if relationship.secondary is None:
            statement = select(*columns_on(entity, columns), entity)
        else:
            beyond = on_target(relationship, relationship.secondaryjoin, entity)
            froms = Join(relationship.secondary, entity.selectable, beyond)
            statement = select(*columns, entity).select_from(froms)
        ordering = [on_target(relationship, each, entity) for each in relationship.order_by or ()]
        return _asked_by(statement).where(*own).order_by(*ordering)

    def _remote_key_columns(self) -> list[Any] | None:
        """The columns of the target, or of the association table, that hold the parent's key."""
        relationship = self.relationship
        if relationship.omit_join is False or not relationship.entity.is_mapper:
            return None
        remote_of = dict(relationship.local_remote_pairs)
        if relationship.secondary is not None:
            remote_of = dict(relationship.synchronize_pairs)
        if not is_plain_equality(relationship.primaryjoin, len(remote_of)):
            return None
        keys = relationship.parent.primary_key
        if len(remote_of) != len(keys):
            return None
        equal = relationship.parent.all_equivalents
        found = [
            remote_of[each]
            for key in keys
            for each in islice(
                (each for each in (key, *equal.get(key, ())) if each in remote_of), 1
            )
        ]
        return found if len(found) == len(keys) else None

    def _joined_statement(self, entity: Any, criteria: Sequence[Any]) -> Any:
        """The parent under an alias, joined to the target."""
        relationship = self.relationship
        parent = inspect(aliased(relationship.parent))
        keys = columns_on(parent, relationship.parent.primary_key)
        froms, ordering = joined_to_target(
            parent.selectable, parent, relationship, entity, criteria
        )
        statement = select(*keys, entity).select_from(froms)
        return _asked_by(statement, len(keys)).order_by(*ordering)


def _asked_by(statement: Any, count: int | None = None) -> Any:
    """The statement with the criterion that its first columns are among the keys."""
    columns = statement._raw_columns[: count or len(statement._raw_columns) - 1]
    statement = statement.set_label_style(LABEL_STYLE_NONE)
    keys: Any = bindparam(KEYS, expanding=True)
    if len(columns) == 1:
        return statement.where(columns[0].in_(keys))
    return statement.where(tuple_(*columns).in_(keys))


# ------------------------------------------------------------------------------
# Load the columns of a subclass by one SELECT ... IN for each 500 rows of the base.
#
# For `polymorphic_load="selectin"` and `selectin_polymorphic()`.


@register_strategy("subclass")
class SubclassStrategy:
    """What the rows of a base lack of one subclass, and of those that are selected with it."""

    def __init__(self, subclass: SubclassLoad) -> None:
        self.entity: Any = subclass.entity
        self.mapper: Any = subclass.entity.mapper
        # Mapper -> names of the attributes that its objects need.
        self.wanted: dict[Any, frozenset[str]] = {
            each: own_keys(each, subclass.base) | subclass.joined
            for each in (self.mapper, *self.entity.with_polymorphic_mappers)
        }

    def load_for(self, objects: list[Any], follow_up: FollowUp, context: LoadContext) -> None:
        """Load them for those of the objects that lack them (LD-182)."""
        states = [each.__dict__["_sa_instance_state"] for each in objects if self._lacks(each)]
        pks = [state.pk for state in states]
        statement = follow_up.memo.get("statement")
        if statement is None or context.load_options:
            statement = self._statement(follow_up, context)
            if not context.load_options:
                follow_up.memo["statement"] = statement
        origin = LoadOrigin(path=context.path_of(follow_up.path))
        inner = following(context)
        for start in range(0, len(pks), CHUNK):
            keys = {"primary_keys": pks[start : start + CHUNK]}
            fetch_many(inner, statement, keys, mapper=self.mapper, origin=origin)
        finish_batch(inner)

    def _lacks(self, instance: Any) -> bool:
        values = instance.__dict__
        mapper = values["_sa_instance_state"].manager.mapper
        wanted = self.wanted.get(mapper) or self.wanted[self.mapper]
        return not values.keys() >= wanted

    def _statement(self, follow_up: FollowUp, context: LoadContext) -> Any:
        mapper = self.mapper
        only = frozenset().union(
            *self.wanted.values(), mapper.primary_key_keys, [mapper.polymorphic_key]
        )
        columns = columns_on(self.entity, mapper.primary_key)
        found = columns[0] if len(columns) == 1 else tuple_(*columns)
        statement = (
            select(self.entity)
            .where(found.in_(bindparam("primary_keys", expanding=True)))
            .options(StartsAt(context.path_of(follow_up.path), only=only), *context.load_options)
        )
        return statement.set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)


def own_keys(mapper: Any, base: Any) -> frozenset[str]:
    """Columns that a mapper has and its base has not, but for those that load on access."""
    return frozenset(
        key
        for key in mapper.column_keys
        if base.properties.get(key) is not mapper.properties[key]
        and key not in mapper.deferred_keys
    )
