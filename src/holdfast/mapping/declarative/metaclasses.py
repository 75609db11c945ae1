"""Map classes as they are made, and attributes as they are assigned to mapped classes.

`Intercepting` is the metaclass of `DeclarativeBase`, `DeclarativeMeta` that of the bases from
`declarative_base()`. Both also answer for `del Class.attribute`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.schema import TypedColumns

from holdfast.errors.declarative import DeclarationError
from holdfast.mapping.declarative.declare import (
    add_attribute,
    declare_class,
    delete_attribute,
)
from holdfast.mapping.declarative.scan import is_mapped_class, set_attribute
from holdfast.mapping.registry import Registry

REGISTRY_NAME = "_sa_registry"
"""Class attribute that holds the registry which maps a class; `registry` itself may be shadowed.

COMPAT: libraries that make bases of their own read this name, or set it before `DeclarativeMeta`
sees the class.
"""

WAITS_NAME = "__sa_waits_for_subclasses__"
"""Class attribute that is true for a base that is mapped when its subclasses are known."""


def is_to_be_mapped(cls: type) -> bool:
    """Whether a new class is a mapped one: neither abstract nor a description of columns."""
    is_abstract = cls.__dict__.get("__abstract__", False) or cls.__dict__.get(WAITS_NAME, False)
    return not is_abstract and not issubclass(cls, TypedColumns)


def map_new_class(cls: type) -> None:
    """Map a class that was made on a declarative base."""
    if is_to_be_mapped(cls) and not is_mapped_class(cls):
        declare_class(getattr(cls, REGISTRY_NAME), cls)


class Intercepting(type):
    """Metaclass: attributes assigned to a mapped class are mapped."""

    def __setattr__(cls, key: str, value: Any) -> None:
        if "__mapper__" in cls.__dict__:
            add_attribute(cls, key, value)
        else:
            set_attribute(cls, key, value)

    def __delattr__(cls, key: str) -> None:
        if "__mapper__" in cls.__dict__:
            delete_attribute(cls, key)
        else:
            type.__delattr__(cls, key)


class DeclarativeMeta(Intercepting):
    """Metaclass: classes are mapped when they are made.

    A base that uses it directly has a `registry` attribute and `__abstract__ = True`.
    """

    metadata: Any
    registry: Any

    def __init__(cls, classname: Any, bases: Any, dict_: Any, **kw: Any) -> None:
        if getattr(cls, REGISTRY_NAME, None) is None:
            found = cls.__dict__.get("registry")
            if not isinstance(found, Registry):
                raise DeclarationError.no_registry()
            set_attribute(cls, REGISTRY_NAME, found)
        map_new_class(cls)
        type.__init__(cls, classname, bases, dict_)
