"""Say which result columns feed which attributes of which entities: the `LoadPlan` of a SELECT.

The compile hook in `select` makes one plan for each compiled statement, and Core's statement cache
keeps it; `reading` turns rows into objects by it. A plan is immutable and can be printed.

Rules kept here:
1. A plan holds nothing taken from bound values: statements that differ only in values share it.
2. Positions count the columns of a result row from 0, whatever the row's elements are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Any, TypeAlias

from holdfast.foundation.record import record
from holdfast.queries.options.paths import AttributeChoice, LoadPath


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
