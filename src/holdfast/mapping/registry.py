"""Keep the mappers of one model, and configure them together."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from itertools import count
from operator import attrgetter
from typing import Any, NoReturn, TypeVar

from sqlalchemy import MetaData, inspect

from holdfast import errors
from holdfast.foundation.describe import origin_of_warnings
from holdfast.foundation.load_policy import EXT_SKIP
from holdfast.instrument.manager import default_constructor, find_manager, find_state
from holdfast.mapping import class_names
from holdfast.mapping.mapper import Mapper

# ------------------------------------------------------------------------------
# Run the second pass over mappers: resolve names and joins, tie both sides, finish.
#
# It runs by itself when a class is first used, for the registries that the class depends on, and on
# demand by `configure_mappers()`. `dispose` is the way back.
#
# Rules kept here:
# 1. One thread maps or configures at a time, so that no pass meets a class that is half mapped;
#    what the pass itself touches does not begin another one.
# 2. Each step is taken for all waiting mappers before the next one begins, so that no step meets a
#    relationship that is behind.
# 3. A mapper that failed stays failed, and stops every later pass over its registry (MP-7).

registries: weakref.WeakSet[Any] = weakref.WeakSet()
"""All registries of the process."""

mapping_lock: threading.RLock = threading.RLock()
"""Held while classes are mapped, configured or unmapped."""

_is_running = False


def configure_mappers() -> None:
    """Configure all mappers of all registries."""
    configure(set(registries), cascade=True)


def configure(wanted: Iterable[Any], *, cascade: bool) -> None:
    """Configure registries' mappers; with `cascade`, also registries that they depend on."""
    global _is_running
    chosen = _with_dependencies(wanted) if cascade else set(wanted)
    if not any(registry.needs_configure for registry in chosen):
        return
    with mapping_lock:
        if _is_running:
            return
        _is_running = True
        try:
            speaker = _configure(set(wanted), cascade=cascade)
        finally:
            _is_running = False
    if speaker is not None and speaker.dispatch is not None:
        speaker.dispatch.after_configured()


def _configure(wanted: set[Any], *, cascade: bool) -> Any:
    """Run all steps; gives one of the mappers, whose dispatch reaches class-level listeners."""
    speaker: Any = None
    # Registries whose mappers waited, in order.
    touched: dict[Any, None] = {}
    # Mappers that listeners leave out of this run.
    skipped: set[Any] = set()
    chosen = wanted
    while True:
        if cascade:
            chosen = _with_dependencies(chosen)
        mappers = [
            mapper
            for registry in sorted(chosen, key=attrgetter("serial"))
            if registry.needs_configure
            for mapper in registry.iter_mappers()
            if not mapper.configured and mapper not in skipped
        ]
        if not mappers:
            break
        if speaker is None:
            speaker = mappers[0]
            if speaker.dispatch is not None:
                speaker.dispatch.before_configured()
        for registry in {mapper.registry: None for mapper in mappers}:
            if registry.dispatch is not None:
                registry.dispatch.before_configured(registry)
        _call_hooks(mappers, "__declare_first__")
        skipped.update(_prepare(mappers))
        wanted_now = [mapper for mapper in mappers if mapper not in skipped]
        touched.update((mapper.registry, None) for mapper in wanted_now)
        _run(wanted_now)
        _call_hooks(wanted_now, "__declare_last__")
        # Resolving may have led to registries that nobody knew to be needed: once more.
    if not cascade:
        _check_dependencies(chosen)
    for registry in chosen:
        _settle(registry, skipped)
    for registry in touched:
        if registry.dispatch is not None:
            registry.dispatch.after_configured(registry)
    return speaker if touched else None


def _with_dependencies(wanted: Iterable[Any]) -> set[Any]:
    found = list(wanted)
    for registry in found:
        found += registry.dependencies.difference(found)
    return set(found)


def _check_dependencies(chosen: set[Any]) -> None:
    for registry in chosen:
        for other in registry.dependencies:
            if other not in chosen and other.needs_configure:
                raise errors.MappingError.registry_behind(registry, other)


def _prepare(mappers: list[Any]) -> Iterator[Any]:
    """Announce that mappers are to be configured; gives those that are not to be (EV-67)."""
    for mapper in mappers:
        if _is_skipped(mapper):
            yield mapper
        elif mapper.configure_failure is not None:
            error = errors.MappingError.earlier_failure(mapper, mapper.configure_failure)
            raise error from mapper.configure_failure


def _is_skipped(mapper: Any) -> bool:
    listeners = () if mapper.dispatch is None else mapper.dispatch.before_mapper_configured
    try:
        return any(listener(mapper, mapper.class_) is EXT_SKIP for listener in listeners)
    except Exception as failure:
        mapper.configure_failure = failure
        raise


def _run(mappers: list[Any]) -> None:
    for step in ("resolve", "link", "finish"):
        for mapper in mappers:
            try:
                for prop in list(mapper.properties.values()):
                    if prop.parent is mapper:
                        getattr(prop, step)()
                if step == "finish":
                    mapper.complete()
                    if mapper.dispatch is not None:
                        mapper.dispatch.mapper_configured(mapper, mapper.class_)
            except Exception as failure:
                mapper.configure_failure = failure
                raise


