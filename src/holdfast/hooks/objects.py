"""Define the events of attributes, of objects and of classes."""

from __future__ import annotations

import weakref
from typing import Any

from holdfast.foundation.sqlalchemy_core import EventKey, Events, dispatcher
from holdfast.hooks.declared import (
    ClassInWaiting,
    OwnDocstrings,
    WaitingRoom,
    hold,
    inherit_listeners,
    is_mapper_function,
    listener_of,
    may_become_ours,
    put_first,
    validate,
)
from holdfast.instrument.descriptor import InstrumentedAttribute, QueryableAttribute
from holdfast.instrument.manager import ClassManager, find_manager
from holdfast.mapping.mapper import Mapper

# ------------------------------------------------------------------------------
# Define the events of attributes: set, append, remove and their kin.
#
# `QueryableAttribute.dispatch` is set here. The slots call each listener with the state and take
# its answer as the value to go on with, so every listener is wrapped into that form.

# Fired with the key under which a member stands in a dictionary, or the keys of several.
KEYED_EVENTS = frozenset(("append", "append_wo_mutation", "bulk_replace", "remove"))


@put_first
class AttributeEvents(OwnDocstrings, Events[Any]):
    """Events of one mapped attribute, named on the class: `event.listen(User.name, "set", fn)`."""

    @classmethod
    def _accept_with(cls, target: Any, identifier: str) -> Any:
        if not isinstance(target, QueryableAttribute):
            return None
        if isinstance(target, InstrumentedAttribute):
            return target
        # An attribute adapted to an alias stands for the one on the class.
        manager = find_manager(target.class_)
        if manager is not None and target.key in manager:
            return manager[target.key]
        return target

    @classmethod
    def _listen(
        cls,
        event_key: EventKey[Any],
        *,
        active_history: bool = False,
        raw: bool = False,
        retval: bool = False,
        propagate: bool = False,
        include_key: bool = False,
        **kw: Any,
    ) -> None:
        target = event_key.dispatch_target
        event_key = event_key.with_wrapper(
            _adapted(event_key, raw=raw, retval=retval, include_key=include_key)
        )
        event_key.base_listen(propagate=propagate, **kw)
        _wake(target, active_history=active_history)
        if not propagate:
            return
        manager = find_manager(target.class_)
        for below in () if manager is None else manager.subclass_managers():
            other = below.get(target.key)
            if other is not None and other is not target:
                event_key.with_dispatch_target(other).base_listen(propagate=True)
                _wake(other, active_history=active_history)

    def set(self, target: Any, value: Any, oldvalue: Any, initiator: Any) -> None:
        """A value is being assigned (EV-100)."""

    def append(self, target: Any, value: Any, initiator: Any, *, key: Any = None) -> Any:
        """A member is being added to a collection (EV-101)."""

    def append_wo_mutation(
        self, target: Any, value: Any, initiator: Any, *, key: Any = None
    ) -> None:
        """A member that is there already was added (EV-102)."""

    def bulk_replace(self, target: Any, values: Any, initiator: Any, *, keys: Any = None) -> None:
        """A collection is being replaced (EV-103)."""

    def remove(self, target: Any, value: Any, initiator: Any, *, key: Any = None) -> None:
        """A member is being removed, or a value deleted (EV-101, EV-111)."""

    def init_collection(self, target: Any, collection: Any, collection_adapter: Any) -> None:
        """A collection was made for the attribute (EV-104)."""

    def dispose_collection(self, target: Any, collection: Any, collection_adapter: Any) -> None:
        """A collection was replaced (EV-104)."""

    def init_scalar(self, target: Any, value: Any, dict_: Any) -> None:
        """An unset attribute is being read (EV-105)."""

    def modified(self, target: Any, initiator: Any) -> None:
        """`flag_modified` was called (EV-106)."""


