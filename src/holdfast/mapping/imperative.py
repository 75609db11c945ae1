"""Map a class to a table when the application, or a declarative class body, asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from holdfast.errors.mapping import MappingArgumentError
from holdfast.mapping.configure import mapping_lock
from holdfast.mapping.mapper import Mapper


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

    Whatever makes mappers for the class, its `__mapper_cls__`, gets all that and passes it on.

    Raises:
        MappingArgumentError: The class is mapped already, or is no class.
    """
    if not isinstance(cls, type):
        raise MappingArgumentError.class_expected(cls)
    make: Callable[..., Mapper] = getattr(cls, "__mapper_cls__", Mapper)
    return make(cls, table, properties=properties, registry=registry, **mapper_args)


def map_imperatively(registry: Any, cls: type[Any], table: Any, **kw: Any) -> Mapper:
    """The same for a plain class, which strings then find by its name."""
    with mapping_lock:
        mapper = map_class(registry, cls, table, **kw)
        cls.__table__ = mapper.local_table
        registry.add_class(cls.__name__, cls)
        return mapper
