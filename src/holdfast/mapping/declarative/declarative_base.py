"""Define the base classes that mapped classes derive from, and the functions that make such bases.

`DeclarativeBase` is the usual one; `DeclarativeBaseNoMeta` the same without metaclass, so that
attributes assigned later are not mapped; `declarative_base()` the older style.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from sqlalchemy import MetaData

from holdfast.errors.declarative import DeclarationError
from holdfast.mapping.declarative.declare import add_attribute
from holdfast.mapping.declarative.metaclasses import (
    REGISTRY_NAME,
    DeclarativeMeta,
    Intercepting,
    map_new_class,
)
from holdfast.mapping.declarative.mixins import declared_attr
from holdfast.mapping.declarative.registry import registry as new_registry
from holdfast.mapping.declarative.scan import set_attribute
from holdfast.mapping.registry import Registry
from holdfast.states.instance import InstanceState

if TYPE_CHECKING:
    from sqlalchemy import FromClause

    from holdfast.mapping.mapper import Mapper


def _set_up_base(cls: type) -> None:
    """Give a class that derives from `DeclarativeBase` its registry, metadata and constructor."""
    found = getattr(cls, "registry", None)
    type_map = getattr(cls, "type_annotation_map", None)
    if found is not None:
        if not isinstance(found, Registry):
            raise DeclarationError.wrong_registry()
        if type_map is not None:
            raise DeclarationError.registry_and_type_map()
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


def _refuse_direct_use(cls: type, base: type) -> None:
    """A mapped class needs a base of its own between it and `DeclarativeBase`."""
    names = ("__table__", "__tablename__")
    if any(not isinstance(cls.__dict__.get(each), declared_attr | None) for each in names):
        raise DeclarationError.base_used_directly(base)


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
            _refuse_direct_use(cls, root)
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
