"""Define the collection classes of relationships that name none, or name `list`, `set`, `dict`."""

from __future__ import annotations

from typing import Any, TypeVar

from holdfast.instrument.collections.roles import roles_of

T = TypeVar("T")
K = TypeVar("K")


class InstrumentedList(list[T]):
    """A list that reports its changes to the object it belongs to."""

    # The tie to the owner; see `collections.adapter`.
    _sa_adapter: Any = None


class InstrumentedSet(set[T]):
    """A set that reports its changes to the object it belongs to."""

    _sa_adapter: Any = None


class InstrumentedDict(dict[K, T]):
    """A dictionary that reports its changes to the object it belongs to.

    It does not know the key of a member, so a relationship needs a subclass that elects an
    appender, such as those of `keyed`.
    """

    _sa_adapter: Any = None


roles_of(InstrumentedList)
roles_of(InstrumentedSet)

REPORTING_CLASSES: dict[type, type] = {
    dict: InstrumentedDict,
    list: InstrumentedList,
    set: InstrumentedSet,
}
"""Built-in class -> the class that takes its place."""
