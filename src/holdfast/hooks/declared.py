"""Hold what all families of events share."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, TypeVar

from sqlalchemy import event

from holdfast.foundation.codegen import FieldTuple
from holdfast.foundation.describe import warn_deprecated
from holdfast.foundation.sqlalchemy_core import EventKey, event_registrars, omit_standard_example
from holdfast.instrument.slots import OP_BULK_REPLACE
from holdfast.mapping.mapped import reconstructor_of
from holdfast.mapping.registry import Registry, mapper

# ------------------------------------------------------------------------------
# Make listeners of a class's marked methods: `@validates` and `@reconstructor`.


def listen_for_declared(mapper: Any) -> None:
    """Listen on behalf of the methods that a class, whose mapping begins, has marked."""
    reconstructor = reconstructor_of(mapper.class_)
    manager = mapper.class_manager
    if reconstructor is not None:
        event.listen(manager, "load", _rebuild(reconstructor), raw=True)


def validate(attribute: Any) -> None:
    """Listen on behalf of the method that is marked to validate a new attribute of a class."""
    mapper = attribute.parent
    declared = mapper.validators.get(attribute.key) if getattr(mapper, "is_mapper", False) else None
    if declared is not None:
        method, options = declared
        Validation(attribute.key, method, **options).listen(attribute)


def _rebuild(method: Callable[[Any], Any]) -> Callable[[Any, Any], None]:
    def load(state: Any, context: Any) -> None:
        method(state.obj())

    return load


class Validation:
    """One validated attribute (EV-112)."""

    def __init__(
        self,
        key: str,
        method: Callable[..., Any],
        *,
        include_removes: bool = False,
        include_backrefs: bool = True,
    ) -> None:
        self.key = key
        self.method = method
        self.include_removes = include_removes
        self.include_backrefs = include_backrefs
        self.attribute: Any = None

    def listen(self, attribute: Any) -> None:
        """Attach to an attribute of a class."""
        self.attribute = attribute
        for name, listener in (
            ("append", self.append),
            ("bulk_replace", self.bulk_replace),
            ("set", self.set),
        ):
            event.listen(attribute, name, listener, raw=True, retval=True)
        if self.include_removes:
            event.listen(attribute, "remove", self.remove, raw=True, retval=True)

    def _applies(self, initiator: Any) -> bool:
        """Whether a change is to be validated that may come from the other end."""
        if self.include_backrefs or initiator is None:
            return True
        slot = self.attribute.slot
        return slot is None or bool(slot.is_own(initiator))

    def _call(self, state: Any, value: Any, *, is_removal: bool) -> Any:
        if self.include_removes:
            return self.method(state.obj(), self.key, value, is_removal)
        return self.method(state.obj(), self.key, value)

    def set(self, state: Any, value: Any, oldvalue: Any, initiator: Any) -> Any:
        """A value is assigned: the method's answer takes its place."""
        if not self._applies(initiator):
            return value
        return self._call(state, value, is_removal=False)

    def append(self, state: Any, value: Any, initiator: Any) -> Any:
        """A member is added; those of a replaced collection were validated together."""
        if initiator.op is OP_BULK_REPLACE or not self._applies(initiator):
            return value
        return self._call(state, value, is_removal=False)

    def bulk_replace(self, state: Any, values: Any, initiator: Any) -> None:
        """A collection is replaced: the answers take the members' places."""
        if self._applies(initiator):
            values[:] = [self._call(state, value, is_removal=False) for value in values]

    def remove(self, state: Any, value: Any, initiator: Any) -> None:
        """A member is removed."""
        if self._applies(initiator):
            self._call(state, value, is_removal=True)


# ------------------------------------------------------------------------------
# Hold what all families of hooks share.
#
# Event names are global in Core: the first family that accepts a target gets the listener. Ours are
# asked first, and accept only what is ours, so that `sqlalchemy.orm` may live in the same process.
#
# Rules kept here:
# 1. A family answers None for a target that is not Holdfast's.
# 2. A class that is not mapped yet counts as ours when it has a registry of ours, or when no other
#    library in the process listens to events of that name.

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


def is_mapper_function(target: Any) -> bool:
    """Whether the target is the name of 1.x for all mappers; warns of it."""
    if target is not mapper:
        return False
    warn_deprecated(
        "The `sqlalchemy.orm.mapper()` symbol is deprecated and will be removed in a future "
        "release. For the mapper-wide event target, use the `Mapper` class."
    )
    return True


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


# ------------------------------------------------------------------------------
# Keep listeners on classes that are not mapped yet, until they are.
#
# A listener on an unmapped class stays here for good: with `propagate` it applies to every mapped
# subclass, without it to the class itself once it is mapped (EV-9).


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
