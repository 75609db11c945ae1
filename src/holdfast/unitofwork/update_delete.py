"""Run UPDATE and DELETE for the objects of one step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from holdfast import errors
from holdfast.foundation.codegen import FieldTuple
from holdfast.foundation.describe import warn
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.result_rows import paused_collector
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.forms import (
    DeleteForm,
    UpdateForm,
    check_verifiable,
    fetch_made,
    fetch_stale_rows,
    next_version,
    row_version,
    take_returned,
)
from holdfast.unitofwork.hierarchy import check_identities, follow_base_keys, is_deleted_by_database
from holdfast.unitofwork.plan import DeleteStep, PostUpdateStep, UpdateStep
from holdfast.unitofwork.rows import (
    ChangedRun,
    TableRows,
    Values,
    has_expressions,
    is_expression,
    listening,
    read_column,
    read_rows,
    runs_by_table,
)
from holdfast.unitofwork.work_set import Journal

# ------------------------------------------------------------------------------
# UPDATE the rows of changed objects.
#
# Called by `write`, and by `insert` for new objects that take over the row of a deleted one.
#
# Rules kept here:
# 1. Only columns with a net change are set; an object without any gets no UPDATE (SB-110, AH-100).
# 2. Consecutive objects with the same changed columns go in one statement (AH-101).
# 3. Rows are found by the key that the database has, not by a new one on the object (AH-102).
# 4. The number of rows that matched must be that of the objects, where the driver can tell (VC-30).


class Change(FieldTuple):
    """One row to update."""

    keys: tuple[str, ...]
    values: Values
    row_key: tuple[Any, ...]


def write_updates(journal: Journal, step: UpdateStep) -> None:
    """UPDATE the rows of one step, with the mapper's events around them."""
    for connection, states in journal.batches(step.mapper, step.states):
        write_update_batch(journal, connection, step.mapper, states)


def write_update_batch(
    journal: Journal, connection: Any, base: Any, states: Sequence[InstanceState]
) -> None:
    """UPDATE some objects together."""
    heard = listening(states)
    for state in heard:
        mapper = state.manager.mapper
        mapper.dispatch.before_update(mapper, connection, state)
    check_identities(states)
    for table, runs in runs_by_table(base, states):
        for rows, run in runs:
            update_rows(journal, connection, rows, run)
            follow_base_keys(journal, table, run)
    for state in heard:
        mapper = state.manager.mapper
        mapper.dispatch.after_update(mapper, connection, state)


def update_rows(
    journal: Journal, connection: Any, rows: TableRows, states: Sequence[InstanceState]
) -> None:
    """UPDATE objects whose rows are made alike in one table."""
    cascaded = journal.cascaded
    manager = rows.mapper.class_manager
    heard = manager.has_refresh_flush_listeners or manager.has_expire_listeners
    if rows.version_key is None and not cascaded and not heard:
        for run in rows.changed_runs(states):
            write_changed_run(connection, rows, run)
        return
    changes = list(careful_changes(journal, rows, states))
    write_changes(connection, rows, changes)
    report_defaults(journal, rows, changes)


def write_changed_run(connection: Any, rows: TableRows, run: ChangedRun) -> None:
    """UPDATE objects with the same changed columns, without an object per row.

    PERF: bench update. Values are taken column by column; anything unusual goes row by row.
    """
    columns = [read_column(key, run.dicts) for key in run.keys]
    key_columns = rows.key_columns(run.states)
    form = form_of(rows, run.keys)
    eager = bool(form.server_made) and fetches_made(form)
    lacks_key = any(None in column for column in key_columns)
    if form.prefetched or eager or lacks_key or has_expressions(columns):
        row_keys = zip(*key_columns, strict=True)
        changes = [
            Change(run.keys, values, row_key)
            for values, row_key in zip(run.dicts, row_keys, strict=True)
        ]
        write_changes(connection, rows, changes)
        return
    params = list(zip(*columns, *key_columns, strict=True))
    matched = form.fixed.execute_many(connection, params)
    check_count(connection, form, params, matched)
    if form.server_made:
        for values in run.dicts:
            take_returned(rows, values, form.server_made, None)


def report_defaults(journal: Journal, rows: TableRows, changes: Sequence[Change]) -> None:
    """Tell listeners which attributes got a value that nobody set, or lost theirs."""
    manager = rows.mapper.class_manager
    for change in changes:
        form: UpdateForm = rows.memo[UpdateForm, change.keys]
        made = [k for k in (*form.prefetched, *form.server_made) if k not in rows.pk_keys]
        state = change.values["_sa_instance_state"]
        known = [key for key in made if key in change.values]
        counted = [key for key in rows.counted_keys if key in change.keys]
        if known or counted:
            manager.dispatch.refresh_flush(state, journal, [*known, *counted])
        if len(known) < len(made):
            manager.dispatch.expire(state, [key for key in made if key not in known])


