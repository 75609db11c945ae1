"""Find the class, column or table that a string in a mapping names.

A registry records its classes here by name; `relationship("Book")` and
`primaryjoin="Author.id == Book.author_id"` are evaluated when mappers are configured.

Rules kept here:
1. Names are looked for among the registry's classes, then its tables and schemas, then the modules
   its classes live in, then the names of SQLAlchemy itself.
2. A name of several classes is an error only where it is used; a module path tells them apart.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import sqlalchemy
from sqlalchemy import FromClause, MetaData

from holdfast import errors
from holdfast.foundation.describe import describe_class, nearest, warn, warn_deprecated
from holdfast.mapping.remote import foreign, remote

ClassRegistry = MutableMapping[str, Any]


class SeveralClasses:
    """What stands in a class registry for a name that several classes have."""

    __slots__ = ("__weakref__", "members")

    def __init__(self, *classes: type[Any]) -> None:
        self.members: list[weakref.ref[type[Any]]] = [weakref.ref(cls) for cls in classes]

    def classes(self) -> list[type[Any]]:
        """Those that still exist, in order of definition."""
        return [cls for cls in (member() for member in self.members) if cls is not None]


def classes_of(names: ClassRegistry, name: str) -> list[type[Any]]:
    """The classes with that name, in order of definition."""
    found = names.get(name)
    if found is None:
        return []
    return found.classes() if isinstance(found, SeveralClasses) else [found]


def add_class(names: ClassRegistry, name: str, cls: type[Any], keep: dict[str, Any]) -> None:
    """Record a class under its name; `keep` holds what must not vanish from a weak registry."""
    others = [other for other in classes_of(names, name) if other is not cls]
    same_module = [other for other in others if other.__module__ == cls.__module__]
    if same_module:
        warn(errors.same_class_name_warning(cls))
        others = [other for other in others if other not in same_module]
    if others:
        keep[name] = names[name] = SeveralClasses(*others, cls)
    else:
        keep.pop(name, None)
        names[name] = cls


def remove_class(names: ClassRegistry, name: str, cls: type[Any]) -> None:
    """Forget a class."""
    others = [other for other in classes_of(names, name) if other is not cls]
    if not others:
        names.pop(name, None)
    elif len(others) == 1:
        names[name] = others[0]
    else:
        names[name].members = [weakref.ref(other) for other in others]


def iter_classes(names: ClassRegistry) -> Iterator[type[Any]]:
    """All classes in a class registry."""
    for name in list(names):
        yield from classes_of(names, name)


class ColumnsOf:
    """A class in a string expression: its attributes are those of the class that hold columns."""

    __slots__ = ("cls",)

    def __init__(self, cls: type[Any]) -> None:
        self.cls: type[Any] = cls

    def __getattr__(self, key: str) -> Any:
        manager = self.cls.__dict__.get("_sa_class_manager")
        mapper = manager.mapper if manager is not None else None
        if mapper is None:
            return getattr(self.cls, key)
        prop = mapper.properties.get(key)
        if prop is None:
            if key in mapper.all_orm_descriptors:
                return getattr(self.cls, key)
            raise errors.AttributeAccessError.no_column(
                self.cls, key, nearest(key, mapper.column_of_key)
            )
        if prop.is_synonym:
            return getattr(self, prop.name)
        if not prop.is_column:
            raise errors.MappingError.not_a_column(prop)
        return getattr(self.cls, key)


class TablesOf:
    """A schema in a string expression: its attributes are the schema's tables."""

    __slots__ = ("schema", "tables")

    def __init__(self, schema: str, tables: dict[str, Any]) -> None:
        self.schema: str = schema
        self.tables: dict[str, Any] = tables

    def __getattr__(self, key: str) -> Any:
        table = self.tables.get(key)
        if table is None:
            raise errors.UnknownNameError.not_in_schema(self.schema, key, nearest(key, self.tables))
        return table


