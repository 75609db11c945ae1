"""This file finds who must follow when a primary key has changed.

Called by the dependencies for the objects that they know, and by `collect` for holders of
many-to-one references, which their targets do not know.

Rules kept here:
1. With `passive_updates` the database changes the foreign keys (`ON UPDATE CASCADE`) and only the
   objects in memory are brought up to date, without UPDATE.
2. Without it the flush UPDATEs the foreign keys, one level deep (RL-96).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.markers import NO_VALUE
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.work_set import WorkSet


def is_rekeyed(state: InstanceState, keys: Collection[str]) -> bool:
    """Whether one of the attributes of a persistent object has another value than in its row."""
    changes = state.changes
    if not changes:
        return False
    for key in keys:
        if key in changes:
            old = changes[key]
            if old is not NO_VALUE and old is not None and old != state.dict.get(key):
                return True
    return False


def follow_targets(
    work: WorkSet, dependencies: Iterable[Any], targets: Collection[InstanceState]
) -> None:
    """Let objects in memory that refer to a target with a changed key take the new one.

    Args:
        work: What the flush has to do.
        dependencies: The many-to-one relationships that lead to the targets' classes.
        targets: Objects whose key changed.
    """
    for dependency in dependencies:
        relationship = dependency.relationship
        affected = {each for each in targets if is_rekeyed(each, dependency.source_keys)}
        if not affected:
            continue
        former = {
            key_in_row(each, [pair.source for pair in dependency.pairs]): each for each in affected
        }
        copies = work.copies.setdefault(dependency, [])
        for holder in work.members.identity_map.states():
            if not holder.manager.mapper.isa(dependency.holder_mapper) or holder in work.deletes:
                continue
            target = target_of(dependency, holder, former)
            if target in affected and work.include(
                holder, relationship, "pk change", listed=relationship.passive_updates
            ):
                copies.append((target, holder))


def target_of(
    dependency: Any, holder: InstanceState, former: Mapping[tuple[Any, ...], InstanceState]
) -> InstanceState | None:
    """What a holder refers to, if that is loaded or, where rows are to follow, known by its key."""
    values = holder.dict
    if dependency.key in values:
        found = values[dependency.key]
        if dependency.uselist:
            found = next(iter(dependency.current(holder, values)), None)
        return None if found is None else found.__dict__.get("_sa_instance_state")
    if dependency.relationship.passive_updates:
        return None
    return former.get(key_in_row(holder, [pair.holder for pair in dependency.pairs]))


def key_in_row(state: InstanceState, keys: Iterable[str]) -> tuple[Any, ...]:
    """Values of attributes as the database has them; those that are missing are loaded."""
    values, changes = state.dict, state.committed_state
    slots = state.manager.mapper.class_manager.slots
    return tuple(
        changes[key] if key in changes else slots[key].get(state, values, LoadPolicy.LOAD)
        for key in keys
    )
