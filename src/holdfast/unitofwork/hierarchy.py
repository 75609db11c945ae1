"""This file knows how an object with rows in several tables is written.

Called by `insert`, `update`, `delete` and `rows` for joined inheritance.

Rules kept here:
1. Tables are written base before subclass, and what a foreign key refers to before what refers
   (MP-142); they are emptied in the opposite order.
2. A row of a subclass table takes its key from the row of the base.
3. An object must have a discriminator value that means its class, or there is a warning (MP-144).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import exc

from holdfast import errors
from holdfast.foundation.describe import warn
from holdfast.foundation.graph import Cycle, sort
from holdfast.mapping.inheritance import equal_columns
from holdfast.states.changes import note_change
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.work_set import Journal


def tables_in_order(base: Any, mappers: Iterable[Any]) -> list[Any]:
    """The tables of some mappers of one hierarchy, in the order in which they are written."""
    known: list[Any] | None = base.memo.get(tables_in_order)
    if known is None:
        known = base.memo[tables_in_order] = _sorted_tables(base)
    wanted = {table for mapper in mappers for table in mapper.tables}
    return [table for table in known if table in wanted]


def _sorted_tables(base: Any) -> list[Any]:
    joined: list[tuple[Any, Any]] = []
    tables: dict[Any, None] = {}
    related: dict[Any, set[Any]] = {}
    for mapper in base.self_and_descendants:
        for before, table in zip(mapper.tables, mapper.tables[1:], strict=False):
            joined.append((before, table))
        for table in mapper.tables:
            tables[table] = None
            related.setdefault(table, set()).update(mapper.tables)
    referring = [
        (referred, table)
        for table in tables
        for referred in _referred_tables(table)
        if referred in tables and referred not in related[table]
    ]
    try:
        return sort(list(tables), [*joined, *referring])
    except Cycle:
        return sort(list(tables), joined)


def _referred_tables(table: Any) -> Iterator[Any]:
    for constraint in table.foreign_key_constraints:
        try:
            yield constraint.referred_table
        except (exc.NoReferenceError, exc.InvalidRequestError):
            continue


def inherited_keys(mapper: Any, table: Any) -> tuple[tuple[str, str], ...]:
    """(attribute of the base's key, own attribute) where both are equal but not one attribute."""
    for each in mapper.iterate_to_root():
        if each.local_table is table and each.inherit_pairs:
            names = mapper.key_of_column
            pairs = [(names.get(one), names.get(own)) for one, own in each.inherit_pairs]
            return tuple((a, b) for a, b in pairs if a is not None and b is not None and a != b)
    return ()


def is_deleted_by_database(mapper: Any, table: Any) -> bool:
    """Whether rows of a subclass table go with those of the base: by `passive_deletes` (MP-120)."""
    for each in mapper.iterate_to_root():
        if each.inherit_pairs and each.local_table is table:
            return any(above.passive_deletes for above in each.iterate_to_root())
    return False


def key_places(mapper: Any, columns: Sequence[Any]) -> tuple[int, ...] | None:
    """For each key column of a table, the place of its value in the primary key.

    None when a column is none of those, so that its value has to be read from the object.
    """
    places = []
    for column in columns:
        same = equal_columns(mapper, column)
        place = next((n for n, each in enumerate(mapper.primary_key) if each in same), None)
        if place is None:
            return None
        places.append(place)
    return tuple(places)


def follow_base_keys(journal: Journal, table: Any, states: Iterable[InstanceState]) -> None:
    """After an UPDATE of `table`, carry changed keys on to the tables that inherit them."""
    pairs_of: dict[type, list[tuple[str, str]]] = {}
    for state in states:
        kind = type(state)
        pairs = pairs_of.get(kind)
        if pairs is None:
            pairs = pairs_of[kind] = list(_inheriting_pairs(kind.manager.mapper, table))
        changes = state.changes if pairs else None
        if not changes:
            continue
        mapper = state.manager.mapper
        for one, own in pairs:
            if one not in changes or changes[one] == state.dict.get(one):
                continue
            if own != one:
                note_change(state, own, changes[one])
                state.dict[own] = state.dict[one]
            if mapper.passive_updates and mapper.base_mapper.passive_updates:
                journal.cascaded.add((state, own))


def _inheriting_pairs(mapper: Any, table: Any) -> Iterator[tuple[str, str]]:
    """(attribute of a column of `table`, attribute of the column that inherits its value)."""
    names = mapper.key_of_column
    for each in mapper.iterate_to_root():
        if each.inherit_pairs and each.local_table is not table:
            for one, own in each.inherit_pairs:
                if one.table is table and one in names and own in names:
                    yield names[one], names[own]


def check_identities(states: Sequence[InstanceState]) -> None:
    """Warn of objects whose discriminator value means another class."""
    kinds: set[Any] = set(map(type, states))
    if not any(kind.manager.mapper.sets_polymorphic_identity for kind in kinds):
        return
    for state in states:
        mapper = state.manager.mapper
        key, values = mapper.polymorphic_key, state().__dict__
        if not mapper.sets_polymorphic_identity or key not in values:
            continue
        if values[key] not in mapper.own_identities:
            warn(
                errors.polymorphic_mismatch_warning(state, values[key], mapper.polymorphic_identity)
            )
