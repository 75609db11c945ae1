"""Offer mapped classes as dataclasses: `MappedAsDataclass` and the decorators.

What happens to the class body is in `dataclass_fields`; when, is decided here and in `declare`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from typing_extensions import dataclass_transform

from holdfast.mapping.declarative.constructs import (
    column_property,
    deferred,
    mapped_column,
    relationship,
    synonym,
)
from holdfast.mapping.declarative.dataclass_fields import (
    DataclassSettings,
    make_unmapped_dataclass,
)
from holdfast.mapping.declarative.mapped_column import MappedColumn
from holdfast.mapping.declarative.metaclasses import (
    REGISTRY_NAME,
    Intercepting,
    is_to_be_mapped,
)
from holdfast.mapping.declarative.registry import registry
from holdfast.mapping.declarative.scan import SETTINGS_NAME, set_attribute

C = TypeVar("C", bound=type)


@dataclass_transform(
    field_specifiers=(MappedColumn, mapped_column, relationship, column_property, deferred, synonym)
)
class DataclassIntercepting(Intercepting):
    """Metaclass of `MappedAsDataclass`; tells type checkers of the generated `__init__`."""


class MappedAsDataclass(metaclass=DataclassIntercepting):
    """Mixin, or base of a base: the class, and each that derives from it, is a dataclass.

    ```python
    class Base(MappedAsDataclass, DeclarativeBase):
        pass


    class Author(Base, kw_only=True):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        name: Mapped[str]
    ```
    """

    if TYPE_CHECKING:

        def __init__(self, *arg: Any, **kw: Any) -> None: ...

    def __init_subclass__(cls, **kw: Any) -> None:
        given = {name: kw.pop(name) for name in DataclassSettings.__annotations__ if name in kw}
        settings: Any = {**getattr(cls, SETTINGS_NAME, {}), **given}
        set_attribute(cls, SETTINGS_NAME, settings)
        super().__init_subclass__(**kw)
        # The base that has a registry of its own is not mapped, only what derives from it.
        is_below_base = hasattr(cls, REGISTRY_NAME) and REGISTRY_NAME not in cls.__dict__
        will_be_mapped = is_below_base and is_to_be_mapped(cls)
        if not will_be_mapped and "__dataclass_fields__" not in cls.__dict__:
            make_unmapped_dataclass(cls, settings)


@dataclass_transform(
    field_specifiers=(MappedColumn, mapped_column, relationship, column_property, deferred, synonym)
)
def mapped_as_dataclass(
    registry: registry, /, **settings: Unpack[DataclassSettings]
) -> Callable[[C], C]:
    """Decorator: make a class a dataclass and map it in `registry`."""
    decorate: Callable[[C], C] = registry.mapped_as_dataclass(**settings)
    return decorate


@overload
def unmapped_dataclass(cls: C, /) -> C: ...


@overload
def unmapped_dataclass(**settings: Unpack[DataclassSettings]) -> Callable[[C], C]: ...


@dataclass_transform(
    field_specifiers=(MappedColumn, mapped_column, relationship, column_property, deferred, synonym)
)
def unmapped_dataclass(cls: Any = None, /, **settings: Unpack[DataclassSettings]) -> Any:
    """Decorator: make a mixin for mapped dataclasses a dataclass, without mapping it."""

    def decorate(decorated: C) -> C:
        set_attribute(decorated, SETTINGS_NAME, settings)
        make_unmapped_dataclass(decorated, settings)
        return decorated

    return decorate if cls is None else decorate(cls)
