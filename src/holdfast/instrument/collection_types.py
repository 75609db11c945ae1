"""Make lists, sets and dictionaries report their changes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Set
from functools import partial
from types import BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType
from typing import Any, SupportsIndex

from holdfast import errors
from holdfast.foundation.load_policy import NO_KEY, NO_VALUE

# ------------------------------------------------------------------------------
# Offer what `lists`, `sets`, `dicts` and `roles` share to make methods report changes.
#
# A reporting method takes one more keyword, `_sa_initiator`: who started the change, or False for a
# change that is not to be reported. (COMPAT: the name is part of the collection API; methods marked
# `@collection.internally_instrumented` take it too.)

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


def in_place(update: str, accepts: Callable[[Any], bool] = lambda other: True) -> Reporter:
    """The in-place operator that does what the method `update` does, for operands it accepts."""

    def reporter(plain: Method) -> Method:
        def operate_in_place(self: Any, other: Any) -> Any:
            if not accepts(other):
                return NotImplemented
            getattr(self, update)(other)
            return self

        return operate_in_place

    return reporter


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


# ------------------------------------------------------------------------------
# Make the methods of lists, and of classes like lists, report their changes.


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
        return _take_one(self._sa_adapter, partial(plain, self, index), index)

    return pop


def _take_one(adapter: Any, take: Callable[[], Any], key: Any = NO_KEY) -> Any:
    """Take away a member that is not known before, and report it."""
    if adapter is None:
        return take()
    adapter.fire_pre_remove_event()
    item = take()
    adapter.fire_remove_event(item, None, key, is_gone=True)
    return item


def _extend(plain: Method) -> Method:
    def extend(self: Any, items: Iterable[Any]) -> None:
        for item in list(items):
            self.append(item)

    return extend


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
        _take_all(self._sa_adapter, [(NO_KEY, item) for item in self], partial(plain, self))

    return clear


def _take_all(adapter: Any, places: Iterable[tuple[Any, Any]], take: Callable[[], Any]) -> None:
    """Take several members away at once, and report each with its key."""
    if adapter is None:
        take()
        return
    adapter.fire_pre_remove_event()
    take()
    for key, item in places:
        adapter.fire_remove_event(item, None, key, is_gone=True)


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
            raise errors.AttributeValueError.slice_size(len(given), len(places))
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
        if isinstance(index, slice):
            places = [(NO_KEY, item) for item in self[index]]
            _take_all(adapter, places, partial(plain, self, index))
            return
        if adapter is not None:
            adapter.fire_remove_event(self[index], None, index)
        plain(self, index)

    return delete_item


LIST_REPORTERS: dict[str, Reporter] = {
    "__delitem__": _list_delitem,
    "__iadd__": in_place("extend"),
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


# ------------------------------------------------------------------------------
# Make the methods of sets, and of classes like sets, report their changes.


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
        return _take_one(self._sa_adapter, partial(plain, self))

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


SET_REPORTERS: dict[str, Reporter] = {
    "__iand__": in_place("intersection_update", is_set_like),
    "__ior__": in_place("update", is_set_like),
    "__isub__": in_place("difference_update", is_set_like),
    "__ixor__": in_place("symmetric_difference_update", is_set_like),
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


# ------------------------------------------------------------------------------
# Make the methods of dictionaries, and of classes like dictionaries, report their changes.


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
        _take_all(self._sa_adapter, list(self.items()), partial(plain, self))

    return clear


def _dict_pop(plain: Method) -> Method:
    def pop(self: Any, key: Any, default: Any = NO_VALUE) -> Any:
        adapter = self._sa_adapter if key in self else None
        given = () if default is NO_VALUE else (default,)
        return _take_one(adapter, partial(plain, self, key, *given), key)

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


DICT_REPORTERS: dict[str, Reporter] = {
    "__delitem__": _dict_delitem,
    "__ior__": in_place("update"),
    "__setitem__": _dict_setitem,
    "clear": _dict_clear,
    "pop": _dict_pop,
    "popitem": _dict_popitem,
    "setdefault": _setdefault,
    "update": _dict_update,
}
"""Method name -> how to make it report."""
