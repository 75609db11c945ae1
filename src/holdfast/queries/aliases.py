"""Let a class appear under another name, and rewrite columns for it."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any, overload

from sqlalchemy import (
    Alias,
    ColumnElement,
    FromClause,
    Join,
    Lateral,
    SelectBase,
    TableClause,
    and_,
    inspect,
)
from typing_extensions import TypeVar

from holdfast import errors
from holdfast.foundation.codegen import SelectedAs, record, replace
from holdfast.foundation.describe import warn
from holdfast.foundation.sqlalchemy_core import (
    ClauseAdapter,
    ColumnAdapter,
    HasCacheKey,
    InternalTraversal,
    anonymous_alias,
    coercions,
    inspects,
    marks_of,
    memoized_property,
    roles,
    self_inspects,
)
from holdfast.instrument.descriptor import InspectionAttr, QueryableAttribute
from holdfast.mapping.mapper import Mapper

# ------------------------------------------------------------------------------
# Rewrite columns of a mapped table onto an alias of it, and conditions of relationships with them.
# Nothing here changes its argument: every function gives a new expression.


def real_attribute(attribute: Any) -> Any:
    """The attribute that a synonym stands for; any other thing as it is."""
    while isinstance(attribute, QueryableAttribute):
        prop = getattr(attribute, "original_property", None)
        if prop is None or not prop.is_synonym:
            break
        attribute = getattr(attribute.class_, prop.name)
    return attribute


def is_remote(element: Any) -> bool:
    """Does the column stand for the related side in a condition of a relationship?"""
    return "remote" in element._annotations


@record
class RelationshipJoins:
    """The conditions of a relationship between two concrete selectables."""

    # Parent to related, or parent to association table; criteria included unless secondary.
    primary: ColumnElement[bool]
    # Association table to related, criteria included; None without association table.
    secondary: ColumnElement[bool] | None
    # The association table or its alias; None without.
    association: FromClause | None

    def narrowed_by(self, criterion: Any | None) -> RelationshipJoins:
        """The same for those related rows that satisfy one more criterion."""
        if criterion is None:
            return self
        if self.secondary is None:
            return replace(self, primary=and_(self.primary, criterion))
        return replace(self, secondary=and_(self.secondary, criterion))

    def joined(
        self, left: Any, right: Any, *, isouter: bool, full: bool = False, kind: type[Join] = Join
    ) -> Any:
        """The join of two FROM elements, by way of the association table where there is one."""
        if self.association is None:
            return kind(left, right, self.primary, isouter=isouter, full=full)
        assert self.secondary is not None
        if isouter or full:
            # The association row and its target are missing together.
            beyond = Join(self.association, right, self.secondary)
            return kind(left, beyond, self.primary, isouter=isouter, full=full)
        return kind(Join(left, self.association, self.primary), right, self.secondary)


def alias_of(entity: Any) -> Any | None:
    """The selectable of an aliased entity; None for a mapper, whose columns are right already."""
    return None if entity.adapter is None else entity.selectable


def replace_columns(
    element: Any, selectable: Any, mapper: Any, *, include: Callable[[Any], bool] | None = None
) -> Any:
    """`element` with the columns of `mapper` (those that `include` accepts) on a `selectable`."""
    if selectable is None or element is None:
        return element
    adapter = ClauseAdapter(selectable, equivalents=mapper.all_equivalents, include_fn=include)
    return adapter.traverse(element)


def correlated(target: Any, parent: Any | None, table: Any) -> Any:
    """A LATERAL target with what it says of the parent's `table` said of `parent` instead."""
    layers = (target, getattr(target, "element", None))
    if parent is None or not any(isinstance(layer, Lateral) for layer in layers):
        return target
    return ClauseAdapter(parent, adapt_from_selectables={table}).traverse(target)


