"""Define values that tell the object they belong to when they change in place (XT-40 to XT-45).

`MutableDict.as_mutable(JSON)` is a column type whose values are dictionaries of that kind; a
`MutableComposite` is the value object of a composite. A value knows its parents, the states of the
objects that hold it, and each change counts as one of their attribute.

Rules kept here:
1. A value is told its parent wherever it gets into an object: loaded, refreshed, made by a flush,
   assigned, unpickled.
2. Only what the object still holds counts: a value that was replaced or expired is nobody's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Self, SupportsIndex, TypeVar, cast

from sqlalchemy import event
from sqlalchemy.types import TypeEngine, to_instance

from holdfast import errors
from holdfast.foundation.sqlalchemy_core import SchemaEventTarget
from holdfast.instrument.access import flag_modified
from holdfast.instrument.descriptor import QueryableAttribute
from holdfast.mapping.mapper import Mapper
from holdfast.mapping.properties import CompositeProperty
from holdfast.states.instance import InstanceState

T = TypeVar("T", bound=Any)
K = TypeVar("K")
V = TypeVar("V")
C = TypeVar("C", bound=type[Any])

PARENTS = "_parents"
"""Where a value keeps its parents; those who pickle values in their own way leave it out."""

_MARK = "_mutable_class"
_PICKLED = "ext.mutable.values"


class MutableBase:
    """What both kinds of tracked values have in common."""

    @property
    def _parents(self) -> dict[InstanceState, str]:
        """States of the objects that hold the value, and the name of the attribute in each."""
        parents: dict[InstanceState, str] = self.__dict__.setdefault(PARENTS, {})
        return parents

    def __getstate__(self) -> Any:
        return {key: value for key, value in self.__dict__.items() if key != PARENTS}

    @classmethod
    def coerce(cls, key: str, value: Any) -> Any:
        """The value to keep for one that is assigned or loaded; to be overridden.

        Args:
            key: Name of the attribute.
            value: Of another class.

        Raises:
            ValueError: It is neither None nor something that can be converted (XT-41).
        """
        if value is None or isinstance(value, cls):
            return value
        raise errors.AttributeValueError.not_accepted(key, value)

    def adopted_by(self, state: InstanceState, key: str) -> None:
        """Be the value of an attribute of one more object."""
        parents = self._parents
        for other in [each for each in parents if each() is None]:
            del parents[other]
        parents[state] = key

    def left_by(self, state: InstanceState) -> None:
        """Be the value of an object no more."""
        self._parents.pop(state, None)

    def holders(self) -> list[tuple[Any, InstanceState, str]]:
        """The objects that hold this very value, with their states and names of attributes."""
        return [
            (obj, state, key)
            for state, key in self._parents.items()
            if (obj := state()) is not None and obj.__dict__.get(key) is self
        ]


def _track(attribute: QueryableAttribute[Any], cls: type[MutableBase]) -> None:
    """Convert what is assigned to an attribute, and tell it where it is."""
    key = attribute.key

    def on_set(state: InstanceState, value: Any, former: Any, _initiator: Any) -> Any:
        if value is former:
            return value
        if not isinstance(value, cls):
            value = cls.coerce(key, value)
        if isinstance(value, MutableBase):
            value.adopted_by(state, key)
        if isinstance(former, cls):
            former.left_by(state)
        return value

    def on_pickle(state: InstanceState, packed: dict[str, Any]) -> None:
        value = state.dict.get(key)
        if isinstance(value, MutableBase):
            packed.setdefault(_PICKLED, {})[key] = value

    def on_unpickle(state: InstanceState, packed: dict[str, Any]) -> None:
        value = packed.get(_PICKLED, {}).get(key)
        if value is not None:
            value.adopted_by(state, key)

    event.listen(attribute, "set", on_set, raw=True, retval=True, propagate=True)
    event.listen(attribute.class_, "pickle", on_pickle, raw=True, propagate=True)
    event.listen(attribute.class_, "unpickle", on_unpickle, raw=True, propagate=True)


class Mutable(MutableBase):
    """A value of one column that calls `changed()` when it changes; to be derived from."""

    def changed(self) -> None:
        """Let the objects that hold the value count as modified (XT-43)."""
        for obj, _, key in self.holders():
            flag_modified(obj, key)

    @classmethod
    def as_mutable(cls, sqltype: type[TypeEngine[T]] | TypeEngine[T]) -> TypeEngine[T]:
        """A column type whose values are of this class (XT-40).

        Args:
            sqltype: The type, or its class; the type that is answered is to be used.
        """
        made: Any = to_instance(sqltype)
        vars(made)[_MARK] = cls
        if isinstance(made, SchemaEventTarget):
            # Such a type is copied with its column, without what it carries.
            event.listen(made, "before_parent_attach", _mark_column)
        listen_to_mappers()
        return cast("TypeEngine[T]", made)

    @classmethod
    def associate_with(cls, sqltype: type[TypeEngine[Any]]) -> None:
        """Track all columns of a type, in classes that are mapped from now on (XT-43)."""

        def on_configured(mapper: Mapper[Any], class_: type[Any]) -> None:
            for prop in mapper.column_attrs:
                if isinstance(prop.columns[0].type, sqltype) and _is_first(mapper, prop):
                    cls.associate_with_attribute(getattr(class_, prop.key))

        event.listen(Mapper, "mapper_configured", on_configured)

    @classmethod
    def associate_with_attribute(cls, attribute: QueryableAttribute[Any]) -> None:
        """Track one mapped attribute (XT-43)."""
        key = attribute.key

        def on_load(state: InstanceState, *_: Any) -> None:
            value = state.dict.get(key)
            if value is not None:
                value = state.dict[key] = cls.coerce(key, value)
                value.adopted_by(state, key)

        def on_refresh(state: InstanceState, context: Any, names: Any) -> None:
            if not names or key in names:
                on_load(state)

        _track(attribute, cls)
        event.listen(attribute.class_, "load", on_load, raw=True, propagate=True)
        event.listen(attribute.class_, "refresh", on_refresh, raw=True, propagate=True)
        event.listen(attribute.class_, "refresh_flush", on_refresh, raw=True, propagate=True)


class MutableComposite(MutableBase):
    """The value object of a composite that calls `changed()` when a part of it changes (XT-44)."""

    def changed(self) -> None:
        """Set the columns of the objects that hold the value."""
        for obj, state, key in self.holders():
            prop: Any = state.mapper.get_property(key)
            for name, part in zip(prop.column_keys, prop.values_of(self), strict=False):
                setattr(obj, name, part)


# -- finding what is to be tracked ---------------------------------------------------------------


def _mark_column(sqltype: Any, column: Any) -> None:
    column.info.setdefault(_MARK, vars(sqltype).get(_MARK))


def _marked_class(column: Any) -> type[Mutable] | None:
    """The class of a column's values, where its type came from `as_mutable()`."""
    found = getattr(column.type, "__dict__", {}).get(_MARK)
    return found or (getattr(column, "info", None) or {}).get(_MARK)


