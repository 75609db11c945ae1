"""Turn `select().join(Author.books)` into FROM elements with an ON clause.

The compile hook calls `resolve_joins` with what Core kept of the join calls. `join()` and
`outerjoin()` build the same elements for `select_from()`.

Rules kept here:
1. A relationship attribute gives the ON clause, and its entity the left side.
2. Without one, the left side is the one FROM element or selected entity from which Core can join.
3. The same relationship between the same two sides is joined once.
4. A class whose tables are joined gets an alias where FROM has one of them already, and the whole
   statement means the alias by the class.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, inspect
from sqlalchemy.sql.expression import FromClause, Join, Select
from sqlalchemy.sql.visitors import replacement_traverse

from holdfast import errors
from holdfast.foundation.codegen import record
from holdfast.foundation.sqlalchemy_core import (
    InternalTraversal,
    coercions,
    find_left_clause_that_matches_given,
    find_left_clause_to_join_from,
    roles,
    selectables_overlap,
)
from holdfast.instrument.descriptor import QueryableAttribute
from holdfast.queries.aliases import (
    alias_of,
    aliased,
    correlated,
    real_attribute,
    relationship_joins,
    rewritten,
)
from holdfast.queries.entities import answers_for
from holdfast.queries.loader_criteria import row_criterion


@record
class JoinSide:
    """One side of a join."""

    selectable: Any  # the FROM element
    entity: Any | None = None  # its mapper or AliasedInsp, when it has one

    @property
    def identity(self) -> Any:
        """What makes two sides the same."""
        return self.selectable if self.entity is None else self.entity

    def __str__(self) -> str:
        return str(self.identity)


@record
class RequestedJoin:
    """One call of `join()`, with its parts told apart."""

    left: JoinSide | None
    right: JoinSide
    onclause: Any | None  # an expression, or None
    relationship: Any | None  # the attribute that names a relationship, or None
    isouter: bool
    full: bool


def is_relationship_attribute(element: Any) -> bool:
    """Is the element an attribute that follows a relationship?"""
    if not isinstance(element, QueryableAttribute) or element.property is None:
        return False
    if not element.property.is_relationship:
        return False
    element.property.parent.ensure_configured()
    return True


def clause_of_target(target: Any) -> Any:
    """What `filter_by()` sees of a join target."""
    target = real_attribute(target)
    if is_relationship_attribute(target):
        return (target.of_type_entity or target.property.entity).__clause_element__()
    return target


def side_of(element: Any) -> JoinSide:
    """The side that a coerced join target or a mapped class stands for."""
    entity = getattr(element, "_annotations", {}).get("parententity")
    if entity is None and not hasattr(element, "_annotations"):
        entity = inspect(element)
    if entity is None or not hasattr(entity, "selectable") or isinstance(entity, FromClause):
        return JoinSide(element)
    return JoinSide(entity.selectable, entity)


def side_of_entity(entity: Any) -> JoinSide:
    """The side that a mapper or `AliasedInsp` stands for."""
    return JoinSide(entity.selectable, entity)


def resolve_joins(
    from_clauses: Sequence[FromClause], setup_joins: Iterable[Any], entities: Sequence[Any]
) -> list[FromClause]:
    """The FROM elements of a statement, joins included."""
    resolver = JoinResolver(list(from_clauses), entities)
    for target, onclause, left, flags in setup_joins:
        resolver.add(requested_join(target, onclause, left, **flags))
    return resolver.from_clauses


def requested_join(
    target: Any, onclause: Any, left: Any, *, isouter: bool = False, full: bool = False
) -> RequestedJoin:
    """Tell apart what the arguments of one `join()` mean."""
    left_side = None if left is None else side_of(left)
    target, onclause = real_attribute(target), real_attribute(onclause)
    if is_relationship_attribute(target):
        if onclause is not None:
            raise errors.JoinError.two_conditions(target, onclause)
        right = side_of_entity(target.of_type_entity or target.property.entity)
        return RequestedJoin(left_side, right, None, target, isouter, full)
    if isinstance(target, QueryableAttribute):
        raise errors.EntityError.column_as_target(target)
    right = side_of(target)
    if not is_relationship_attribute(onclause):
        if hasattr(onclause, "__clause_element__"):
            onclause = onclause.__clause_element__()
        return RequestedJoin(left_side, right, onclause, None, isouter, full)
    if right.entity is None:
        right = _selectable_for(onclause, right.selectable)
    elif not right.entity.common_parent(onclause.property.mapper):
        raise errors.JoinError.other_target(right, onclause)
    if left_side is not None and not _may_start_from(left_side.entity, onclause.parent):
        raise errors.JoinError.other_left_side(left_side, onclause)
    return RequestedJoin(left_side, right, None, onclause, isouter, full)


def _may_start_from(left: Any | None, parent: Any) -> bool:
    """Whether the relationships of one entity may start from another one."""
    if left is None or left is parent:
        return True
    if left.is_aliased_class or parent.is_aliased_class:
        return left is getattr(parent, "whole", None)
    return bool(left.common_parent(parent))


def _selectable_for(attribute: Any, selectable: Any) -> JoinSide:
    """A plain selectable as the target of a relationship: an alias of the related class on it."""
    mapper = attribute.property.mapper
    if not selectable.is_derived_from(mapper.persist_selectable):
        raise errors.JoinError.not_derived(selectable, mapper.persist_selectable)
    if selectable is mapper.selectable:
        return side_of_entity(mapper)
    return side_of_entity(inspect(aliased(mapper, selectable)))


class JoinResolver:
    """Adds joins, one after the other, to a list of FROM elements."""

    def __init__(self, from_clauses: list[FromClause], entities: Sequence[Any]) -> None:
        self.from_clauses = from_clauses
        self.entities = entities
        # (left, right, relationship) of the joins that were made.
        self.made: set[tuple[Any, Any, Any]] = set()
        # Entities that were joined, the last one first.
        self.present: list[Any] = []
        # Mappers whose tables are joined, and one of them twice.
        self.overlapping: list[Any] = []

    def add(self, join: RequestedJoin) -> None:
        """Put the join into the list."""
        left, index = self._left_of(join)
        if join.relationship is not None:
            edge = (left.identity, join.right.identity, join.relationship.property)
            if edge in self.made:
                return
            self.made.add(edge)
        self._check_sides(left, join.right)
        if join.right.entity is not None:
            self.present.insert(0, join.right.entity)
        start = left.selectable if index is None else self.from_clauses[index]
        if _has_joined_tables(join.right) and selectables_overlap(start, join.right.selectable):
            self.overlapping.append(join.right.entity)
        made = build_join(start, left, join)
        if index is None:
            self.from_clauses.append(made)
        else:
            self.from_clauses[index] = made

    def _left_of(self, join: RequestedJoin) -> tuple[JoinSide, int | None]:
        """The left side, and where in the list it is (None: not yet in it)."""
        left = join.left
        if left is None and join.relationship is not None:
            left = self._present_for(join.relationship.parent)
        if left is not None:
            return left, self._place_of(left)
        if self.from_clauses:
            found = find_left_clause_to_join_from(
                self.from_clauses, join.right.selectable, join.onclause
            )
            index = self._only(found, join.right)
            return JoinSide(self.from_clauses[index]), index
        if not self.entities:
            raise errors.JoinError.no_entities()
        candidates = self._candidates(join.right)
        found = find_left_clause_to_join_from(
            list(candidates), join.right.selectable, join.onclause
        )
        return list(candidates.values())[self._only(found, join.right)], None

    def _present_for(self, entity: Any) -> JoinSide:
        """The side that answers for an entity: itself, or one of its hierarchy with its columns."""
        known = (*self.present, *(element.entity for element in self.entities))
        found = (each for each in known if each is not None and answers_for(each, entity))
        return side_of_entity(next(found, entity))

    def _place_of(self, left: JoinSide) -> int | None:
        if not self.from_clauses:
            return None
        found = find_left_clause_that_matches_given(self.from_clauses, left.selectable)
        if len(found) > 1:
            raise errors.JoinError.unclear_left_side(left)
        return found[0] if found else None

    def _candidates(self, right: JoinSide) -> dict[Any, JoinSide]:
        candidates: dict[Any, JoinSide] = {}
        for each in self.entities:
            if each.entity is not None:
                if each.entity is not right.entity:
                    candidates.setdefault(each.entity.selectable, side_of_entity(each.entity))
                continue
            for selectable in each.column._from_objects:
                if selectable is not right.selectable:
                    candidates.setdefault(selectable, JoinSide(selectable))
        return candidates

    @staticmethod
    def _only(found: list[int], right: JoinSide) -> int:
        if len(found) == 1:
            return found[0]
        if found:
            raise errors.JoinError.several_ways()
        raise errors.JoinError.unknown_way(right)

    @staticmethod
    def _check_sides(left: JoinSide, right: JoinSide) -> None:
        if left.identity is right.identity:
            raise errors.JoinError.same_entity(left, right)
        if left.selectable is right.selectable and selectables_overlap(
            left.selectable, right.selectable
        ):
            raise errors.JoinError.same_table(left.selectable)


def _has_joined_tables(side: JoinSide) -> bool:
    return isinstance(side.selectable, Join) and getattr(side.entity, "is_mapper", False)


def overlapping_targets(statement: Any, entities: Sequence[Any]) -> list[Any]:
    """The mappers that a statement joins to though FROM has one of their tables already."""
    joins = [requested_join(*parts[:3], **parts[3]) for parts in statement._setup_joins]
    if statement._memoized_select_entities or not any(
        _has_joined_tables(join.right) for join in joins
    ):
        return []
    resolver = JoinResolver(list(statement._from_obj), entities)
    for join in joins:
        resolver.add(join)
    return resolver.overlapping


def with_stand_ins(statement: Any, aliases: Mapping[Any, Any]) -> Any:
    """The statement with aliases in place of the mappers that they stand for."""

    def replaced(element: Any, **_: Any) -> Any:
        alias = aliases.get(element._annotations.get("parententity"))
        if alias is not None:
            if isinstance(element, FromClause):
                return alias.__clause_element__()
            return alias.adapt(element, element._annotations.get("proxy_key"))
        # A SELECT that selects from the class itself speaks of its own rows.
        is_other = isinstance(element, Select) and any(
            each._annotations.get("parententity") in aliases
            for each in (*element._raw_columns, *element._from_obj)
        )
        return element if is_other else None

    def side(given: Any) -> Any:
        given = real_attribute(given)
        if not is_relationship_attribute(given):
            return replacement_traverse(given, {}, replaced)
        if given.parent in aliases:
            given = given.adapt_to_entity(aliases[given.parent])
        target = given.of_type_entity or given.property.entity
        return given.of_type(aliases[target].entity) if target in aliases else given

    return rewritten(statement, lambda given: replacement_traverse(given, {}, replaced), side)


def build_join(start: Any, left: JoinSide, join: RequestedJoin) -> EntityJoin:
    """The Core join of `start`, which contains `left`, to the right side of `join`."""
    entity = join.right.entity
    only = None if entity is None else row_criterion(entity)
    if join.relationship is None:
        condition: Any = _implied_condition(left, join)
        if only is not None:
            if condition is None:
                condition = Join(start, join.right.selectable).onclause
            condition = and_(condition, only)
        return EntityJoin(
            start, join.right.selectable, condition, isouter=join.isouter, full=join.full
        )
    attribute = join.relationship
    relationship = attribute.property
    parent = _standing_for(attribute.parent, start, left)
    related = _related_alias(relationship, join.right)
    conditions = relationship_joins(
        relationship, parent, related, criteria=attribute.extra_criteria
    ).narrowed_by(only)
    right = correlated(join.right.selectable, parent, relationship.parent.persist_selectable)
    made: EntityJoin = conditions.joined(
        start, right, isouter=join.isouter, full=join.full, kind=EntityJoin
    )
    return made


def _implied_condition(left: JoinSide, join: RequestedJoin) -> Any | None:
    if join.onclause is not None or join.left is None:
        return join.onclause
    # Both sides were named, so the foreign keys must lead between these two, whatever else
    # the left side has been joined to.
    return Join(left.selectable, join.right.selectable).onclause


def _standing_for(parent: Any, start: Any, left: JoinSide) -> Any | None:
    """The selectable on which the parent's columns are found in `start`; None: on its table."""
    if left.entity is not None and left.entity is not parent and not parent.is_aliased_class:
        return alias_of(left.entity)
    if start.is_derived_from(parent.selectable) and _is_part(parent.selectable, start):
        return alias_of(parent)
    # The attribute is that of another entity of the class: the left side answers for it.
    other = left.selectable if left.entity is not parent else start
    selectable = parent.mapper.selectable
    if other.is_derived_from(selectable) or selectables_overlap(other, selectable):
        return other
    return alias_of(parent)


