"""Write the functions that turn rows into objects."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from operator import attrgetter, call, itemgetter
from typing import Any
from weakref import WeakKeyDictionary

from holdfast import errors
from holdfast.foundation.codegen import build_function, record, replace
from holdfast.foundation.load_policy import NO_VALUE
from holdfast.instrument.manager import find_manager
from holdfast.queries.load_plan import AttributeChoice, EntityLoad
from holdfast.reading.context import LoadContext, choices_at
from holdfast.states.identity_map import Space
from holdfast.states.instance import EMPTY, InstanceState

# ------------------------------------------------------------------------------
# Write the functions that turn the columns of rows into the values of one entity's objects.
#
# Generated per shape of load: which attribute comes from which position. They show in tracebacks,
# and `load_one` says in plain words what the bulk forms in `populate` must equal.
#
# Rules kept here:
# 1. `load_one` is the specification: one row, one object (AH: what is loaded stays as it is).
# 2. An attribute that was deleted, and not flushed, is not given back its old value.

Row = Sequence[Any]
Values = dict[str, Any]


@record
class RowFunctions:
    """The generated functions of one shape of load."""

    # Primary keys of rows, bare or tuples; None for a row without the entity.
    keys_of: Callable[[Sequence[Row]], list[Any]]
    # The instance dictionaries for rows and the states that belong to them.
    values_of: Callable[[Sequence[Row], Sequence[Any]], list[Values]]
    # Raises KeyError for an instance dictionary that lacks one of the attributes.
    check_complete: Callable[[Values], object]
    # Give one instance dictionary the attributes it lacks; tells which.
    fill: Callable[[Row, Values, Any], list[str]]
    # Give one instance dictionary all attributes of the row.
    overwrite: Callable[[Row, Values], None]
    # One row, one object: (row, space, members) -> object or None.
    load_one: Callable[[Row, Any, Any], Any]


_by_mapper: WeakKeyDictionary[Any, dict[Any, RowFunctions]] = WeakKeyDictionary()


def functions_of(load: EntityLoad, width: int) -> RowFunctions:
    """The functions for one entity of a plan whose rows have `width` columns."""
    shapes = _by_mapper.get(load.mapper)
    if shapes is None:
        shapes = _by_mapper[load.mapper] = {}
    shape = (load.pk_indexes, load.columns, width)
    found = shapes.get(shape)
    if found is None:
        found = shapes[shape] = _generate(load, width)
    return found


def _add_values(instance: Any, values: Values) -> None:
    instance.__dict__.update(values)


def dict_setter(class_: type) -> Callable[[Any, Values], None]:
    """What gives a new instance its values, past any `__setattr__` of the class."""
    manager = find_manager(class_)
    if manager is not None and manager.set_values is not None:
        return manager.set_values
    own_new: Any = class_.__new__
    if own_new is not object.__new__:
        # The class has put something there itself (MP-190).
        return _add_values
    for base in class_.__mro__:
        found = base.__dict__.get("__dict__")
        if found is not None and hasattr(found, "__set__"):
            setter: Callable[[Any, Values], None] = found.__set__
            return setter
    raise TypeError(f"{class_.__name__} has no __dict__")


def _generate(load: EntityLoad, width: int) -> RowFunctions:
    manager = load.mapper.class_manager
    class_ = manager.class_
    namespace: dict[str, Any] = {
        "class_": class_,
        "new": class_.__new__,
        "state_class": manager.state_class,
        "set_dict": dict_setter(class_),
        "first": itemgetter(load.pk_indexes[0]),
    }
    hint = f"row loader of {class_.__name__}"

    def build(name: str, source: str) -> Any:
        return build_function(name, source, namespace, filename_hint=hint)

    namespace["fill"] = build("fill", _fill_source(load))
    keys = tuple(step.key for step in load.columns) or (load.mapper.primary_key_keys[0],)
    return RowFunctions(
        keys_of=build("keys_of", _keys_source(load)),
        values_of=build("values_of", _values_source(load, width)),
        check_complete=itemgetter(*keys),
        fill=namespace["fill"],
        overwrite=build("overwrite", _overwrite_source(load)),
        load_one=build("load_one", _load_one_source(load)),
    )


def key_expression(load: EntityLoad) -> str:
    """Python for the primary key in `row`: None when the entity is absent from it."""
    indexes = load.pk_indexes
    if len(indexes) == 1:
        return f"row[{indexes[0]}]"
    values = ", ".join(f"row[{index}]" for index in indexes)
    # A key of which a part is NULL still names a row, unless the mapper says otherwise.
    glue = " and " if load.mapper.allow_partial_pks else " or "
    absent = glue.join(f"row[{index}] is None" for index in indexes)
    return f"None if {absent} else ({values})"


def _keys_source(load: EntityLoad) -> str:
    if len(load.pk_indexes) == 1:
        return "def keys_of(rows):\n    return list(map(first, rows))\n"
    return f"def keys_of(rows):\n    return [{key_expression(load)} for row in rows]\n"


def _values_source(load: EntityLoad, width: int) -> str:
    # PERF: load 100k. Unpacking a row is faster than picking its items when most are used.
    if len(load.columns) == width:
        names = ", ".join(f"c{index}" for index in range(width))
        target, item = f"({names},)", "c{}"
    else:
        target, item = "row", "row[{}]"
    pairs = "".join(f", {step.key!r}: {item.format(step.index)}" for step in load.columns)
    return (
        "def values_of(rows, states):\n"
        f"    return [{{'_sa_instance_state': state{pairs}}}\n"
        f"            for state, {target} in zip(states, rows)]\n"
    )


def _fill_source(load: EntityLoad) -> str:
    lines = ["def fill(row, values, changes):", "    filled = []"]
    for step in load.columns:
        was_deleted = f"changes is not None and {step.key!r} in changes"
        lines += [
            f"    if {step.key!r} not in values and not ({was_deleted}):",
            f"        values[{step.key!r}] = row[{step.index}]",
            f"        filled.append({step.key!r})",
        ]
    return "\n".join([*lines, "    return filled", ""])


def _overwrite_source(load: EntityLoad) -> str:
    lines = ["def overwrite(row, values):"]
    lines += [f"    values[{step.key!r}] = row[{step.index}]" for step in load.columns]
    return "\n".join([*lines, "    return None", ""])


def _load_one_source(load: EntityLoad) -> str:
    complete = " and ".join(f"{step.key!r} in values" for step in load.columns) or "True"
    pairs = "".join(f", {step.key!r}: row[{step.index}]" for step in load.columns)
    return f"""def load_one(row, space, members):
    pk = {key_expression(load)}
    state = space.get(pk)
    if state is not None:
        instance = state()
        if instance is not None:
            values = instance.__dict__
            if not ({complete}):
                fill(row, values, state.changes)
            return instance
    if pk is None:
        return None
    instance = new(class_)
    state = state_class(instance)
    state.pk = pk
    state.members = members
    state.changes = None
    state.extra = None
    set_dict(instance, {{'_sa_instance_state': state{pairs}}})
    space[pk] = state
    return instance
