"""Write many rows from objects or dictionaries, without collecting or planning anything.

Called by `sessions.flushing` for the three bulk methods of `Session`. Values are brought into the
form of `rows`, and the statements are those of a flush.

Rules kept here:
1. Only given values are written: what a dictionary does not name takes no part (PT-126).
2. Dictionaries stay as they are, except for generated keys when these are wanted (PT-125).
3. No events, no relationships, no cascades (PT-128).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from itertools import chain, groupby, repeat
from typing import Any

from holdfast import errors
from holdfast.foundation.load_policy import NO_VALUE
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.insert import form_of, insert_run
from holdfast.unitofwork.rows import (
    InsertRun,
    TableRows,
    Values,
    is_written,
    read_present,
    read_rows,
    table_rows,
)
from holdfast.unitofwork.update_delete import Change, write_changes
from holdfast.unitofwork.work_set import ConnectionSource


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
    version = mapper.version_key
    if version is not None:
        known = state.committed_value(version)
        values[version] = None if known is NO_VALUE else known
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
    dicts = values_to_insert(mapper, given, fills=returns)
    insert_values(connection_for, mapper, dicts, returns=returns, render_nulls=render_nulls)
    if returns:
        keys = [key for table in mapper.tables for key in table_rows(mapper, table).pk_keys]
        for mapping, values in zip(given, dicts, strict=True):
            mapping.update((key, values[key]) for key in keys if key in values)


def values_to_insert(
    mapper: Any, mappings: Sequence[Mapping[str, Any]], *, fills: bool = False
) -> Sequence[Values]:
    """Dictionaries for `insert_values`: the given ones where nothing is put into them.

    Args:
        mapper: Whose rows these are.
        mappings: What the application gave.
        fills: Whether what comes back is put into them.
    """
    if (
        fills
        or mapper.composites
        or mapper.synonyms
        or mapper.bulk_setters
        or mapper.sets_polymorphic_identity
        or mapper.version_id_col is not None
        or len(mapper.tables) > 1
    ):
        return named_by_columns(mapper, mappings)
    return mappings  # type: ignore[return-value]  # only read


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
    for rows, run in runs_to_insert(mapper, dicts, render_nulls=render_nulls):
        form = form_of(rows, run.keys)
        # Tables of subclasses need the keys of their base's rows.
        if returns or (form.missing_pk and len(mapper.tables) > 1):
            insert_run(connection, form, run)
        else:
            form.fixed.execute_many(connection, run.rows)


def runs_to_insert(
    mapper: Any, dicts: Sequence[Values], *, render_nulls: bool
) -> Iterator[tuple[TableRows, InsertRun]]:
    """Rows for each table of a mapper, base tables first; the keys of one table feed the next.

    Args:
        mapper: Whose rows these are.
        dicts: Values by attribute name.
        render_nulls: Send None as NULL, in place of leaving its column out.
    """
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
            yield rows, run


def given_runs(
    rows: TableRows, dicts: Sequence[Values], *, render_nulls: bool
) -> Iterable[InsertRun]:
    """Consecutive dictionaries that give values to the same columns of one table."""
    uniform = uniform_run(rows, dicts, render_nulls=render_nulls)
    if uniform is not None:
        yield uniform
        return
    keys = rows.keys

    def all_named(values: Values) -> tuple[str, ...]:
        return tuple(key for key in keys if key in values)

    for given, group in groupby(dicts, all_named if render_nulls else rows.presence(keys)):
        run = list(group)
        yield InsertRun(given, run, read_rows(given, run), has_expressions=False)


def uniform_run(
    rows: TableRows, dicts: Sequence[Values], *, render_nulls: bool
) -> InsertRun | None:
    """All dictionaries as one run; None when they do not give values to the same columns.

    PERF: bench bulk insert. Nothing is called for a single dictionary.
    """
    if not dicts:
        return None
    first = dicts[0]
    names = tuple(first)
    keys = rows.in_order(set(names))
    if not keys or set(map(len, dicts)) != {len(names)}:
        return None
    try:
        found = read_present(keys, dicts)
        if len(keys) < len(names):
            # In place of a name that is no column here, another dictionary may have one that is.
            read_present(names, dicts)
    except KeyError:
        return None
    if not render_nulls and type(None) in set(map(type, chain.from_iterable(found))):
        return None
    return InsertRun(keys, dicts, found, has_expressions=False)


def update_mappings(
    connection_for: ConnectionSource, mapper: Any, mappings: Iterable[Mapping[str, Any]]
) -> list[Values]:
    """UPDATE rows from dictionaries by attribute name, each with the primary key of its row.

    Returns:
        What was written, next versions included.

    Raises:
        InvalidRequestError: A dictionary lacks a part of the key, or the version.
    """
    connection = connection_for(mapper.base_mapper)
    dicts = named_by_columns(mapper, mappings)
    for rows, changes in changes_by_table(mapper, dicts):
        write_changes(connection, rows, changes, takes_back=False)
    return dicts


def changes_by_table(
    mapper: Any, dicts: Sequence[Values], always: frozenset[Any] = frozenset()
) -> Iterator[tuple[TableRows, list[Change]]]:
    """What dictionaries change in each table of a mapper.

    Args:
        mapper: Whose rows these are.
        dicts: Values by attribute name.
        always: Tables of which the statement itself sets columns.
    """
    all_rows = [table_rows(mapper, table) for table in mapper.tables if is_written(mapper, table)]
    keys_set = {key for rows in all_rows for key in rows.keys if key not in rows.pk_keys}
    for rows in all_rows:
        inherit_keys(rows, dicts)
        settable = tuple(key for key in rows.keys if key not in rows.pk_keys)
        changes = uniform_changes(rows, settable, dicts)
        for values in () if changes else dicts:
            keys = tuple(key for key in settable if key in values)
            counts = rows.version_key is not None and not keys_set.isdisjoint(values)
            if keys or counts or rows.table in always:
                changes.append(change_by_key(rows, keys, values))
        yield rows, changes


def uniform_changes(
    rows: TableRows, settable: tuple[str, ...], dicts: Sequence[Values]
) -> list[Change]:
    """The changes of dictionaries that all set the same columns; empty when they do not.

    PERF: bench bulk update. Nothing is called for a single dictionary.
    """
    run = None if rows.version_key is not None else uniform_run(rows, dicts, render_nulls=True)
    if run is None or not set(rows.pk_keys).issubset(run.keys):
        return []
    keys = tuple(key for key in settable if key in run.keys)
    row_keys = read_present(rows.pk_keys, dicts)
    if not keys or any(None in column for column in zip(*row_keys, strict=True)):
        return []
    return list(map(Change, repeat(keys), dicts, row_keys))


def change_by_key(rows: TableRows, keys: tuple[str, ...], values: Values) -> Change:
    """One row to update, with its next version where it has one."""
    version = rows.version_key
    names = rows.pk_keys if version is None else (*rows.pk_keys, version)
    row_key = tuple(values.get(key) for key in names)
    if None in row_key:
        raise errors.BulkRowError.without_key(
            rows.column_of[key] for key in names if values.get(key) is None
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


def named_by_columns(mapper: Any, mappings: Iterable[Mapping[str, Any]]) -> list[Values]:
    """Copies that name columns in place of composites, synonyms and hybrids (XT-5)."""
    copies = list(map(dict, mappings))
    synonyms = [(name, prop.name) for name, prop in mapper.synonyms.items()]
    composites = list(mapper.composites)
    setters = mapper.bulk_setters
    for values in copies if synonyms or composites or setters else ():
        for name, target in synonyms:
            if name in values:
                values[target] = values.pop(name)
        for prop in composites:
            if prop.key in values:
                values.update(zip(prop.column_keys, prop.values_of(values[prop.key]), strict=False))
        for name in setters.keys() & values.keys():
            setters[name](values, values.pop(name))
    return copies
