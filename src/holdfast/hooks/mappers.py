"""Define the events of mappers and registries."""

from __future__ import annotations

import weakref
from typing import Any

from holdfast.foundation.load_policy import EXT_CONTINUE
from holdfast.foundation.sqlalchemy_core import EventKey, Events, dispatcher
from holdfast.hooks.declared import (
    ClassInWaiting,
    OwnDocstrings,
    WaitingRoom,
    hold,
    inherit_listeners,
    is_mapper_function,
    listen_for_declared,
    listener_of,
    may_become_ours,
    put_first,
)
from holdfast.hooks.objects import take_over
from holdfast.instrument.manager import find_manager
from holdfast.mapping.mapper import Mapper
from holdfast.mapping.registry import Registry

# ------------------------------------------------------------------------------
# Define the events of mappers: rows about to be written, and configuration.
#
# `Mapper.dispatch` is set here. The first time a mapper's is asked for, it takes over the
# propagating listeners of the mapper above and those that waited for its class.

PERSISTENCE_EVENTS = frozenset(
    (
        "after_delete",
        "after_insert",
        "after_update",
        "before_delete",
        "before_insert",
        "before_update",
    )
)
# Fired once for a whole run, on behalf of no mapper in particular.
RUN_EVENTS = frozenset(("after_configured", "before_configured"))

_room = WaitingRoom()


def mapper_of_class(class_: type[Any]) -> Any:
    """The mapper of a class, or None; never configures."""
    manager = find_manager(class_)
    return None if manager is None else manager.mapper


@put_first
class MapperEvents(OwnDocstrings, Events[Any]):
    """Events of one mapper, of a mapped class, of a class yet to be mapped, or of all mappers."""

    @classmethod
    def _accept_with(cls, target: Any, identifier: str) -> Any:
        if isinstance(target, type) and issubclass(target, Mapper):
            return target
        if is_mapper_function(target):
            return Mapper
        if identifier in RUN_EVENTS:
            # On behalf of all mappers: one mapper, or a class, has no such event.
            return None
        if isinstance(target, Mapper):
            return target
        if not isinstance(target, type):
            return None
        mapper = mapper_of_class(target)
        if mapper is not None:
            return mapper
        return MapperInWaiting(target, _room) if may_become_ours(target, identifier) else None

    @classmethod
    def _listen(
        cls,
        event_key: EventKey[Any],
        *,
        raw: bool = False,
        retval: bool = False,
        propagate: bool = False,
        **kw: Any,
    ) -> None:
        target = event_key.dispatch_target
        if isinstance(target, MapperInWaiting):
            options = {"raw": raw, "retval": retval, **kw}
            hold(event_key, mapper_of_class, propagate=propagate, options=options)
            return
        name = event_key.identifier
        if name in PERSISTENCE_EVENTS:
            target.has_persistence_listeners = True
        event_key = event_key.with_wrapper(_adapted(event_key, raw=raw, retval=retval))
        if propagate and not isinstance(target, type):
            for mapper in target.self_and_descendants:
                if name in PERSISTENCE_EVENTS:
                    mapper.has_persistence_listeners = True
                event_key.with_dispatch_target(mapper).base_listen(propagate=True, **kw)
        else:
            event_key.base_listen(**kw)

    @classmethod
    def _clear(cls) -> None:
        super()._clear()
        _room.clear()

    # -- configuration ---------------------------------------------------------------------------

    def instrument_class(self, mapper: Mapper, class_: type[Any]) -> None:
        """The mapping of a class begins; its attributes are not there yet (EV-66)."""

    def after_mapper_constructed(self, mapper: Mapper, class_: type[Any]) -> None:
        """A mapper is made, not configured yet (EV-66)."""

    def before_mapper_configured(self, mapper: Mapper, class_: type[Any]) -> Any:
        """One mapper is about to be configured; EXT_SKIP leaves it out (EV-67)."""

    def mapper_configured(self, mapper: Mapper, class_: type[Any]) -> None:
        """One mapper was configured (EV-68)."""

    def before_configured(self) -> None:
        """A run over all mappers that wait for configuration begins."""

    def after_configured(self) -> None:
        """A run that configured mappers has ended (EV-68)."""

    # -- rows ------------------------------------------------------------------------------------

    def before_insert(self, mapper: Mapper, connection: Any, target: Any) -> None:
        """An INSERT is about to be made up; values set now are written (EV-62)."""

    def after_insert(self, mapper: Mapper, connection: Any, target: Any) -> None:
        """The row was inserted."""

    def before_update(self, mapper: Mapper, connection: Any, target: Any) -> None:
        """A changed object is about to be written, if it differs at all (EV-63)."""

    def after_update(self, mapper: Mapper, connection: Any, target: Any) -> None:
        """A changed object was written, if it differed at all (EV-63)."""

    def before_delete(self, mapper: Mapper, connection: Any, target: Any) -> None:
        """A DELETE is about to be emitted."""

    def after_delete(self, mapper: Mapper, connection: Any, target: Any) -> None:
        """The row was deleted."""