def careful_changes(
    journal: Journal, rows: TableRows, states: Sequence[InstanceState]
) -> Iterator[Change]:
    """Rows to update where versions count, or the database changes keys by itself."""
    cascaded = journal.cascaded
    for state in states:
        values = state().__dict__
        keys = tuple(
            key for key in rows.changed_keys(state, values) if (state, key) not in cascaded
        )
        if keys or rows.moves_with_other_tables(state, values):
            yield change_of(journal, rows, state, keys, values)


def change_of(
    journal: Journal,
    rows: TableRows,
    state: InstanceState,
    keys: tuple[str, ...],
    values: Values,
) -> Change:
    """One row to update, with its next version where it has one."""
    row_key = rows.row_key(state, journal.cascaded)
    if rows.version_key is not None:
        keys, version = next_version(journal, rows, state, values, keys)
        row_key = (*row_key, version)
    return Change(keys, values, row_key)


def known_row_key(journal: Journal, rows: TableRows, state: InstanceState) -> tuple[Any, ...]:
    """What the row of an object is found by, with its present version where it has one."""
    row_key = rows.row_key(state)
    if rows.version_key is None:
        return row_key
    return (*row_key, row_version(journal, state, rows.version_key))


def write_changes(
    connection: Any, rows: TableRows, changes: Sequence[Change], *, takes_back: bool = True
) -> None:
    """UPDATE rows of one table, consecutive rows with the same columns together.

    Args:
        connection: The transaction's connection.
        rows: The table.
        changes: The rows.
        takes_back: Whether values may be expressions, and what the database makes is wanted.
    """
    for keys, group in groupby(changes, key=itemgetter(0)):
        run = list(group)
        refuse_null_key(rows, run)
        check_verifiable(connection, rows, "updated")
        write_run(connection, form_of(rows, keys), run, takes_back=takes_back)


def form_of(rows: TableRows, keys: tuple[str, ...]) -> UpdateForm:
    """The statement that sets these columns, compiled when first used."""
    form: UpdateForm | None = rows.memo.get((UpdateForm, keys))
    if form is None:
        form = UpdateForm(rows, keys, checks_version=rows.version_key is not None)
        rows.memo[UpdateForm, keys] = form
    return form


def refuse_null_key(rows: TableRows, run: Sequence[Change]) -> None:
    """A row without key cannot be found.

    Raises:
        FlushError: A part of a key is missing.
    """
    for change in run:
        if None in change.row_key[: len(rows.pk_columns)]:
            column = rows.pk_columns[change.row_key.index(None)]
            raise errors.FlushError.null_key("update", rows.table.description, column)


def write_run(
    connection: Any, form: UpdateForm, run: Sequence[Change], *, takes_back: bool
) -> None:
    """UPDATE rows of equal columns, and check how many matched."""
    given = read_rows(form.keys, [change[1] for change in run])
    params = [values + change[2] for values, change in zip(given, run, strict=True)]
    eager = takes_back and bool(form.server_made) and fetches_made(form)
    returns = connection.dialect.update_returning and form.rows.table.implicit_returning
    if takes_back and has_expressions(given):
        write_expressions(connection, form, run)
        return
    if not takes_back or (not form.prefetched and not (eager and returns)):
        counts_all = len(run) == 1 or connection.dialect.supports_sane_multi_rowcount
        if form.checks_version and not counts_all:
            matched = sum(form.fixed.execute_rowcount(connection, row) for row in params)
        else:
            matched = form.fixed.execute_many(connection, params)
        check_count(connection, form, params, matched)
        if eager:
            fetch_made(connection, form.rows, [change[1] for change in run], form.server_made)
        elif form.server_made:
            for change in run:
                take_returned(form.rows, change.values, form.server_made, None)
        return
    for change, row in zip(run, params, strict=True):
        parameters = dict(zip(form.names, row, strict=True))
        write_single(connection, form, change, form.statement, parameters)


def fetches_made(form: UpdateForm) -> bool:
    """Whether values that the database makes are fetched with the UPDATE."""
    rows = form.rows
    return rows.mapper.eager_defaults is True or rows.version_key in form.server_made


def write_expressions(connection: Any, form: UpdateForm, run: Sequence[Change]) -> None:
    """UPDATE rows with SQL expressions in place of values, one by one."""
    column_of = form.rows.column_of
    for change in run:
        values = change.values
        given = {key: values.get(key) for key in form.keys}
        inline = {key: value for key, value in given.items() if is_expression(value)}
        parameters = {
            column_of[key].key: value for key, value in given.items() if key not in inline
        }
        parameters.update(zip(form.names[len(form.keys) :], change.row_key, strict=True))
        statement = form.statement.values({column_of[k]: v for k, v in inline.items()})
        write_single(connection, form, change, statement, parameters, tuple(inline))