def _is_first(mapper: Mapper[Any], prop: Any) -> bool:
    """Whether a property is not one of a base, whose listeners are heard for this class too."""
    above = mapper.inherits
    return prop.parent is mapper and (above is None or prop.key not in above.properties)


def on_mapper_configured(mapper: Mapper[Any], class_: type[Any]) -> None:
    """Track what a class has by its column types and by the classes of its composites."""
    for prop in mapper.iterate_properties:
        if isinstance(prop, CompositeProperty):
            made = prop.composite_class
            if isinstance(made, type) and issubclass(made, MutableComposite):
                prop.value_listener = MutableBase.adopted_by
                if _is_first(mapper, prop):
                    _track(getattr(class_, prop.key), made)
        elif prop.is_column and _is_first(mapper, prop):
            cls = _marked_class(prop.columns[0])  # type: ignore[attr-defined]
            if cls is not None:
                cls.associate_with_attribute(getattr(class_, prop.key))


def listen_to_mappers() -> None:
    """Hear of every class that is mapped, once."""
    if not event.contains(Mapper, "mapper_configured", on_mapper_configured):
        event.listen(Mapper, "mapper_configured", on_mapper_configured)


listen_to_mappers()


# -- collections as values -----------------------------------------------------------------------


def _changing(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a built-in collection that tells of the change that it has made."""

    @wraps(method)
    def call(self: Any, *arguments: Any, **keywords: Any) -> Any:
        result = method(self, *arguments, **keywords)
        self.changed()
        return result

    return call


def _tells_of(names: str) -> Callable[[C], C]:
    """Class decorator: the methods of these names, of the built-in base, are changes."""

    def decorate(class_: C) -> C:
        for name in names.split():
            setattr(class_, name, _changing(getattr(class_, name)))
        return class_

    return decorate


@_tells_of("__setitem__ __delitem__ __ior__ clear pop popitem setdefault update")
class MutableDict(Mutable, dict[K, V]):
    """A dictionary whose changes are noticed; those of values inside of it are not (XT-42)."""

    @classmethod
    def coerce(cls, key: str, value: Any) -> Any:
        """Convert a plain dictionary."""
        if isinstance(value, dict) and not isinstance(value, cls):
            return cls(value)
        return super().coerce(key, value)

    def __getstate__(self) -> dict[K, V]:
        return dict(self)

    def __setstate__(self, state: dict[K, V]) -> None:
        self.update(state)


@_tells_of("""
    __setitem__ __delitem__ __iadd__ __imul__ append clear extend insert pop remove reverse sort
""")
class MutableList(Mutable, list[T]):
    """A list whose changes are noticed; those of members inside of it are not (XT-42)."""

    @classmethod
    def coerce(cls, key: str, value: Any) -> Any:
        """Convert a plain list."""
        if isinstance(value, list) and not isinstance(value, cls):
            return cls(value)
        return super().coerce(key, value)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[type[Self], tuple[list[T]]]:
        return type(self), (list(self),)

    def __setstate__(self, state: list[T]) -> None:
        self[:] = state


@_tells_of("""
    __iand__ __ior__ __isub__ __ixor__ add clear difference_update discard intersection_update
    pop remove symmetric_difference_update update
""")
class MutableSet(Mutable, set[T]):
    """A set whose changes are noticed."""

    @classmethod
    def coerce(cls, key: str, value: Any) -> Any:
        """Convert a plain set."""
        if isinstance(value, set) and not isinstance(value, cls):
            return cls(value)
        return super().coerce(key, value)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[type[Self], tuple[set[T]]]:
        return type(self), (set(self),)


__all__ = [
    "Mutable",
    "MutableBase",
    "MutableComposite",
    "MutableDict",
    "MutableList",
    "MutableSet",
]