class MapperInWaiting(ClassInWaiting):
    """An unmapped class as the target of mapper events."""

    dispatch: Any = dispatcher(MapperEvents)


class MapperDispatch(dispatcher[Any]):
    """`Mapper.dispatch`: fills the listeners of a new mapper.

    It is asked for twice while a class is being mapped: before the class has its attributes, and
    after. The listeners on manager and attributes are filled the second time.
    """

    def __init__(self, events: Any) -> None:
        super().__init__(events)
        # Dispatch of mappers that have no properties yet.
        self.unfinished: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    def __get__(self, obj: Any, cls: Any) -> Any:
        if obj is None:
            return super().__get__(obj, cls)
        dispatch = self.unfinished.pop(obj, None)
        if dispatch is None:
            dispatch = super().__get__(obj, cls)
            if obj.inherits is not None:
                inherit_listeners(dispatch, obj.inherits.dispatch)
                if obj.inherits.has_persistence_listeners:
                    obj.has_persistence_listeners = True
            _room.apply_to(obj.class_, obj)
        if not obj.properties:
            self.unfinished[obj] = dispatch
            obj.__dict__.pop("dispatch", None)
        else:
            obj.__dict__["dispatch"] = dispatch
            take_over(obj.class_manager)
            listen_for_declared(obj)
        return dispatch


Mapper.dispatch = MapperDispatch(MapperEvents)


def _adapted(event_key: EventKey[Any], *, raw: bool, retval: bool) -> Any:
    """The listener, given an object in place of a state, and silent unless it has an answer."""
    listener = listener_of(event_key)
    if event_key.identifier in PERSISTENCE_EVENTS and not raw:

        def call(mapper: Any, connection: Any, state: Any, **kw: Any) -> Any:
            answer = listener(mapper, connection, state.obj(), **kw)
            return answer if retval else EXT_CONTINUE

        return call
    if retval:
        return listener

    def silent(*args: Any, **kw: Any) -> Any:
        listener(*args, **kw)
        return EXT_CONTINUE

    return silent


# ------------------------------------------------------------------------------
# Define the events of registries: configuration, and types of annotations.


@put_first
class RegistryEvents(OwnDocstrings, Events[Any]):
    """Events of one registry, of a declarative base, or of all registries (EV-69)."""

    _dispatch_target = Registry

    @classmethod
    def _accept_with(cls, target: Any, identifier: str) -> Any:
        if isinstance(target, Registry):
            return target
        if not isinstance(target, type):
            return None
        if issubclass(target, Registry):
            return target
        # The base that a registry made or was made for; its mapped classes are no bases.
        found = getattr(target, "registry", None)
        manager = find_manager(target)
        is_base = manager is None or not manager.is_mapped
        return found if is_base and isinstance(found, Registry) else None

    def before_configured(self, registry: Any) -> None:
        """A run over the registry's mappers that wait for configuration begins."""

    def after_configured(self, registry: Any) -> None:
        """A run that configured mappers of the registry has ended."""

    def resolve_type_annotation(self, type_resolve: Any) -> Any:
        """A column type is needed for a Python type; None leaves it to the rules."""