"""


# ------------------------------------------------------------------------------
# Tell rows of a hierarchy apart by the class that their discriminator names.
#
# Rows of one class are then loaded together, by the function generated for it.
#
# Rules kept here (MP-145):
# 1. A row without primary key has no object, whatever its discriminator.
# 2. No value, one that no class has, or a class beside the one asked for, is an error.


def parts_by_class(load: EntityLoad, rows: Sequence[Row]) -> list[tuple[EntityLoad, Sequence[int]]]:
    """How the rows of each class are loaded, and the places of these rows."""
    position = load.discriminator
    assert position is not None
    values = [row[position] for row in rows]
    kinds = dict.fromkeys(values)
    if len(kinds) == 1:
        (value,) = kinds
        return [(load_of_value(load, value, rows, values), range(len(rows)))]
    places: dict[Any, list[int]] = {value: [] for value in kinds}
    for place, value in enumerate(values):
        places[value].append(place)
    return [(load_of_value(load, value, rows, values), found) for value, found in places.items()]


def load_of_value(
    load: EntityLoad, value: Any, rows: Sequence[Row], values: Sequence[Any]
) -> EntityLoad:
    """How rows with this discriminator are loaded.

    Raises:
        AssertionError: No class has it.
        InvalidRequestError: It names a class that does not inherit from the one asked for.
    """
    known: dict[Any, EntityLoad] = load.memo.setdefault("by_value", {})
    found = known.get(value)
    if found is not None:
        return found
    mapper = load.mapper
    if value is None:
        key = key_with_value(load, None, rows, values)
        if key is not None:
            raise errors.RowClassError.unknown(key, mapper.polymorphic_on)
        return load_of_class(load, mapper)
    named = mapper.polymorphic_map.get(value)
    if named is None:
        raise errors.UnknownIdentityError.value(value)
    if not named.isa(mapper):
        key = key_with_value(load, value, rows, values)
        raise errors.RowClassError.beside(key, mapper.polymorphic_on, named, mapper)
    known[value] = made = load_of_class(load, named)
    return made


def key_with_value(
    load: EntityLoad, value: Any, rows: Sequence[Row], values: Sequence[Any]
) -> tuple[Any, ...] | None:
    """The identity key of the first row with this discriminator; None when it has no object."""
    for row, each in zip(rows, values, strict=True):
        if each == value:
            pk = tuple(row[index] for index in load.pk_indexes)
            if any(part is not None for part in pk):
                key: tuple[Any, ...] = load.mapper.identity_key_from_primary_key(pk)
                return key
    return None


def load_of_class(load: EntityLoad, mapper: Any) -> EntityLoad:
    """How rows of one class are loaded: as planned for it or for its nearest base."""
    planned = {each.mapper: each for each in load.subclasses}
    planned[load.mapper] = replace(load, discriminator=None, subclasses=(), memo={})
    base = next(each for each in mapper.iterate_to_root() if each in planned)
    if base is mapper:
        return planned[mapper]
    return replace(planned[base], mapper=mapper, memo={})


# ------------------------------------------------------------------------------
# Turn the columns of one entity, for a batch of rows, into objects.
#
# The common cases run as C loops over the whole batch: all rows new, all present, some of each.
# What they do for each row is what the generated `load_one` does; tests compare the two.
#
# Rules kept here:
# 1. The identity map wins: an object that is present keeps its loaded values (SB-7), and gets those
#    that it lacks (SB-8).
# 2. `populate_existing` replaces all values of an object once per execution (LD-152).
# 3. A row without a primary key has no object of this entity.

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
        raise errors.StaleDataError.version_loaded(state, known, loaded[key])


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
        extra.said = EMPTY

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
        if self._keeps_options(context):
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
        said = {}
        if context.target is None and self._keeps_options(context):
            # A refresh runs under the options that the object keeps.
            said = choices_at(context, context.path_of(self.load.path), self.mapper)
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
            if said:
                _note_choices(state, said, context)
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
        is_new_load = context.populate_existing and context.target is None
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
                if is_new_load:
                    extra.load_options, extra.load_path, extra.released = (), None, ()
                    extra.said = EMPTY
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


def _note_choices(
    state: InstanceState, choices: Mapping[str, AttributeChoice], context: LoadContext
) -> None:
    """Remember what options say of the relationships that an object lacks.

    What loaded the object in the same execution has spoken before.
    """
    extra = state.extra
    if extra is None or extra.load_options != context.load_options:
        lacked = {key: choices[key] for key in choices.keys() - state.dict.keys()}
        if lacked:
            extra = state.more()
            extra.said = {**extra.said, **lacked}
