"""Load a relationship of many parents by one SELECT ... IN for each 500 of them.

Three forms of the SELECT:
- a many-to-one whose foreign key is the target's primary key: targets IN foreign keys;
- a collection whose members hold the parent's primary key: members IN parents' keys (LD-31), or
  those whose rows in the association table do;
- anything else: the parent's table joined to the target.

Rules kept here:
1. Parents that have the attribute take part in the SELECT and keep what they have (LD-37).
2. Parents without members get an empty collection (LD-34).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from sqlalchemy import LABEL_STYLE_NONE, bindparam, inspect, select, tuple_
from sqlalchemy.sql.expression import Join

from holdfast.mapping.joins.elements import is_plain_equality
from holdfast.mapping.sockets import register_strategy
from holdfast.queries.aliases import aliased
from holdfast.queries.eager_joins import joined_to_target
from holdfast.queries.load_plan import FollowUp
from holdfast.queries.options.paths import AttributeChoice, LoadPath
from holdfast.queries.options.statement import StartsAt
from holdfast.reading.assemble import finish_batch
from holdfast.reading.context import LoadContext
from holdfast.reading.fetch import fetch_many, following
from holdfast.reading.origin import LoadOrigin
from holdfast.reading.strategies.base import (
    RelationshipStrategy,
    columns_on,
    current_choice,
    levels_of,
    on_target,
    target_entity,
)
from holdfast.reading.strategies.immediate import seen_at_first, unseen_members

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
        if self.target_keys:
            keys = columns_on(entity, self.mapper.primary_key)
            own = [on_target(relationship, each, entity) for each in criteria]
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
        return _asked_by(statement).where(*criteria).order_by(*ordering)

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
