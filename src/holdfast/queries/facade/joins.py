"""Say what a `Query` selects from: joins, `select_from()`, and where names are looked up."""

from __future__ import annotations

from typing import Any, Self

from sqlalchemy import exc
from sqlalchemy.sql.expression import FromClause

from holdfast.errors.queries import EntityError
from holdfast.foundation.deprecated import warn_deprecated
from holdfast.foundation.sqlalchemy_core import coercions, entity_namespace_key, roles
from holdfast.queries.adapt import real_attribute
from holdfast.queries.criteria.relating import with_parent
from holdfast.queries.facade.base import QueryBase
from holdfast.queries.joins import is_relationship_attribute


class JoiningQuery(QueryBase):
    """The part of `Query` that is about its FROM."""

    def join(
        self, target: Any, onclause: Any = None, *, isouter: bool = False, full: bool = False
    ) -> Self:
        """Join along a relationship, or to an entity.

        Example:
            >>> session.query(Author).join(Author.books).filter(Book.year > 2000)

        Args:
            target: A relationship attribute, a mapped class, an alias or a FROM element.
            onclause: A relationship attribute or an expression.
            isouter: LEFT OUTER JOIN.
            full: FULL OUTER JOIN.
        """
        self.check_open("join")
        draft = self.draft.join(target, onclause, isouter=isouter, full=full)
        return self.changed(draft, joinpoint=_target_of(draft._setup_joins[-1][0]))

    def outerjoin(self, target: Any, onclause: Any = None, *, full: bool = False) -> Self:
        """The same as LEFT OUTER JOIN."""
        return self.join(target, onclause, isouter=True, full=full)

    def reset_joinpoint(self) -> Self:
        """Let `filter_by()` look in the first entity again."""
        return self.changed(joinpoint=None)

    def select_from(self, *from_obj: Any) -> Self:
        """State the left side of the FROM clause."""
        self.check_fresh("select_from")
        return self.changed(self.draft.select_from(*from_obj))

    def filter_by(self, **kwargs: Any) -> Self:
        """Add criteria by attribute names of the entity joined last, or of the first one."""
        self.check_open("filter_by")
        if not kwargs:
            return self
        entity = self._named_entity()
        clauses = [entity_namespace_key(entity, key) == value for key, value in kwargs.items()]
        return self.changed(self.draft.where(*clauses))

    def _named_entity(self) -> Any:
        if self.settings.joinpoint is not None:
            return self.settings.joinpoint
        if self.draft._from_obj:
            return self.draft._from_obj[0]
        first: Any = self.draft._raw_columns[0]
        if isinstance(first, FromClause) and "parententity" in first._annotations:
            return first
        froms = first._from_objects
        if not froms:
            return first
        entities = [each for each in _entities_in(first) if each is not None]
        return entities[0].__clause_element__() if entities else froms[0]

    def with_parent(self, instance: object, property: Any = None, from_entity: Any = None) -> Self:
        """Add the criterion for members of a relationship of one object. Legacy: `with_parent()`.

        Args:
            instance: The object.
            property: Its relationship; found by the classes when omitted.
            from_entity: The entity of the query that the members are.
        """
        warn_deprecated(
            "The Query.with_parent() method is considered legacy as of the 1.x series of "
            "SQLAlchemy and becomes a legacy construct in 2.0. Use the with_parent() standalone "
            "construct.",
            category=exc.LegacyAPIWarning,
        )
        entity = self.only_entity if from_entity is None else None
        if property is None:
            property = _relationship_between(instance, entity)
        about = from_entity
        if about is None and entity is not None and entity.is_aliased_class:
            about = entity.entity
        return self.changed(self.draft.where(with_parent(instance, property, about)))

    def correlate(self, *fromclauses: Any) -> Self:
        """Leave these FROM elements to an enclosing statement."""
        if fromclauses and (fromclauses[0] is None or fromclauses[0] is False):
            return self.changed(self.draft.correlate(None))
        coerced = [coercions.expect(roles.FromClauseRole, each) for each in fromclauses]
        return self.changed(self.draft.correlate(*coerced))


def _target_of(target: Any) -> Any:
    """What `filter_by()` sees of a join target."""
    target = real_attribute(target)
    if is_relationship_attribute(target):
        return (target.of_type_entity or target.property.entity).__clause_element__()
    return target


def _entities_in(element: Any) -> list[Any]:
    found = element._annotations.get("parententity")
    if found is not None:
        return [found]
    inner: list[Any] = []
    for child in element.get_children():
        inner.extend(_entities_in(child))
    return inner


def _relationship_between(instance: object, entity: Any | None) -> Any:
    """The attribute of the object's class that leads to the entity of the query."""
    mapper = type(instance).__dict__["_sa_class_manager"].mapper
    if entity is not None:
        for relationship in mapper.relationships:
            if relationship.mapper is entity.mapper:
                return relationship.class_attribute
    related = "unmapped" if entity is None else entity.class_.__name__
    raise EntityError.no_relationship_between(mapper.class_, related)
