"""Evaluate what was given to `relationship()` as a string or callable, and check its kind.

Called by `relationship.Relationship.resolve` when mappers are configured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import inspect

from holdfast.errors.mapping import MappingError, UnmappedClassError
from holdfast.errors.relationships import RelationshipError
from holdfast.foundation.sqlalchemy_core import coercions, deep_deannotate, roles
from holdfast.mapping.class_names import evaluate, find_class, find_table

ENTITY_MARKS = ("entity_namespace", "parententity", "parentmapper", "proxy_key")


def _called(value: Any) -> Any:
    """The result of a callable; classes and SQL constructs count as values."""
    if (
        callable(value)
        and not isinstance(value, type)
        and not hasattr(value, "__clause_element__")
        and not hasattr(value, "__visit_name__")
        and inspect(value, raiseerr=False) is None
    ):
        return value()
    return value


def _meant(prop: Any, value: Any, find: Callable[[str, Any], Any]) -> Any:
    """What a string stands for, or a callable that may give one."""
    value = _called(value)
    return find(value, prop.parent) if isinstance(value, str) else value


def find_target(prop: Any, argument: Any) -> Any:
    """The entity that a relationship leads to: a mapper, or the inspection of an alias.

    Raises:
        MappingError: The argument is no name of a class.
        RelationshipError: The argument stands for something else.
    """
    if isinstance(argument, str) and "[" in argument:
        raise MappingError.generic_target(prop.parent, argument, prop.key)
    argument = _meant(prop, argument, find_class)
    entity = inspect(argument, raiseerr=False) if argument is not None else None
    if entity is None and isinstance(argument, type):
        raise UnmappedClassError(argument)
    if entity is None or not (
        getattr(entity, "is_mapper", False) or getattr(entity, "is_aliased_class", False)
    ):
        raise RelationshipError.bad_target(prop.key, type(argument))
    return entity


def find_secondary(prop: Any, secondary: Any) -> Any:
    """The association table, or whatever FROM element stands for it.

    Raises:
        RelationshipError: A mapped class was given.
    """
    secondary = _meant(prop, secondary, find_table)
    if secondary is None:
        return None
    if getattr(inspect(secondary, raiseerr=False), "is_mapper", False):
        raise RelationshipError.mapped_secondary(secondary, prop)
    return coercions.expect(roles.FromClauseRole, secondary)


def find_condition(prop: Any, name: str, value: Any) -> Any:
    """A join condition as an expression, or None."""
    value = _meant(prop, value, evaluate)
    if value is None:
        return None
    return coercions.expect(roles.ColumnArgumentRole, value, argname=name)


def find_columns(
    prop: Any, name: str, value: Any, *, role: Any = roles.ColumnArgumentRole
) -> tuple[Any, ...]:
    """The columns of an argument that takes one or several; () for None and False."""
    value = _meant(prop, value, evaluate)
    if value is None or value is False:
        return ()
    return tuple(
        coercions.expect(role, _column(name, each), argname=name) for each in _listed(value)
    )


def _column(name: str, value: Any) -> Any:
    value = _called(value)
    if isinstance(value, str | type):
        raise RelationshipError.column_expected(name, value)
    return value


def _listed(value: Any) -> Iterable[Any]:
    if isinstance(value, list | tuple | set | frozenset):
        return value
    # Other iterables are collections of columns too, but a column is none.
    if not hasattr(value, "__clause_element__") and not hasattr(value, "__visit_name__"):
        try:
            return list(value)
        except TypeError:
            return (value,)
    return (value,)


def plain_columns(columns: Iterable[Any]) -> set[Any]:
    """The columns themselves, where those of mapped classes were given."""
    return {deep_deannotate(column, values=ENTITY_MARKS) for column in columns}


def reverse_key(prop: Any, value: Any) -> str | None:
    """The attribute name that `back_populates` gives, as a name, attribute or callable."""
    value = _called(value) if callable(value) else value
    if value is None or isinstance(value, str):
        return value
    key: Any = getattr(value, "key", None)
    if not isinstance(key, str):
        raise RelationshipError.bad_reverse(prop, value)
    return key
