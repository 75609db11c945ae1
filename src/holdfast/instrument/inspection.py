"""Say what `sqlalchemy.inspect()` answers for mapped classes, their objects and attributes.

Core keeps one function per type, and `sqlalchemy.orm` registers its own for `type` and `object`.
Ours read the same attributes of a class or object that `sqlalchemy.orm` reads, so that it does not
matter whose is in place; and they let themselves be replaced, so that it may be imported later.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Generic, TypeVar

from holdfast.errors.mapping import UnmappedClassError
from holdfast.foundation.sqlalchemy_core import (
    inspection_registrars,
    memoized_property,
    self_inspects,
)
from holdfast.states.instance import InstanceState

T = TypeVar("T", bound=Any)


class InspectionAttrExtensionType(Enum):
    """What kind of extension an attribute comes from."""


class NotExtension(InspectionAttrExtensionType):
    """The attribute comes from no extension."""

    NOT_EXTENSION = "not_extension"


class InspectionAttr:
    """What everything that `inspect()` can answer says of itself; each is False by default."""

    __slots__: tuple[str, ...] = ()

    _is_internal_proxy = False
    is_aliased_class = is_mapper = is_selectable = False
    is_attribute = is_bundle = is_property = False
    is_clause_element = is_instance = False
    extension_type: InspectionAttrExtensionType = NotExtension.NOT_EXTENSION


class InspectionAttrInfo(InspectionAttr):
    """The same with a dictionary for the application's own notes."""

    __slots__ = ()

    @memoized_property
    def info(self) -> dict[Any, Any]:
        """Notes of the application about this thing; kept, never read."""
        return {}


class ORMDescriptor(Generic[T]):
    """Typing base of what stands on a class as expression and on its objects as value."""

    __slots__ = ()


class SQLORMOperations(Generic[T]):
    """Typing base of what has the operators of relationships: `of_type()`, `any()`, `has()`."""

    __slots__ = ()


class _AnyName:
    """Equal to every name: what a later registrant compares its own name with."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


class _Registration:
    """A registered function that another registrant takes for its own, and replaces."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function
        self.__dict__.update(__name__=_AnyName(), __module__=_AnyName())

    def __call__(self, subject: Any) -> Any:
        return self.function(subject)


def inspect_class(class_: type) -> Any:
    """The mapper of a class, or None; it need not be configured yet."""
    manager = class_.__dict__.get("_sa_class_manager")
    if manager is None or not manager.is_mapped:
        if "__sa_deferred__" in class_.__dict__:
            raise UnmappedClassError.deferred(class_)
        if "__sa_waits_for_subclasses__" in class_.__dict__:
            raise UnmappedClassError.pending(class_)
        return None
    return manager.mapper


def inspect_generic(alias: Any) -> Any:
    """The same for a class with type arguments, as in `Node[int]`."""
    return inspect_class(alias.__origin__)


def inspect_object(obj: object) -> Any:
    """The state of an object, or None."""
    return getattr(obj, "_sa_instance_state", None)


def register() -> None:
    """Make `inspect()` know classes, objects and their states."""
    for type_, function in (
        (type, inspect_class),
        (type(ORMDescriptor[int]), inspect_generic),
        (object, inspect_object),
    ):
        if type_ not in inspection_registrars:
            inspection_registrars[type_] = _Registration(function)
    self_inspects(InstanceState)


register()
