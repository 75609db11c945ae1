"""This file makes listeners of a class's marked methods: `@validates` and `@reconstructor`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from holdfast.instrument.tokens import OP_BULK_REPLACE
from holdfast.mapping.marks import reconstructor_of


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
