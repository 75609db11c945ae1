"""Define the flags by which the things that `sqlalchemy.inspect()` answers with are told apart.

Mappers, aliases, object states, attributes and the descriptors of extensions (hybrids, association
proxies) all carry them, so that a reader of `mapper.all_orm_descriptors` can ask what is what
without knowing every class.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, ClassVar, Generic, Literal, TypeVar

from holdfast.foundation.sqlalchemy_core import memoized_property

T_co = TypeVar("T_co", bound=Any, covariant=True)


class InspectionAttrExtensionType(Enum):
    """Base of the enumerations by which extensions name their kinds of descriptors."""


class NotExtension(InspectionAttrExtensionType):
    """The kind of everything that is no extension."""

    NOT_EXTENSION = "not_extension"


class InspectionAttr:
    """Flags that are all false; each kind of thing sets its own."""

    __slots__: ClassVar[tuple[str, ...]] = ()

    is_aliased_class = False
    is_attribute = False
    is_bundle = False
    is_clause_element = False
    is_instance = False
    is_mapper = False
    is_property = False
    is_selectable = False
    extension_type: InspectionAttrExtensionType = NotExtension.NOT_EXTENSION


class InspectionAttrInfo(InspectionAttr):
    """The same with a dictionary for the application's own notes."""

    __slots__ = ()

    @memoized_property
    def info(self) -> dict[Any, Any]:
        """Notes of the application about this thing; kept, never read."""
        return {}


class ORMDescriptor(Generic[T_co]):
    """Typing base of what stands on a class as expression and on its objects as value."""

    __slots__ = ()


NO_EXTENSION: Literal[NotExtension.NOT_EXTENSION] = NotExtension.NOT_EXTENSION
