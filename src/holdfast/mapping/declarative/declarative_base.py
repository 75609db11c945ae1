"""Give the bases that make their subclasses mapped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, Unpack, overload

from sqlalchemy import MetaData
from typing_extensions import dataclass_transform

from holdfast import errors
from holdfast.mapping.declarative.constructs import (
    MappedColumn,
    column_property,
    deferred,
    mapped_column,
    relationship,
    synonym,
)
from holdfast.mapping.declarative.dataclass_fields import DataclassSettings, make_unmapped_dataclass
from holdfast.mapping.declarative.declare import add_attribute
from holdfast.mapping.declarative.registry import (
    REGISTRY_NAME,
    DeclarativeMeta,
    Intercepting,
    is_to_be_mapped,
    map_new_class,
    registry,
)
from holdfast.mapping.declarative.registry import registry as new_registry
from holdfast.mapping.declarative.scan import SETTINGS_NAME, declared_attr, set_attribute
from holdfast.mapping.registry import Registry
from holdfast.states.instance import InstanceState

if TYPE_CHECKING:
    from sqlalchemy import FromClause

    from holdfast.mapping.mapper import Mapper


# ------------------------------------------------------------------------------
# Offer mapped classes as dataclasses: `MappedAsDataclass` and the decorators.
#
# What happens to the class body is in `dataclass_fields`; when, is decided here and in `declare`.

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


# ------------------------------------------------------------------------------
# Define the base classes that mapped classes derive from, and the functions that make such bases.
#
# `DeclarativeBase` is the usual one; `DeclarativeBaseNoMeta` the same without metaclass, so that
# attributes assigned later are not mapped; `declarative_base()` the older style.


def _set_up_base(cls: type) -> None:
    """Give a class that derives from `DeclarativeBase` its registry, metadata and constructor."""
    found = getattr(cls, "registry", None)
    type_map = getattr(cls, "type_annotation_map", None)
    if found is not None:
        if not isinstance(found, Registry):
            raise errors.DeclarationError.wrong_registry()
        if type_map is not None:
            raise errors.DeclarationError.registry_and_type_map()
    else:
        metadata = getattr(cls, "metadata", None)
        found = new_registry(
            metadata=metadata if isinstance(metadata, MetaData) else None,
            type_annotation_map=type_map,
        )
        set_attribute(cls, "registry", found)
    set_attribute(cls, REGISTRY_NAME, found)
    if getattr(cls, "metadata", None) is None:
        set_attribute(cls, "metadata", found.metadata)
    if cls.__init__ is object.__init__ and found.constructor is not None:  # type: ignore[misc]
        set_attribute(cls, "__init__", found.constructor)


class _MapsSubclasses:
    """What both kinds of base have in common."""

    if TYPE_CHECKING:
        registry: ClassVar[new_registry]
        metadata: ClassVar[MetaData]
        type_annotation_map: ClassVar[Mapping[Any, Any]]
        __name__: ClassVar[str]
        __mapper__: ClassVar[Mapper]
        __table__: ClassVar[FromClause]
        __tablename__: Any
        __table_args__: Any
        __mapper_args__: Any

        def __init__(self, **kw: Any) -> None: ...
        @classmethod
        def _sa_inspect_type(cls) -> Mapper[Self]: ...
        def _sa_inspect_instance(self) -> InstanceState[Self]: ...

    def __init_subclass__(cls, **kw: Any) -> None:
        root = next((each for each in cls.__bases__ if _MapsSubclasses in each.__bases__), None)
        if root is not None:
            # A mapped class needs a base of its own between it and `DeclarativeBase`.
            tables = (cls.__dict__.get(name) for name in ("__table__", "__tablename__"))
            if not all(isinstance(each, declared_attr | None) for each in tables):
                raise errors.DeclarationError.base_used_directly(root)
            _set_up_base(cls)
        # What stands behind in the order of bases, such as MappedAsDataclass, prepares.
        super().__init_subclass__(**kw)
        if root is None and _MapsSubclasses not in cls.__bases__:
            map_new_class(cls)


class DeclarativeBase(_MapsSubclasses, metaclass=Intercepting):
    """Derive a base class from this, and the mapped classes from that.

    ```python
    class Base(DeclarativeBase):
        pass


    class Author(Base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)
    ```

    The base may set `metadata`, `type_annotation_map` or `registry`.
    """


class DeclarativeBaseNoMeta(_MapsSubclasses):
    """The same without a metaclass: for classes that have a metaclass of their own (MP-36)."""


def declarative_base(
    *,
    metadata: MetaData | None = None,
    mapper: Callable[..., Any] | None = None,
    cls: type[Any] | tuple[type[Any], ...] = object,
    name: str = "Base",
    class_registry: Any | None = None,
    type_annotation_map: Mapping[Any, Any] | None = None,
    metaclass: type[Any] = DeclarativeMeta,
    **constructor: Any,
) -> Any:
    """Make a base class for declarative mapping; `registry().generate_base()` in one call.

    Args:
        metadata: Of the tables; a new one when not given.
        mapper: Kept as `__mapper_cls__`.
        cls: What the base derives from.
        name: Its name.
        class_registry: Dictionary of class names, to be shared between bases.
        type_annotation_map: Python types and the SQL types that stand for them.
        metaclass: Of the base.
        **constructor: `constructor=`: the `__init__` of the base; None for none.
    """
    owner = new_registry(
        metadata=metadata,
        class_registry=class_registry,
        type_annotation_map=type_annotation_map,
        **constructor,
    )
    return owner.generate_base(mapper=mapper, cls=cls, name=name, metaclass=metaclass)


def as_declarative(**kw: Any) -> Callable[[type[Any]], Any]:
    """Decorator: make a class a declarative base; takes what `declarative_base()` takes."""
    for_registry = {
        name: kw.pop(name)
        for name in ("metadata", "class_registry", "type_annotation_map", "constructor")
        if name in kw
    }
    return new_registry(**for_registry).as_declarative_base(**kw)


def add_mapped_attribute(target: type, key: str, attribute: Any) -> None:
    """Map one more attribute of a class, also one without our metaclass."""
    add_attribute(target, key, attribute)


def as_typed_table(cls: type[Any], typed_columns_cls: Any = None, /) -> Any:
    """The table of a mapped class, typed by a `TypedColumns` class for type checkers."""
    return cls.__table__
