"""Make the methods of dictionaries, and of classes like dictionaries, report their changes."""

from __future__ import annotations

from typing import Any

from holdfast.foundation.markers import NO_VALUE
from holdfast.instrument.collections.reporting import Method, Reporter, as_report, silenced


def _setitem(method: Method) -> Method:
    plain = silenced(method)

    def set_item(self: Any, key: Any, value: Any, _sa_initiator: Any = None) -> None:
        adapter = self._sa_adapter
        if adapter is not None and _sa_initiator is not False:
            if key not in self:
                value = adapter.fire_append_event(value, _sa_initiator, key)
            elif self[key] is value:
                adapter.fire_append_wo_mutation_event(value, _sa_initiator, key)
            else:
                adapter.fire_remove_event(self[key], _sa_initiator, key)
                value = adapter.fire_append_event(value, _sa_initiator, key)
        plain(self, key, value)

    return as_report(set_item, method)


def _delitem(method: Method) -> Method:
    plain = silenced(method)

    def delete_item(self: Any, key: Any, _sa_initiator: Any = None) -> None:
        adapter = self._sa_adapter
        if adapter is not None and _sa_initiator is not False and key in self:
            adapter.fire_remove_event(self[key], _sa_initiator, key)
        plain(self, key)

    return as_report(delete_item, method)


def _clear(method: Method) -> Method:
    plain = silenced(method)

    def clear(self: Any) -> None:
        adapter = self._sa_adapter
        if adapter is None:
            plain(self)
            return
        members = dict(self)
        adapter.fire_pre_remove_event()
        plain(self)
        for key, member in members.items():
            adapter.fire_remove_event(member, None, key, is_gone=True)

    return as_report(clear, method)


def _pop(method: Method) -> Method:
    plain = silenced(method)

    def pop(self: Any, key: Any, default: Any = NO_VALUE) -> Any:
        adapter = self._sa_adapter
        present = key in self
        if adapter is not None and present:
            adapter.fire_pre_remove_event()
        item = plain(self, key) if default is NO_VALUE else plain(self, key, default)
        if adapter is not None and present:
            adapter.fire_remove_event(item, None, key, is_gone=True)
        return item

    return as_report(pop, method)


def _popitem(method: Method) -> Method:
    plain = silenced(method)

    def popitem(self: Any) -> tuple[Any, Any]:
        adapter = self._sa_adapter
        if adapter is not None:
            adapter.fire_pre_remove_event()
        key, value = plain(self)
        if adapter is not None:
            adapter.fire_remove_event(value, None, key, is_gone=True)
        return key, value

    return as_report(popitem, method)


def _setdefault(method: Method) -> Method:
    def setdefault(self: Any, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
            return default
        value = self[key]
        adapter = self._sa_adapter
        if value is default and adapter is not None:
            adapter.fire_append_wo_mutation_event(value, None, key)
        return value

    return as_report(setdefault, method)


def _update(method: Method) -> Method:
    def update(self: Any, *others: Any, **named: Any) -> None:
        for key, value in dict(*others, **named).items():
            self[key] = value

    return as_report(update, method)


def _ior(method: Method) -> Method:
    def merge_in_place(self: Any, other: Any) -> Any:
        for key, value in dict(other).items():
            self[key] = value
        return self

    return as_report(merge_in_place, method)


REPORTERS: dict[str, Reporter] = {
    "__delitem__": _delitem,
    "__ior__": _ior,
    "__setitem__": _setitem,
    "clear": _clear,
    "pop": _pop,
    "popitem": _popitem,
    "setdefault": _setdefault,
    "update": _update,
}
"""Method name -> how to make it report."""