SYNTAX_POSITIONS = (
    "_pre_columns_clause",
    "_post_select_clause",
    "_post_criteria_clause",
    "_post_body_clause",
)
"""Where a SELECT keeps syntax extensions."""

EXPRESSIONS = (
    "_raw_columns",
    "_where_criteria",
    "_having_criteria",
    "_group_by_clauses",
    "_order_by_clauses",
    "_distinct_on",
)
"""Where it keeps expressions over what it selects from."""


def rewritten(statement: Any, element: Callable[[Any], Any], side: Callable[[Any], Any]) -> Any:
    """A copy of a SELECT over classes with other expressions, and other sides of its joins."""

    def part(given: Any) -> Any:
        bundle = given._annotations.get("bundle")
        if bundle is None:
            return element(given)
        return bundle.over([part(each) for each in bundle.elements]).__clause_element__()

    made = statement._generate()
    for name in EXPRESSIONS:
        given = getattr(statement, name)
        setattr(made, name, type(given)(map(part, given)))
    for name in SYNTAX_POSITIONS:
        extension = getattr(statement, name)
        if extension is not None:
            setattr(made, name, element(extension))
    made._setup_joins = tuple(
        (*(each if each is None else side(each) for each in parts[:3]), parts[3])
        for parts in statement._setup_joins
    )
    return made


def relationship_joins(
    relationship: Any,
    parent: Any | None = None,
    related: Any | None = None,
    *,
    criteria: Sequence[Any] = (),
    alias_secondary: bool = True,
) -> RelationshipJoins:
    """The conditions of `relationship` between aliases, or the tables themselves where None.

    `criteria` are more about the related entity; `alias_secondary` gives the association table an
    anonymous alias of its own.
    """
    owner, target = relationship.parent, relationship.mapper
    secondary = relationship.secondary
    extra = [replace_columns(criterion, related, target) for criterion in criteria]
    if secondary is None:
        primary = replace_columns(
            relationship.primaryjoin, parent, owner, include=lambda c: not is_remote(c)
        )
        primary = replace_columns(primary, related, target, include=is_remote)
        return RelationshipJoins(and_(primary, *extra) if extra else primary, None, None)

    association = secondary
    if alias_secondary:
        # Of a join, the tables are aliased.
        association = anonymous_alias(secondary, name=None, flat=True)
    # Where the association is a join, it may have columns of the owner or the target as well.
    is_owners = owner.persist_selectable.c.contains_column
    is_targets = target.persist_selectable.c.contains_column
    primary = replace_columns(relationship.primaryjoin, parent, owner, include=is_owners)
    beyond = replace_columns(relationship.secondaryjoin, related, target, include=is_targets)
    if alias_secondary:
        primary = ClauseAdapter(association, exclude_fn=is_owners).traverse(primary)
        to_association = ClauseAdapter(association, exclude_fn=is_targets)
        beyond = to_association.traverse(beyond)
        extra = [to_association.traverse(criterion) for criterion in extra]
    if extra:
        beyond = and_(beyond, *extra)
    return RelationshipJoins(primary, beyond, association)


# ------------------------------------------------------------------------------
# Let a mapped class appear a second time in a statement, or against another selectable.
# `aliased()` gives an `AliasedClass`, which answers for the attributes of the class; behind it an
# `AliasedInsp` is the entity that the rest of the package sees, with the same names as a mapper.

# `Any` by default, so that the name may stand alone in annotations.
Entity = TypeVar("Entity", bound=object, default=Any)


