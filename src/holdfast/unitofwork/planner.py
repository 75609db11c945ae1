"""This file decides the order in which one flush writes its rows.

Called by `flush` with what `collect` found; hands `write` a `FlushPlan`. Touches neither session
nor database, so `diagnostics.explain` can call it freely.

Rules kept here:
1. A row is inserted before every row that refers to it, and deleted after them.
2. Where rows refer to each other, a `post_update` relationship is written later by an UPDATE;
   without one the flush fails.
3. Equal work gives an equal plan: classes that do not depend on each other are in the order of
   their names, INSERTs of one class in that of `Session.add`, UPDATEs and DELETEs in that of keys.
4. All saves come before all deletes, association rows in between: no save can need a delete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from operator import attrgetter
from typing import Any, cast

from sqlalchemy import exc

from holdfast import errors
from holdfast.foundation.describe import describe_state
from holdfast.foundation.graph import Cycle, sort, strongly_connected
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.collect import dependencies_of, dependency_of
from holdfast.unitofwork.dependencies import KeyedDependency
from holdfast.unitofwork.plan import (
    AssociationStep,
    CopyKeysStep,
    DeleteStep,
    FlushPlan,
    InsertStep,
    Names,
    PostUpdateStep,
    Step,
    UpdateStep,
)
from holdfast.unitofwork.work_set import KeyCopy, WorkSet

Units = dict[Any, list[InstanceState]]
Edge = tuple[Any, Any]


def build_plan(work: WorkSet) -> FlushPlan:
    """Order the work.

    Raises:
        CircularDependencyError: Rows need each other's keys.
    """
    names = Names([state for state in work.saves if state.pk is None])
    planner = Planner(work, names)
    return FlushPlan(
        names,
        [
            *planner.save_steps(),
            *planner.outside_steps(),
            *planner.association_steps(),
            *planner.late_steps(),
            *planner.early_clear_steps(),
            *planner.delete_steps(),
        ],
    )


class Planner:
    """The steps of one plan, by phase."""

    def __init__(self, work: WorkSet, names: Names) -> None:
        self.work = work
        self.names = names
        # Base mapper -> the objects of its hierarchy, in order of appearance.
        self.saves: Units = units_of(work.saves)
        self.deletes: Units = units_of(work.deletes)
        # Relationships that lead between classes of this flush, each once.
        self.dependencies: list[KeyedDependency] = keyed_dependencies(
            [*self.saves, *self.deletes], work
        )
        # Base mapper of the holders -> what is copied or cleared before they are saved.
        self.copies: dict[Any, list[tuple[KeyedDependency, Sequence[KeyCopy]]]] = {}
        clears = unless_copied(work.clears, work.copies)
        for recorded in (clears, work.copies):
            for dependency, copies in recorded.items():
                for base, chosen in by_unit(dependency, copies):
                    self.copies.setdefault(base, []).append((dependency, chosen))

    # -- saves -------------------------------------------------------------------------------------

    def save_steps(self) -> Iterator[Step]:
        """Key copies, UPDATEs and INSERTs, sources before holders."""
        units = self.saves
        edges = [
            (source, holder)
            for dependency in self.dependencies
            if not dependency.writes_late
            for source in dependency.source_mapper.base_mappers
            for holder in dependency.holder_mapper.base_mappers
        ]
        for group in ordered_groups(units, edges):
            if len(group) == 1 and not self.refers_to_itself(group[0]):
                yield from self.steps_of_unit(group[0], units[group[0]], None)
            else:
                yield from self.save_rows_in_order(group)

    def refers_to_itself(self, unit: Any) -> bool:
        """Whether rows saved under one base mapper take keys from each other in this flush."""
        return any(
            source is not None and source.pk is None and source.manager.mapper.base_mapper is unit
            for dependency, copies in self.copies.get(unit, ())
            if unit in dependency.source_mapper.base_mappers
            for source, _ in copies
        )

    def save_rows_in_order(self, group: Sequence[Any]) -> Iterator[Step]:
        """Saves of classes that refer to each other, in layers of rows that do not."""
        states = [state for unit in group for state in self.saves[unit]]
        inside = set(states)
        edges = [
            (source, holder)
            for unit in group
            for _, copies in self.copies.get(unit, ())
            for source, holder in copies
            if source in inside and holder in inside and source is not None and source.pk is None
        ]
        for layer in layers(states, edges):
            members = set(layer)
            for unit in group:
                chosen = [state for state in self.saves[unit] if state in members]
                if chosen:
                    yield from self.steps_of_unit(unit, chosen, members)

    def steps_of_unit(
        self, unit: Any, states: list[InstanceState], holders: set[InstanceState] | None
    ) -> Iterator[Step]:
        """Copy keys to some objects of one hierarchy, then save them.

        Args:
            unit: The base mapper.
            states: The objects.
            holders: The same as a set, when they are not all of the unit.
        """
        names = self.names
        for dependency, copies in self.copies.get(unit, ()):
            chosen = copies if holders is None else [copy for copy in copies if copy[1] in holders]
            if chosen:
                yield CopyKeysStep(names, dependency, chosen)
        listed = self.work.listed
        old = [state for state in states if state.pk is not None and state not in listed]
        if old:
            yield UpdateStep(names, unit, sorted_by_key(old))
        new = states if not old and not listed else [s for s in states if s.pk is None]
        if new:
            yield InsertStep(names, unit, new)

    # -- between saves and deletes -----------------------------------------------------------------

    def outside_steps(self) -> Iterator[Step]:
        """Keys of objects outside of the session, which the flush writes nothing for."""
        copies = self.work.outside_copies
        for recorded in (unless_copied(self.work.outside_clears, copies), copies):
            for dependency, chosen in recorded.items():
                if chosen:
                    yield CopyKeysStep(self.names, dependency, chosen)

    def association_steps(self) -> Iterator[Step]:
        """Rows of association tables."""
        for relationship, rows in self.work.associations.items():
            if rows:
                yield AssociationStep(self.names, dependency_of(relationship), rows)

    def late_steps(self) -> Iterator[Step]:
        """Foreign keys of `post_update` relationships, once all rows are there."""
        yield from self.post_updates(self.work.late_clears, self.work.late_copies)

    def early_clear_steps(self) -> Iterator[Step]:
        """Foreign keys of `post_update` relationships, before rows are deleted."""
        yield from self.post_updates(self.work.early_clears)

    def post_updates(self, *recorded: dict[Any, list[KeyCopy]]) -> Iterator[Step]:
        """Copy keys in memory, then UPDATE them: of each row, those of its relationships alone."""
        # Base mapper -> holder -> the relationships whose keys it gets or loses.
        late: dict[Any, dict[InstanceState, dict[Any, None]]] = {}
        for dependency in dict.fromkeys(each for copies in recorded for each in copies):
            for copies in recorded:
                for base, chosen in by_unit(dependency, copies.get(dependency, ())):
                    yield CopyKeysStep(self.names, dependency, chosen)
                    holders = late.setdefault(base, {})
                    for _, holder in chosen:
                        holders.setdefault(holder, {})[dependency] = None
        for base, holders in late.items():
            alike: dict[tuple[Any, ...], list[InstanceState]] = {}
            for holder, dependencies in holders.items():
                alike.setdefault(tuple(dependencies), []).append(holder)
            for together, states in alike.items():
                yield PostUpdateStep(self.names, base, states, together)

    # -- deletes -----------------------------------------------------------------------------------

    def delete_steps(self) -> Iterator[Step]:
        """DELETEs, holders before sources."""
        units = self.deletes
        edges = [
            (holder, source)
            for dependency in self.dependencies
            if not dependency.writes_late
            for holder in dependency.holder_mapper.base_mappers
            for source in dependency.source_mapper.base_mappers
        ]
        itself = {first for first, then in edges if first is then}
        for group in ordered_groups(units, edges, reverse=True):
            if len(group) == 1 and (group[0] not in itself or len(units[group[0]]) == 1):
                yield DeleteStep(self.names, group[0], sorted_by_key(units[group[0]]))
                continue
            states = [state for unit in group for state in sorted_by_key(units[unit])]
            for layer in layers(states, list(self.row_references(group))):
                members = set(layer)
                for unit in group:
                    chosen = [state for state in units[unit] if state in members]
                    if chosen:
                        yield DeleteStep(self.names, unit, sorted_by_key(chosen))

    def row_references(self, group: Sequence[Any]) -> Iterator[Edge]:
        """(holder, source) of rows to delete that refer to each other, as the database has it."""
        for dependency in self.dependencies:
            if dependency.writes_late:
                continue
            sources = {
                committed_values(state, [pair.source for pair in dependency.pairs]): state
                for unit in dependency.source_mapper.base_mappers
                if unit in group
                for state in self.deletes[unit]
                if state.manager.mapper.isa(dependency.source_mapper)
            }
            units = [unit for unit in dependency.holder_mapper.base_mappers if unit in group]
            for holder in chain.from_iterable(self.deletes[unit] for unit in units):
                if not holder.manager.mapper.isa(dependency.holder_mapper):
                    continue
                wanted = committed_values(holder, [pair.holder for pair in dependency.pairs])
                source = sources.get(wanted)
                if source is not None and source is not holder:
                    yield holder, source


def unless_copied(
    clears: dict[Any, list[KeyCopy]], copies: dict[Any, list[KeyCopy]]
) -> dict[Any, list[KeyCopy]]:
    """Foreign keys to empty, without those that get another key in the same flush (CA-64)."""
    found: dict[Any, list[KeyCopy]] = {}
    for dependency, cleared in clears.items():
        columns = {pair.holder_column for pair in dependency.pairs}
        filled = {
            holder
            for other, copied in copies.items()
            if copied and columns <= {pair.holder_column for pair in other.pairs}
            for _, holder in copied
        }
        found[dependency] = [copy for copy in cleared if copy[1] not in filled]
    return found


def by_unit(
    dependency: KeyedDependency, copies: Sequence[KeyCopy]
) -> Iterator[tuple[Any, Sequence[KeyCopy]]]:
    """The copies by base mapper of their holders: several where concrete classes inherit."""
    bases = dependency.holder_mapper.base_mappers
    if len(bases) == 1:
        if copies:
            yield bases[0], copies
        return
    for base in bases:
        chosen = [copy for copy in copies if copy[1].manager.mapper.base_mapper is base]
        if chosen:
            yield base, chosen


def units_of(states: Iterable[InstanceState]) -> Units:
    """The objects by base mapper, units and objects in order of appearance.

    Raises:
        FlushError: A class is mapped to something that has no rows of its own (MP-122).
    """
    units: Units = {}
    for _, run in groupby(states, key=type):
        found = list(run)
        mapper = found[0].manager.mapper
        if not mapper.tables:
            raise errors.FlushError.nowhere_to_write(mapper)
        units.setdefault(mapper.base_mapper, []).extend(found)
    return units


def keyed_dependencies(units: Iterable[Any], work: WorkSet) -> list[KeyedDependency]:
    """Relationships on foreign keys between the classes of a flush, in a fixed order."""
    bases = set(units)
    kinds = cast(
        "dict[type[InstanceState], None]", dict.fromkeys(map(type, [*work.saves, *work.deletes]))
    )
    found: dict[KeyedDependency, None] = {}
    for kind in kinds:
        for dependency in dependencies_of(kind.manager.mapper):
            if (
                isinstance(dependency, KeyedDependency)
                and not bases.isdisjoint(dependency.source_mapper.base_mappers)
                and not bases.isdisjoint(dependency.holder_mapper.base_mappers)
            ):
                found[dependency] = None
    return list(found)


def ordered_groups(units: Units, edges: list[Edge], *, reverse: bool = False) -> list[list[Any]]:
    """Base mappers in order; those that refer to each other in a circle form one group.

    Args:
        units: The base mappers and their objects.
        edges: (first, then) by relationships. Foreign keys that no relationship stands on count
            as well, unless they would make a circle.
        reverse: The edges point from referring to referred tables.
    """
    nodes = sorted(units, key=class_name)
    if len(nodes) < 2:
        return [nodes] if nodes else []
    related = set(edges)
    bare = [
        edge[::-1] if reverse else edge
        for edge in table_edges(nodes)
        if edge not in related and edge[::-1] not in related
    ]
    groups = strongly_connected(nodes, edges)
    if bare:
        stricter = strongly_connected(nodes, [*edges, *bare])
        if len(stricter) == len(groups):
            return stricter
    return groups


def class_name(mapper: Any) -> tuple[str, str]:
    """What classes are sorted by."""
    return (mapper.class_.__module__, mapper.class_.__name__)


def table_edges(nodes: Iterable[Any]) -> list[Edge]:
    """(referred, referring) base mappers by the foreign keys of their tables."""
    owner = {table: base for base in nodes for table in tables_below(base)}
    edges = []
    for table, base in owner.items():
        for constraint in sorted_constraints(table):
            try:
                referred = owner.get(constraint.referred_table)
            except (exc.NoReferenceError, exc.InvalidRequestError):
                continue
            if referred is not None and referred is not base and not constraint.use_alter:
                edges.append((referred, base))
    return edges


def sorted_constraints(table: Any) -> list[Any]:
    """Foreign key constraints of a table in the order of their columns."""
    constraints = getattr(table, "foreign_key_constraints", ())
    return sorted(constraints, key=lambda each: [column.key for column in each.columns])


def tables_below(base: Any) -> list[Any]:
    """Tables of a mapper and of those that inherit from it."""
    tables: list[Any] = list(base.tables)
    for mapper in base.self_and_descendants:
        tables += [table for table in mapper.tables if table not in tables]
    return tables


def layers(states: Sequence[InstanceState], edges: Sequence[Edge]) -> list[list[InstanceState]]:
    """Rows in layers: each row stands in a later layer than all rows that it waits for.

    Raises:
        CircularDependencyError: Rows wait for each other.
    """
    try:
        order = sort(states, edges)
    except Cycle as cycle:
        inside = set(cycle.nodes)
        raise errors.FlushCycleError.among(
            [describe_state(state) for state in cycle.nodes],
            [
                (describe_state(first), describe_state(then))
                for first, then in edges
                if first in inside and then in inside
            ],
        ) from None
    depth = dict.fromkeys(order, 0)
    waits: dict[InstanceState, list[InstanceState]] = {}
    for first, then in edges:
        waits.setdefault(then, []).append(first)
    for state in order:
        if state in waits:
            depth[state] = 1 + max(depth[first] for first in waits[state])
    found: list[list[InstanceState]] = []
    for state in order:
        while len(found) <= depth[state]:
            found.append([])
        found[depth[state]].append(state)
    return found


def committed_values(state: InstanceState, keys: Sequence[str]) -> tuple[Any, ...]:
    """Values of attributes as the database has them, as far as memory tells."""
    values = state.dict
    changes = state.committed_state
    return tuple(changes.get(key, values.get(key)) for key in keys)


def sorted_by_key(states: Sequence[InstanceState]) -> Sequence[InstanceState]:
    """Persistent objects in the order of their primary keys.

    Raises:
        InvalidRequestError: The keys have no order.
    """
    if len(states) < 2:
        return states
    order: Callable[[InstanceState], Any] = key_order(states[0].manager.mapper)
    try:
        return sorted(states, key=order)
    except TypeError as error:
        raise errors.UnsortableKeyError.because(error) from error


def key_order(mapper: Any) -> Callable[[InstanceState], Any]:
    """What primary keys of a hierarchy are sorted by."""
    functions = [
        getattr(column.type, "sort_key_function", None) for column in mapper.base_mapper.primary_key
    ]
    if not any(functions):
        return attrgetter("pk")
    single = len(functions) == 1

    def by_functions(state: InstanceState) -> tuple[Any, ...]:
        values = (state.pk,) if single else state.pk
        return tuple(
            value if function is None else function(value)
            for function, value in zip(functions, values, strict=True)
        )

    return by_functions
