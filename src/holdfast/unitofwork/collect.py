"""This file finds what a flush has to do: changed objects, and what follows from them.

Called by `flush` first, and by `diagnostics.explain`. Relationships may load members that the
flush must know; nothing is written and no object is changed.

Rules kept here:
1. New objects come in the order of `Session.add`, before objects found through relationships.
2. A persistent orphan is deleted. A pending one that lost its parent leaves the session; one that
   never had a parent is inserted, and the database decides (CA-66).
3. Relationships are asked until nothing new follows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import Column

from holdfast import errors
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.mapping.cascades import reachable
from holdfast.states.changes import has_parent
from holdfast.states.identity_map import Members
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.dependencies import (
    Dependency,
    ManyToManyDependency,
    ManyToOneDependency,
    OneToManyDependency,
    follow_targets,
    is_rekeyed,
)
from holdfast.unitofwork.work_set import Batch, WorkSet

KINDS: dict[str, Callable[[Any], Dependency]] = {
    "ONETOMANY": OneToManyDependency,
    "MANYTOONE": ManyToOneDependency,
    "MANYTOMANY": ManyToManyDependency,
}


def collect(
    members: Members,
    only: Collection[InstanceState] | None = None,
    policy: LoadPolicy = LoadPolicy.LOAD,
) -> WorkSet:
    """What a flush of these members has to do.

    Args:
        members: What the session holds.
        only: Flush these objects and what follows from them; all when omitted.
        policy: `LOAD`, or `MEMORY_ONLY` to look without emitting SQL.
    """
    work = WorkSet(members, policy)
    add_members(work, only)
    ask_relationships(work)
    while work.flipped:
        work.forget_links()
        ask_relationships(work)
    return work


def add_members(work: WorkSet, only: Collection[InstanceState] | None) -> None:
    """Enter the session's new, changed and deleted objects."""
    members = work.members
    new: dict[InstanceState, Any] = members.new
    modified: dict[InstanceState, Any] = members.modified
    deleted: dict[InstanceState, Any] = members.deleted
    if only is not None:
        chosen = set(only)
        new, modified, deleted = (
            {state: instance for state, instance in each.items() if state in chosen}
            for each in (new, modified, deleted)
        )
    check_values(new)
    work.saves.update(new)
    work.saves.update(modified)
    for state in work.saves.keys() & deleted.keys():
        del work.saves[state]
    work.deletes.update(deleted)
    for mapper, states in by_mapper(list(work.saves)):
        if mapper.orphan_relationships:
            sort_out_orphans(work, mapper, states)
    work.forget_links()


def check_values(new: Iterable[InstanceState]) -> None:
    """Raise where a new object would be written without the values that it once had.

    They were expired while it had a row, and a rollback took the row.
    """
    for state in [each for each in new if each.extra is not None and each.extra.released]:
        released = frozenset(state.more().released).difference(state.dict)
        mapper = state.manager.mapper
        lost = [key for key in mapper.column_keys if key in released and is_given(mapper, key)]
        if lost:
            raise errors.MembershipError.values_lost(state, lost)


def is_given(mapper: Any, key: str) -> bool:
    """Whether nobody but the user has values for a column: no default, and no related object."""
    column = mapper.properties[key].columns[0]
    if not isinstance(column, Column) or column is mapper.polymorphic_on:
        return False
    is_made = column.default is not None or column.server_default is not None
    is_key = key == mapper.version_key or column.primary_key or bool(column.foreign_keys)
    return not (is_made or is_key)


def sort_out_orphans(work: WorkSet, mapper: Any, states: Iterable[InstanceState]) -> None:
    """Delete or expel those of `states` that no parent holds any more."""
    for state in states:
        if not is_orphan(state, mapper):
            continue
        if state.pk is not None:
            if work.delete(state):
                for each in list(reachable(state, "delete")):
                    work.delete(each)
        elif was_released(state, mapper):
            del work.saves[state]
            work.expelled[state] = state()


def orphan_tokens(mapper: Any) -> Iterator[Any]:
    """What the claims of relationships are known by that own objects of `mapper`."""
    for relationship in mapper.orphan_relationships:
        yield relationship.parent.class_manager.slots[relationship.key].parent_token


def is_orphan(state: InstanceState, mapper: Any) -> bool:
    """Whether the object lacks a parent that it needs (CA-67)."""
    optimistic = state.pk is not None
    held = [has_parent(state, token, optimistic=optimistic) for token in orphan_tokens(mapper)]
    return not any(held) if mapper.legacy_is_orphan else not all(held)


def was_released(state: InstanceState, mapper: Any) -> bool:
    """Whether some parent let go of a pending object, rather than none ever held it."""
    return any(not has_parent(state, token, optimistic=True) for token in orphan_tokens(mapper))


def by_mapper(states: Iterable[InstanceState]) -> Iterator[tuple[Any, list[InstanceState]]]:
    """The states in groups of one mapper, groups and members in order of appearance."""
    groups: dict[type, list[InstanceState]] = {}
    for kind, run in groupby(states, key=type):
        groups.setdefault(kind, []).extend(run)
    for group in groups.values():
        yield group[0].manager.mapper, group


def ask_relationships(work: WorkSet) -> None:
    """Let relationships record what follows, until nothing new does."""
    while work.fresh_saves or work.fresh_deletes:
        saves, work.fresh_saves = work.fresh_saves, []
        deletes, work.fresh_deletes = work.fresh_deletes, []
        for mapper, states in by_mapper(saves):
            dependencies = dependencies_of(mapper)
            if dependencies:
                batch = Batch(mapper, states)
                for dependency in dependencies:
                    dependency.collect_saves(work, batch)
            follow_changed_keys(work, mapper, states)
        for mapper, states in by_mapper(deletes):
            for dependency in dependencies_of(mapper):
                dependency.collect_deletes(work, states)


def follow_changed_keys(work: WorkSet, mapper: Any, states: Iterable[InstanceState]) -> None:
    """Bring holders of references to objects with a changed primary key up to date."""
    keys = frozenset(mapper.primary_key_keys)
    targets = [
        state
        for state in states
        if state.changes
        and state.pk is not None
        and not keys.isdisjoint(state.changes)
        and is_rekeyed(state, keys)
    ]
    if not targets:
        return
    dependencies = [
        dependency
        for other in mapper.registry.mappers
        for dependency in dependencies_of(other)
        if isinstance(dependency, ManyToOneDependency)
        and dependency.parent is other
        and mapper.isa(dependency.mapper)
    ]
    follow_targets(work, dependencies, targets)


def dependencies_of(mapper: Any) -> tuple[Dependency, ...]:
    """One dependency per relationship that is written, inherited ones included."""
    found: tuple[Dependency, ...] | None = mapper.memo.get(dependencies_of)
    if found is None:
        found = tuple(
            dependency_of(relationship)
            for relationship in mapper.relationships
            if not relationship.viewonly
        )
        mapper.memo[dependencies_of] = found
    return found


def dependency_of(relationship: Any) -> Dependency:
    """The dependency of a relationship, the same one for all subclasses of its parent."""
    memo = relationship.parent.memo
    found: Dependency | None = memo.get(relationship)
    if found is None:
        found = memo[relationship] = KINDS[relationship.direction.name](relationship)
    return found
