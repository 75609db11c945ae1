"""Write the functions that turn the columns of rows into the values of one entity's objects.

Generated per shape of load: which attribute comes from which position. They show in tracebacks,
and `load_one` says in plain words what the bulk forms in `populate` must equal.

Rules kept here:
1. `load_one` is the specification: one row, one object (AH: what is loaded stays as it is).
2. An attribute that was deleted, and not flushed, is not given back its old value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any
from weakref import WeakKeyDictionary

from holdfast.foundation.codegen import build_function
from holdfast.foundation.record import record
from holdfast.queries.load_plan import EntityLoad

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
