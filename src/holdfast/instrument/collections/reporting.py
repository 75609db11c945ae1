"""Offer what `lists`, `sets`, `dicts` and `roles` share to make methods report changes.

A reporting method takes one more keyword, `_sa_initiator`: who started the change, or False for a
change that is not to be reported. (COMPAT: the name is part of the collection API; methods marked
`@collection.internally_instrumented` take it too.)
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType
from typing import Any

Method = Callable[..., Any]
# Makes a method that reports of one that does not; what it makes is dressed by `as_report`.
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


_FILL: dict[type, Callable[[Any, Any], None]] = {
    dict: dict.update,
    list: list.extend,
    set: set.update,
}


def _blank(original: Any) -> Any:
    class_: Any = type(original)
    return class_.__new__(class_)


def _with_content(made: Any, original: Any, copied: Callable[[Any], Any]) -> Any:
    """Give a blank collection what the original holds, without a report."""
    for kind, fill in _FILL.items():
        if isinstance(original, kind):
            fill(made, copied(kind(original)))
    own = {name: value for name, value in vars(original).items() if name != "_sa_adapter"}
    vars(made).update(copied(own))
    return made


def copy_of(self: Any) -> Any:
    """`copy.copy()` of a collection: the same members, and no owner."""
    return _with_content(_blank(self), self, lambda content: content)


def deep_copy_of(self: Any, memo: dict[int, Any]) -> Any:
    """`copy.deepcopy()` of a collection: its owner is copied too, and told of nothing."""
    made = memo[id(self)] = _blank(self)
    _with_content(made, self, lambda content: copy.deepcopy(content, memo))
    made._sa_adapter = copy.deepcopy(self._sa_adapter, memo)
    return made


COPIERS: dict[str, Callable[..., Any]] = {"__copy__": copy_of, "__deepcopy__": deep_copy_of}
"""Methods that a collection class is given unless it has its own."""
