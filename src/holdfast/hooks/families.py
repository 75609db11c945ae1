"""This file holds what all families of hooks share.

Event names are global in Core: the first family that accepts a target gets the listener. Ours are
asked first, and accept only what is ours, so that `sqlalchemy.orm` may live in the same process.

Rules kept here:
1. A family answers None for a target that is not Holdfast's.
2. A class that is not mapped yet counts as ours when it has a registry of ours, or when no other
   library in the process listens to events of that name.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any, TypeVar

from holdfast.foundation.sqlalchemy_core import (
    EventKey,
    event_registrars,
    omit_standard_example,
)
from holdfast.mapping.registry import Registry

Family = TypeVar("Family", bound=type[Any])

_families: set[Any] = set()


class OwnDocstrings:
    """A first base of families: their docstrings stay as they are.

    Core adds an example of a listener to each, which is half of the work of making a family.
    """

    def __init_subclass__(cls) -> None:
        for member in vars(cls).values():
            if isinstance(member, FunctionType):
                omit_standard_example(member)
        super().__init_subclass__()


def put_first(family: Family) -> Family:
    """Let a family be asked before those of other libraries; a class decorator."""
    _families.add(family)
    for name in family.dispatch._event_names:  # noqa: SLF001  Core's list
        listed = event_registrars[name]
        if family in listed:
            listed.remove(family)
        listed.insert(0, family)
    return family


def may_become_ours(class_: type[Any], identifier: str) -> bool:
    """Whether a class that is not mapped is to be waited for."""
    if isinstance(getattr(class_, "registry", None), Registry):
        return True
    return all(family in _families for family in event_registrars.get(identifier, ()))


def listener_of(event_key: EventKey[Any]) -> Any:
    """The function that a key is about, as wrapped so far."""
    return event_key._listen_fn  # noqa: SLF001  Core offers no other way


def inherit_listeners(dispatch: Any, above: Any) -> None:
    """Add the listeners of `above` that were registered with `propagate`."""
    dispatch._update(above)  # noqa: SLF001  Core offers no other way
