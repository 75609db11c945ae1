"""Find the SQL type for a Python type: which forms of it to try, and in which type map.

A Python type may be wrapped: optional, in `Annotated[]`, behind a `type x = ...` alias or a
`NewType`. `columns` asks `sql_type_for`; the messages list the forms that were tried.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin

import typing_extensions

from holdfast.errors.declarative import MappedAnnotationError
from holdfast.foundation.record import record
from holdfast.foundation.sqlalchemy_core import (
    TypeEngine,
    python_type_map,
    type_for_python_type,
)
from holdfast.mapping.declarative.annotated.evaluate import UnresolvedName, is_alias, is_union

_LITERALS = (Literal, typing_extensions.Literal)


def without_none(value: Any) -> Any:
    """`X` for `Optional[X]`; anything else as it is."""
    if not is_union(value):
        return value
    kept = tuple(each for each in get_args(value) if each is not types.NoneType)
    if len(kept) == len(get_args(value)):
        return value
    return Union[kept] if kept else None  # noqa: UP007 - the arguments are a tuple


def includes_none(value: Any) -> bool:
    """Whether a value of this type may be None, seen through aliases and `NewType`."""
    if value is None or value is types.NoneType:
        return True
    if is_union(value):
        return any(includes_none(each) for each in get_args(value))
    if get_origin(value) is Annotated:
        return includes_none(value.__origin__)
    if isinstance(value, NewType):
        return includes_none(value.__supertype__)
    aliased = alias_value(value)
    return aliased is not value and includes_none(aliased)


def alias_value(value: Any) -> Any:
    """What a `type x = ...` alias stands for, its parameters filled in; anything else as it is."""
    if is_alias(value):
        return value.__value__
    origin = get_origin(value)
    if is_alias(origin):
        return origin.__value__[get_args(value)]
    return value


def annotated_of(value: Any) -> Any:
    """The `Annotated[...]` in a type, optional or one alias away, or None."""
    bare = alias_value(without_none(value))
    return bare if get_origin(bare) is Annotated else None


def candidates(value: Any) -> list[Any]:
    """The forms of a type to look for, the one that was written first."""
    found = [without_none(value)]
    aliased = alias_value(found[-1])
    if aliased is not found[-1]:
        found.append(without_none(aliased))
    if get_origin(found[-1]) is Annotated:
        found.append(without_none(found[-1].__origin__))
    return found


@record
class TypeResolve:
    """What listeners of `resolve_type_annotation` are given: a Python type and its wrappings."""

    registry: Any
    # The class that is being mapped.
    cls: type
    # The type without its wrappings.
    resolved_type: Any
    # `Annotated[...]`, and the type in it; None when there is none.
    raw_pep_593_type: Any
    pep_593_resolved_argument: Any
    # The `type x = ...` alias, and what it stands for; None when there is none.
    raw_pep_695_type: Any
    pep_695_resolved_value: Any

    def resolve(self, python_type: Any) -> TypeEngine[Any] | None:
        """The SQL type that the registry's type map has for another Python type, or None."""
        return _look_up(python_type, self.registry.type_annotation_map)


def sql_type_from_listeners(value: Any, registry: Any, cls: type) -> TypeEngine[Any] | None:
    """The SQL type that a listener of the registry chooses, or None."""
    listeners = getattr(getattr(registry, "dispatch", None), "resolve_type_annotation", ())
    if not listeners:
        return None
    bare = without_none(value)
    aliased = alias_value(bare)
    annotated = annotated_of(value)
    question = TypeResolve(
        registry=registry,
        cls=cls,
        resolved_type=candidates(value)[-1],
        raw_pep_593_type=annotated,
        pep_593_resolved_argument=None if annotated is None else annotated.__origin__,
        raw_pep_695_type=None if aliased is bare else bare,
        pep_695_resolved_value=None if aliased is bare else aliased,
    )
    for listener in listeners:
        found: TypeEngine[Any] | type[TypeEngine[Any]] | None = listener(question)
        if found is not None:
            return found() if isinstance(found, type) else found
    return None


def sql_type_for(value: Any, type_map: Mapping[Any, Any], key: str) -> TypeEngine[Any]:
    """The SQL type for what stands in `Mapped[...]`.

    Raises:
        MappedAnnotationError: It is no Python type, or none that the map knows.
    """
    tried = candidates(value)
    for python_type in tried:
        found = _look_up(python_type, type_map)
        if found is not None:
            return found
    last = tried[-1]
    if isinstance(last, type) and issubclass(last, TypeEngine):
        raise MappedAnnotationError.sql_type_given(key, last)
    if not _is_type(last):
        raise MappedAnnotationError.no_type_given(key, last)
    raise MappedAnnotationError.no_sql_type(key, tried)


def _look_up(python_type: Any, type_map: Mapping[Any, Any]) -> TypeEngine[Any] | None:
    for matched, flattened in _entries_to_try(python_type):
        entry = _entry(matched, type_map)
        if entry is None:
            continue
        made = entry() if isinstance(entry, type) else entry
        found = type_for_python_type(made, python_type, matched, flattened)
        if found is not None:
            return found
    return None


def _entry(matched: Any, type_map: Mapping[Any, Any]) -> Any:
    try:
        return type_map.get(matched) or python_type_map.get(matched)
    except TypeError:
        # Not hashable: no key of a map.
        return None


def _entries_to_try(python_type: Any) -> Iterator[tuple[Any, Any]]:
    """Keys under which an entry may fit, and the class each comes down to."""
    if get_origin(python_type) in _LITERALS:
        yield python_type, python_type
        yield Literal, Literal
    elif isinstance(python_type, type) and get_origin(python_type) is None:
        # A type's own answer decides whether an entry for a base class fits: that for Enum does,
        # that for int does not.
        for base in python_type.__mro__:
            if base is not types.NoneType:
                yield base, base
    else:
        yield python_type, python_type


def _is_type(value: Any) -> bool:
    return (
        value is None
        or isinstance(value, type | UnresolvedName | NewType | typing.TypeVar | typing.ForwardRef)
        or get_origin(value) is not None
        or is_alias(value)
        or type(value).__module__ in ("typing", "typing_extensions")
    )


def optional_free_map(type_map: Mapping[Any, Any]) -> dict[Any, Any]:
    """A type map with, for each optional key, the same entry for the key without None."""
    return {form: entry for key, entry in type_map.items() for form in (key, without_none(key))}
