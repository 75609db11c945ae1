"""Complete a `relationship()` with its annotation: target, scalar or collection, and its class.

Called by `declare`. What the call says stays; a target that does not exist yet is left as a name,
which the mapping looks up when it is configured.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from typing import Any, get_args, get_origin

from holdfast.errors.declarative import DeclarationArgumentError
from holdfast.foundation.sqlalchemy_core import NO_ARG
from holdfast.instrument.manager import find_manager
from holdfast.mapping.declarative.annotated.evaluate import (
    Evaluator,
    UnresolvedName,
    is_alias,
    is_union,
)
from holdfast.mapping.declarative.annotated.python_types import candidates, without_none
from holdfast.mapping.declarative.annotated.read import AttributeAnnotation
from holdfast.mapping.properties.relationship import Relationship


def complete_relationship(
    prop: Relationship, key: str, annotation: AttributeAnnotation, *, owner: type, registry: Any
) -> None:
    """Give the relationship what the annotation says and the call does not."""
    lazy = getattr(annotation.container, "lazy_name", None)
    if lazy is not None:
        prop.lazy = lazy
    target = _opened(annotation.inner, annotation.evaluator)
    collection = get_origin(target)
    if _is_collection(collection):
        if prop.collection_class is None:
            if inspect.isabstract(collection):
                raise DeclarationArgumentError.collection_is_abstract(collection)
            prop.collection_class = collection
        if prop.uselist is None:
            prop.uselist = True
        arguments = get_args(target)
        target = arguments[-1 if issubclass(collection, Mapping) else 0]
    elif prop.collection_class is None and prop.uselist is None:
        prop.uselist = lazy is not None
    if prop.argument is None:
        prop.argument = _target(target, owner, annotation, registry)


def check_default(prop: Relationship, owner: type, key: str) -> None:
    """Refuse a dataclass default that is not what the attribute reads as anyway (MP-73)."""
    arguments = prop.dataclass_arguments
    if arguments is None:
        return
    if prop.uselist and arguments.default is not NO_ARG:
        raise DeclarationArgumentError.default_of_collection(owner, key)
    if arguments.default_factory is NO_ARG:
        return
    expected = prop.collection_class or list
    allowed = [expected]
    if isinstance(expected, type):
        plain = next((each for each in (list, set, dict) if issubclass(expected, each)), expected)
        if plain is not expected:
            allowed.append(plain)
    if not any(arguments.default_factory is each for each in allowed):
        raise DeclarationArgumentError.wrong_factory(owner, key, " or ".join(map(str, allowed)))


def _is_collection(origin: Any) -> bool:
    return (
        isinstance(origin, type) and issubclass(origin, Collection) and find_manager(origin) is None
    )


def _opened(value: Any, evaluator: Evaluator) -> Any:
    """A type without its wrappings; the name of an alias that stands for no class."""
    bare = evaluator.resolved(without_none(value))
    found = evaluator.resolved(candidates(bare)[-1])
    is_name = is_alias(bare) and (is_union(found) or is_alias(found))
    return UnresolvedName(bare.__name__) if is_name else found


def _target(value: Any, owner: type, annotation: AttributeAnnotation, registry: Any) -> Any:
    """The class, or the name under which it will be found."""
    was_text = annotation.was_text or not isinstance(value, type)
    value = _opened(value, annotation.evaluator)
    if isinstance(value, UnresolvedName):
        return value.name
    if get_origin(value) is not None and not _is_collection(get_origin(value)):
        value = get_origin(value)
    if was_text and isinstance(value, type) and value is not owner:
        # A name in a string means the mapped class of that name in this registry; the module
        # may know it as something else.
        manager = find_manager(value)
        if manager is None or manager.mapper is None or manager.mapper.registry is not registry:
            return value.__name__
    return value
