"""Make the functions by which a class-level attribute reads, sets and deletes a value.

PERF: a loaded value costs one dict look-up, and a further change of a value whose former one is
recorded costs one look at the state (tests/bench: attribute get, attribute set). To that end the
attribute's name is a constant in the functions: they are copies of the two below, with `"KEY"`
exchanged for the name. Copying a code object takes microseconds, compiling one would take fifty.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from holdfast.errors.mapping import UnmappedInstanceError
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.record import FieldTuple


class Accessors(FieldTuple):
    """The three functions of one attribute."""

    get: Callable[[Any], Any]
    set: Callable[[Any, Any], None]
    delete: Callable[[Any], None]


def _getter(missing: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def get(self: Any) -> Any:
        try:
            return self.__dict__["KEY"]
        except KeyError:
            pass
        # Out of the handler, so that an error of a load does not show the KeyError as its context.
        return missing(self)

    return get


def _value_setter(first_change: Callable[[Any, Any, Any], None]) -> Callable[[Any, Any], None]:
    def set(self: Any, value: Any) -> None:
        state = self._sa_instance_state
        changes = state.changes
        if changes is not None and "KEY" in changes:
            self.__dict__["KEY"] = value
        else:
            first_change(state, self.__dict__, value)

    return set


def _for_key(function: Callable[..., Any], key: str) -> Callable[..., Any]:
    """The function with the constant `"KEY"` exchanged for `key`."""
    assert isinstance(function, FunctionType)
    code = function.__code__
    constants = tuple(key if each == "KEY" else each for each in code.co_consts)
    function.__code__ = code.replace(co_consts=constants)
    return function


def build_accessors(slot: Any, *, stores_directly: bool) -> Accessors:
    """The functions for the attribute of `slot`.

    Args:
        slot: The attribute's slot.
        stores_directly: Whether a value may be stored without asking the slot, once a change is
            recorded: a column value without listeners.
    """
    load = LoadPolicy.LOAD
    absent = slot.absent
    set_value = slot.set
    delete_value = slot.delete

    def missing(self: Any) -> Any:
        values = self.__dict__
        state = values.get("_sa_instance_state")
        if state is None:
            raise UnmappedInstanceError(self)
        return absent(state, values, load)

    def set_through_slot(self: Any, value: Any) -> None:
        set_value(self._sa_instance_state, self.__dict__, value)

    def delete(self: Any) -> None:
        delete_value(self._sa_instance_state, self.__dict__)

    return Accessors(
        get=_for_key(_getter(missing), slot.key) if slot.keeps_value else missing,
        set=_for_key(_value_setter(set_value), slot.key) if stores_directly else set_through_slot,
        delete=delete,
    )