def _settle(registry: Any, skipped: set[Any]) -> None:
    mappers = registry.iter_mappers()
    registry.needs_configure = not skipped.isdisjoint(mappers)
    for mapper in mappers:
        if mapper not in skipped:
            mapper.end_of_configuration()


def _call_hooks(mappers: list[Any], name: str) -> None:
    for mapper in mappers:
        hook = getattr(mapper.class_, name, None)
        if hook is not None:
            hook()


def dispose(wanted: Iterable[Any], *, cascade: bool) -> None:
    """Unmap the classes of registries; with `cascade`, also of those that depend on them."""
    with mapping_lock:
        chosen = list(wanted)
        for registry in chosen:
            others = [other for other in registry.dependents if other not in chosen]
            if others and not cascade:
                raise errors.MappingError.registry_needed(others[0], registry)
            chosen += others
        for registry in chosen:
            for mapper in reversed(registry.iter_mappers()):
                mapper.dispose()
            registry.managers.clear()
            registry.needs_configure = False
            for other in registry.dependencies:
                other.dependents.discard(registry)
            registry.dependencies.clear()


# ------------------------------------------------------------------------------
# Map a class to a table when the application, or a declarative class body, asks for it.


def map_class(
    registry: Any,
    cls: type[Any],
    table: Any,
    *,
    properties: Mapping[str, Any] | None = None,
    **mapper_args: Any,
) -> Mapper:
    """Map a class to `table`, or to that of its base when it is None.

    Whatever makes mappers for the class, its `__mapper_cls__`, gets all that and passes it on.
    """
    if not isinstance(cls, type):
        raise errors.MappingArgumentError.class_expected(cls)
    make: Callable[..., Mapper] = getattr(cls, "__mapper_cls__", Mapper)
    return make(cls, table, properties=properties, registry=registry, **mapper_args)


def mapper(*arguments: Any, **keywords: Any) -> NoReturn:
    """Nothing but a name, for listeners that are attached to it; use `Mapper` for these.

    Raises:
        InvalidRequestError: Always: `registry.map_imperatively()` maps classes.
    """
    raise errors.MappingError.mapper_function()


# ------------------------------------------------------------------------------
# Find the mapper of a class or of an object.
#
# Called by applications; inside Holdfast a state's `mapper` is at hand wherever one is needed.

Entity = TypeVar("Entity", bound=object)


def class_mapper(class_: type[Entity] | Mapper[Entity], configure: bool = True) -> Mapper[Entity]:  # noqa: FBT001, FBT002  API
    """The mapper of a class.

    Args:
        class_: A mapped class, or a mapper, which is given back.
        configure: Configure all mappers first, if that has not been done.

    Raises:
        ArgumentError: `class_` is no class.
        UnmappedClassError: The class is not mapped.
    """
    mapper: Mapper[Entity] | None
    if isinstance(class_, type):
        manager = find_manager(class_)
        mapper = manager.mapper if manager is not None and manager.is_mapped else None
    else:
        mapper = inspect(class_, raiseerr=False)
        if mapper is None:
            raise errors.MappingArgumentError.class_expected(class_)
    if not isinstance(mapper, Mapper):
        raise errors.UnmappedClassError(class_)
    if configure:
        mapper.ensure_configured()
    return mapper


def object_mapper(instance: Entity) -> Mapper[Entity]:
    """The mapper of an object's class.

    Raises:
        UnmappedInstanceError: The object's class is not mapped.
    """
    state = find_state(instance)
    if state is None:
        raise errors.UnmappedInstanceError(instance)
    mapper: Mapper[Entity] = state.mapper
    return mapper


# ------------------------------------------------------------------------------
# Define `Registry`: the mappers, class names and types of one model.
#
# `mapping.declarative.registry` adds the declarative methods to it; that class is the public
# `registry`. A mapper belongs to one registry, which configures it together with the others.

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
        registries.add(self)
        if type_annotation_map:
            self.update_type_annotation_map(type_annotation_map)

    def update_type_annotation_map(self, type_annotation_map: Mapping[Any, Any]) -> None:
        """Add Python types and the SQL types that stand for them."""
        self.type_annotation_map.update(type_annotation_map)

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
        with mapping_lock:
            mapper = map_class(self, class_, local_table, **kw)
            class_.__table__ = mapper.local_table
            self.add_class(class_.__name__, class_)
            return mapper

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
            configure({self}, cascade=True)

    def configure(self, cascade: bool = False) -> None:  # noqa: FBT001, FBT002 - documented form
        """Configure the mappers of this registry.

        Args:
            cascade: Also configure the registries that it depends on.
        """
        configure({self}, cascade=cascade)

    def dispose(self, cascade: bool = False) -> None:  # noqa: FBT001, FBT002 - documented form
        """Unmap all classes of this registry.

        Args:
            cascade: Also dispose of the registries that depend on it.
        """
        dispose({self}, cascade=cascade)


def clear_mappers() -> None:
    """Unmap all classes of all registries."""
    dispose(set(registries), cascade=False)
