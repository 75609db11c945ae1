"""Run the second pass over mappers: resolve names and joins, tie both sides, finish.

It runs by itself when a class is first used, for the registries that the class depends on, and on
demand by `configure_mappers()`. `dispose` is the way back.

Rules kept here:
1. One thread maps or configures at a time, so that no pass meets a class that is half mapped; what
   the pass itself touches does not begin another one.
2. Each step is taken for all waiting mappers before the next one begins, so that no step meets a
   relationship that is behind.
3. A mapper that failed stays failed, and stops every later pass over its registry (MP-7).
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Iterator
from typing import Any

from holdfast.errors.mapping import MappingError
from holdfast.foundation.markers import EXT_SKIP

registries: weakref.WeakSet[Any] = weakref.WeakSet()
"""All registries of the process."""

mapping_lock: threading.RLock = threading.RLock()
"""Held while classes are mapped, configured or unmapped."""

_is_running = False


def configure_mappers() -> None:
    """Configure all mappers of all registries."""
    configure(set(registries), cascade=True)


def configure(wanted: Iterable[Any], *, cascade: bool) -> None:
    """Configure the waiting mappers of some registries.

    Args:
        wanted: The registries.
        cascade: Also those that they depend on; otherwise those must be configured already.
    """
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
    """Run all steps; gives back a mapper, whose dispatch reaches class-level listeners.

    None when nothing was configured.
    """
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
            for registry in _ordered(chosen)
            for mapper in _waiting(registry)
            if mapper not in skipped
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
        _call_hooks(mappers, "__declare_last__")
        # Resolving may have led to registries that nobody knew to be needed: once more.
    if not cascade:
        _check_dependencies(chosen)
    for registry in chosen:
        _settle(registry, skipped)
    for registry in touched:
        if registry.dispatch is not None:
            registry.dispatch.after_configured(registry)
    return speaker if touched else None


def _ordered(chosen: Iterable[Any]) -> list[Any]:
    """Registries in a fixed order: that of their first mapper."""
    return sorted(chosen, key=lambda registry: registry.serial)


def _waiting(registry: Any) -> list[Any]:
    """Mappers of a registry that are to be configured.

    Raises:
        MappingError: One of them failed before.
    """
    if not registry.needs_configure:
        return []
    mappers = registry.iter_mappers()
    for mapper in mappers:
        if mapper.configure_failure is not None:
            error = MappingError.earlier_failure(mapper, mapper.configure_failure)
            raise error from mapper.configure_failure
    return [mapper for mapper in mappers if not mapper.configured]


def _with_dependencies(wanted: Iterable[Any]) -> set[Any]:
    found = list(wanted)
    seen = set(found)
    for registry in found:
        for other in registry.dependencies:
            if other not in seen:
                seen.add(other)
                found.append(other)
    return seen


def _check_dependencies(chosen: set[Any]) -> None:
    for registry in chosen:
        for other in registry.dependencies:
            if other not in chosen and other.needs_configure:
                raise MappingError.registry_behind(registry, other)


def _prepare(mappers: list[Any]) -> Iterator[Any]:
    """Announce that mappers are to be configured; gives those that are not to be (EV-67)."""
    for mapper in mappers:
        listeners = () if mapper.dispatch is None else mapper.dispatch.before_mapper_configured
        try:
            for listener in listeners:
                if listener(mapper, mapper.class_) is EXT_SKIP:
                    yield mapper
                    break
        except Exception as failure:
            mapper.configure_failure = failure
            raise


def _run(mappers: list[Any]) -> None:
    for step in (_resolve, _link, _finish):
        for mapper in mappers:
            try:
                step(mapper)
            except Exception as failure:
                mapper.configure_failure = failure
                raise


def _resolve(mapper: Any) -> None:
    for prop in _own(mapper):
        prop.resolve()


def _link(mapper: Any) -> None:
    for prop in _own(mapper):
        prop.link()


def _finish(mapper: Any) -> None:
    for prop in _own(mapper):
        prop.finish()
    mapper.complete()
    if mapper.dispatch is not None:
        mapper.dispatch.mapper_configured(mapper, mapper.class_)


def _own(mapper: Any) -> list[Any]:
    return [prop for prop in mapper.properties.values() if prop.parent is mapper]


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
    """Unmap the classes of some registries.

    Args:
        wanted: The registries.
        cascade: Also those that depend on them; otherwise there must be none.
    """
    with mapping_lock:
        chosen = list(wanted)
        seen = set(chosen)
        for registry in chosen:
            for other in list(registry.dependents):
                if other in seen:
                    continue
                if not cascade:
                    raise MappingError.registry_needed(other, registry)
                seen.add(other)
                chosen.append(other)
        for registry in chosen:
            mappers = registry.iter_mappers()
            for mapper in reversed(mappers):
                mapper.dispose()
            registry.forget_mappers(mappers)
            registry.needs_configure = False
            for other in registry.dependencies:
                other.dependents.discard(registry)
            registry.dependencies.clear()
