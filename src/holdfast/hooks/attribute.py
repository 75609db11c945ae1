"""This file defines the events of attributes: set, append, remove and their kin.

`QueryableAttribute.dispatch` is set here. The slots call each listener with the state and take its
answer as the value to go on with, so every listener is wrapped into that form.
"""

from __future__ import annotations

from typing import Any

from holdfast.foundation.sqlalchemy_core import EventKey, Events, dispatcher
from holdfast.hooks.declared import validate
from holdfast.hooks.families import OwnDocstrings, inherit_listeners, listener_of, put_first
from holdfast.instrument.descriptor import InstrumentedAttribute, QueryableAttribute
from holdfast.instrument.manager import find_manager

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
