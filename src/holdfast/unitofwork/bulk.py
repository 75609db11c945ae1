"""Write many rows from objects or dictionaries, without collecting or planning anything.

Called by `sessions.flushing` for the three bulk methods of `Session`. Values are brought into the
form of `writing.rows`, and the statements are those of a flush.

Rules kept here:
1. Only given values are written: what a dictionary does not name takes no part (PT-126).
2. Dictionaries stay as they are, except for generated keys when these are wanted (PT-125).
3. No events, no relationships, no cascades (PT-128).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from itertools import groupby
from typing import Any

from holdfast.errors.flush import BulkRowError
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.journal import ConnectionSource
from holdfast.unitofwork.writing.insert import form_of, insert_run
from holdfast.unitofwork.writing.rows import (
    InsertRun,
    TableRows,
    Values,
    is_written,
    read_rows,
    table_rows,
)
from holdfast.unitofwork.writing.update import Change, write_changes


def save_objects(
    connection_for: ConnectionSource,
    states: Iterable[InstanceState],
    *,
    returns: bool,
    changed_only: bool,
    keeps_order: bool,
) -> None:
    """INSERT objects without a key and UPDATE those with one.

    Args:
        connection_for: Gives the connection for a mapper.
        states: The objects.
        returns: Put generated keys, and what else the database made, onto new objects.
        changed_only: UPDATE attributes with changes, in place of all that are loaded.
        keeps_order: Statements follow the order of the objects; otherwise each class comes once,
            new objects first.
    """
    if not keeps_order:
        states = list(states)
        places = {kind: place for place, kind in enumerate(dict.fromkeys(map(type, states)))}
        states.sort(key=lambda state: (places[type(state)], state.pk is not None))
    for (kind, has_row), run in groupby(states, lambda state: (type(state), state.pk is not None)):
        mapper: Any = kind.manager.mapper
        if has_row:
            loaded = [values_in_row(state, changed_only=changed_only) for state in run]
            update_mappings(connection_for, mapper, loaded)
        else:
            given = [state.dict if returns else dict(state.dict) for state in run]
            insert_values(connection_for, mapper, given, returns=returns)


def values_in_row(state: InstanceState, *, changed_only: bool) -> Values:
    """An object with a row as a dictionary: what to set, and what the row is found by."""
    mapper: Any = state.manager.mapper
    committed = state.committed_state
    values = {k: v for k, v in state.dict.items() if not changed_only or k in committed}
    values.update(zip(mapper.primary_key_keys, state.identity or (), strict=True))
    if mapper.version_id_col is not None:
        key = mapper.key_of_column[mapper.version_id_col]
        values[key] = committed.get(key, state.dict.get(key))
    return values


def insert_mappings(
    connection_for: ConnectionSource,
    mapper: Any,
    mappings: Iterable[MutableMapping[str, Any]],
    *,
    returns: bool,
    render_nulls: bool,
) -> None:
    """INSERT dictionaries by attribute name.

    Args:
        connection_for: Gives the connection for a mapper.
        mapper: Whose rows these are.
        mappings: The dictionaries.
        returns: Put generated keys into the dictionaries.
        render_nulls: Send None as NULL, in place of leaving its column out.
    """
    given = list(mappings)
    dicts = [without_composites(mapper, mapping) for mapping in given]
    insert_values(connection_for, mapper, dicts, returns=returns, render_nulls=render_nulls)
    if returns:
        keys = [key for table in mapper.tables for key in table_rows(mapper, table).pk_keys]
        for mapping, values in zip(given, dicts, strict=True):
            mapping.update((key, values[key]) for key in keys if key in values)


def insert_values(
    connection_for: ConnectionSource,
    mapper: Any,
    dicts: Sequence[Values],
    *,
    returns: bool,
    render_nulls: bool = False,
) -> None:
    """INSERT attribute values into the tables of a mapper; base tables come first."""
    connection = connection_for(mapper.base_mapper)
    if mapper.sets_polymorphic_identity:
        for values in dicts:
            values.setdefault(mapper.polymorphic_key, mapper.polymorphic_identity)
    for table in mapper.tables:
        if not is_written(mapper, table):
            continue
        rows = table_rows(mapper, table)
        inherit_keys(rows, dicts)
        if rows.version_key is not None and mapper.version_id_generator:
            for values in dicts:
                values[rows.version_key] = mapper.version_id_generator(None)
        for run in given_runs(rows, dicts, render_nulls=render_nulls):
            form = form_of(rows, run.keys)
            if returns:
                insert_run(connection, form, run)
            else:
                form.fixed.execute_many(connection, run.rows)


def given_runs(
    rows: TableRows, dicts: Sequence[Values], *, render_nulls: bool
) -> Iterable[InsertRun]:
    """Consecutive dictionaries that give values to the same columns of one table."""
    keys = rows.keys

    def all_named(values: Values) -> tuple[str, ...]:
        return tuple(key for key in keys if key in values)

    for given, group in groupby(dicts, all_named if render_nulls else rows.presence(keys)):
        run = list(group)
        yield InsertRun(given, run, read_rows(given, run), has_expressions=False)


def update_mappings(
    connection_for: ConnectionSource, mapper: Any, mappings: Iterable[Mapping[str, Any]]
) -> None:
    """UPDATE rows from dictionaries by attribute name, each with the primary key of its row.

    Raises:
        InvalidRequestError: A dictionary lacks a part of the key, or the version.
    """
    connection = connection_for(mapper.base_mapper)
    dicts = [without_composites(mapper, mapping) for mapping in mappings]
    all_rows = [table_rows(mapper, table) for table in mapper.tables if is_written(mapper, table)]
    keys_set = {key for rows in all_rows for key in rows.keys if key not in rows.pk_keys}
    for rows in all_rows:
        inherit_keys(rows, dicts)
        settable = tuple(key for key in rows.keys if key not in rows.pk_keys)
        changes = []
        for values in dicts:
            keys = tuple(key for key in settable if key in values)
            if keys or (rows.version_key is not None and not keys_set.isdisjoint(values)):
                changes.append(change_by_key(rows, keys, values))
        write_changes(connection, rows, changes, takes_back=False)


def change_by_key(rows: TableRows, keys: tuple[str, ...], values: Values) -> Change:
    """One row to update, with its next version where it has one."""
    version = rows.version_key
    row_key = tuple(values.get(key) for key in rows.pk_keys)
    if version is not None:
        row_key = (*row_key, values.get(version))
    if None in row_key:
        columns = [*rows.pk_columns, rows.mapper.version_id_col]
        raise BulkRowError.without_key(
            [column for column, value in zip(columns, row_key, strict=False) if value is None]
        )
    if version is not None:
        generator = rows.mapper.version_id_generator
        if generator:
            values[version] = generator(values[version])
        # Where the database makes versions, the row takes part with the one it has, if only so.
        keys = rows.in_order({*keys, version}) if generator or not keys else keys
    return Change(keys, values, row_key)


def inherit_keys(rows: TableRows, dicts: Iterable[Values]) -> None:
    """Take the key of a subclass table from that of the base, where it is not given."""
    for source, own in rows.inherited_keys:
        for values in dicts:
            if values.get(own) is None and source in values:
                values[own] = values[source]


def without_composites(mapper: Any, mapping: Mapping[str, Any]) -> Values:
    """A copy that names columns in place of composite attributes."""
    values = dict(mapping)
    for prop in mapper.composites:
        if prop.key in values:
            values.update(zip(prop.column_keys, prop.values_of(values[prop.key]), strict=False))
    return values
