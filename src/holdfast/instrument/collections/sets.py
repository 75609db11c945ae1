"""Make the methods of sets, and of classes like sets, report their changes."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Any

from holdfast.instrument.collections.reporting import (
    Method,
    Reporter,
    as_report,
    reports,
    silenced,
)


def is_set_like(value: Any) -> bool:
    """Whether a value may stand on the right of a set operator."""
    return isinstance(value, Set) or reports(type(value))


def _add(method: Method) -> Method:
    plain = silenced(method)

    def add(self: Any, item: Any, _sa_initiator: Any = None) -> None:
        adapter = self._sa_adapter
        if adapter is not None and _sa_initiator is not False:
            if item in self:
                adapter.fire_append_wo_mutation_event(item, _sa_initiator)
            else:
                item = adapter.fire_append_event(item, _sa_initiator)
        plain(self, item)

    return as_report(add, method)


def _discard(method: Method) -> Method:
    plain = silenced(method)

    def discard(self: Any, item: Any, _sa_initiator: Any = None) -> None:
        adapter = self._sa_adapter
        if adapter is not None and _sa_initiator is not False and item in self:
            adapter.fire_remove_event(item, _sa_initiator)
            # The listeners may have taken it away already.
            if item not in self:
                return
        plain(self, item)

    return as_report(discard, method)


def _pop(method: Method) -> Method:
    plain = silenced(method)

    def pop(self: Any) -> Any:
        adapter = self._sa_adapter
        if adapter is None:
            return plain(self)
        adapter.fire_pre_remove_event()
        item = plain(self)
        adapter.fire_remove_event(item, is_gone=True)
        return item

    return as_report(pop, method)


def _clear(method: Method) -> Method:
    def clear(self: Any) -> None:
        for item in list(self):
            self.remove(item)

    return as_report(clear, method)


def _update(method: Method) -> Method:
    def update(self: Any, *others: Iterable[Any]) -> None:
        for other in others:
            for item in list(other):
                self.add(item)

    return as_report(update, method)


def _difference_update(method: Method) -> Method:
    def difference_update(self: Any, *others: Iterable[Any]) -> None:
        for other in others:
            for item in list(other):
                self.discard(item)

    return as_report(difference_update, method)


def _become(members: Any, wanted: Set[Any]) -> None:
    """Change a set into another by way of its reporting methods."""
    present = set(members)
    for item in present - wanted:
        members.remove(item)
    for item in wanted - present:
        members.add(item)


def _intersection_update(method: Method) -> Method:
    def intersection_update(self: Any, *others: Iterable[Any]) -> None:
        _become(self, set(self).intersection(*others))

    return as_report(intersection_update, method)


def _symmetric_difference_update(method: Method) -> Method:
    def symmetric_difference_update(self: Any, other: Iterable[Any]) -> None:
        _become(self, set(self).symmetric_difference(other))

    return as_report(symmetric_difference_update, method)


def _operator(update: str) -> Reporter:
    """The in-place operator that does what the method `update` does, for sets only."""

    def reporter(method: Method) -> Method:
        def operate_in_place(self: Any, other: Any) -> Any:
            if not is_set_like(other):
                return NotImplemented
            getattr(self, update)(other)
            return self

        return as_report(operate_in_place, method)

    return reporter


REPORTERS: dict[str, Reporter] = {
    "__iand__": _operator("intersection_update"),
    "__ior__": _operator("update"),
    "__isub__": _operator("difference_update"),
    "__ixor__": _operator("symmetric_difference_update"),
    "add": _add,
    "clear": _clear,
    "difference_update": _difference_update,
    "discard": _discard,
    "intersection_update": _intersection_update,
    "pop": _pop,
    "remove": _discard,
    "symmetric_difference_update": _symmetric_difference_update,
    "update": _update,
}
"""Method name -> how to make it report."""
