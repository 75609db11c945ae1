"""Map a class to a table when the application, or a declarative class body, asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.errors.mapping import MappingArgumentError
from holdfast.mapping.mapper import Mapper
from holdfast.mapping.options import MapperOptions


def map_class(
    registry: Any,
    cls: type[Any],
    table: Any,
    *,
    properties: Mapping[str, Any] | None = None,
    **mapper_args: Any,
) -> Mapper:
    """Map a class.

    Args:
        registry: The registry that takes the mapper.
        cls: The class.
        table: What it is mapped to; None for single-table inheritance.
        properties: Attribute name -> property, column or list of columns.
        **mapper_args: The fields of `MapperOptions`.

    Raises:
        MappingArgumentError: The class is mapped already, or is no class.
    """
    if not isinstance(cls, type):
        raise MappingArgumentError.class_expected(cls)
    return Mapper(registry, cls, table, properties or {}, MapperOptions(**mapper_args))


def map_declared(
    registry: Any, cls: type[Any], table: Any, *, properties: Mapping[str, Any], **mapper_args: Any
) -> Mapper:
    """Map a class whose body declares its attributes.

    A class that shares its base's table leaves columns alone that its siblings added there.
    """
    parent = mapper_args.get("inherits")
    if parent is not None and not mapper_args.get("concrete"):
        parent = parent if getattr(parent, "is_mapper", False) else parent.__mapper__
        if table is None or table is parent.local_table:
            excluded = set(mapper_args.get("exclude_properties") or ())
            excluded |= {c for c in parent.local_table.c if c not in parent.key_of_column}
            mapper_args["exclude_properties"] = excluded
    return map_class(registry, cls, table, properties=properties, **mapper_args)


def map_imperatively(registry: Any, cls: type[Any], table: Any, **kw: Any) -> Mapper:
    """The same for a plain class, which strings then find by its name."""
    mapper = map_class(registry, cls, table, **kw)
    cls.__table__ = mapper.local_table
    mapper.is_imperative = True
    registry.add_class(cls.__name__, cls)
    return mapper