class AliasedClass(SelectedAs[Entity]):
    """A stand-in for a mapped class whose attributes belong to an alias of its table."""

    def __init__(
        self,
        entity: Any,
        alias: FromClause | None = None,
        name: str | None = None,
        *,
        flat: bool = False,
        adapt_on_names: bool = False,
        stands_for: Any | None = None,
        with_polymorphic_mappers: Sequence[Any] | None = None,
        polymorphic_on: Any = None,
        whole: AliasedInsp | None = None,
    ) -> None:
        subject = inspect(entity)
        mapper = subject.mapper
        mapper.ensure_configured()
        selectable = alias
        if selectable is None:
            selectable = anonymous_alias(_source(subject), name=name, flat=flat)
        self._aliased_insp = AliasedInsp(
            self,
            mapper,
            selectable,
            name,
            adapt_on_names=adapt_on_names,
            stands_for=stands_for,
            inner=subject if subject.is_aliased_class or alias is not None else None,
            whole=whole,
        )
        self.__name__: str = mapper.class_.__name__
        if whole is None:
            self._add_subclasses(subject, with_polymorphic_mappers, polymorphic_on)

    def _add_subclasses(self, subject: Any, mappers: Sequence[Any] | None, on: Any) -> None:
        """Give the alias an alias of each subclass that it selects too, under the class's name."""
        insp = self._aliased_insp
        if mappers is None:
            mappers = subject.with_polymorphic_mappers
        insp.with_polymorphic_mappers = tuple(mappers)
        insp.polymorphic_on = subject.polymorphic_on if on is None else on
        for mapper in mappers:
            if mapper is not insp.mapper:
                names = insp.adapt_on_names
                part = AliasedClass(
                    mapper, insp.selectable, insp.name, adapt_on_names=names, whole=insp
                )
                setattr(self, mapper.class_.__name__, part)

    def __getattr__(self, key: str) -> Any:
        entity = self.__dict__.get("_aliased_insp")
        if entity is None:
            raise AttributeError(key)
        target = entity.mapper.class_
        attribute = getattr(target, key)
        if isinstance(attribute, types.MethodType):
            return types.MethodType(attribute.__func__, self)
        if not hasattr(attribute, "adapt_to_entity"):
            attribute = _bound_to_alias(target, key, attribute, self)
        if hasattr(attribute, "adapt_to_entity"):
            attribute = attribute.adapt_to_entity(entity)
            setattr(self, key, attribute)
        return attribute

    def __repr__(self) -> str:
        return f"<AliasedClass of {self._aliased_insp.mapper.class_.__name__}>"

    def __str__(self) -> str:
        return str(self._aliased_insp)


def _source(entity: Any) -> Any:
    """What a further alias of an entity reads from."""
    selectable = entity.selectable
    if isinstance(selectable, Alias) and isinstance(selectable.element, TableClause):
        return selectable.element
    return selectable


def _bound_to_alias(target: type, key: str, found: Any, alias: AliasedClass) -> Any:
    """What a descriptor of the class that is no mapped attribute gives for the alias."""
    for base in target.__mro__:
        if key in base.__dict__:
            getter = getattr(type(base.__dict__[key]), "__get__", None)
            return found if getter is None else getter(base.__dict__[key], None, alias)
    return found


@inspects(AliasedClass)
def _entity_of_alias(alias: AliasedClass) -> AliasedInsp:
    return alias.__dict__["_aliased_insp"]  # type: ignore[no-any-return]


