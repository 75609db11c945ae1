"""Rewrite columns of a mapped table onto an alias of it, and conditions of relationships with them.

Used for aliased entities, for joins along relationships and for joined eager loading.
Nothing here changes its argument: every function gives a new expression.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import and_
from sqlalchemy.sql.expression import ColumnElement, FromClause, Lateral

from holdfast.foundation.record import record, replace
from holdfast.foundation.sqlalchemy_core import ClauseAdapter, ColumnAdapter, anonymous_alias
from holdfast.instrument.descriptor import QueryableAttribute

ColumnTest = Callable[[Any], bool]


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


class EntityAdapter(ColumnAdapter):
    """Columns of one mapper -> columns of a selectable that stands in for its table."""

    __slots__ = ("mapper",)

    def __init__(
        self,
        mapper: Any,
        selectable: Any,
        *,
        adapt_on_names: bool = False,
        limited: bool = False,
        anonymize_labels: bool = False,
    ) -> None:
        self.mapper: Any = mapper
        super().__init__(
            selectable,
            equivalents=mapper.all_equivalents,
            adapt_on_names=adapt_on_names,
            include_fn=self.is_of_mapper if limited else None,
            anonymize_labels=anonymize_labels,
        )

    def is_of_mapper(self, element: Any) -> bool:
        """Does the element belong to this adapter's hierarchy, or to none at all?"""
        mapper = element._annotations.get("parentmapper")
        return mapper is None or mapper.isa(self.mapper) or self.mapper.isa(mapper)


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


def alias_of(entity: Any) -> Any | None:
    """The selectable of an aliased entity; None for a mapper, whose columns are right already."""
    return None if entity.adapter is None else entity.selectable


def replace_columns(
    element: Any, selectable: Any | None, mapper: Any, *, include: ColumnTest | None = None
) -> Any:
    """`element` with the columns of `mapper` (those that `include` accepts) on `selectable`."""
    if selectable is None or element is None:
        return element
    adapter = ClauseAdapter(
        selectable,
        equivalents=mapper.all_equivalents,
        include_fn=include,
    )
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
    """A SELECT over classes with other expressions, and other sides of its joins.

    Args:
        statement: Stays as it is.
        element: Gives the expression, or the entity of the select list, in place of another.
        side: Gives a target, an ON clause or a left side of a join in place of another.
    """

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


def adapt_criteria(criteria: Sequence[Any], selectable: Any | None, mapper: Any) -> list[Any]:
    """Criteria of `Attribute.and_()` as they read on the alias of the related entity."""
    return [replace_columns(criterion, selectable, mapper) for criterion in criteria]


def relationship_joins(
    relationship: Any,
    parent: Any | None = None,
    related: Any | None = None,
    *,
    criteria: Sequence[Any] = (),
    alias_secondary: bool = True,
) -> RelationshipJoins:
    """The conditions of `relationship` from the selectable `parent` to the selectable `related`.

    Args:
        relationship: A configured relationship.
        parent: The alias that stands for the parent's table; None for the table itself.
        related: The alias that stands for the related table; None for the table itself.
        criteria: More criteria about the related entity.
        alias_secondary: Give the association table an anonymous alias of its own.
    """
    owner, target = relationship.parent, relationship.mapper
    secondary = relationship.secondary
    extra = adapt_criteria(criteria, related, target)
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
