"""Define descriptors that stand on a mapped class for another attribute.

A synonym or a composite has no column of its own: on objects a Python descriptor does the reading
and writing, on the class the property's comparator gives the expression.
"""

from __future__ import annotations

import builtins
from typing import Any

from holdfast import errors
from holdfast.foundation.load_policy import DONT_SET, NO_VALUE, LoadPolicy
from holdfast.foundation.sqlalchemy_core import memoized_property
from holdfast.instrument.descriptor import QueryableAttribute, named
from holdfast.states.changes import HISTORY_BLANK, History
from holdfast.states.instance import InstanceState


class ForwardedValue:
    """A descriptor that reads and writes the attribute `name` of the same object."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name: str = name

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self if instance is None else getattr(instance, self.name)

    def __set__(self, instance: Any, value: Any) -> None:
        setattr(instance, self.name, value)

    def __delete__(self, instance: Any) -> None:
        delattr(instance, self.name)


class AbsentValue:
    """A descriptor for what the base of a concrete class maps, and the class does not (MP-155)."""

    __slots__ = ("key", "mapper")

    def __init__(self, mapper: Any, key: str) -> None:
        self.mapper: Any = mapper
        self.key: str = key

    def __get__(self, instance: Any, owner: Any) -> Any:
        raise errors.AttributeAccessError.not_concrete(self.mapper, self.key)

    def __set__(self, instance: Any, value: Any) -> None:
        raise errors.AttributeAccessError.not_concrete(self.mapper, self.key)

    def __delete__(self, instance: Any) -> None:
        raise errors.AttributeAccessError.not_concrete(self.mapper, self.key)


class ProxyAttribute(QueryableAttribute[Any]):
    """A mapped attribute whose values are another descriptor's business."""

    inherit_cache: bool = True

    # Reads and writes the value on objects.
    descriptor: Any

    def __init__(self, class_: Any, key: str, parent: Any, property: Any, descriptor: Any) -> None:
        # The `MapperProperty` of this name, not of what it stands for.
        self.original_property = property
        super().__init__(class_, key, parent, property)
        self.descriptor = descriptor
        if isinstance(descriptor, ForwardedValue):
            self.forwards_to: str = descriptor.name
        self.__doc__ = getattr(property, "doc", None)

    def _meant_property(self) -> Any:
        prop = self.original_property
        if prop is None or not prop.is_synonym:
            return prop
        # A hybrid that stands for no single attribute has none.
        return getattr(prop.target_of(prop.parent.class_), "property", None)

    def _adapted_comparator(self, entity: Any) -> Any:
        return self.original_property.make_comparator(entity)

    def _keep_property(self, value: Any) -> None:
        """What the base class is given is `original_property`."""

    property: Any = builtins.property(
        _meant_property, _keep_property, doc="The property that the attribute stands for."
    )
    prop: Any = property

    @memoized_property
    def comparator(self) -> Any:
        """The object that has the attribute's SQL operators."""
        return self.original_property.make_comparator(self.parent)

    @memoized_property
    def expression(self) -> Any:
        """The Core expression that stands for the attribute, and is called so in rows."""
        return named(self.comparator.__clause_element__(), self.key)

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
            raise errors.AttributeAccessError.read_only(type(instance), self.key)
        setter(self.descriptor, instance, value)

    def __delete__(self, instance: Any) -> None:
        deleter = getattr(type(self.descriptor), "__delete__", None)
        if deleter is None:
            raise errors.AttributeAccessError.read_only(type(instance), self.key)
        deleter(self.descriptor, instance)

    def __getattr__(self, name: str) -> Any:
        # A descriptor of the application may have more to say on the class.
        own = self.__dict__.get("descriptor")
        if not (
            name.startswith("_") or getattr(own, "is_property", isinstance(own, ForwardedValue))
        ):
            found = getattr(own, name, NO_VALUE)
            if found is not NO_VALUE:
                return found
        return super().__getattr__(name)

    def label(self, name: str | None) -> Any:
        """The expression under another name in the result; a composite's is one element."""
        return self.comparator.label(name)

    def refresh_accessors(self) -> None:
        """Nothing: the descriptor looks for listeners whenever it is used."""

    def history_of(self, state: InstanceState, policy: LoadPolicy) -> History:
        """The history that the descriptor makes of its columns', or that it forwards to."""
        if self.forwards_to is not None:
            history: History = state.manager[self.forwards_to].history_of(state, policy)
            return history
        make = getattr(self.descriptor, "history_of", None)
        return HISTORY_BLANK if make is None else make(state, policy)
