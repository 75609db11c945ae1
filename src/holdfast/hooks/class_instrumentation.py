"""This file defines the events of instrumentation: classes and attributes coming under control."""

from __future__ import annotations

from typing import Any

from holdfast.foundation.sqlalchemy_core import EventKey, Events
from holdfast.hooks.families import listener_of, put_first
from holdfast.instrument.manager import ClassManager


class InstrumentationFactory:
    """Whom listeners of all classes are attached to."""

    dispatch: Any


instrumentation_factory = InstrumentationFactory()


@put_first
class InstrumentationEvents(Events[Any]):
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

        def call(class_: type[Any], *args: Any, **more: Any) -> Any:
            if not isinstance(target, type) or class_ is target:
                return listener(class_, *args, **more)
            if propagate and issubclass(class_, target):
                return listener(class_, *args, **more)
            return None

        event_key.with_wrapper(call).base_listen(**kw)

    def class_instrument(self, cls: type[Any]) -> None:
        """A class has got its manager."""

    def class_uninstrument(self, cls: type[Any]) -> None:
        """A class is about to lose its manager."""

    def attribute_instrument(self, cls: type[Any], key: str, inst: Any) -> None:
        """An attribute was put on a class."""


# What managers tell of; they tell nobody while this is None.
ClassManager.observer = instrumentation_factory
