"""Compare mapped attributes in SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Generic, NoReturn, TypeVar

from sqlalchemy import and_, bindparam, exists, inspect, or_
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import ClauseList, OrderByList
from sqlalchemy.sql.operators import ColumnOperators
from sqlalchemy.sql.visitors import replacement_traverse

from holdfast import errors
from holdfast.foundation.describe import state_text, warn
from holdfast.foundation.load_policy import ATTR_EMPTY, NO_VALUE, PASSIVE_NO_RESULT, LoadPolicy
from holdfast.foundation.sqlalchemy_core import (
    ClauseAdapter,
    anonymous_alias,
    coercions,
    marks_of,
    roles,
)
from holdfast.instrument.descriptor import QueryableAttribute
from holdfast.instrument.manager import find_state
from holdfast.mapping.sockets import register_comparator
from holdfast.queries.aliases import (
    AliasedClass,
    alias_of,
    real_attribute,
    relationship_joins,
    replace_columns,
)
from holdfast.queries.bundles import Bundle, Reader

# ------------------------------------------------------------------------------
# Express in SQL that a row is related to a given object: `Book.author == author`, `with_parent()`.
#
# The object's key columns become bound parameters whose values are read when the statement is
# executed, so that an object may get its key after the statement was built.

MISSING = (NO_VALUE, PASSIVE_NO_RESULT, ATTR_EMPTY)


def condition_with_object(relationship: Any, state: Any | None, *, object_is_parent: bool) -> Any:
    """The relationship's condition with one side replaced by the key of an object, or by NULL."""
    mapper = relationship.parent if object_is_parent else relationship.mapper
    clause = relationship.lazy_clause if object_is_parent else relationship.reverse_lazy_clause
    if state is None:
        return clause.is_null()
    return clause.bound(lambda column: value_at_execution(mapper, state, column))


def with_own_association(relationship: Any, criterion: Any, mapper: Any) -> Any:
    """The criterion on an alias of the association table, so that two such do not meet.

    Args:
        relationship: What the criterion is of.
        criterion: It is about rows of `mapper`.
        mapper: Its columns stay, though an association that is a join may have them as well.
    """
    if relationship.secondary is None:
        return criterion
    association = anonymous_alias(relationship.secondary, name=None, flat=False)
    stays = mapper.persist_selectable.c.contains_column
    return ClauseAdapter(association, exclude_fn=stays).traverse(criterion)


def bind_of_column(mapper: Any, state: Any, column: Any, name: str) -> Any:
    """A parameter with the value that the object has in `column` at execution."""
    value = value_at_execution(mapper, state, column)
    return bindparam(name, callable_=value, type_=column.type, unique=True)


def has_key(mapper: Any, state: Any, column: Any) -> Any:
    """The criterion for rows whose `column`, of the primary key, is that of an object."""
    key = mapper.key_of_column[column]
    if key in state.dict and state.dict[key] is None:
        return column.is_(None)
    return column == bind_of_column(mapper, state, column, column.key)


def value_at_execution(mapper: Any, state: Any, column: Any) -> Callable[[], Any]:
    """A function that reads the object's value of `column`, loading it when it must."""
    key = mapper.key_of_column[column]
    # What is known now serves if the object is collected, or detached and expired, by then.
    known = state.dict.get(key, NO_VALUE)
    is_new = state.pk is None

    def value() -> Any:
        is_attached = state.session is not None
        is_loadable = is_attached and state.pk is not None and state() is not None
        policy = LoadPolicy.LOAD if is_loadable else LoadPolicy.NO_INITIALIZE
        current = state.dict.get(key, NO_VALUE)
        if current is NO_VALUE:
            current = state.manager.slots[key].get(state, state.dict, policy)
        # A collected object has lost its values, but deleted none.
        was_deleted = state() is not None and key in state.committed_state
        if current in MISSING:
            current = NO_VALUE if was_deleted else known
        is_key = is_new and not was_deleted and key in mapper.primary_key_keys
        if current is NO_VALUE and is_key:
            # The flush has given it a key since.
            identity = state.identity or ()
            current = dict(zip(mapper.primary_key_keys, identity, strict=False)).get(key, NO_VALUE)
        if current is NO_VALUE:
            if state.pk is not None and not is_attached:
                raise errors.BoundObjectError.detached(column, state_text(state))
            raise errors.BoundObjectError.never_set(column, state_text(state))
        if current is None:
            warn(
                f"Got None for value of column {column}; this is unsupported for a relationship "
                "comparison and will not currently produce an IS comparison (but may in a future "
                "release)"
            )
        return current

    return value


