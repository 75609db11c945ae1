"""Load a relationship by a JOIN in the same SELECT, or from the statement's own joins.

Rules kept here:
1. The target is joined under an anonymous alias, which the statement cannot refer to (LD-50),
   unless `of_type()` names an alias.
2. A statement that cannot be changed (`from_statement`) gets no joins: the attribute loads lazily.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect
from sqlalchemy.sql.expression import FromClause

from holdfast.errors.queries import LoaderConflictError
from holdfast.mapping.sockets import register_strategy
from holdfast.queries.aliases import aliased
from holdfast.queries.options.paths import AttributeChoice
from holdfast.queries.planning import EagerJoin, EntityLoadBuilder
from holdfast.reading.strategies.base import RelationshipStrategy, columns_on, target_entity


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
        elif target.mapper.primary_key[0] is columns_on(target, target.mapper.primary_key)[0]:
            raise LoaderConflictError.unaliased()
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
