"""Hold what the parts of Query share, its unions and its joins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Self

from sqlalchemy import LABEL_STYLE_DISAMBIGUATE_ONLY, SelectLabelStyle, exc, inspect, select
from sqlalchemy.sql.expression import FromClause, Select

from holdfast import errors
from holdfast.foundation.codegen import record, replace
from holdfast.foundation.describe import warn_deprecated
from holdfast.foundation.sqlalchemy_core import (
    ColumnAdapter,
    coercions,
    entity_namespace_key,
    immutabledict,
    roles,
)
from holdfast.queries.aliases import AliasedClass, rewritten
from holdfast.queries.comparators import with_parent
from holdfast.queries.entities import SelectedElement, SelectedEntity, entities_in, parse_elements
from holdfast.queries.joins import clause_of_target, is_relationship_attribute
from holdfast.queries.statement_options import HeardBeforeCompile, WithoutEagerLoads

# ------------------------------------------------------------------------------
# Let a query select from a union of queries and still speak of its classes.
#
# After `q1.union(q2)` the entities of the query are read from the union as a subquery; whatever is
# said later about them, as `User.name == "x"`, is rewritten to the columns of that subquery.


class CompoundSource:
    """A subquery that stands for the tables of the entities of a query."""

    def __init__(self, subquery: FromClause) -> None:
        self.subquery = subquery
        self.adapter: ColumnAdapter = ColumnAdapter(subquery)
        # Entity of the query -> its alias on the subquery, made once each.
        self.stand_ins: dict[Any, Any] = {}

    def applied(self, draft: Any) -> Any:
        """The draft as a SELECT from the subquery."""
        made = rewritten(draft, self._element, self._side)
        made._from_obj = (self.subquery, *draft._from_obj)
        return made

    def _stand_in(self, entity: Any) -> Any:
        found = self.stand_ins.get(entity)
        if found is None:
            found = AliasedClass(entity.entity, self.subquery, stands_for=entity)
            self.stand_ins[entity] = found
        return found

    def _holds(self, entity: Any) -> bool:
        return bool(self.subquery.is_derived_from(entity.selectable))

    def _element(self, element: Any) -> Any:
        annotations = element._annotations
        entity = annotations.get("parententity")
        if entity is not None and isinstance(element, FromClause):
            if not self._holds(entity):
                return element
            return inspect(self._stand_in(entity)).__clause_element__()
        adapted = self.adapter.traverse(element)
        if "proxy_key" in annotations and adapted is not element:
            adapted = adapted._annotate({"proxy_key": annotations["proxy_key"]})
        return adapted

    def _side(self, side: Any) -> Any:
        if not is_relationship_attribute(side):
            return self._element(side) if not isinstance(side, FromClause) else side
        if not self._holds(side.parent):
            return side
        made = getattr(self._stand_in(side.parent), side.key)
        if side.of_type_entity is not None:
            made = made.of_type(side.of_type_entity.entity)
        return made.and_(*side.extra_criteria) if side.extra_criteria else made


# ------------------------------------------------------------------------------
# Keep what a `Query` holds: a draft of the SELECT, the session, and a few settings of its own.
#
# Rules kept here:
# 1. A query is never changed: every method gives a copy.
# 2. The draft is an ordinary `select()`; what that cannot say is in the settings.

LEGACY = SelectLabelStyle.LABEL_STYLE_LEGACY_ORM


@record
class QuerySettings:
    """What a query knows beside its draft."""

    # How columns are labelled when the query is executed.
    label_style: SelectLabelStyle = LEGACY
    # Values of bound parameters given with params().
    params: Mapping[str, Any] = field(default_factory=immutabledict)
    # The statement given with from_statement(), which replaces the draft's.
    from_statement: Any | None = None
    # The union that the draft selects from.
    source: CompoundSource | None = None
    # Where filter_by() looks: the target joined last.
    joinpoint: Any | None = None
    # Whether methods refuse what has no effect or another one than meant.
    assertions: bool = True
    # Whether relationships may load with the rows, or right after.
    eager_loads: bool = True
    # Rows even for a single entity (True), objects whenever possible (None).
    tuples: bool | None = None


DEFAULTS = QuerySettings()


class QueryBase(HeardBeforeCompile):
    """The state of a query, and how copies of it are made."""

    session: Any | None
    draft: Select[Any]
    settings: QuerySettings

    def __init__(self, entities: Any, session: Any | None = None) -> None:
        given = entities if isinstance(entities, tuple | list) else (entities,)
        self.session = session
        self.draft = select(*given)
        self.draft._label_style = LEGACY
        for column in self.draft._raw_columns:
            # Options and criteria may name back references, which configuration makes.
            entity = column._annotations.get("parententity")
            if entity is not None:
                entity.mapper.ensure_configured()
        self.settings = DEFAULTS

    def changed(self, draft: Any | None = None, **settings: Any) -> Self:
        """A copy with another draft, or with other settings."""
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        if draft is not None:
            made.draft = draft
        if settings:
            made.settings = replace(self.settings, **settings)
        return made

    def heard(self) -> Self:
        """The query as the listeners of `before_compile` want it."""
        query = self
        if self.has_listeners:
            for listener in self.dispatch.before_compile:
                changed = listener(query)
                query = query if changed is None else changed
        return query

    def built(self, label_style: SelectLabelStyle | None = None) -> Any:
        """The statement that listeners want, labelled as given or as the query is executed."""
        return self.heard().drafted(label_style)

    def drafted(self, label_style: SelectLabelStyle | None = None) -> Any:
        """The same without asking listeners."""
        if not self.draft._raw_columns and not self.draft._setup_joins:
            raise errors.QueryUseError.no_columns()
        style = self.settings.label_style if label_style is None else label_style
        draft: Any = self.draft
        if not self.settings.eager_loads:
            draft = draft.options(WithoutEagerLoads())
        if self.settings.from_statement is not None:
            return draft.set_label_style(style).from_statement(self.settings.from_statement)
        if self.settings.source is not None:
            draft = self.settings.source.applied(draft)
        return draft.set_label_style(style)

    def plain(self) -> Any:
        """The statement as others embed it: plain labels unless a style was asked for."""
        style = self.settings.label_style
        built = self.built(LABEL_STYLE_DISAMBIGUATE_ONLY if style is LEGACY else style)
        return built.params(self.settings.params) if self.settings.params else built

    def embedded(self) -> Any:
        """The same without eager loads, which no enclosing statement could read."""
        if self.settings.from_statement is not None:
            raise errors.QueryUseError.given_statement()
        return self.changed(eager_loads=False).plain()

    @property
    def elements(self) -> tuple[SelectedElement, ...]:
        """What stands in the select list."""
        return parse_elements(self.draft._raw_columns, self.settings.label_style)

    @property
    def only_entity(self) -> Any | None:
        """The entity, when the query is for one and nothing else."""
        elements = self.elements
        if len(elements) == 1 and isinstance(elements[0], SelectedEntity):
            return elements[0].entity
        return None

    def check_open(self, method: str) -> None:
        """Refuse criteria after LIMIT or OFFSET, and on a given statement."""
        if not self.settings.assertions:
            return
        self.check_no_statement(method)
        draft = self.draft
        if draft._limit_clause is not None or draft._offset_clause is not None:
            raise errors.QueryUseError.after_limit(method)

    def check_no_statement(self, method: str) -> None:
        """Refuse what a given statement cannot take in."""
        if self.settings.assertions and self.settings.from_statement is not None:
            raise errors.QueryUseError.existing_statement(method)

    def check_fresh(self, method: str, *, joins: bool = True, order: bool = True) -> None:
        """Refuse a new source of rows, or a look-up by key, once criteria were given."""
        if not self.settings.assertions:
            return
        self.check_no_statement(method)
        draft: Any = self.draft
        has_criteria = (
            draft._where_criteria
            or draft._group_by_clauses
            or (order and (draft._order_by_clauses or draft._distinct))
            or draft._has_row_limiting_clause
            or (joins and (draft._from_obj or draft._setup_joins))
        )
        if has_criteria or self.settings.source is not None:
            raise errors.QueryUseError.existing_criterion(method)


# ------------------------------------------------------------------------------
# Say what a `Query` selects from: joins, `select_from()`, and where names are looked up.


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
        return self.changed(draft, joinpoint=clause_of_target(draft._setup_joins[-1][0]))

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
        entity = next(entities_in(first), None)
        return froms[0] if entity is None else entity.__clause_element__()

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


def _relationship_between(instance: object, entity: Any | None) -> Any:
    """The attribute of the object's class that leads to the entity of the query."""
    mapper = type(instance).__dict__["_sa_class_manager"].mapper
    if entity is not None:
        for relationship in mapper.relationships:
            if relationship.mapper is entity.mapper:
                return relationship.class_attribute
    related = "unmapped" if entity is None else entity.class_.__name__
    raise errors.QueryUseError.no_relationship_between(related, mapper.class_.__name__)
