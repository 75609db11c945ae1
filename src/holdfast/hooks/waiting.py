"""This file keeps listeners on classes that are not mapped yet, until they are.

A listener on an unmapped class stays here for good: with `propagate` it applies to every mapped
subclass, without it to the class itself once it is mapped (EV-9).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

from holdfast.foundation.record import FieldTuple
from holdfast.foundation.sqlalchemy_core import EventKey


class Held(FieldTuple):
    """One listener that waits."""

    key: EventKey[Any]
    propagate: bool
    options: dict[str, Any]


class WaitingRoom:
    """Listeners of one family, by class."""

    def __init__(self) -> None:
        self.by_class: weakref.WeakKeyDictionary[type[Any], list[Held]] = (
            weakref.WeakKeyDictionary()
        )

    def keep(self, class_: type[Any], held: Held) -> None:
        """Let a listener wait for a class."""
        self.by_class.setdefault(class_, []).append(held)

    def clear(self) -> None:
        """Forget all listeners."""
        self.by_class.clear()

    def apply_to(self, class_: type[Any], target: Any) -> None:
        """Listen on the target of a class that is being mapped."""
        for base, held in self._held_for(class_):
            if held.key.contains() and (held.propagate or base is class_):
                held.key.with_dispatch_target(target).listen(
                    propagate=held.propagate, **held.options
                )

    def _held_for(self, class_: type[Any]) -> Iterator[tuple[type[Any], Held]]:
        for base in class_.__mro__:
            for held in self.by_class.get(base, ()):
                yield base, held


class ClassInWaiting:
    """Stands for an unmapped class as the target of listeners. Subclasses set `dispatch`."""

    dispatch: Any

    def __init__(self, class_: type[Any], room: WaitingRoom) -> None:
        self.class_ = class_
        self.room = room


def hold(
    event_key: EventKey[Any],
    target_of: Callable[[type[Any]], Any],
    *,
    propagate: bool,
    options: dict[str, Any],
) -> None:
    """Keep a listener on a class in waiting, and apply it to the subclasses mapped already.

    Args:
        event_key: The listener.
        target_of: Target of a mapped class, or None for an unmapped one.
        propagate: Whether it is meant for subclasses too.
        options: What else it was given.
    """
    waiting: ClassInWaiting = event_key.dispatch_target
    waiting.room.keep(waiting.class_, Held(event_key, propagate, options))
    # Registered with Core, so that `contains` and `remove` know the listener.
    event_key.base_listen()
    if not propagate:
        return
    below = list(waiting.class_.__subclasses__())
    while below:
        class_ = below.pop()
        below.extend(class_.__subclasses__())
        target = target_of(class_)
        if target is not None:
            event_key.with_dispatch_target(target).listen(propagate=False, **options)
