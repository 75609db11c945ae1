"""Show paths as the class that SQLAlchemy's tests of paths look into.

A `LoadPath` always ends with what it was made of; there a path to all attributes of one kind ends
with a token, and which entity of a hierarchy is meant is worked out when the path is made.
"""

from __future__ import annotations

from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from sqlalchemy import exc, inspect

from holdfast.foundation.deprecated import warn
from holdfast.queries.options.paths import LoadPath

TOKENS: dict[str, PathToken] = {}


class PathToken(str):
    """The end of a path to all attributes of one kind."""

    __slots__ = ()
    _intern: ClassVar[dict[str, PathToken]] = TOKENS


TOKENS.update(
    (name, PathToken(name))
    for kind in ("column", "relationship")
    for name in (f"{kind}:*", f"{kind}:_sa_default")
)


class PathRegistry(LoadPath):
    """A path whose last item may be a token."""

    __slots__ = ()
    root: ClassVar[PathRegistry]

    @classmethod
    def coerce(cls, items: Any) -> PathRegistry:
        """The path of some items, each attribute with the entity that it belongs to."""
        found = [
            _entity_for(item, items[place + 1])
            if place % 2 == 0 and place + 1 < len(items)
            else item
            for place, item in enumerate(items)
        ]
        return PathRegistry(found)

    @property
    def path(self) -> tuple[Any, ...]:
        """The items."""
        return tuple(self)

    @property
    def natural_path(self) -> tuple[Any, ...]:
        """The items, with mappers in place of aliases behind relationships."""
        found = list(self)
        for place in range(2, len(found), 2):
            if found[place].is_aliased_class:
                attribute = found[place + 1] if place + 1 < len(found) else None
                found[place] = found[place].mapper if attribute is None else attribute.parent
        return tuple(found)

    @property
    def length(self) -> int:
        """How many items there are."""
        return len(self)

    @property
    def parent(self) -> PathRegistry:
        """The path without its last item."""
        return PathRegistry(self[:-1])

    @property
    def is_token(self) -> bool:
        """Does it end in a token?"""
        return isinstance(self.last, PathToken)

    @property
    def is_aliased_class(self) -> bool:
        """Does it end in an alias?"""
        return bool(self.last.is_aliased_class)

    def contains_mapper(self, mapper: Any) -> bool:
        """Is the mapper itself on the path?"""
        return mapper in self.path[::2]

    def token(self, name: str) -> PathRegistry:
        """The path to all attributes of one kind."""
        if name not in TOKENS:
            raise exc.ArgumentError(f"invalid token: {name}")
        return PathRegistry((*self, TOKENS[name]))

    def path_string(self) -> str:
        """The path as messages show it."""
        words: list[str] = []
        name = ""
        for place, item in enumerate(self):
            if place % 2:
                words.append(f"{name}.{item.key}")
                continue
            name = _entity_text(item)
            if place and item.is_aliased_class:
                words[-1] += f".of_type({name})"
        return " -> ".join(words) or name

    def serialize(self) -> list[tuple[type[Any] | None, str | None]]:
        """Classes and names, in pairs."""
        names = [getattr(item, "class_", None) or getattr(item, "key", item) for item in self]
        if len(names) % 2:
            names = (
                [*names, None] if isinstance(names[-1], type) else [*names[:-1], None, names[-1]]
            )
        return list(zip(names[::2], names[1::2], strict=True))

    @staticmethod
    def deserialize(pairs: Any) -> PathRegistry:
        """The path of some pairs."""
        items: list[Any] = []
        for class_, key in pairs:
            mapper: Any = None if class_ is None else inspect(class_)
            items += [] if mapper is None else [mapper]
            if key is not None:
                items.append(TOKENS.get(key) or mapper.get_property(key))
        return PathRegistry(items)

    # -- as the key of a dictionary ------------------------------------------------------------

    def set(self, registry: dict[Any, Any], key: str, value: Any) -> None:
        """Put a value for this path into a dictionary of many."""
        registry[key, self.path] = value

    def setdefault(self, registry: dict[Any, Any], key: str, value: Any) -> None:
        """The same, unless there is one."""
        registry.setdefault((key, self.path), value)

    def get(self, registry: dict[Any, Any], key: str, value: Any = None) -> Any:
        """The value for this path."""
        return registry.get((key, self.path), value)

    def contains(self, registry: dict[Any, Any], key: str) -> bool:
        """Is there a value for this path?"""
        return (key, self.path) in registry

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, int | slice):
            return tuple.__getitem__(self, item)
        if self.is_token:
            raise IndexError(item)
        return PathRegistry((*self, item)) if self else root_path(item)

    def __add__(self, other: Any) -> PathRegistry:
        return PathRegistry((*self, *other))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, tuple):
            warn(f"Comparison of PathRegistry to {type(other)!r} is not supported")
            return False
        return tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__: ClassVar[Any] = tuple.__hash__


PathRegistry.root = PathRegistry()

_roots: WeakKeyDictionary[Any, PathRegistry] = WeakKeyDictionary()


def root_path(entity: Any) -> PathRegistry:
    """The path that consists of one entity."""
    found = _roots.get(entity)
    if found is None:
        found = _roots[entity] = PathRegistry((entity,))
    return found


def _entity_for(entity: Any, attribute: Any) -> Any:
    """The entity of a hierarchy to which an attribute belongs."""
    owner = getattr(attribute, "parent", None)
    if owner is None or entity.mapper is owner:
        return entity
    if entity.is_mapper or entity.stands_for is not None:
        return owner
    part = getattr(entity.entity, owner.class_.__name__, None)
    return inspect(part) if owner in entity.with_polymorphic_mappers and part else entity


def _entity_text(entity: Any) -> str:
    name: str = entity.class_.__name__
    if entity.is_mapper:
        return name
    if not entity.with_polymorphic_mappers:
        return f"aliased({name})"
    others = [each.class_.__name__ for each in entity.with_polymorphic_mappers]
    return f"with_polymorphic({name}, [{', '.join(each for each in others if each != name)}])"