@self_inspects
class AliasedInsp(HasCacheKey, InspectionAttr):
    """The entity behind an `AliasedClass`: mapper, selectable and the adapter between them."""

    _cache_key_traversal = [
        ("name", InternalTraversal.dp_string),
        ("adapt_on_names", InternalTraversal.dp_boolean),
        ("mapper", InternalTraversal.dp_has_cache_key),
        ("stands_for", InternalTraversal.dp_has_cache_key),
        ("selectable", InternalTraversal.dp_clauseelement),
        ("with_polymorphic_mappers", InternalTraversal.dp_has_cache_key_list),
        ("polymorphic_on", InternalTraversal.dp_clauseelement),
    ]
    _post_inspect = None
    is_aliased_class = True

    def __init__(
        self,
        entity: AliasedClass,
        mapper: Any,
        selectable: FromClause,
        name: str | None,
        *,
        adapt_on_names: bool = False,
        stands_for: Any | None = None,
        inner: Any = None,
        whole: AliasedInsp | None = None,
    ) -> None:
        # The class-like object that users hold; its life is that of this entity.
        self.entity = entity
        self.mapper = mapper
        self.class_: Any = mapper.class_
        # What stands in FROM in place of the mapper's table.
        self.selectable = selectable
        # The name given by the user; None when there is none.
        self.name = name
        self.adapt_on_names = adapt_on_names
        # Subclasses whose columns the selectable has, and what tells the class of a row.
        self.with_polymorphic_mappers: tuple[Any, ...] = ()
        self.polymorphic_on: Any = mapper.polymorphic_on
        # The alias of the base of which this is the part of a subclass.
        self.whole = whole
        # The entity that a query speaks of while it reads from this one: after `Query.union()`.
        self.stands_for = stands_for
        # The entity whose columns the selectable holds, where it reads from another than its
        # tables: these may be in it several times.
        self.inner: Any = (
            inner
            if inner and inner.adapter and selectable.is_derived_from(inner.selectable)
            else None
        )

    def __reduce__(self) -> Any:
        # An alias belongs to its statement: what travels is what it was an alias of.
        return inspect, (self.class_,)

    @memoized_property
    def adapter(self) -> Any:
        """Columns of the mapper -> columns of the alias."""
        adapter = ColumnAdapter(
            self.selectable,
            equivalents=self.mapper.all_equivalents,
            adapt_on_names=self.adapt_on_names,
            include_fn=self._may_adapt,
            anonymize_labels=True,
        )
        return adapter if self.inner is None else self.inner.adapter.wrap(adapter)

    def _may_adapt(self, element: Any) -> bool:
        """Does the element belong to the mapper's hierarchy, or to none at all?"""
        mapper = element._annotations.get("parentmapper")
        return mapper is None or mapper.isa(self.mapper) or self.mapper.isa(mapper)

    def adapt(self, element: Any, key: str | None = None) -> Any:
        """An expression over the mapper's columns, as it reads on the alias."""
        annotations = {"parententity": self, "parentmapper": self.mapper, "entity_namespace": self}
        if key is not None:
            annotations["proxy_key"] = key
        adapted = self.adapter.traverse(element)
        if adapted is element and not self.holds(element):
            advice = (
                "ensure name is correct in expression"
                if self.adapt_on_names
                else "to match by name, use the adapt_on_names parameter"
            )
            warn(f"Did not locate an expression in selectable for attribute '{key}'; {advice}")
        adapted = adapted._annotate(annotations)
        return adapted._set_propagate_attrs(marks_of(self))

    def holds(self, column: Any) -> bool:
        """Is a column of the mapper found in the selectable?"""
        found = self.adapter.columns[column]
        return found is not column or self.selectable.corresponding_column(column) is not None

    @memoized_property
    def _clause(self) -> Any:
        annotations = {"parententity": self, "parentmapper": self.mapper, "entity_namespace": self}
        annotated = self.selectable._annotate(annotations)
        return annotated._set_propagate_attrs(marks_of(self))

    def __clause_element__(self) -> Any:
        return self._clause

    @property
    def entity_namespace(self) -> AliasedClass:
        """Where `filter_by()` looks names up."""
        return self.entity

    def common_parent(self, other: Any) -> bool:
        """Do both entities belong to one hierarchy?"""
        return bool(self.mapper.common_parent(other.mapper))

    def __repr__(self) -> str:
        return f"<AliasedInsp of {self.class_.__name__} on {self.selectable.description}>"

    def __str__(self) -> str:
        return f"aliased({self.class_.__name__})"


@overload
def aliased(
    element: type[Entity],
    alias: Any | None = None,
    name: str | None = None,
    flat: bool = False,  # noqa: FBT001, FBT002 - the public signature
    adapt_on_names: bool = False,  # noqa: FBT001, FBT002
) -> type[Entity]: ...


