"""This file defines `FlushPlan`: what one flush will write, in order.

Made by `planner`, run by `write`, printed by `diagnostics.explain`.

Rules kept here:
1. A plan and its steps do not change once made.
2. Two plans are equal when they do the same to the same rows: persistent objects are known by
   their key, new ones by the order in which they were added. So equal work gives equal plans, also
   in two sessions.
3. A plan names attributes and keys, never other values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from holdfast.foundation.describe import describe_state
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.work_set import AssociationRows, KeyCopy, Pair

SHOWN = 8
"""Rows of a step that are named when it is printed; the rest is counted."""


class Names:
    """How the rows of one plan are called."""

    __slots__ = ("new", "numbers")

    def __init__(self, new: Iterable[InstanceState]) -> None:
        # New objects, in the order in which they were added.
        self.new: tuple[InstanceState, ...] = tuple(new)
        # Object -> its number among the new objects of its class; made when first needed.
        self.numbers: dict[InstanceState, int] | None = None

    def number(self, state: InstanceState) -> int | None:
        """Number of a new object among those of its class; None for a persistent one."""
        if self.numbers is None:
            counts: dict[type[InstanceState], int] = {}
            self.numbers = {}
            for each in self.new:
                counts[type(each)] = self.numbers[each] = counts.get(type(each), 0) + 1
        return self.numbers.get(state)

    def key(self, state: InstanceState | None) -> tuple[Any, ...]:
        """What tells the row from all others in this plan."""
        if state is None:
            return ()
        number = self.number(state)
        if number is not None:
            return (state.class_, "new", number)
        return (state.class_, "row", state.pk)

    def text(self, state: InstanceState | None) -> str:
        """The row's name for a reader."""
        if state is None:
            return "NULL"
        number = self.number(state)
        if number is None:
            return describe_state(state)
        return f"<{state.class_.__name__} #{number}>"

    def listed(self, states: Sequence[InstanceState]) -> str:
        """The names of some rows."""
        return shortened([self.text(state) for state in states[:SHOWN]], len(states))


def shortened(shown: Sequence[str], count: int) -> str:
    """Some names out of `count`."""
    text = ", ".join(shown)
    return text if count <= len(shown) else f"{text} and {count - len(shown)} more"


def numbered(steps: Sequence[object]) -> str:
    """Steps, or texts of them, one a line."""
    width = len(str(len(steps)))
    lines = [f"{number:>{width}}. {step}" for number, step in enumerate(steps, start=1)]
    return "\n".join(lines) or "nothing to do"


class Step:
    """One step of a plan; its fields cannot be assigned again."""

    __slots__ = ("names",)

    verb = ""
    names: Names

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed: it is part of a plan")

    def signature(self) -> tuple[Any, ...]:
        """What the step does to which rows, as a value."""
        return (type(self).__name__, *self.subject(), *self.row_keys())

    def subject(self) -> tuple[Any, ...]:
        """What the step is about: a mapper, or a relationship."""
        return ()

    def row_keys(self) -> Iterator[Any]:
        """The rows, as values."""
        return iter(())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Step):
            return NotImplemented
        return self.signature() == other.signature()

    def __hash__(self) -> int:
        return hash((type(self).__name__, *map(str, self.subject())))

    def __repr__(self) -> str:
        return f"<{self}>"


class RowsStep(Step):
    """A step that writes rows of one mapper hierarchy.

    Attributes:
        mapper: The mapper at the root of the hierarchy.
        states: The objects, in the order in which they are written.
    """

    __slots__ = ("mapper", "states")

    mapper: Any
    states: tuple[InstanceState, ...]

    def __init__(self, names: Names, mapper: Any, states: Iterable[InstanceState]) -> None:
        put = object.__setattr__
        put(self, "names", names)
        put(self, "mapper", mapper)
        put(self, "states", tuple(states))

    def subject(self) -> tuple[Any, ...]:
        """The mapper."""
        return (self.mapper,)

    def row_keys(self) -> Iterator[Any]:
        """Class and key of each row."""
        return map(self.names.key, self.states)

    def __str__(self) -> str:
        return f"{self.verb} {self.mapper.class_.__name__}: {self.names.listed(self.states)}"


class InsertStep(RowsStep):
    """INSERT the rows of new objects."""

    __slots__ = ()
    verb = "INSERT"


class UpdateStep(RowsStep):
    """UPDATE the changed columns of persistent objects, where a net change is left."""

    __slots__ = ()
    verb = "UPDATE"


class DeleteStep(RowsStep):
    """DELETE the rows of persistent objects."""

    __slots__ = ()
    verb = "DELETE"


