"""Write the functions by which a class-level attribute reads, sets and deletes a value.

PERF: a loaded value costs one dict look-up, and a further change of a value whose former one is
recorded costs one look at the state (tests/bench: attribute get, attribute set). The functions are
generated, so that the attribute's name is a constant in them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from holdfast.errors.unmapped import UnmappedInstanceError
from holdfast.foundation.codegen import build_function
from holdfast.foundation.load_policy import LoadPolicy

_GETTER = """
def get(self):
    try:
        return self.__dict__[{key!r}]
    except KeyError:
        return missing(self)
"""

_VALUE_SETTER = """
def set(self, value):
    values = self.__dict__
    state = values['_sa_instance_state']
    changes = state.changes
    if changes is not None and {key!r} in changes:
        values[{key!r}] = value
    else:
        first_change(state, values, value)
"""


class Accessors(NamedTuple):
    """The three functions of one attribute."""

    get: Callable[[Any], Any]
    set: Callable[[Any, Any], None]
    delete: Callable[[Any], None]


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

    get = build_function(
        "get",
        _GETTER.format(key=slot.key),
        {"missing": missing},
        filename_hint=f"get {slot}",
    )
    if not stores_directly:
        return Accessors(get, set_through_slot, delete)
    set_ = build_function(
        "set",
        _VALUE_SETTER.format(key=slot.key),
        {"first_change": set_value},
        filename_hint=f"set {slot}",
    )
    return Accessors(get, set_, delete)
