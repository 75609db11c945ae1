"""Make the methods of sets, and of classes like sets, report their changes."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Any

from holdfast.instrument.collections.reporting import Method, Reporter, reports


def is_set_like(value: Any) -> bool:
    """Whether a value may stand on the right of a set operator."""
    return isinstance(value, Set) or reports(type(value))


def _add(plain: Method) -> Method:
    def add(self: Any, item: Any, _sa_initiator: Any = None) -> None:
        adapter = self._sa_adapter
        if adapter is not None and _sa_initiator is not False:
            if item in self:
                adapter.fire_append_wo_mutation_event(item, _sa_initiator)
            else:
                item = adapter.fire_append_event(item, _sa_initiator)
        plain(self, item)

    return add


def _discard(plain: Method) -> Method:
    def discard(self: Any, item: Any, _sa_initiator: Any = None) -> None:
        adapter = self._sa_adapter
        if adapter is not None and _sa_initiator is not False and item in self:
            adapter.fire_remove_event(item, _sa_initiator)
            # The listeners may have taken it away already.
            if item not in self:
                return
        plain(self, item)

    return discard


def _set_pop(plain: Method) -> Method:
    def pop(self: Any) -> Any:
        adapter = self._sa_adapter
        if adapter is None:
            return plain(self)
        adapter.fire_pre_remove_event()
        item = plain(self)
        adapter.fire_remove_event(item, is_gone=True)
        return item

    return pop


def _set_clear(plain: Method) -> Method:
    def clear(self: Any) -> None:
        for item in list(self):
            self.remove(item)

    return clear


def _set_update(plain: Method) -> Method:
    def update(self: Any, *others: Iterable[Any]) -> None:
        for other in others:
            for item in list(other):
                self.add(item)

    return update


def _becomes(operation: str) -> Reporter:
    """The method that leaves what an operation of plain sets gives."""

    def reporter(plain: Method) -> Method:
        def become(self: Any, *others: Iterable[Any]) -> None:
            present = set(self)
            wanted = getattr(present, operation)(*others)
            for item in present - wanted:
                self.remove(item)
            for item in wanted - present:
                self.add(item)

        return become

    return reporter


def _operator(update: str) -> Reporter:
    """The in-place operator that does what the method `update` does, for sets only."""

    def reporter(plain: Method) -> Method:
        def operate_in_place(self: Any, other: Any) -> Any:
            if not is_set_like(other):
                return NotImplemented
            getattr(self, update)(other)
            return self

        return operate_in_place

    return reporter


SET_REPORTERS: dict[str, Reporter] = {
    "__iand__": _operator("intersection_update"),
    "__ior__": _operator("update"),
    "__isub__": _operator("difference_update"),
    "__ixor__": _operator("symmetric_difference_update"),
    "add": _add,
    "clear": _set_clear,
    "difference_update": _becomes("difference"),
    "discard": _discard,
    "intersection_update": _becomes("intersection"),
    "pop": _set_pop,
    "remove": _discard,
    "symmetric_difference_update": _becomes("symmetric_difference"),
    "update": _set_update,
}
"""Method name -> how to make it report."""
