"""Make the objects of a batch of rows, and link those that were loaded together.

Given a plan and rows, the objects of each entity are made for the whole batch at once, those of
joined relationships after their parents; then parents get their collections and references.

Rules kept here:
1. A joined relationship fills the attribute only where it is unloaded (LD-151).
2. A collection is built when all rows of the execution are in, since rows of one parent need not
   stand together.
3. Listeners and further SELECTs come when every object of the batch is complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from holdfast.errors.loading import several_rows_warning
from holdfast.foundation.deprecated import warn
from holdfast.queries.load_plan import (
    BundleResult,
    ColumnResult,
    ElementResult,
    EntityLoad,
    JoinedLoad,
    LoadPlan,
)
from holdfast.reading.by_class import parts_by_class
from holdfast.reading.context import Filling, LoadContext
from holdfast.reading.follow_up import load_follow_ups
from holdfast.reading.populate import EntityLoader
from holdfast.reading.row_loader import Row
from holdfast.states.changes import forget_change, forget_changes
from holdfast.states.lifecycle import Move, fire


def load_columns(plan: LoadPlan, rows: Sequence[Row], context: LoadContext) -> list[Sequence[Any]]:
    """The values of each element of the plan, one for each row; call `finish_batch` afterwards."""
    return [_element_values(element, plan, rows, context) for element in plan.elements]


def load_batch(plan: LoadPlan, rows: Sequence[Row], context: LoadContext) -> list[Sequence[Any]]:
    """The same for a batch that stands alone."""
    columns = load_columns(plan, rows, context)
    finish_batch(context)
    return columns


def finish_batch(context: LoadContext) -> None:
    """Complete the collections, tell listeners, and run the SELECTs that follow."""
    if context.fillings:
        _build_collections(context)
    if context.new_states or context.refreshed_states:
        _tell_listeners(context)
    if context.parents:
        load_follow_ups(context)


def _element_values(
    element: ElementResult, plan: LoadPlan, rows: Sequence[Row], context: LoadContext
) -> Sequence[Any]:
    if isinstance(element, EntityLoad):
        return load_entity(element, plan.width, rows, context, repeats=plan.needs_unique)
    if isinstance(element, ColumnResult):
        index = element.index
        return [row[index] for row in rows]
    members = [_element_values(member, plan, rows, context) for member in element.members]
    return _bundled(element, list(zip(*members, strict=True)))


def _bundled(element: BundleResult, values: list[tuple[Any, ...]]) -> list[Any]:
    procs = [lambda row, index=index: row[index] for index in range(len(element.members))]
    labels = [member.name for member in element.members]
    make = element.bundle.create_row_processor(None, procs, labels)
    return [make(row) for row in values]


def load_entity(
    load: EntityLoad, width: int, rows: Sequence[Row], context: LoadContext, *, repeats: bool
) -> list[Any]:
    """The object of each row, with what is joined to it."""
    if load.discriminator is None or context.target_load is load:
        return _load_class(load, width, rows, context, repeats=repeats)
    parts = parts_by_class(load, rows)
    if len(parts) == 1 and len(parts[0][1]) == len(rows):
        return _load_class(parts[0][0], width, rows, context, repeats=repeats)
    objects: list[Any] = [None] * len(rows)
    for part, places in parts:
        chosen = [rows[place] for place in places]
        made = _load_class(part, width, chosen, context, repeats=repeats)
        for place, instance in zip(places, made, strict=True):
            objects[place] = instance
    return objects


def _load_class(
    load: EntityLoad, width: int, rows: Sequence[Row], context: LoadContext, *, repeats: bool
) -> list[Any]:
    loader: EntityLoader | None = load.memo.get("loader")
    if loader is None:
        loader = load.memo["loader"] = EntityLoader(load, width, repeats=repeats)
    objects = loader.load_objects(rows, context)
    for joined in load.joined:
        if joined.relationship.uselist:
            _collect(joined, width, rows, objects, context)
        else:
            _refer(joined, width, rows, objects, context)
    for follow_up in load.follow_ups:
        context.parents.setdefault(follow_up, []).extend(objects)
    return objects


def lacks(parent: Any, key: str) -> bool:
    """Whether an object has no value for a relationship, and none was taken away from it."""
    values = parent.__dict__
    if key in values:
        return False
    changes = values["_sa_instance_state"].changes
    return changes is None or key not in changes


def _collect(
    joined: JoinedLoad, width: int, rows: Sequence[Row], parents: list[Any], context: LoadContext
) -> None:
    """Note the members that the rows hold for the parents' collections."""
    relationship = joined.relationship
    repeats = any(each.relationship.uselist for each in joined.load.joined) or (
        relationship.secondary is not None
    )
    children = load_entity(joined.load, width, rows, context, repeats=repeats)
    filling = context.fillings.setdefault(joined, {})
    key = relationship.key
    # PERF: joined 1,000 x 10. Rows of one parent mostly stand together and are taken as a slice.
    last: Any = None
    start = 0
    for index, parent in enumerate(parents):
        if parent is not last:
            if last is not None:
                _note_members(filling, last, key, children[start:index])
            last = parent
            start = index
    if last is not None:
        _note_members(filling, last, key, children[start:])


