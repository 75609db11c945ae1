"""Express in SQL that a row is related to a given object: `Book.author == author`, `with_parent()`.

The object's key columns become bound parameters whose values are read when the statement is
executed, so that an object may get its key after the statement was built.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import bindparam, inspect

from holdfast.errors.queries import BoundObjectError, EntityError
from holdfast.foundation.deprecated import warn
from holdfast.foundation.describe import state_text
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.markers import ATTR_EMPTY, NO_VALUE, PASSIVE_NO_RESULT
from holdfast.foundation.sqlalchemy_core import ClauseAdapter
from holdfast.instrument.manager import find_state
from holdfast.queries.adapt import alias_of, real_attribute, replace_columns

MISSING = (NO_VALUE, PASSIVE_NO_RESULT, ATTR_EMPTY)


def condition_with_object(relationship: Any, state: Any | None, *, object_is_parent: bool) -> Any:
    """The relationship's condition with one side replaced by the key of an object.

    Args:
        relationship: A configured relationship.
        state: The state of the object; None for a comparison with nothing.
        object_is_parent: Which side: the object whose attribute it is, or a related one.
    """
    mapper = relationship.parent if object_is_parent else relationship.mapper
    clause = relationship.lazy_clause if object_is_parent else relationship.reverse_lazy_clause
    if state is None:
        return clause.is_null()
    return clause.bound(lambda column: value_at_execution(mapper, state, column))


def with_own_association(relationship: Any, criterion: Any) -> Any:
    """The criterion on an alias of the association table, so that two such do not meet."""
    if relationship.secondary is None:
        return criterion
    return ClauseAdapter(relationship.secondary.alias()).traverse(criterion)


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
                raise BoundObjectError.detached(column, state_text(state))
            raise BoundObjectError.never_set(column, state_text(state))
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
        raise EntityError.attribute_name("with_parent()")
    prop = real_attribute(prop)
    relationship = getattr(prop, "property", None)
    if relationship is None or not getattr(relationship, "is_relationship", False):
        raise EntityError.relationship_expected("with_parent()", prop)
    relationship.parent.ensure_configured()
    about = prop.of_type_entity if from_entity is None else inspect(from_entity)
    state = None if instance is None else instance_state_of(instance)
    criterion = condition_with_object(relationship, state, object_is_parent=True)
    criterion = with_own_association(relationship, criterion)
    if about is None or not about.is_aliased_class:
        return criterion
    return replace_columns(criterion, alias_of(about), relationship.mapper)


def instance_state_of(instance: Any) -> Any:
    """The state of a mapped object.

    Raises:
        ArgumentError: It is none.
    """
    state = None if isinstance(instance, type) else find_state(instance)
    if state is None:
        raise EntityError.instance_expected()
    return state
