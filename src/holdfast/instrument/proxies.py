"""Define descriptors that stand on a mapped class for another attribute.

A synonym or a composite has no column of its own: on objects a Python descriptor does the reading
and writing, on the class the property's comparator gives the expression.
"""

from __future__ import annotations

from typing import Any

from holdfast.errors.attributes import AttributeAccessError
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.markers import DONT_SET
from holdfast.instrument.descriptor import QueryableAttribute
from holdfast.states.history import HISTORY_BLANK, History
from holdfast.states.instance import InstanceState


class ForwardedValue:
    """A descriptor that reads and writes the attribute `name` of the same object."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self if instance is None else getattr(instance, self.name)

    def __set__(self, instance: Any, value: Any) -> None:
        setattr(instance, self.name, value)

    def __delete__(self, instance: Any) -> None:
        delattr(instance, self.name)


class ProxyAttribute(QueryableAttribute[Any]):
    """A mapped attribute whose values are another descriptor's business.

    Attributes:
        descriptor: Reads and writes the value on objects.
        original_property: The `MapperProperty` of this name, not of what it stands for.
    """

    inherit_cache = True

    descriptor: Any

    def __init__(
        self,
        class_: Any,
        key: str,
        parent: Any = None,
        property: Any = None,
        descriptor: Any = None,
        comparator: Any = None,
        *,
        doc: str | None = None,
    ) -> None:
        super().__init__(class_, key, parent, property, None, comparator)
        self.original_property = property
        self.descriptor = ForwardedValue(key) if descriptor is None else descriptor
        self.__doc__ = doc if doc is not None else getattr(property, "doc", None)

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            # A user's descriptor may have something of its own to say on the class.
            return self
        return self.descriptor.__get__(instance, owner)

    def __set__(self, instance: Any, value: Any) -> None:
        if value is DONT_SET:
            return
        setter = getattr(type(self.descriptor), "__set__", None)
        if setter is None:
            raise AttributeAccessError.read_only(type(instance), self.key)
        setter(self.descriptor, instance, value)

    def __delete__(self, instance: Any) -> None:
        deleter = getattr(type(self.descriptor), "__delete__", None)
        if deleter is None:
            raise AttributeAccessError.read_only(type(instance), self.key)
        deleter(self.descriptor, instance)

    def history_of(self, state: InstanceState, policy: LoadPolicy) -> History:
        """The history that the descriptor makes of its columns', or that it forwards to."""
        descriptor = self.descriptor
        if isinstance(descriptor, ForwardedValue):
            history: History = state.manager[descriptor.name].history_of(state, policy)
            return history
        make = getattr(descriptor, "history_of", None)
        return HISTORY_BLANK if make is None else make(state, policy)