def write_single(
    connection: Any,
    form: UpdateForm,
    change: Change,
    statement: Any,
    parameters: Mapping[str, Any],
    expressions: tuple[str, ...] = (),
) -> None:
    """UPDATE one row through Core, and take back what it made."""
    rows, values = form.rows, change.values
    made = (*form.server_made, *expressions)
    keys_made = tuple(key for key in expressions if key in rows.pk_keys)
    eager = fetches_made(form)
    wanted = made if eager else keys_made
    returns = connection.dialect.update_returning and rows.table.implicit_returning
    if keys_made and not returns:
        raise errors.FlushError.computed_key(rows.table.description, keys_made[0])
    if wanted and returns:
        statement = form.returning(statement, wanted)
    result = connection.execute(
        statement, parameters, execution_options={"preserve_rowcount": True}
    )
    row = (*(values.get(key) for key in form.keys), *change.row_key)
    check_count(connection, form, [row], result.rowcount, returning=bool(wanted and returns))
    for key in form.prefetched:
        values[key] = result.context.compiled_parameters[0][rows.column_of[key].key]
    take_returned(rows, values, made, result.returned_defaults if wanted and returns else None)
    if wanted and not returns:
        fetch_made(connection, rows, [values], wanted)


def check_count(
    connection: Any,
    form: UpdateForm,
    params: Sequence[tuple[Any, ...]],
    matched: int,
    *,
    returning: bool = False,
) -> None:
    """Every object must have a row.

    Args:
        connection: The transaction's connection.
        form: What was executed.
        params: Its parameters: what was set, then what the rows were found by.
        matched: How many rows were.
        returning: Whether the statement had RETURNING.

    Raises:
        StaleDataError: The driver says that some have not.
    """
    dialect, expected = connection.dialect, len(params)
    if returning:
        sane = dialect.supports_sane_rowcount_returning
    elif expected == 1 or form.checks_version:
        sane = dialect.supports_sane_rowcount
    else:
        sane = dialect.supports_sane_multi_rowcount
    if sane and matched >= 0 and matched != expected:
        keys, rows = form.keys, form.rows
        written = [dict(zip(keys, row, strict=False)) for row in params]
        row_keys = [row[len(keys) :] for row in params]
        stale = fetch_stale_rows(connection, rows, row_keys, expected - matched, written)
        table = rows.table.description
        raise errors.StaleDataError.row_count("UPDATE", table, expected, matched, rows=stale)


def take_over_rows(
    journal: Journal,
    connection: Any,
    base: Any,
    successors: Mapping[InstanceState, InstanceState],
) -> None:
    """Write new objects into the rows of objects that were to be deleted (SB-91)."""
    for _, runs in runs_by_table(base, list(successors)):
        for rows, run in runs:
            changes = []
            for state in run:
                change = succession(journal, rows, state, successors[state])
                if change is not None:
                    changes.append(change)
            write_changes(connection, rows, changes)


def succession(
    journal: Journal, rows: TableRows, state: InstanceState, before: InstanceState
) -> Change | None:
    """The row of an object that is deleted, changed into that of its successor."""
    values, former = state().__dict__, before.dict
    version = rows.version_key
    keys = tuple(
        key
        for key in rows.keys
        if key not in rows.pk_keys
        and (key in values or key in former)
        and (key != version or values.get(key) is not None)
        and (key not in former or rows.differs(key, former[key], values))
    )
    if not keys:
        return None
    for key in keys:
        values.setdefault(key, None)
    row_key = tuple(values[key] for key in rows.pk_keys)
    if version is not None:
        journal.versions[state] = row_version(journal, before, version)
        values.setdefault(version, journal.versions[state])
        keys, present = next_version(journal, rows, state, values, keys)
        row_key = (*row_key, present)
    return Change(keys, values, row_key)


def write_post_updates(journal: Journal, step: PostUpdateStep) -> None:
    """UPDATE the foreign keys of a `post_update` relationship, and nothing else."""
    wanted = {pair.holder for each in step.dependencies for pair in each.pairs}
    for connection, states in journal.by_connection(step.mapper, step.states):
        write_wanted(journal, connection, step.mapper, states, wanted)


def write_wanted(
    journal: Journal,
    connection: Any,
    base: Any,
    states: Sequence[InstanceState],
    wanted: set[str],
) -> None:
    """UPDATE some columns of objects of one hierarchy."""
    for _, runs in runs_by_table(base, states):
        for rows, run in runs:
            if wanted.isdisjoint(rows.column_of):
                continue
            changes = [
                change
                for state in run
                if (change := late_change(journal, rows, state, wanted)) is not None
            ]
            write_changes(connection, rows, changes)
            deletes = journal.work.deletes
            report_defaults(
                journal, rows, [c for c in changes if c.values["_sa_instance_state"] not in deletes]
            )