class ModulePath:
    """A module, or the end of its path, in a string expression; its attributes lead to classes."""

    __slots__ = ("names", "parts")

    def __init__(self, names: ClassRegistry, *parts: str) -> None:
        self.names: ClassRegistry = names
        self.parts: tuple[str, ...] = parts

    def exists(self) -> bool:
        """Whether any class lives in or below a module of this path."""
        path = f".{'.'.join(self.parts)}."
        return any(path in f".{cls.__module__}." for cls in iter_classes(self.names))

    def __getattr__(self, key: str) -> Any:
        path = f".{'.'.join(self.parts)}"
        here = [cls for cls in iter_classes(self.names) if f".{cls.__module__}".endswith(path)]
        found = [cls for cls in here if cls.__name__ == key]
        if len(found) > 1:
            raise ambiguous(".".join((*self.parts, key)), found)
        if found:
            return ColumnsOf(found[0])
        below = ModulePath(self.names, *self.parts, key)
        if below.exists():
            return below
        near = nearest(key, (cls.__name__ for cls in here))
        raise errors.UnknownNameError.not_in_module(self.parts[-1], key, near)


def ambiguous(path: str, classes: list[type[Any]]) -> Exception:
    """The error for a name that several classes have."""
    return errors.MappingError.ambiguous_name(path, [describe_class(cls) for cls in classes])


class Namespace(dict[str, Any]):
    """The names that one string may use; each is looked up when it is met."""

    def __init__(self, owner: Any) -> None:
        super().__init__()
        self.names: ClassRegistry = owner.registry.class_registry
        self.metadata: MetaData = metadata_of(owner.class_, owner.registry)

    def __missing__(self, key: str) -> Any:
        found = classes_of(self.names, key)
        if len(found) > 1:
            raise ambiguous(key, found)
        if found:
            return ColumnsOf(found[0])
        table = self.table(key)
        if table is not None:
            return table
        tables = [each for each in self.metadata.tables.values() if each.schema == key]
        if tables:
            return TablesOf(key, {each.name: each for each in tables})
        path = ModulePath(self.names, key)
        if path.exists():
            return path
        if key in MARKS:
            return MARKS[key]
        if not key.startswith("_") and hasattr(sqlalchemy, key):
            return getattr(sqlalchemy, key)
        raise KeyError(key)

    def table(self, key: str) -> Any:
        """The table of that name, in the schema of the `MetaData` if it has one; or None."""
        tables, schema = self.metadata.tables, self.metadata.schema
        if schema is not None and f"{schema}.{key}" in tables:
            return tables[f"{schema}.{key}"]
        found = tables.get(key)
        if found is not None and found.schema != schema and found.schema is None:
            warn_deprecated(
                f"The string '{key}' was resolved to a table without schema, though the MetaData "
                f"has the default schema '{schema}'. Give the Table object itself. "
                "[name-without-schema]",
                version="2.1",
            )
        return found


MARKS: dict[str, Callable[[Any], Any]] = {"foreign": foreign, "remote": remote}


def metadata_of(cls: type[Any], registry: Any) -> MetaData:
    """Where the tables of a class are: it may have another `metadata` than its registry."""
    found = getattr(cls, "metadata", None)
    # A mapped attribute may have taken the name.
    metadata: MetaData = found if isinstance(found, MetaData) else registry.metadata
    return metadata


def evaluate(text: str, owner: Any) -> Any:
    """What a Python expression in a string stands for, in the registry of the mapper `owner`."""
    try:
        # The string is part of the application's own mapping, as trusted as its code.
        value = eval(compile(text, "<string in a mapping>", "eval"), {}, Namespace(owner))
    except NameError as cause:
        name = cause.name or text
        raise errors.MappingError.name_not_found(
            owner, text, name, nearest(name, _existing(owner))
        ) from cause
    return value.cls if isinstance(value, ColumnsOf) else value


def _existing(owner: Any) -> Iterator[str]:
    """The names of the classes and tables that a string may name."""
    for cls in iter_classes(owner.registry.class_registry):
        yield cls.__name__
    yield from metadata_of(owner.class_, owner.registry).tables


def find_class(text: str, owner: Any) -> Any:
    """The class or table that a plain name or dotted path stands for; nothing is evaluated."""
    first, *rest = text.split(".")
    try:
        value = Namespace(owner)[first]
        for part in rest:
            if isinstance(value, FromClause):
                raise AttributeError(part)
            value = getattr(value, part)
    except (KeyError, NameError, AttributeError) as cause:
        raise errors.MappingError.name_not_found(
            owner, text, text, nearest(text, _existing(owner))
        ) from cause
    return value.cls if isinstance(value, ColumnsOf) else value


def find_table(text: str, owner: Any) -> Any:
    """The same, with tables preferred."""
    table = Namespace(owner).table(text)
    return find_class(text, owner) if table is None else table
