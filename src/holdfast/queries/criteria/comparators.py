"""Give class-level attributes their SQL operators: `Author.name == "x"`, `Author.books.any()`.

Plugged into `mapping.sockets.comparators`, from which properties take them. Applications derive
from `ColumnProperty.Comparator` and `Relationship.Comparator`, which are the classes here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Generic, NoReturn, TypeVar

from sqlalchemy import and_, exists, inspect, or_
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import ClauseList, OrderByList
from sqlalchemy.sql.operators import ColumnOperators
from sqlalchemy.sql.visitors import replacement_traverse

from holdfast.errors.queries import (
    ComparisonError,
    EntityError,
    InNotSupportedError,
    OperatorNotSupportedError,
)
from holdfast.foundation.plugin import marks_of
from holdfast.foundation.sqlalchemy_core import coercions, roles
from holdfast.instrument.descriptor import QueryableAttribute
from holdfast.mapping.sockets import register_comparator
from holdfast.queries.adapt import alias_of, relationship_joins, replace_columns
from holdfast.queries.aliases import AliasedClass
from holdfast.queries.bundles import Bundle, Reader
from holdfast.queries.criteria.relating import (
    bind_of_column,
    condition_with_object,
    has_key,
    instance_state_of,
    with_own_association,
)

T = TypeVar("T", bound=Any)


class PropComparator(ColumnOperators, Generic[T]):
    """Operators of one mapped attribute of one entity."""

    of_type_entity: Any | None = None
    extra_criteria: tuple[Any, ...] = ()

    def __init__(self, prop: Any, entity: Any) -> None:
        self.prop = prop
        # The mapper or `AliasedInsp` whose attribute it is.
        self.owner = entity

    @property
    def property(self) -> Any:
        """The mapped property."""
        return self.prop

    def __clause_element__(self) -> Any:
        raise OperatorNotSupportedError.without_expression(type(self))

    def adapt_to_entity(self, entity: Any) -> PropComparator[T]:
        """The same operators for the attribute of another entity, an alias."""
        return type(self)(self.prop, entity)

    def assigned_columns(self, value: Any) -> Iterable[tuple[Any, Any]]:
        """What `values()` of an INSERT or UPDATE sets in order to set the attribute (QY-180)."""
        columns = getattr(self.prop, "columns", None)
        return [(columns[0] if columns else self.prop.key, value)]

    def of_type(self, class_: Any) -> Any:
        """The attribute with a subclass or alias as its target."""
        return self.operate(operators.custom_op("of_type"), class_)

    def and_(self, *criteria: Any) -> Any:
        """The attribute with more criteria about its target."""
        return self.operate(operators.custom_op("and_"), *criteria)

    def any(self, criterion: Any = None, **kwargs: Any) -> Any:
        """Is there a member of the collection that satisfies the criterion?"""
        return self.operate(operators.custom_op("any"), criterion, **kwargs)

    def has(self, criterion: Any = None, **kwargs: Any) -> Any:
        """Is there a related object, and does it satisfy the criterion?"""
        return self.operate(operators.custom_op("has"), criterion, **kwargs)


@register_comparator("column")
class ColumnComparator(PropComparator[Any]):
    """Operators of a column attribute: those of its expression."""

    # PERF: "fresh select by key". Core memoizes much on an expression, so there is one only.
    element: Any = None

    def __clause_element__(self) -> Any:
        element = self.element
        if element is None:
            element = self.element = self.prop.expression_for(self.owner)
        return element

    @property
    def expressions(self) -> list[Any]:
        """The expressions of all columns of the attribute."""
        if self.owner.is_aliased_class:
            return [self.owner.adapt(column, self.prop.key) for column in self.prop.columns]
        return list(self.prop.columns)

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        """Apply the operator to the expression."""
        return op(self.__clause_element__(), *other, **kwargs)

    def reverse_operate(self, op: Any, other: Any, **kwargs: Any) -> Any:
        """Apply the operator with the expression on the right."""
        return op(other, self.__clause_element__(), **kwargs)

    def __getattr__(self, key: str) -> Any:
        if key.startswith("__"):
            raise AttributeError(key)
        return getattr(self.__clause_element__(), key)


class CompositeBundle(Bundle):
    """The columns of a composite as one element of a row: its value object."""

    inherit_cache: bool = True

    def __init__(self, prop: Any, columns: Iterable[Any]) -> None:
        super().__init__(prop.key, *columns)
        self.prop = prop

    def create_row_processor(
        self, query: Any, procs: Sequence[Reader], labels: Sequence[str]
    ) -> Reader:
        """A function that makes the value object of each row."""
        value_from = self.prop.value_from
        return lambda row: value_from([proc(row) for proc in procs])


@register_comparator("composite")
class CompositeComparator(PropComparator[Any]):
    """Operators of a composite: those of all its columns at once."""

    __hash__: ClassVar[Any] = PropComparator.__hash__

    @property
    def _columns(self) -> list[Any]:
        """The attributes that hold the columns, of the class or alias."""
        return [getattr(self.owner.entity, key) for key in self.prop.column_keys]

    def __clause_element__(self) -> Any:
        return CompositeBundle(self.prop, self._columns).__clause_element__()

    def label(self, name: str) -> Any:
        """The value object under another name in the row."""
        return CompositeBundle(self.prop, self._columns).label(name)

    @property
    def clauses(self) -> Any:
        """The columns as a list of expressions."""
        return ClauseList(*self._columns, group=False)

    def assigned_columns(self, value: Any) -> Iterable[tuple[Any, Any]]:
        """The columns and the parts of a value object (QY-180)."""
        return zip(self.prop.columns, self.prop.values_of(value), strict=True)

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        """Compare column by column with another value object, or order by all columns."""
        if not other:
            return OrderByList([op(column) for column in self._columns])
        value = other[0]
        if value is None or _is_null(value):
            parts: Any = [None] * len(self.prop.column_keys)
        elif isinstance(value, QueryableAttribute | CompositeComparator):
            parts = list(value.clauses.clauses)
        else:
            parts = self.prop.values_of(value)
        return and_(*(op(a, b) for a, b in zip(self._columns, parts, strict=True)))


@register_comparator("relationship")
class RelationshipComparator(PropComparator[Any]):
    """Operators of a relationship attribute."""

    __hash__: ClassVar[Any] = PropComparator.__hash__

    def __init__(
        self,
        prop: Any,
        entity: Any,
        of_type: Any | None = None,
        criteria: tuple[Any, ...] = (),
    ) -> None:
        super().__init__(prop, entity)
        prop.parent.ensure_configured()
        # The target given with of_type(): a mapper or `AliasedInsp`.
        self.of_type_entity = of_type
        # Criteria given with and_().
        self.extra_criteria = criteria

    @property
    def entity(self) -> Any:
        """The entity that the attribute leads to."""
        return self.of_type_entity or self.prop.entity

    @property
    def mapper(self) -> Any:
        """The mapper of the related class."""
        return self.prop.mapper

    @property
    def is_many_to_one(self) -> bool:
        """Is the reference kept in columns of the owner?"""
        return bool(self.prop.direction.name == "MANYTOONE")

    def adapt_to_entity(self, entity: Any) -> RelationshipComparator:
        """The same operators for the attribute of an alias."""
        return type(self)(self.prop, entity, self.of_type_entity, self.extra_criteria)

    def of_type(self, class_: Any) -> RelationshipComparator:
        """The attribute with a subclass or alias of the related class as its target."""
        target = inspect(class_, raiseerr=False)
        if target is None or not hasattr(target, "mapper"):
            raise EntityError.expected(class_)
        return type(self)(self.prop, self.owner, target, self.extra_criteria)

    def and_(self, *criteria: Any) -> Any:
        """The attribute with more criteria for joins along it and loads of it."""
        added = tuple(coercions.expect(roles.WhereHavingRole, each) for each in criteria)
        return type(self)(
            self.prop, self.owner, self.of_type_entity, (*self.extra_criteria, *added)
        )

    def __clause_element__(self) -> Any:
        joins = relationship_joins(
            self.prop,
            alias_of(self.owner),
            self._target_alias(),
            criteria=self.extra_criteria,
        )
        parts = [each for each in (joins.primary, joins.secondary) if each is not None]
        condition = and_(*parts) if len(parts) > 1 else parts[0]
        annotations = {
            "parententity": self.owner,
            "parentmapper": self.owner.mapper,
            "entity_namespace": self.owner,
            "proxy_key": self.prop.key,
        }
        return condition._annotate(annotations)._set_propagate_attrs(marks_of(self.owner))

    def _target_alias(self) -> Any | None:
        return None if self.entity is self.prop.entity else alias_of(self.entity)

    # -- comparison with an object ---------------------------------------------------------------

    def __eq__(self, other: object) -> Any:
        if other is None or _is_null(other):
            if self.is_many_to_one:
                return self._compared(None)
            return ~self._exists(None)
        if self.prop.uselist:
            raise ComparisonError.collection()
        return self._compared(instance_state_of(other))

    def __ne__(self, other: object) -> Any:
        if other is None or _is_null(other):
            if self.is_many_to_one:
                return ~self._compared(None)
            return self._exists(None)
        if self.prop.uselist:
            raise ComparisonError.collection()
        return self._differs(instance_state_of(other))

    def contains(self, other: Any, **_: Any) -> Any:
        """Is the object a member of the collection?"""
        if not self.prop.uselist:
            raise ComparisonError.wrong_method("contains", "scalar attributes", "==")
        state = instance_state_of(other)
        clause = self._compared(state)
        if self.prop.secondary is not None:
            clause.negation_clause = self._differs(state)
        return clause

    def in_(self, other: Any) -> NoReturn:
        """Refused: compare the foreign key instead."""
        raise InNotSupportedError.on_relationship()

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        """Refuse what relationships have no operator for."""
        raise OperatorNotSupportedError.on_relationship(
            getattr(op, "opstring", op.__name__), self.prop
        )

    def reverse_operate(self, op: Any, other: Any, **kwargs: Any) -> Any:
        """Refuse as well."""
        raise OperatorNotSupportedError.on_relationship(
            getattr(op, "opstring", op.__name__), self.prop
        )

    def _compared(self, state: Any | None) -> Any:
        criterion = condition_with_object(self.prop, state, object_is_parent=False)
        criterion = with_own_association(self.prop, criterion)
        if self.owner.is_aliased_class:
            return replace_columns(criterion, alias_of(self.owner), self.prop.parent)
        # Marked as the owner's, for statements that mean an alias by it.
        marks = {"parententity": self.owner, "parentmapper": self.owner}
        is_own = self.owner.persist_selectable.c.contains_column

        def marked(element: Any, **_: Any) -> Any | None:
            return element._annotate(marks) if is_own(element) else None

        return replacement_traverse(criterion, {}, marked)

    def _differs(self, state: Any) -> Any:
        target = self.prop.mapper
        if self.prop.simple_many_to_one:
            parent = alias_of(self.owner)
            parts = []
            for local, remote in self.prop.local_remote_pairs:
                column = replace_columns(local, parent, self.prop.parent)
                value = bind_of_column(target, state, remote, local.key)
                parts.append(or_(column != value, column.is_(None)))
            return and_(*parts)
        return ~self._exists(and_(*(has_key(target, state, each) for each in target.primary_key)))

    # -- existence of a related object -----------------------------------------------------------

    def any(self, criterion: Any = None, **kwargs: Any) -> Any:
        """Is there a member of the collection that satisfies the criterion?

        Args:
            criterion: About the related class.
            kwargs: Attributes of the related class and the values they must have.
        """
        if not self.prop.uselist:
            raise ComparisonError.wrong_method("any()", "scalar attributes", "has().")
        return self._exists(criterion, **kwargs)

    def has(self, criterion: Any = None, **kwargs: Any) -> Any:
        """Is there a related object that satisfies the criterion?

        Args:
            criterion: About the related class.
            kwargs: Attributes of the related class and the values they must have.
        """
        if self.prop.uselist:
            raise ComparisonError.wrong_method("has()", "collections", "any().")
        return self._exists(criterion, **kwargs)

    def _exists(self, criterion: Any | None, **kwargs: Any) -> Any:
        prop, target = self.prop, self.entity
        related = self._target_alias()
        if related is None and self._needs_alias:
            target = inspect(AliasedClass(target.entity, stands_for=target))
            related = target.selectable
        elif related is None and target.is_mapper:
            # What its mapper names to read from, if anything.
            related = alias_of(target)
        joins = relationship_joins(
            prop,
            alias_of(self.owner),
            related,
            criteria=self.extra_criteria,
            alias_secondary=related is not None,
        )
        parts = [] if criterion is None else [coercions.expect(roles.WhereHavingRole, criterion)]
        parts += [getattr(self.entity.entity, key) == value for key, value in kwargs.items()]
        if related is not None and self.entity.is_mapper:
            parts = [replace_columns(part, related, target.mapper) for part in parts]
        conditions = [joins.primary]
        # Marked as the entity's: the compile hook adds what its rows must satisfy.
        froms = [target.__clause_element__()._annotate({"no_replacement_traverse": True})]
        if joins.secondary is not None:
            conditions.append(joins.secondary)
            froms.append(joins.association)
        # Whoever rewrites the outer statement means the owner alone, not what is looked for.
        inner = and_(
            *conditions, *(part._annotate({"no_replacement_traverse": True}) for part in parts)
        )
        return exists(1).where(inner).select_from(*froms).correlate_except(*froms)

    @property
    def _needs_alias(self) -> bool:
        """Are both sides of the relationship the same table?"""
        if self.owner.is_aliased_class or self.prop.entity.is_aliased_class:
            return False
        return bool(self.prop.is_self_referential)


def _is_null(value: object) -> bool:
    return getattr(value, "__visit_name__", None) == "null"
