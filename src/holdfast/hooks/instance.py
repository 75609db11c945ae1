"""This file defines the events of objects: construction, loading, expiry, pickling.

`ClassManager.dispatch` is set here. Listeners get the object; with `raw` its state.
"""

from __future__ import annotations

from typing import Any

from holdfast.foundation.sqlalchemy_core import EventKey, Events, dispatcher
from holdfast.hooks.families import (
    OwnDocstrings,
    inherit_listeners,
    listener_of,
    may_become_ours,
    put_first,
)
from holdfast.hooks.waiting import ClassInWaiting, WaitingRoom, hold
from holdfast.instrument.manager import ClassManager, find_manager
from holdfast.mapping.mapper import Mapper

# Event -> the boolean on the manager that guards it.
GUARDS = {
    "expire": "has_expire_listeners",
    "init": "has_init_listeners",
    "init_failure": "has_init_listeners",
    "load": "has_load_listeners",
    "refresh": "has_refresh_listeners",
    "refresh_flush": "has_refresh_flush_listeners",
}

_room = WaitingRoom()


@put_first
class InstanceEvents(OwnDocstrings, Events[Any]):
    """Events of the objects of a mapped class, of a class yet to be mapped, or of all classes."""

    @classmethod
    def _accept_with(cls, target: Any, identifier: str) -> Any:
        if isinstance(target, ClassManager):
            return target
        if isinstance(target, Mapper):
            return target.class_manager
        if not isinstance(target, type):
            return None
        if issubclass(target, Mapper | ClassManager):
            return ClassManager
        manager = find_manager(target)
        if manager is not None:
            return manager
        return ObjectsInWaiting(target, _room) if may_become_ours(target, identifier) else None

    @classmethod
    def _listen(
        cls,
        event_key: EventKey[Any],
        *,
        raw: bool = False,
        propagate: bool = False,
        restore_load_context: bool = False,  # loads inside listeners never disturb the load
        **kw: Any,
    ) -> None:
        target = event_key.dispatch_target
        if not raw:
            event_key = event_key.with_wrapper(_with_object(listener_of(event_key)))
        event_key.base_listen(propagate=propagate, **kw)
        _guard(target, event_key.identifier)
        if propagate and not isinstance(target, type):
            for manager in target.subclass_managers():
                event_key.with_dispatch_target(manager).base_listen(propagate=True, **kw)
                _guard(manager, event_key.identifier)

    @classmethod
    def _clear(cls) -> None:
        super()._clear()
        _room.clear()

    def init(self, target: Any, args: Any, kwargs: Any) -> None:
        """The constructor is about to run; `kwargs` may be changed (EV-80)."""

    def init_failure(self, target: Any, args: Any, kwargs: Any) -> None:
        """The constructor has raised (EV-81)."""

    def load(self, target: Any, context: Any) -> None:
        """The object was made from a row (EV-82)."""

    def refresh(self, target: Any, context: Any, attrs: Any) -> None:
        """Attributes of an object were read anew (EV-83)."""

    def refresh_flush(self, target: Any, flush_context: Any, attrs: Any) -> None:
        """A flush has set attributes from what the database made (EV-84)."""

    def expire(self, target: Any, attrs: Any) -> None:
        """Attributes were expired; None means all (EV-85)."""

    def pickle(self, target: Any, state_dict: Any) -> None:
        """The object's state is being pickled (EV-86)."""

    def unpickle(self, target: Any, state_dict: Any) -> None:
        """The object's state was unpickled (EV-86)."""


class WaitingInstanceEvents(InstanceEvents):
    """The same, for a class that is not mapped yet."""

    @classmethod
    def _listen(cls, event_key: EventKey[Any], *, propagate: bool = False, **kw: Any) -> None:
        hold(event_key, find_manager, propagate=propagate, options=kw)


class ObjectsInWaiting(ClassInWaiting):
    """An unmapped class as the target of instance events."""

    dispatch: Any = dispatcher(WaitingInstanceEvents)


ClassManager.dispatch = dispatcher(InstanceEvents)


def take_over(manager: ClassManager) -> None:
    """Give a new manager the propagating listeners above it, and those that waited."""
    for base in manager.bases[:1]:
        inherit_listeners(manager.dispatch, base.dispatch)
    _room.apply_to(manager.class_, manager)
    for name in GUARDS:
        if getattr(manager.dispatch, name):
            _guard(manager, name)


def _guard(target: Any, name: str) -> None:
    """Let the lower layers know that there is someone to tell."""
    guard = GUARDS.get(name)
    if guard is None:
        return
    setattr(target, guard, True)
    if not isinstance(target, type):
        target.refresh_construction()


def _with_object(listener: Any) -> Any:
    """The listener, given the object in place of its state."""

    def call(state: Any, *args: Any, **kw: Any) -> Any:
        return listener(state.obj(), *args, **kw)

    return call