def with_parent(instance: object, prop: Any, from_entity: Any | None = None) -> Any:
    """The criterion for the members of a relationship of one object.

    Example:
        >>> select(Book).where(with_parent(author, Author.books))

    Args:
        instance: The object whose members are meant.
        prop: Its relationship attribute; with `of_type(alias)` the criterion is about the alias.
        from_entity: The entity that the criterion is about, where it is not the related class.

    Raises:
        ArgumentError: `prop` is no relationship attribute.
    """
    if isinstance(prop, str):
        raise errors.EntityError.attribute_name("with_parent()")
    prop = real_attribute(prop)
    relationship = getattr(prop, "property", None)
    if relationship is None or not getattr(relationship, "is_relationship", False):
        raise errors.EntityError.relationship_expected("with_parent()", prop)
    relationship.parent.ensure_configured()
    about = prop.of_type_entity if from_entity is None else inspect(from_entity)
    state = None if instance is None else instance_state_of(instance)
    criterion = condition_with_object(relationship, state, object_is_parent=True)
    criterion = with_own_association(relationship, criterion, relationship.mapper)
    if about is None or not about.is_aliased_class:
        return criterion
    return replace_columns(criterion, alias_of(about), relationship.mapper)


def instance_state_of(instance: Any) -> Any:
    """The state of a mapped object."""
    state = None if isinstance(instance, type) else find_state(instance)
    if state is None:
        raise errors.EntityError.instance_expected()
    return state


# ------------------------------------------------------------------------------
# Give class-level attributes their SQL operators: `Author.name == "x"`, `Author.books.any()`.
#
# Plugged into `mapping.sockets.comparators`, from which properties take them. Applications derive
# from `ColumnProperty.Comparator` and `Relationship.Comparator`, which are the classes here.

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
        raise errors.OperatorNotSupportedError.without_expression(type(self))

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
        self, prop: Any, entity: Any, of_type: Any | None = None, criteria: tuple[Any, ...] = ()
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
            raise errors.EntityError.expected(class_)
        return type(self)(self.prop, self.owner, target, self.extra_criteria)

    def and_(self, *criteria: Any) -> Any:
        """The attribute with more criteria for joins along it and loads of it."""
        added = tuple(coercions.expect(roles.WhereHavingRole, each) for each in criteria)
        return type(self)(
            self.prop, self.owner, self.of_type_entity, (*self.extra_criteria, *added)
        )

    def __clause_element__(self) -> Any:
        joins = relationship_joins(
            self.prop, alias_of(self.owner), self._target_alias(), criteria=self.extra_criteria
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
            raise errors.ComparisonError.collection()
        return self._compared(instance_state_of(other))

    def __ne__(self, other: object) -> Any:
        if other is None or _is_null(other):
            if self.is_many_to_one:
                return ~self._compared(None)
            return self._exists(None)
        if self.prop.uselist:
            raise errors.ComparisonError.collection()
        return self._differs(instance_state_of(other))

    def contains(self, other: Any, **_: Any) -> Any:
        """Is the object a member of the collection?"""
        if not self.prop.uselist:
            raise errors.ComparisonError.wrong_method("contains", "scalar attributes", "==")
        state = instance_state_of(other)
        clause = self._compared(state)
        if self.prop.secondary is not None:
            clause.negation_clause = self._differs(state)
        return clause

    def in_(self, other: Any) -> NoReturn:
        """Refused: compare the foreign key instead."""
        raise errors.InNotSupportedError.on_relationship()

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        """Refuse what relationships have no operator for."""
        raise errors.OperatorNotSupportedError.on_relationship(
            getattr(op, "opstring", op.__name__), self.prop
        )

    reverse_operate = operate

    def _compared(self, state: Any | None) -> Any:
        criterion = condition_with_object(self.prop, state, object_is_parent=False)
        criterion = with_own_association(self.prop, criterion, self.prop.parent)
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
            raise errors.ComparisonError.wrong_method("any()", "scalar attributes", "has().")
        return self._exists(criterion, **kwargs)

    def has(self, criterion: Any = None, **kwargs: Any) -> Any:
        """Is there a related object that satisfies the criterion?

        Args:
            criterion: About the related class.
            kwargs: Attributes of the related class and the values they must have.
        """
        if self.prop.uselist:
            raise errors.ComparisonError.wrong_method("has()", "collections", "any().")
        return self._exists(criterion, **kwargs)

    def _exists(self, criterion: Any | None, **kwargs: Any) -> Any:
        prop, target = self.prop, self.entity
        related = self._target_alias()
        is_aliased = self.owner.is_aliased_class or prop.entity.is_aliased_class
        if related is None and not is_aliased and prop.is_self_referential:
            # Both sides of the relationship are the same table.
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


def _is_null(value: object) -> bool:
    return getattr(value, "__visit_name__", None) == "null"
