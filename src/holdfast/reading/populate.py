"""Turn the columns of one entity, for a batch of rows, into objects.

The common cases run as C loops over the whole batch: all rows new, all present, some of each. What
they do for each row is what the generated `load_one` does; tests compare the two.

Rules kept here:
1. The identity map wins: an object that is present keeps its loaded values (SB-7), and gets those
   that it lacks (SB-8).
2. `populate_existing` replaces all values of an object once per execution (LD-152).
3. A row without a primary key has no object of this entity.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from operator import attrgetter, call
from typing import Any

from holdfast.errors.flush import StaleDataError
from holdfast.foundation.markers import NO_VALUE
from holdfast.queries.load_plan import EntityLoad
from holdfast.reading.context import LoadContext
from holdfast.reading.row_loader import Row, RowFunctions, dict_setter, functions_of
from holdfast.states.identity_map import Space
from holdfast.states.instance import InstanceState

# PERF: load 100 rows. Below this number of rows the per-row function is faster.
SMALL = 12

NoneType: type[None] = type(None)
dict_of: attrgetter[Any] = attrgetter("__dict__")


def check_version(state: InstanceState, loaded: Mapping[str, Any]) -> None:
    """Compare the version that an object has with that of its row, which was locked (VC-13).

    Raises:
        StaleDataError: Somebody else has changed the row since it was loaded.
    """
    key: str | None = state.manager.mapper.version_key
    if key is None or key not in loaded:
        return
    known = state.committed_value(key)
    if known is not NO_VALUE and known != loaded[key]:
        raise StaleDataError.version_loaded(state, known, loaded[key])


class EntityLoader:
    """Loads one entity of one plan; made once for the plan."""

    __slots__ = (
        "always_refresh",
        "class_",
        "functions",
        "load",
        "manager",
        "mapper",
        "new",
        "repeats",
        "set_dict",
        "state_class",
    )

    def __init__(self, load: EntityLoad, width: int, *, repeats: bool) -> None:
        self.load: EntityLoad = load
        self.mapper: Any = load.mapper
        self.manager: Any = load.mapper.class_manager
        self.class_: type[Any] = self.manager.class_
        self.state_class: type[InstanceState] = self.manager.state_class
        self.new: Callable[[type[Any]], Any] = self.class_.__new__
        self.set_dict: Callable[[Any, dict[str, Any]], None] = dict_setter(self.class_)
        self.functions: RowFunctions = functions_of(load, width)
        self.always_refresh: bool = self.mapper.always_refresh
        # Whether several rows of a batch are expected to hold the same object.
        self.repeats: bool = repeats

    def load_objects(self, rows: Sequence[Row], context: LoadContext) -> list[Any]:
        """The object of each row, None where the row has none."""
        if context.target_load is self.load:
            return self._load_target(rows, context)
        space = context.space_of(self.mapper)
        if len(rows) < SMALL and not self._needs_care(context):
            load_one, members = self.functions.load_one, context.members
            if space.filled_by is not self.functions:
                space.filled_by = None
            return [load_one(row, space, members) for row in rows]
        pks = self.functions.keys_of(rows)
        if self.repeats:
            unique = dict(zip(pks, rows, strict=True))
            unique.pop(None, None)
            if len(unique) < len(rows):
                keys = list(unique)
                loaded = self._load(list(unique.values()), keys, space, context)
                return list(map(dict(zip(keys, loaded, strict=True)).get, pks))
        return self._load(rows, pks, space, context)

    def _needs_care(self, context: LoadContext) -> bool:
        """Whether more is to be done for some objects than to give them their values."""
        return bool(
            context.populate_existing
            or self.always_refresh
            or context.watches
            or self.load.deferred
            or self._keeps_options(context)
            or context.identity_token is not None
            or context.locked is not None
            or self.load.mapper.composite_keys
            or self.manager.has_load_listeners
            or self.manager.has_refresh_listeners
        )

    @property
    def _composites(self) -> list[Callable[[dict[str, Any]], None]]:
        """What makes the value objects of composites from their columns."""
        mapper = self.load.mapper
        return [mapper.properties[key].make_from_loaded for key in mapper.composite_keys]

    def _keeps_options(self, context: LoadContext) -> bool:
        """Whether options of the statement matter for what the objects load later."""
        return bool(context.load_options) and (self.load.keeps_options or context.keeps_for_all)

    def _keep_options(self, state: InstanceState, context: LoadContext) -> None:
        extra = state.more()
        extra.load_options = context.load_options
        extra.load_path = context.path_of(self.load.path)
        extra.released = ()

    def _load(
        self, rows: Sequence[Row], pks: list[Any], space: Space, context: LoadContext
    ) -> list[Any]:
        if space.keys().isdisjoint(pks):
            return self._create(rows, pks, space, context)
        # PERF: 10,000 rows already present. The usual case takes no look at single rows.
        try:
            objects = list(map(call, map(space.__getitem__, pks)))
        except KeyError:
            pass
        else:
            # An object may have been collected; `None in objects` would call the equality of the
            # mapped class.
            if NoneType not in set(map(type, objects)):
                if not self._are_complete(objects, space, context):
                    self._update_present(rows, objects, context)
                return objects
        states = map(space.get, pks)
        objects = [None if state is None else state() for state in states]
        return self._load_mixed(rows, pks, objects, space, context)

    def _load_mixed(
        self,
        rows: Sequence[Row],
        pks: list[Any],
        objects: list[Any],
        space: Space,
        context: LoadContext,
    ) -> list[Any]:
        """Some rows have an object in the map; for the others it is made."""
        missing: dict[Any, Row] = {}
        present_rows, present = [], []
        for pk, row, instance in zip(pks, rows, objects, strict=True):
            if instance is not None:
                present_rows.append(row)
                present.append(instance)
            elif pk is not None:
                missing[pk] = row
        if present and not self._are_complete(present, space, context):
            self._update_present(present_rows, present, context)
        if not missing:
            return objects
        for pk in missing:
            space.pop(pk, None)
        keys = list(missing)
        made = self._create(list(missing.values()), keys, space, context)
        by_key = dict(zip(keys, made, strict=True))
        return [
            by_key.get(pk) if instance is None else instance
            for pk, instance in zip(pks, objects, strict=True)
        ]

    def _create(
        self, rows: Sequence[Row], pks: list[Any], space: Space, context: LoadContext
    ) -> list[Any]:
        """Make the objects for rows of which the identity map has none."""
        count = len(rows)
        objects: list[Any] = list(map(self.new, repeat(self.class_, count)))
        states = list(map(self.state_class, objects))
        members = context.members
        for state, pk in zip(states, pks, strict=True):
            state.pk = pk
            state.members = members
            state.changes = None
            state.extra = None
        deque(map(self.set_dict, objects, self.functions.values_of(rows, states)), 0)
        before = len(space)
        if not before:
            space.filled_by = self.functions
        elif space.filled_by is not self.functions:
            space.filled_by = None
        space.update(zip(pks, states, strict=True))
        if len(space) - before != count or None in space:
            # Some rows share a key or have none: of the objects made for one key the last stays.
            space.pop(None, None)
            kept = list(map(space.get, pks))
            objects = [None if state is None else state() for state in kept]
            states = [state for state in dict.fromkeys(kept) if state is not None]
        space.sweep_if_grown()
        if self._needs_care(context):
            self._finish_new(states, context)
        return objects

    def _finish_new(self, states: list[InstanceState], context: LoadContext) -> None:
        load = self.load
        for make in self._composites:
            # Listeners of `load` find the value objects there.
            for state in states:
                make(state.dict)
        if self._keeps_options(context):
            for state in states:
                self._keep_options(state, context)
        if load.deferred:
            for state in states:
                state.more().deferred = load.deferred
        if context.identity_token is not None:
            for state in states:
                state.more().identity_token = context.identity_token
        if context.watches or self.manager.has_load_listeners:
            context.new_states.extend(states)
        if context.populate_existing:
            context.refreshed.update(states)

    def _update_present(
        self, rows: Sequence[Row], objects: list[Any], context: LoadContext
    ) -> None:
        if context.populate_existing or self.always_refresh:
            self._replace(rows, objects, context)
        else:
            self._fill(rows, objects, context)

    def _are_complete(self, objects: list[Any], space: Space, context: LoadContext) -> bool:
        """Whether nothing is to be done for objects that are in the map already.

        PERF: 10,000 rows already present.
        """
        if context.populate_existing or self.always_refresh or context.locked is not None:
            return False
        if space.filled_by is self.functions:
            return True
        try:
            deque(map(self.functions.check_complete, map(dict_of, objects)), 0)
        except KeyError:
            return False
        return True

    def _fill(self, rows: Sequence[Row], objects: list[Any], context: LoadContext) -> None:
        """Give objects the values that they lack."""
        fill, composites = self.functions.fill, self._composites
        # A refresh runs under the options that the object keeps.
        keeps = context.target is None and self._keeps_options(context)
        defers = context.target is None and self.load.deferred
        listens, locked = self.manager.has_refresh_listeners, context.locked
        for row, instance in zip(rows, objects, strict=True):
            values = instance.__dict__
            state = values["_sa_instance_state"]
            if locked is not None and state is locked:
                check_version(locked, {step.key: row[step.index] for step in self.load.columns})
            filled = fill(row, values, state.changes)
            if filled:
                for make in composites:
                    make(values)
            if filled and keeps:
                self._keep_options(state, context)
            if filled and defers:
                state.more().deferred = self.load.deferred
            if filled and listens:
                context.refreshed_states.append((state, filled))

    def _replace(self, rows: Sequence[Row], objects: list[Any], context: LoadContext) -> None:
        """Give objects all values of their rows; what the rows lack is unloaded."""
        overwrite = self.functions.overwrite
        loaded = [step.key for step in self.load.columns]
        absent = [key for key in self.mapper.properties if key not in loaded]
        modified, refreshed = context.members.modified, context.refreshed
        context.identity_map.note_gaps()
        keeps = self._keeps_options(context)
        for row, instance in zip(rows, objects, strict=True):
            values = instance.__dict__
            state = values["_sa_instance_state"]
            if state in refreshed:
                continue
            refreshed.add(state)
            for key in absent:
                values.pop(key, None)
            overwrite(row, values)
            if state.changes is not None:
                state.changes = None
                modified.pop(state, None)
            extra = state.extra
            if extra is not None:
                extra.pending = None
                extra.deferred = self.load.deferred
            if keeps:
                self._keep_options(state, context)
            if self.manager.has_refresh_listeners:
                context.refreshed_states.append((state, loaded))

    def _load_target(self, rows: Sequence[Row], context: LoadContext) -> list[Any]:
        """The rows are those of one object that is known beforehand."""
        target = context.target
        instance = None if target is None else target()
        if instance is None or not rows:
            return [None] * len(rows)
        self._update_present(rows[:1], [instance], context)
        return [instance] * len(rows)
