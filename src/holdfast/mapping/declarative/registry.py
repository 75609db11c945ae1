"""Define `registry`: the classes of one model, and the ways to map a class from its body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, Unpack, overload

from sqlalchemy.schema import TypedColumns
from typing_extensions import dataclass_transform

from holdfast import errors
from holdfast.mapping.declarative.annotations import optional_free_map
from holdfast.mapping.declarative.constructs import (
    column_property,
    composite,
    deferred,
    mapped_column,
    relationship,
    synonym,
)
from holdfast.mapping.declarative.dataclass_fields import DataclassSettings, check_settings
from holdfast.mapping.declarative.declare import add_attribute, declare_class, delete_attribute
from holdfast.mapping.declarative.scan import SETTINGS_NAME, is_mapped_class, set_attribute
from holdfast.mapping.registry import Registry

# ------------------------------------------------------------------------------
# Map classes as they are made, and attributes as they are assigned to mapped classes.
#
# `Intercepting` is the metaclass of `DeclarativeBase`, `DeclarativeMeta` that of the bases from
# `declarative_base()`. Both also answer for `del Class.attribute`.

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
                raise errors.DeclarationError.no_registry()
            set_attribute(cls, REGISTRY_NAME, found)
        map_new_class(cls)
        type.__init__(cls, classname, bases, dict_)


# ------------------------------------------------------------------------------
# Define `registry`: the classes of one model, and the ways to map a class from its body.
#
# What a registry knows is kept by `mapping.registry.Registry`; this adds the declarative styles,
# which would otherwise have to be imported from above.

C = TypeVar("C", bound=type)


class registry(Registry):  # noqa: N801 - the public name
    """The mapped classes of one model, with their `MetaData`, names and type map.

    ```python
    mapper_registry = registry()


    @mapper_registry.mapped
    class Author:
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)
    ```
    """

    def update_type_annotation_map(self, type_annotation_map: Mapping[Any, Any]) -> None:
        """Add Python types and the SQL types that stand for them (MP-9)."""
        super().update_type_annotation_map(optional_free_map(type_annotation_map))

    def mapped(self, cls: C) -> C:
        """Decorator: map a class from its body; it needs no special base."""
        self.map_declaratively(cls)
        return cls

    def map_declaratively(self, cls: type[Any]) -> Any:
        """Map a class from its body.

        Returns:
            The `Mapper`.
        """
        return declare_class(self, cls)

    @overload
    @dataclass_transform(
        field_specifiers=(
            mapped_column,
            relationship,
            column_property,
            composite,
            deferred,
            synonym,
        )
    )
    def mapped_as_dataclass(self, cls: C, /) -> C: ...

    @overload
    def mapped_as_dataclass(
        self, cls: None = None, /, **settings: Unpack[DataclassSettings]
    ) -> Callable[[C], C]: ...

    def mapped_as_dataclass(
        self, cls: C | None = None, /, **settings: Unpack[DataclassSettings]
    ) -> Any:
        """Decorator: make a class a dataclass and map it."""
        check_settings(settings)

        def decorate(decorated: C) -> C:
            set_attribute(decorated, SETTINGS_NAME, settings)
            self.map_declaratively(decorated)
            return decorated

        return decorate(cls) if cls is not None else decorate

    def generate_base(
        self,
        mapper: Callable[..., Any] | None = None,
        cls: type[Any] | tuple[type[Any], ...] = object,
        name: str = "Base",
        metaclass: type[Any] = DeclarativeMeta,
    ) -> Any:
        """A base class whose subclasses are mapped in this registry (MP-3).

        Args:
            mapper: Kept as `__mapper_cls__`.
            cls: The class, or classes, that the base derives from.
            name: Its name.
            metaclass: Its metaclass.
        """
        bases = cls if isinstance(cls, tuple) else (cls,)
        members: dict[str, Any] = {"registry": self, "metadata": self.metadata, REGISTRY_NAME: self}
        if isinstance(cls, type):
            members["__doc__"] = cls.__doc__
        if self.constructor is not None:
            members["__init__"] = self.constructor
        if mapper is not None:
            members["__mapper_cls__"] = mapper
        members["__abstract__"] = True
        if hasattr(cls, "__class_getitem__"):
            # A base made of a Generic class may be subscripted, to no effect.
            members["__class_getitem__"] = classmethod(lambda made, parameters: made)
        return metaclass(name, bases, members)

    def as_declarative_base(self, **kw: Any) -> Callable[[type[Any]], Any]:
        """Decorator: make a class the base of classes mapped in this registry."""

        def decorate(cls: type[Any]) -> Any:
            return self.generate_base(**{"name": cls.__name__, **kw, "cls": cls})

        return decorate
