"""Offer SQLAlchemy's way to put a descriptor of one's own behind a class-level attribute.

Properties that derive from its `DescriptorProperty` are built on that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import inspect

from holdfast.foundation.sqlalchemy_core import memoized_property
from holdfast.instrument.descriptor import QueryableAttribute
from holdfast.instrument.manager import ClassManager
from holdfast.mapping.assembly.columns import has_own_descriptor
from holdfast.mapping.properties.base import MapperProperty


class ProxiedAttribute(QueryableAttribute[Any]):
    """A class-level attribute with the operators of a comparator, over somebody's descriptor."""

    inherit_cache: bool = True

    def __init__(
        self,
        class_: Any,
        key: str,
        descriptor: Any,
        comparator: Any,
        adapt_to_entity: Any = None,
        doc: str | None = None,
        original_property: Any = None,
    ) -> None:
        parent = adapt_to_entity or inspect(class_, raiseerr=False)
        super().__init__(class_, key, parent, original_property)
        self.descriptor = descriptor
        self.given_comparator = comparator
        self.original_property = original_property
        self.__doc__ = doc
        del self.property

    @memoized_property
    def comparator(self) -> Any:
        """The object that has the attribute's SQL operators."""
        given = self.given_comparator
        return given() if callable(given) else given

    @memoized_property
    def property(self) -> Any:
        """The property that the expression comes from."""
        return self.comparator.property

    def adapt_to_entity(self, entity: Any) -> ProxiedAttribute:
        """The same attribute of an alias of the class."""
        comparator = self.comparator.adapt_to_entity(entity)
        return type(self)(entity.entity, self.key, self.descriptor, comparator, entity)

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self if instance is None else self.descriptor.__get__(instance, owner)

    def __set__(self, instance: Any, value: Any) -> None:
        self.descriptor.__set__(instance, value)

    def __delete__(self, instance: Any) -> None:
        self.descriptor.__delete__(instance)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and hasattr(self.__dict__.get("descriptor"), name):
            return getattr(self.descriptor, name)
        return super().__getattr__(name)


class DescriptorProperty(MapperProperty):
    """A property whose values are a descriptor's business; to be derived from."""

    kind = "synonym"
    descriptor: Any = None
    _comparator_factory: Callable[[Any], Any]

    def instrument_class(self, mapper: Any) -> None:
        """Put the attribute on the class, over the descriptor that the class has."""
        cls: Any = mapper.class_
        if self.descriptor is None and has_own_descriptor(cls, self.key):
            self.descriptor = cls.__dict__[self.key]
        manager: ClassManager = mapper.class_manager
        manager.install(
            ProxiedAttribute(
                cls,
                self.key,
                self.descriptor or property(),
                lambda: self._comparator_factory(mapper),
                doc=self.doc,
                original_property=self,
            )
        )
