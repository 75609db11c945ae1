"""This file defines the events of instrumentation: classes and attributes coming under control."""

from __future__ import annotations

import weakref
from typing import Any

from holdfast.foundation.sqlalchemy_core import EventKey, Events
from holdfast.hooks.families import OwnDocstrings, listener_of, put_first
from holdfast.instrument.manager import ClassManager


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
