"""Say which attribute of which entity of a query is meant, and what was asked for it.

A `LoadPath` leads from an entity in the select list along relationships to another entity. An
`OptionTable` holds what the options of one statement say about the attributes on such paths; the
compile hook asks it once per attribute. Built by `options.apply`, read by `select` and `reading`.

Rules kept here:
1. A choice for one attribute goes before a wildcard of its entity, and that before a wildcard
   without entity, whatever the order of the options.
2. Of two wildcards for the same place the later one wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, ClassVar

from holdfast.errors.loading import dropped_criteria_warning
from holdfast.foundation.deprecated import warn
from holdfast.foundation.record import record
from holdfast.foundation.sqlalchemy_core import immutabledict

NO_SETTINGS: Mapping[str, Any] = immutabledict()

RELATIONSHIP = "relationship"
COLUMN = "column"
# The setting that holds what `with_expression()` was given.
EXPRESSION = "expression"


class LoadPath(tuple[Any, ...]):
    """Entity, relationship, mapper, relationship, mapper ...: equal paths are equal tuples.

    The first item is an entity of the select list (a mapper or an `AliasedInsp`), those behind
    relationships are always `relationship.mapper`: which alias a join uses is no part of the
    path, so that it fits every execution of a cached statement. The empty path is
    `LoadPath.ROOT`. A path that ends in an entity is where attributes are looked up; one that
    ends in a property names that property there.
    """

    __slots__ = ()
    ROOT: ClassVar[LoadPath]

    def down(self, *items: Any) -> LoadPath:
        """The path that continues with `items`."""
        return LoadPath((*self, *items))

    def along(self, relationship: Any, mapper: Any | None = None) -> LoadPath:
        """The path to the mapper behind `relationship`, or to one of its subclasses."""
        return LoadPath((*self, relationship, mapper or relationship.mapper))

    @property
    def last(self) -> Any:
        """The entity or property in which the path ends."""
        return self[-1] if self else None

    @property
    def parent(self) -> LoadPath:
        """The path without its last item."""
        return LoadPath(self[:-1])

    @property
    def depth(self) -> int:
        """How many relationships the path follows."""
        return len(self) // 2

    def starts_with(self, other: LoadPath) -> bool:
        """Does this path continue `other` (or equal it)?"""
        return self[: len(other)] == other

    def passes_mapper(self, mapper: Any) -> bool:
        """Is an entity of this mapper on the path?"""
        return any(entity.mapper is mapper for entity in self[::2])

    def times_along(self, relationship: Any) -> int:
        """How often the path follows `relationship`."""
        return self[1::2].count(relationship)

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> tuple[Any, ...]:
        return tuple(
            item._gen_cache_key(anon_map, bindparams)
            if hasattr(item, "_gen_cache_key")
            else (item,)
            for item in self
        )

    def __repr__(self) -> str:
        return f"LoadPath({self})"

    def __str__(self) -> str:
        words = []
        for index, item in enumerate(self):
            if index % 2 == 0:
                words.append(item.class_.__name__ if hasattr(item, "class_") else str(item))
            else:
                words[-1] += f".{item.key}"
        return " -> ".join(words)


LoadPath.ROOT = LoadPath()


@record
class AttributeChoice:
    """What the options of a statement say about one attribute on one path."""

    # Name of the strategy as in `relationship(lazy=...)`, or "contains_eager"; for columns
    # "column" (load with the row) or "deferred". None keeps the mapped one.
    strategy: str | None = None
    # Keywords of the option: innerjoin, recursion_depth, chunksize, sql_only, raiseload, alias ...
    settings: Mapping[str, Any] = field(default_factory=immutabledict)
    # Criteria given with Attribute.and_(). On a cached statement their bound values are those of
    # the first execution: a later SELECT takes them from the options of the current statement.
    criteria: tuple[Any, ...] = ()
    # The entity given with Attribute.of_type(), a tuple of mappers given with several, or None.
    of_type: Any | None = None
    # True when a "*" said so, so that it must not be refused where it does not fit.
    wildcard: bool = False
    # The options' text, for messages.
    text: str = ""

    def __reduce__(self) -> Any:
        # Expressions do not travel; what was loaded with them does.
        if self.criteria and self.strategy == "select":
            warn(dropped_criteria_warning(self.text))
        settings = {key: each for key, each in self.settings.items() if key != EXPRESSION}
        plain = (self.strategy, immutabledict(settings), (), self.of_type, self.wildcard, self.text)
        return AttributeChoice, plain


@record(eq=False, frozen=False)
class OptionTable:
    """The loader options of one statement, resolved against its entities."""

    # Path that ends in a property -> what to do with it.
    choices: dict[LoadPath, AttributeChoice] = field(default_factory=dict)
    # (path that ends in an entity or the empty path, RELATIONSHIP or COLUMN) -> the "*" there.
    wildcards: dict[tuple[LoadPath, str], AttributeChoice] = field(default_factory=dict)
    # Path that ends in an entity -> names of the column groups to undefer there.
    groups: dict[LoadPath, set[str]] = field(default_factory=dict)
    # Path that ends in an entity -> subclasses whose columns a further SELECT loads: the mapper of
    # each, and the entity to select.
    subclasses: dict[LoadPath, dict[Any, Any]] = field(default_factory=dict)

    def choice(self, path: LoadPath, prop: Any, kind: str = RELATIONSHIP) -> AttributeChoice | None:
        """What is to be done with `prop` of the entity in which `path` ends; None: as mapped."""
        found = self.choices.get(LoadPath((*path, prop)))
        if found is not None and found.strategy is not None:
            return found
        general = self.wildcards.get((path, kind)) or self.wildcards.get((LoadPath.ROOT, kind))
        if found is None or general is None:
            return found or general
        return AttributeChoice(
            general.strategy, general.settings, found.criteria, found.of_type, True, found.text
        )

    def column_choice(self, path: LoadPath, prop: Any) -> AttributeChoice | None:
        """The same for a column attribute, with its group considered."""
        named = self.choices.get(LoadPath((*path, prop)))
        if named is not None:
            return named
        group = getattr(prop, "group", None)
        if group is not None and any(
            group in self.groups.get(place, ()) for place in (path, LoadPath.ROOT)
        ):
            return AttributeChoice("column")
        return self.choice(path, prop, COLUMN)

    def has_below(self, path: LoadPath) -> bool:
        """Does an option speak of something on or below `path`?"""
        return any(key.starts_with(path) for key in (*self.choices, *self.subclasses))

    def __bool__(self) -> bool:
        return bool(self.choices or self.wildcards or self.groups or self.subclasses)


NO_OPTIONS = OptionTable()