class AttributeDispatch(dispatcher[Any]):
    """`QueryableAttribute.dispatch`: fills the listeners of a new attribute.

    They are those that propagate from above, and the method that validates it.
    """

    def __get__(self, obj: Any, cls: Any) -> Any:
        dispatch = super().__get__(obj, cls)
        if obj is not None:
            manager = find_manager(obj.class_)
            for base in () if manager is None else manager.bases:
                above = base.get(obj.key)
                if above is not None and above is not obj:
                    inherit_listeners(dispatch, above.dispatch)
                    if obj.slot is not None and above.slot is not None:
                        obj.slot.active_history |= above.slot.active_history
                    break
            validate(obj)
        return dispatch


QueryableAttribute.dispatch = AttributeDispatch(AttributeEvents)


def _wake(attribute: Any, *, active_history: bool) -> None:
    """Let the attribute's accessors take the way past the listeners."""
    if active_history and attribute.slot is not None:
        attribute.slot.active_history = True
    attribute.refresh_accessors()


def _adapted(event_key: EventKey[Any], *, raw: bool, retval: bool, include_key: bool) -> Any:
    """The listener in the form in which the slots call it."""
    listener = listener_of(event_key)
    takes_key = include_key and event_key.identifier in KEYED_EVENTS

    def call(state: Any, *args: Any, **kw: Any) -> Any:
        target = state if raw else state.obj()
        answer = listener(target, *args, **kw) if takes_key else listener(target, *args)
        if retval:
            return answer
        return args[0] if args else None

    return call


# ------------------------------------------------------------------------------
# Define the events of objects: construction, loading, expiry, pickling.
#
# `ClassManager.dispatch` is set here. Listeners get the object; with `raw` its state.

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
        if is_mapper_function(target):
            return ClassManager
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
        if isinstance(target, ObjectsInWaiting):
            hold(event_key, find_manager, propagate=propagate, options={"raw": raw, **kw})
            return
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


class ObjectsInWaiting(ClassInWaiting):
    """An unmapped class as the target of instance events."""

    dispatch: Any = dispatcher(InstanceEvents)


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


# ------------------------------------------------------------------------------
# Define the events of instrumentation: classes and attributes coming under control.


class InstrumentationFactory:
    """Whom listeners of all classes are attached to."""

    dispatch: Any


instrumentation_factory: InstrumentationFactory = InstrumentationFactory()


@put_first
class InstrumentationEvents(OwnDocstrings, Events[Any]):
    """Events of all classes, or of one class and its subclasses, being instrumented (EV-170)."""

    _dispatch_target = InstrumentationFactory

    @classmethod
    def _accept_with(cls, target: Any, identifier: str) -> Any:
        if isinstance(target, InstrumentationFactory):
            return target
        return instrumentation_factory if isinstance(target, type) else None

    @classmethod
    def _listen(cls, event_key: EventKey[Any], *, propagate: bool = True, **kw: Any) -> None:
        target, listener = event_key.target, listener_of(event_key)
        if not isinstance(target, type):
            event_key.base_listen(**kw)
            return
        name = event_key.identifier

        def forget(_: Any) -> None:
            factory: Any = instrumentation_factory
            key = EventKey(factory, name, call, factory)
            getattr(factory.dispatch, name).remove(key)

        # Those who listen to a class do not keep it alive, and go with it.
        reference = weakref.ref(target, forget)

        def call(class_: type[Any], *args: Any, **more: Any) -> Any:
            wanted = reference()
            if wanted is not None and (
                class_ is wanted or (propagate and issubclass(class_, wanted))
            ):
                return listener(class_, *args, **more)
            return None

        event_key.with_wrapper(call).base_listen(**kw)

    @classmethod
    def _clear(cls) -> None:
        super()._clear()
        instrumentation_factory.dispatch._clear()  # noqa: SLF001  Core's protocol

    def class_instrument(self, cls: type[Any]) -> None:
        """A class has got its manager."""

    def class_uninstrument(self, cls: type[Any]) -> None:
        """A class is about to lose its manager."""

    def attribute_instrument(self, cls: type[Any], key: str, inst: Any) -> None:
        """An attribute was put on a class."""


# What managers tell of; they tell nobody while this is None.
ClassManager.observer = instrumentation_factory