def _is_part(selectable: Any, start: Any) -> bool:
    """Whether a selectable stands in a FROM element as it is, not within a subquery."""
    parts = start._from_objects
    return all(each in parts for each in selectable._from_objects if not isinstance(each, Join))


def _related_alias(relationship: Any, right: JoinSide) -> Any | None:
    if right.entity is None:
        return right.selectable
    if right.entity is relationship.entity and right.entity.is_aliased_class:
        return None
    return alias_of(right.entity)


class EntityJoin(Join):
    """A join that knows how to follow relationships further."""

    _cache_key_traversal = [
        ("left", InternalTraversal.dp_clauseelement),
        ("right", InternalTraversal.dp_clauseelement),
        ("onclause", InternalTraversal.dp_clauseelement),
        ("isouter", InternalTraversal.dp_boolean),
        ("full", InternalTraversal.dp_boolean),
        ("left_entity", InternalTraversal.dp_has_cache_key),
    ]

    # The entities of both sides, where `join()` was given entities.
    left_entity: Any = None
    right_entity: Any = None

    def join(  # type: ignore[override]
        self, right: Any, onclause: Any = None, *, isouter: bool = False, full: bool = False
    ) -> EntityJoin:
        """Join the whole of this join to `right`."""
        return join(self, right, onclause, isouter=isouter, full=full)

    def outerjoin(  # type: ignore[override]
        self, right: Any, onclause: Any = None, *, full: bool = False
    ) -> EntityJoin:
        """The same as LEFT OUTER JOIN."""
        return join(self, right, onclause, isouter=True, full=full)