class PostUpdateStep(RowsStep):
    """UPDATE foreign keys that could not be written with the rest of their rows.

    Attributes:
        dependencies: The relationships with `post_update` that the foreign keys belong to.
    """

    __slots__ = ("dependencies",)
    verb = "UPDATE"

    dependencies: tuple[Any, ...]

    def __init__(
        self,
        names: Names,
        mapper: Any,
        states: Iterable[InstanceState],
        dependencies: Iterable[Any],
    ) -> None:
        super().__init__(names, mapper, states)
        object.__setattr__(self, "dependencies", tuple(dependencies))

    def subject(self) -> tuple[Any, ...]:
        """The mapper and the relationships."""
        return (self.mapper, *(each.relationship for each in self.dependencies))

    def __str__(self) -> str:
        pairs = [pair for each in self.dependencies for pair in each.pairs]
        columns = ", ".join(dict.fromkeys(pair.holder for pair in pairs))
        reasons = ", ".join(str(each.relationship) for each in self.dependencies)
        return f"{super().__str__()} (only {columns}, for {reasons})"


class CopyKeysStep(Step):
    """Set foreign keys in memory, before the rows that hold them are written.

    Attributes:
        dependency: The relationship along which keys travel.
        copies: Pairs (source of the key, holder of the foreign key); no source clears it.
    """

    __slots__ = ("copies", "dependency")
    verb = "COPY KEY"

    dependency: Any
    copies: tuple[KeyCopy, ...]

    def __init__(self, names: Names, dependency: Any, copies: Iterable[KeyCopy]) -> None:
        put = object.__setattr__
        put(self, "names", names)
        put(self, "dependency", dependency)
        put(self, "copies", tuple(copies))

    def subject(self) -> tuple[Any, ...]:
        """The relationship."""
        return (self.dependency.relationship,)

    def row_keys(self) -> Iterator[Any]:
        """Source and holder of each copy."""
        key = self.names.key
        return ((key(source), key(holder)) for source, holder in self.copies)

    def __str__(self) -> str:
        text = self.names.text
        shown = [f"{text(source)} -> {text(holder)}" for source, holder in self.copies[:SHOWN]]
        return f"{self.verb} {self.dependency.relationship}: {shortened(shown, len(self.copies))}"


class AssociationStep(Step):
    """DELETE, UPDATE and INSERT rows of an association table, in this order.

    Attributes:
        dependency: The leading side of the relationship; pairs are (its parent, its member).
        removed, rekeyed, added: The pairs.
    """

    __slots__ = ("added", "dependency", "rekeyed", "removed")

    dependency: Any
    added: tuple[Pair, ...]
    removed: tuple[Pair, ...]
    rekeyed: tuple[Pair, ...]

    def __init__(self, names: Names, dependency: Any, rows: AssociationRows) -> None:
        put = object.__setattr__
        put(self, "names", names)
        put(self, "dependency", dependency)
        put(self, "added", tuple(rows.added))
        put(self, "removed", tuple(rows.removed))
        put(self, "rekeyed", tuple(rows.rekeyed))

    def subject(self) -> tuple[Any, ...]:
        """The relationship."""
        return (self.dependency.relationship,)

    def row_keys(self) -> Iterator[Any]:
        """The pairs with what becomes of them."""
        key = self.names.key
        for verb, pairs in self.parts():
            for parent, member in pairs:
                yield (verb, key(parent), key(member))

    def parts(self) -> Iterator[tuple[str, tuple[Pair, ...]]]:
        """Verb and pairs of each part that has any."""
        for verb, pairs in (
            ("DELETE", self.removed),
            ("UPDATE", self.rekeyed),
            ("INSERT", self.added),
        ):
            if pairs:
                yield verb, pairs

    def __str__(self) -> str:
        relationship = self.dependency.relationship
        lines = []
        for verb, pairs in self.parts():
            text = self.names.text
            shown = [f"{text(parent)} + {text(member)}" for parent, member in pairs[:SHOWN]]
            lines.append(
                f"{verb} {relationship.secondary.description} ({relationship}): "
                f"{shortened(shown, len(pairs))}"
            )
        return "; ".join(lines)


class FlushPlan:
    """The steps of one flush, in order. `str(plan)` is for readers."""

    __slots__ = ("names", "steps")

    steps: tuple[Step, ...]
    names: Names

    def __init__(self, names: Names, steps: Iterable[Step]) -> None:
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "steps", tuple(steps))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("FlushPlan cannot be changed")

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FlushPlan) and self.steps == other.steps

    def __hash__(self) -> int:
        return hash(self.steps)

    def __str__(self) -> str:
        return numbered(self.steps)

    def __repr__(self) -> str:
        return f"<FlushPlan of {len(self.steps)} steps>"