def _note_members(filling: Filling, parent: Any, key: str, members: list[Any]) -> None:
    entry = filling.get(id(parent))
    if entry is None:
        filling[id(parent)] = (parent, members if lacks(parent, key) else None)
    elif entry[1] is not None:
        entry[1].extend(members)


def _build_collections(context: LoadContext) -> None:
    for joined, filling in context.fillings.items():
        key = joined.relationship.key
        for parent, noted in filling.values():
            if noted is None or not lacks(parent, key):
                continue
            members = [each for each in noted if each is not None]
            if len(set(map(id, members))) < len(members):
                members = list({id(each): each for each in members}.values())
            set_loaded_collection(parent, key, members)
    context.fillings = {}


def set_loaded_collection(parent: Any, key: str, items: list[Any]) -> Any:
    """Give an object a collection as it came from the database."""
    values = parent.__dict__
    state = values["_sa_instance_state"]
    collection = values[key] = state.manager.slots[key].new_loaded(state, items)
    return collection


def _refer(
    joined: JoinedLoad, width: int, rows: Sequence[Row], parents: list[Any], context: LoadContext
) -> None:
    """Give the parents the objects that their rows refer to."""
    children = load_entity(joined.load, width, rows, context, repeats=True)
    relationship = joined.relationship
    key = relationship.key
    for parent, child in zip(parents, children, strict=True):
        if parent is not None and key not in parent.__dict__ and lacks(parent, key):
            parent.__dict__[key] = child
    if relationship.direction.name == "ONETOMANY":
        _warn_of_several(joined, parents, children)


def _warn_of_several(joined: JoinedLoad, parents: list[Any], children: list[Any]) -> None:
    first: dict[int, Any] = {}
    for parent, child in zip(parents, children, strict=True):
        if parent is None or child is None:
            continue
        if first.setdefault(id(parent), child) is not child:
            warn(several_rows_warning("eagerly", joined.relationship))
            return


def _tell_listeners(context: LoadContext) -> None:
    new_states, refreshed = context.new_states, context.refreshed_states
    context.new_states, context.refreshed_states = [], []
    for state in new_states:
        manager: Any = state.manager
        if manager.has_load_listeners:
            manager.dispatch.load(state, context)
            if state.changes and not _keep_as_loaded(state, tuple(state.changes)):
                forget_changes((state,))
    if context.watches:
        fire(context.members, Move.LOADED, new_states)
    for state, keys in refreshed:
        manager = state.manager
        if manager.has_refresh_listeners:
            everything = context.populate_existing or (
                context.is_refresh and state is context.target
            )
            manager.dispatch.refresh(state, context, None if everything else set(keys))
            if state.changes:
                _keep_as_loaded(state, keys)


def _keep_as_loaded(state: Any, keys: Iterable[str]) -> bool:
    """Take the columns among the attributes as loaded; whether the object has other changes.

    COMPAT: what a listener makes of the values that it is shown, such as their clear text, is not
    written back.
    """
    columns = state.manager.mapper.column_of_key
    for key in keys:
        if key in columns:
            forget_change(state, key)
    return bool(state.changes)