def join(
    left: Any, right: Any, onclause: Any = None, *, isouter: bool = False, full: bool = False
) -> EntityJoin:
    """Join two entities or FROM elements, for use in `select_from()`.

    Example:
        >>> select(Author).select_from(join(Author, Book, Author.books))

    Args:
        left: A mapped class, alias or FROM element.
        right: The same.
        onclause: A relationship attribute or an expression; found by foreign keys when omitted.
        isouter: LEFT OUTER JOIN.
        full: FULL OUTER JOIN.
    """
    start = coercions.expect(roles.FromClauseRole, left)
    left_side = side_of(start)
    target = coercions.expect(roles.JoinTargetRole, right)
    if onclause is not None and not is_relationship_attribute(onclause):
        if isinstance(onclause, str):
            raise errors.EntityError.on_clause(onclause)
        onclause = coercions.expect(roles.OnClauseRole, onclause)
    asked = requested_join(target, onclause, None, isouter=isouter, full=full)
    return _with_entities(build_join(left_side.selectable, left_side, asked), left_side, asked)


def outerjoin(left: Any, right: Any, onclause: Any = None, *, full: bool = False) -> EntityJoin:
    """The same as `join()`, as LEFT OUTER JOIN."""
    return join(left, right, onclause, isouter=True, full=full)


def _with_entities(made: EntityJoin, left: JoinSide, asked: RequestedJoin) -> EntityJoin:
    """Mark the join as one over entities, so that Core hands the statement to our hook."""
    made.left_entity, made.right_entity = left.entity, asked.right.entity
    for side in (left, asked.right):
        if side.entity is not None:
            attributes = side.entity.__clause_element__()._propagate_attrs
            return made._set_propagate_attrs(attributes)
    return made
