"""Define what the strategies of relationships have in common.

An eager strategy is one only while its statement is compiled: an attribute that is touched later,
because it was expired or never queried, loads lazily (SM-141).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import inspect

from holdfast.errors.loading import LoadingError, several_rows_warning
from holdfast.foundation.deprecated import warn
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.queries.adapt import replace_columns
from holdfast.queries.aliases import with_polymorphic
from holdfast.queries.load_plan import FollowUp
from holdfast.queries.options.paths import AttributeChoice, LoadPath
from holdfast.queries.planning import EntityLoadBuilder
from holdfast.reading.assemble import lacks, set_loaded_collection
from holdfast.reading.context import LoadContext
from holdfast.reading.kept_options import table_at


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
            raise LoadingError.recursion(str(self.relationship))

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
                warn(several_rows_warning("eagerly", self.relationship))
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
