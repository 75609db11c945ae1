"""Make the methods of dictionaries, and of classes like dictionaries, report their changes."""

from __future__ import annotations

from typing import Any

from holdfast.foundation.markers import NO_VALUE
from holdfast.instrument.collections.reporting import Method, Reporter


def _dict_setitem(plain: Method) -> Method:
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

    return set_item


def _dict_delitem(plain: Method) -> Method:
    def delete_item(self: Any, key: Any, _sa_initiator: Any = None) -> None:
        adapter = self._sa_adapter
        if adapter is not None and _sa_initiator is not False and key in self:
            adapter.fire_remove_event(self[key], _sa_initiator, key)
        plain(self, key)

    return delete_item


def _dict_clear(plain: Method) -> Method:
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

    return clear


def _dict_pop(plain: Method) -> Method:
    def pop(self: Any, key: Any, default: Any = NO_VALUE) -> Any:
        adapter = self._sa_adapter
        present = key in self
        if adapter is not None and present:
            adapter.fire_pre_remove_event()
        item = plain(self, key) if default is NO_VALUE else plain(self, key, default)
        if adapter is not None and present:
            adapter.fire_remove_event(item, None, key, is_gone=True)
        return item

    return pop


def _dict_popitem(plain: Method) -> Method:
    def popitem(self: Any) -> tuple[Any, Any]:
        adapter = self._sa_adapter
        if adapter is not None:
            adapter.fire_pre_remove_event()
        key, value = plain(self)
        if adapter is not None:
            adapter.fire_remove_event(value, None, key, is_gone=True)
        return key, value

    return popitem


def _setdefault(plain: Method) -> Method:
    def setdefault(self: Any, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
            return default
        value = self[key]
        adapter = self._sa_adapter
        if value is default and adapter is not None:
            adapter.fire_append_wo_mutation_event(value, None, key)
        return value

    return setdefault


def _dict_update(plain: Method) -> Method:
    def update(self: Any, *others: Any, **named: Any) -> None:
        for key, value in dict(*others, **named).items():
            self[key] = value

    return update


def _ior(plain: Method) -> Method:
    def merge_in_place(self: Any, other: Any) -> Any:
        for key, value in dict(other).items():
            self[key] = value
        return self

    return merge_in_place


DICT_REPORTERS: dict[str, Reporter] = {
    "__delitem__": _dict_delitem,
    "__ior__": _ior,
    "__setitem__": _dict_setitem,
    "clear": _dict_clear,
    "pop": _dict_pop,
    "popitem": _dict_popitem,
    "setdefault": _setdefault,
    "update": _dict_update,
}
"""Method name -> how to make it report."""