def late_change(
    journal: Journal, rows: TableRows, state: InstanceState, wanted: set[str]
) -> Change | None:
    """The UPDATE of the `wanted` foreign keys of one row, or None when they are right already."""
    values, changes = state().__dict__, state.committed_state
    # A value that was set stands, though its column has an onupdate.
    given = {key for key in rows.onupdate_keys if key in changes and values.get(key) is not None}
    keys = rows.in_order(wanted | given)
    if state.pk is None:
        # Inserted a moment ago: this belongs to its first version.
        return Change(keys, values, known_row_key(journal, rows, state))
    if wanted.isdisjoint(rows.changed_keys(state, values)):
        return None
    if state in journal.work.deletes:
        # The object keeps what it showed before its row went.
        values = dict(values)
    return change_of(journal, rows, state, keys, values)


# ------------------------------------------------------------------------------
# DELETE rows.
#
# Called by `write` for one step of a plan: objects of one hierarchy that do not refer to each
# other.
#
# Rules kept here:
# 1. Tables of one object are emptied children first.
# 2. A count other than the number of objects is an error with a version counter, and a warning
#    without one (VC-30).


def write_deletes(journal: Journal, step: DeleteStep) -> None:
    """DELETE the rows of one step."""
    replaced = journal.replaced
    states: Sequence[InstanceState] = step.states
    if replaced:
        states = [state for state in states if state not in replaced]
    for connection, batch in journal.batches(step.mapper, states):
        write_delete_batch(journal, connection, step.mapper, batch)


def write_delete_batch(
    journal: Journal, connection: Any, base: Any, states: Sequence[InstanceState]
) -> None:
    """DELETE some objects together, with the mapper's events around them."""
    heard = listening(states)
    for state in heard:
        mapper = state.manager.mapper
        mapper.dispatch.before_delete(mapper, connection, state)
    for _, runs in reversed(list(runs_by_table(base, states))):
        for rows, run in runs:
            if not is_deleted_by_database(rows.mapper, rows.table):
                delete_rows(journal, connection, rows, run)
    for state in heard:
        mapper = state.manager.mapper
        mapper.dispatch.after_delete(mapper, connection, state)


def load_expired(rows: TableRows, states: Sequence[InstanceState]) -> None:
    """Load expired objects: what they held cannot be loaded once their rows are gone.

    Raises:
        ObjectDeletedError: A row is gone already (VC-32).
    """
    key = rows.mapper.primary_key_keys[0]
    for state in [state for state in states if key not in state().__dict__]:
        state.manager.mapper.class_manager.slots[key].get(state, state.dict, LoadPolicy.LOAD)


def delete_rows(
    journal: Journal, connection: Any, rows: TableRows, states: Sequence[InstanceState]
) -> None:
    """DELETE the rows of objects from one table.

    Raises:
        FlushError: An object has no complete key.
    """
    if not rows.pk_columns:
        return
    load_expired(rows, states)
    version = rows.version_key
    checks_version = version is not None
    form: DeleteForm | None = rows.memo.get(DeleteForm)
    if form is None:
        form = rows.memo[DeleteForm] = DeleteForm(rows, checks_version=checks_version)
    with paused_collector():
        params = rows.row_keys(states)
    if len(rows.pk_columns) > 1:
        for key in params:
            if None in key:
                column = rows.pk_columns[key.index(None)]
                raise errors.FlushError.null_key("delete from", rows.table.description, column)
    if version is not None:
        params = [
            (*key, row_version(journal, state, version))
            for key, state in zip(params, states, strict=True)
        ]
        check_verifiable(connection, rows, "deleted")
    dialect = connection.dialect
    one_by_one = (
        checks_version
        and len(params) > 1
        and not dialect.supports_sane_multi_rowcount
        and dialect.supports_sane_rowcount
    )
    if one_by_one:
        matched = sum(form.fixed.execute_rowcount(connection, row) for row in params)
    else:
        matched = form.fixed.execute_many(connection, params)
    sane = (
        dialect.supports_sane_rowcount
        if one_by_one or len(params) == 1
        else dialect.supports_sane_multi_rowcount
    )
    table, expected = rows.table.description, len(params)
    if sane and 0 <= matched != expected and rows.mapper.confirm_deleted_rows:
        if checks_version:
            stale = fetch_stale_rows(connection, rows, params, expected - matched)
            raise errors.StaleDataError.row_count("DELETE", table, expected, matched, rows=stale)
        warn(errors.delete_count_warning(table, expected, matched))