@overload
def aliased(
    element: Any,
    alias: Any | None = None,
    name: str | None = None,
    flat: bool = False,  # noqa: FBT001, FBT002
    adapt_on_names: bool = False,  # noqa: FBT001, FBT002
) -> Any: ...


def aliased(
    element: Any,
    alias: Any | None = None,
    name: str | None = None,
    flat: bool = False,  # noqa: FBT001, FBT002 - the public signature
    adapt_on_names: bool = False,  # noqa: FBT001, FBT002
) -> Any:
    """Give a mapped class a second name, or let it read from another selectable.

    Example:
        >>> manager = aliased(Employee, name="manager")
        >>> select(Employee, manager).join(Employee.boss.of_type(manager))

    Args:
        element: A mapped class, a mapper, an alias, or a plain FROM element.
        alias: The selectable to read from; an anonymous alias of the table when omitted.
        name: The name in SQL of the alias that is made.
        flat: Alias the tables inside of a join rather than the join.
        adapt_on_names: Match columns of `alias` by their names where they are not derived.

    Raises:
        ArgumentError: `element` is a SELECT, or `adapt_on_names` is given for a plain FROM element.
    """
    if isinstance(element, FromClause):
        if adapt_on_names:
            raise errors.EntityError.adapt_on_names()
        if name:
            return element.alias(name=name)
        return coercions.expect(roles.AnonymizedFromClauseRole, element, flat=flat)
    if isinstance(element, SelectBase):
        raise errors.EntityError.statement_as_alias()
    source: Any = alias
    if source is not None and not isinstance(source, SelectBase):
        source = coercions.expect(roles.FromClauseRole, source)
    return AliasedClass(element, source, name, flat=flat, adapt_on_names=adapt_on_names)


def with_polymorphic(
    base: type[Entity] | Mapper[Entity],
    classes: Any,
    selectable: Any = False,  # noqa: FBT002 - the public signature
    flat: bool = False,  # noqa: FBT001, FBT002
    polymorphic_on: Any = None,
    aliased: bool = False,  # noqa: FBT001, FBT002
    innerjoin: bool = False,  # noqa: FBT001, FBT002
    adapt_on_names: bool = False,  # noqa: FBT001, FBT002
    name: str | None = None,
) -> AliasedClass[Entity]:
    """Select a class together with columns of its subclasses (LD-180).

    Example:
        >>> staff = with_polymorphic(Employee, [Manager, Engineer])
        >>> select(staff).where(or_(staff.name == "x", staff.Engineer.language == "sql"))

    Args:
        base: The class whose objects are wanted; rows become instances of their own classes.
        classes: Subclasses, or "*" for all.
        selectable: What has all the columns; the join of the tables when omitted.
        flat: Alias the tables inside of the join rather than the join.
        polymorphic_on: What tells the class of a row, where `selectable` has another column for it.
        aliased: Put the join into a subquery.
        innerjoin: Join with JOIN instead of LEFT OUTER JOIN.
        adapt_on_names: Match columns of `selectable` by their names where they are not derived.
        name: The name in SQL of the alias that is made.

    Raises:
        ArgumentError: `flat` goes with a selectable of one's own.
    """
    mapper = inspect(base).mapper
    mapper.ensure_configured()
    if selectable is not False and selectable is not None:
        if flat:
            raise errors.EntityError.flat_and_selectable()
        selectable = coercions.expect(roles.FromClauseRole, selectable, allow_select=True)
    chosen, selectable = mapper.polymorphic_choice(
        classes, selectable=selectable, innerjoin=innerjoin
    )
    if aliased or flat or name:
        selectable = anonymous_alias(selectable, name=name, flat=flat)
    return AliasedClass(
        mapper,
        selectable,
        name,
        flat=flat,
        adapt_on_names=adapt_on_names,
        with_polymorphic_mappers=chosen,
        polymorphic_on=polymorphic_on,
    )
