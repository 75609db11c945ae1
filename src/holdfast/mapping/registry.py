"""Define `Registry`: the mappers, class names and types of one model.

`mapping.declarative.registry` adds the declarative methods to it; that class is the public
`registry`. A mapper belongs to one registry, which configures it together with the others.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from itertools import count
from typing import Any

from sqlalchemy import MetaData

from holdfast.foundation.deprecated import origin_of_warnings
from holdfast.instrument.construction import default_constructor
from holdfast.mapping import class_names, configure, imperative

_serial = count(1)


class Registry:
    """Holds the mappers of one model, its `MetaData`, and the names by which strings find classes.

    Args:
        metadata: Where declarative tables go and strings look for tables; a new one by default.
        class_registry: Class name -> class; a dictionary that vanished classes leave by default.
        type_annotation_map: Python type -> SQL type, for annotated columns.
        constructor: The `__init__` of mapped classes that have none.
    """

    # Filled by `hooks`.
    dispatch: Any = None

    def __init__(
        self,
        *,
        metadata: MetaData | None = None,
        class_registry: MutableMapping[str, Any] | None = None,
        type_annotation_map: Mapping[Any, Any] | None = None,
        constructor: Callable[..., None] = default_constructor,
    ) -> None:
        # Registries are configured in the order in which they were made.
        self.serial: int = next(_serial)
        self.metadata: MetaData = metadata or MetaData()
        self.class_registry: MutableMapping[str, Any] = (
            weakref.WeakValueDictionary() if class_registry is None else class_registry
        )
        self.type_annotation_map: dict[Any, Any] = {}
        self.constructor = constructor
        # Class managers of the mapped classes, in the order of mapping.
        self.managers: dict[Any, None] = {}
        # Registries whose classes this one's relationships and base classes lead to, and the
        # reverse of it.
        self.dependencies: set[Registry] = set()
        self.dependents: weakref.WeakSet[Registry] = weakref.WeakSet()
        # Whether mappers wait for the second pass.
        self.needs_configure = False
        # Markers for names of several classes, which `class_registry` may hold weakly.
        self.kept_names: dict[str, Any] = {}
        configure.registries.add(self)
        if type_annotation_map:
            self.update_type_annotation_map(type_annotation_map)

    def update_type_annotation_map(self, type_annotation_map: Mapping[Any, Any]) -> None:
        """Add Python types and the SQL types that stand for them."""
        self.type_annotation_map.update(type_annotation_map)

    # -- classes ---------------------------------------------------------------------------------

    def add_class(self, name: str, cls: type[Any]) -> None:
        """Let strings find the class by its name."""
        class_names.add_class(self.class_registry, name, cls, self.kept_names)

    def remove_class(self, name: str, cls: type[Any]) -> None:
        """Let strings find the class no more."""
        class_names.remove_class(self.class_registry, name, cls)

    def map_imperatively(self, class_: type[Any], local_table: Any = None, **kw: Any) -> Any:
        """Map a plain class to a table.

        Args:
            class_: The class.
            local_table: A table, join, alias or subquery; None for a class that inherits the
                mapping of its base's table.
            **kw: `properties` and the mapper options.

        Raises:
            ArgumentError: The class is mapped already.
        """
        return imperative.map_imperatively(self, class_, local_table, **kw)

    # -- mappers ---------------------------------------------------------------------------------

    @property
    def mappers(self) -> frozenset[Any]:
        """The mappers of this registry."""
        return frozenset(manager.mapper for manager in self.managers)

    def iter_mappers(self) -> list[Any]:
        """The same in the order of mapping."""
        return [manager.mapper for manager in list(self.managers)]

    def add_mapper(self, mapper: Any) -> None:
        """Take in a new mapper, which waits for the second pass."""
        self.managers[mapper.class_manager] = None
        self.flag_new_mapper(mapper)

    def flag_new_mapper(self, mapper: Any) -> None:
        """Let every class of this registry, and of those that lead here, configure on first use."""
        mapper.wait_for_configuration()
        if self.needs_configure:
            return
        waiting: list[Registry] = [self]
        for registry in waiting:
            registry.needs_configure = True
            for each in registry.iter_mappers():
                each.wait_for_configuration()
            waiting += [other for other in registry.dependents if not other.needs_configure]

    def depend_on(self, other: Registry) -> None:
        """Note that this registry's classes lead to those of another."""
        if other is not self:
            self.dependencies.add(other)
            other.dependents.add(self)

    @origin_of_warnings(
        "This warning originated from the `configure_mappers()` process, which was invoked "
        "automatically in response to a user-initiated operation."
    )
    def ensure_configured(self) -> None:
        """Run the second pass for waiting mappers of this registry and those it depends on."""
        if self.needs_configure:
            configure.configure({self}, cascade=True)

    def configure(self, cascade: bool = False) -> None:  # noqa: FBT001, FBT002 - documented form
        """Configure the mappers of this registry.

        Args:
            cascade: Also configure the registries that it depends on.
        """
        configure.configure({self}, cascade=cascade)

    def dispose(self, cascade: bool = False) -> None:  # noqa: FBT001, FBT002 - documented form
        """Unmap all classes of this registry.

        Args:
            cascade: Also dispose of the registries that depend on it.
        """
        configure.dispose({self}, cascade=cascade)

    def forget_mappers(self, mappers: Iterable[Any]) -> None:
        """Leave out mappers that are disposed of."""
        for mapper in mappers:
            self.managers.pop(mapper.class_manager, None)


def clear_mappers() -> None:
    """Unmap all classes of all registries."""
    configure.dispose(set(configure.registries), cascade=False)
