"""Make the methods of lists, and of classes like lists, report their changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, SupportsIndex

from holdfast.errors.attributes import AttributeValueError
from holdfast.instrument.collections.reporting import Method, Reporter


def _append(plain: Method) -> Method:
    def append(self: Any, item: Any, _sa_initiator: Any = None) -> None:
        adapter = self._sa_adapter
        if adapter is not None and _sa_initiator is not False:
            state = adapter.owner_state
            owner = state()
            if owner is None or owner.__dict__.get(adapter.slot.key) is not self:
                item = adapter.fire_append_event(item, _sa_initiator)
            else:
                # PERF: what `fire_append_event` would do (tests/bench: append with backref).
                item = adapter.slot.member_added(state, owner, item, _sa_initiator)
        plain(self, item)

    return append


def _remove(plain: Method) -> Method:
    is_builtin = plain is list.remove

    def remove(self: Any, item: Any, _sa_initiator: Any = None) -> None:
        adapter = self._sa_adapter
        if adapter is None or _sa_initiator is False:
            plain(self, item)
            return
        # When there is no such member, nothing happens but that the list says so.
        if item in self:
            adapter.fire_remove_event(item, _sa_initiator)
        place = _other_place(self, item) if is_builtin else None
        if place is None:
            plain(self, item)
        else:
            list.__delitem__(self, place)

    return remove


def _other_place(members: Any, item: Any) -> int | None:
    """Where a member stands, if an equal one that is another object stands before it."""
    try:
        if members[members.index(item)] is item:
            return None
    except ValueError:
        return None
    return next((place for place, each in enumerate(members) if each is item), None)


def _insert(plain: Method) -> Method:
    def insert(self: Any, index: SupportsIndex, item: Any) -> None:
        adapter = self._sa_adapter
        if adapter is not None:
            item = adapter.fire_append_event(item, None, index)
        plain(self, index, item)

    return insert


def _list_pop(plain: Method) -> Method:
    def pop(self: Any, index: SupportsIndex = -1) -> Any:
        adapter = self._sa_adapter
        if adapter is None:
            return plain(self, index)
        adapter.fire_pre_remove_event()
        item = plain(self, index)
        adapter.fire_remove_event(item, None, index, is_gone=True)
        return item

    return pop


def _extend(plain: Method) -> Method:
    def extend(self: Any, items: Iterable[Any]) -> None:
        for item in list(items):
            self.append(item)

    return extend


def _iadd(plain: Method) -> Method:
    def add_in_place(self: Any, items: Iterable[Any]) -> Any:
        for item in list(items):
            self.append(item)
        return self

    return add_in_place


def _imul(plain: Method) -> Method:
    def multiply_in_place(self: Any, times: int) -> Any:
        if times <= 0:
            self.clear()
            return self
        # Whoever is a member is one already: nobody comes or goes.
        adapter = self._sa_adapter
        if adapter is not None:
            adapter.fire_pre_remove_event()
        return plain(self, times)

    return multiply_in_place


def _list_clear(plain: Method) -> Method:
    def clear(self: Any) -> None:
        adapter = self._sa_adapter
        if adapter is None:
            plain(self)
            return
        members = list(self)
        adapter.fire_pre_remove_event()
        plain(self)
        for item in members:
            adapter.fire_remove_event(item, is_gone=True)

    return clear


def _list_setitem(plain: Method) -> Method:
    def set_item(self: Any, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            _set_slice(self, index, value)
            return
        adapter = self._sa_adapter
        if adapter is not None:
            former = self[index]
            if former is value:
                adapter.fire_append_wo_mutation_event(value, None, index)
                return
            if former is not None:
                adapter.fire_remove_event(former, None, index)
            value = adapter.fire_append_event(value, None, index)
        plain(self, index, value)

    return set_item


def _set_slice(members: Any, index: slice, values: Iterable[Any]) -> None:
    """Replace part of a list by way of its reporting methods."""
    given = list(values)
    places = range(*index.indices(len(members)))
    if places.step != 1:
        if len(given) != len(places):
            raise AttributeValueError.slice_size(len(given), len(places))
        for place, item in zip(places, given, strict=True):
            members[place] = item
        return
    for _ in places:
        del members[places.start]
    for offset, item in enumerate(given):
        members.insert(places.start + offset, item)


def _list_delitem(plain: Method) -> Method:
    def delete_item(self: Any, index: Any) -> None:
        adapter = self._sa_adapter
        if adapter is None:
            plain(self, index)
            return
        if not isinstance(index, slice):
            adapter.fire_remove_event(self[index], None, index)
            plain(self, index)
            return
        members = list(self[index])
        adapter.fire_pre_remove_event()
        plain(self, index)
        for item in members:
            adapter.fire_remove_event(item, is_gone=True)

    return delete_item


LIST_REPORTERS: dict[str, Reporter] = {
    "__delitem__": _list_delitem,
    "__iadd__": _iadd,
    "__imul__": _imul,
    "__setitem__": _list_setitem,
    "append": _append,
    "clear": _list_clear,
    "extend": _extend,
    "insert": _insert,
    "pop": _list_pop,
    "remove": _remove,
}
"""Method name -> how to make it report."""
