"""Name places in a query, and say which result columns feed which attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, ClassVar, TypeAlias

from holdfast import errors
from holdfast.foundation.codegen import record
from holdfast.foundation.describe import warn
from holdfast.foundation.sqlalchemy_core import immutabledict

# ------------------------------------------------------------------------------
# Say which attribute of which entity of a query is meant, and what was asked for it.
#
# A `LoadPath` leads from an entity in the select list along relationships to another entity. An
# `OptionTable` holds what the options of one statement say about the attributes on such paths; the
# compile hook asks it once per attribute. `statement_options` builds it; `select`, `reading` read.
#
# Rules kept here:
# 1. A choice for one attribute goes before a wildcard of its entity, and that before a wildcard
#    without entity, whatever the order of the options.
# 2. Of two wildcards for the same place the later one wins.

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
            warn(errors.dropped_criteria_warning(self.text))
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


# ------------------------------------------------------------------------------
# Say which result columns feed which attributes of which entities: the `LoadPlan` of a SELECT.
#
# The compile hook in `select` makes one plan for each compiled statement, and Core's statement
# cache keeps it; `reading` turns rows into objects by it. A plan is immutable and can be printed.
#
# Rules kept here:
# 1. A plan holds nothing taken from bound values: statements that differ only in values share it.
# 2. Positions count the columns of a result row from 0, whatever the row's elements are.


@record
class ColumnStep:
    """An attribute takes its value from a column."""

    key: str
    index: int


@record(eq=False)
class FollowUp:
    """What further SELECTs load once the rows are in: a relationship, or columns of a subclass."""

    # None for the columns of a subclass.
    relationship: Any
    strategy: str
    # Where the relationship starts: a path that ends in its parent entity.
    path: LoadPath
    choice: AttributeChoice | None
    # Whether options of the statement speak of it or of what is below it, so that its SELECT
    # differs from execution to execution.
    needs_options: bool = False
    subclass: SubclassLoad | None = None
    # What `reading` keeps between executions: the statement, once it was built.
    memo: dict[Any, Any] = field(default_factory=dict, repr=False)


@record(eq=False)
class SubclassLoad:
    """Which attributes of a subclass a further SELECT loads."""

    # The mapper or alias that is selected.
    entity: Any
    # Its base whose attributes the rows have, or other SELECTs load.
    base: Any
    # Names of relationships that are joined in that SELECT.
    joined: frozenset[str]

    @property
    def depth(self) -> int:
        """How far down its hierarchy the class stands."""
        return sum(1 for _ in self.entity.mapper.iterate_to_root())


@record(eq=False)
class JoinedLoad:
    """A relationship whose objects stand in the same rows."""

    relationship: Any
    load: EntityLoad
    # True when the statement's own joins feed it.
    contains_eager: bool = False


@record(eq=False)
class EntityLoad:
    """How the rows make objects of one entity."""

    mapper: Any
    # Mapper or AliasedInsp that was selected.
    entity: Any
    path: LoadPath
    pk_indexes: tuple[int, ...]
    columns: tuple[ColumnStep, ...]
    joined: tuple[JoinedLoad, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    # Column attributes that options of the statement leave out.
    deferred: frozenset[str] = frozenset()
    # Whether the whole entity may be absent from a row (outer join).
    optional: bool = False
    # Whether its later lazy loads must know the statement's options.
    keeps_options: bool = False
    # Name of the entity's element in a row.
    name: str = ""
    # Position of what tells the class of a row; None where all rows are of the mapper's class.
    discriminator: int | None = None
    # How rows of subclasses are loaded, nearest subclasses first.
    subclasses: tuple[EntityLoad, ...] = ()
    # What `reading` keeps between executions: the generated loader.
    memo: dict[Any, Any] = field(default_factory=dict, repr=False)

    def walk(self) -> Iterator[EntityLoad]:
        """This load and all that are joined below it, parents first."""
        yield self
        for each in self.joined:
            yield from each.load.walk()


@record(eq=False)
class ColumnResult:
    """A plain column of the row."""

    index: int
    name: str
    # What else names the element in `row._mapping`: expressions.
    aliases: tuple[Any, ...] = ()
    # The type of its values.
    type: Any = None


@record(eq=False)
class BundleResult:
    """Several elements under one name."""

    bundle: Any
    members: tuple[ElementResult, ...]
    name: str


ElementResult: TypeAlias = EntityLoad | ColumnResult | BundleResult


@record(eq=False)
class LoadPlan:
    """What the rows of one compiled SELECT mean."""

    elements: tuple[ElementResult, ...]
    # How many columns a row has.
    width: int = 0
    # Whether rows repeat objects because of joined collections (LD-52).
    needs_unique: bool = False
    # Whether they may, also because of joined references that lead to more than one row.
    may_repeat: bool = False
    # Whether SELECTs that follow embed the statement (LD-60).
    embeds_statement: bool = False
    # Positions of the primary keys of the rows that a statement has changed, where it asks for
    # them.
    keys: tuple[int, ...] = ()
    # What `reading` keeps between executions: metadata of results.
    memo: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> tuple[Any, ...]:
        """Names of the elements of a row; None for an alias or expression that was given none."""
        return tuple(element.name or None for element in self.elements)

    @property
    def is_plain(self) -> bool:
        """Whether a row is what the database gives: columns, in order."""
        return len(self.elements) == self.width and all(
            isinstance(element, ColumnResult) and element.index == index
            for index, element in enumerate(self.elements)
        )

    def entity_loads(self) -> Iterator[EntityLoad]:
        """Every entity load of the plan, parents before what is joined to them."""
        for element in flat(self.elements):
            if isinstance(element, EntityLoad):
                yield from element.walk()

    @property
    def has_follow_ups(self) -> bool:
        """Whether further SELECTs load something once rows are there."""
        return any(
            each.follow_ups for load in self.entity_loads() for each in (load, *load.subclasses)
        )

    def __str__(self) -> str:
        lines: list[str] = []
        for element in self.elements:
            lines.extend(_described(element))
        if self.needs_unique:
            lines.append("rows repeat objects: unique() is needed")
        return "\n".join(lines)


def flat(elements: tuple[ElementResult, ...]) -> Iterator[ElementResult]:
    """The elements with bundles replaced by their members."""
    for element in elements:
        if isinstance(element, BundleResult):
            yield from flat(element.members)
        else:
            yield element


def _described(element: ElementResult, indent: str = "") -> Iterator[str]:
    if isinstance(element, ColumnResult):
        yield f"{indent}{element.name} <- column {element.index}"
    elif isinstance(element, BundleResult):
        yield f"{indent}bundle {element.name}"
        for member in element.members:
            yield from _described(member, indent + "  ")
    else:
        yield from _described_entity(element, indent, "entity")


def _described_entity(load: EntityLoad, indent: str, word: str) -> Iterator[str]:
    keys = ", ".join(str(index) for index in load.pk_indexes)
    yield f"{indent}{word} {load.path} by column {keys}{', if any' if load.optional else ''}"
    steps = ", ".join(f"{step.key} <- {step.index}" for step in load.columns)
    yield f"{indent}  {steps}"
    if load.deferred:
        yield f"{indent}  deferred: {', '.join(sorted(load.deferred))}"
    for joined in load.joined:
        how = "contained" if joined.contains_eager else "joined"
        yield from _described_entity(joined.load, indent + "  ", how)
    for follow_up in load.follow_ups:
        subclass, relationship = follow_up.subclass, follow_up.relationship
        what = subclass.entity if subclass else f"{follow_up.path}.{relationship.key}"
        yield f"{indent}  then {follow_up.strategy}: {what}"
