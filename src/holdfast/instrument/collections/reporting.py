"""Offer what `lists`, `sets`, `dicts` and `roles` share to make methods report changes.

A reporting method takes one more keyword, `_sa_initiator`: who started the change, or False for a
change that is not to be reported. (COMPAT: the name is part of the collection API; methods marked
`@collection.internally_instrumented` take it too.)
"""

from __future__ import annotations

from collections.abc import Callable
from types import BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType
from typing import Any

Method = Callable[..., Any]
Reporter = Callable[[Method], Method]

MARK = "_sa_instrumented"
"""Set on methods that report by themselves, and on classes whose methods do."""

_WRITTEN_IN_C = (MethodDescriptorType, WrapperDescriptorType, BuiltinFunctionType)


def reports(method: Method) -> bool:
    """Whether a method reports its changes already."""
    return getattr(method, MARK, False) is not False


def as_report(made: Method, method: Method) -> Method:
    """Dress `made`, which calls `method` and reports, as `method`."""
    made.__name__ = method.__name__
    made.__qualname__ = getattr(method, "__qualname__", method.__name__)
    made.__doc__ = method.__doc__
    setattr(made, MARK, True)
    return made


def silenced(method: Method) -> Method:
    """The method, with whatever it calls on the collection unreported.

    A user-written method may be made of other methods of its class, which report as well. What it
    does is reported by its wrapper, once.
    """
    if isinstance(method, _WRITTEN_IN_C):
        return method

    def in_silence(self: Any, *args: Any, **kwargs: Any) -> Any:
        adapter = self._sa_adapter
        if adapter is None:
            return method(self, *args, **kwargs)
        self._sa_adapter = None
        try:
            return method(self, *args, **kwargs)
        finally:
            self._sa_adapter = adapter

    return in_silence
