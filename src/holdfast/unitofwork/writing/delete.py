"""This file DELETEs rows.

Called by `write` for one step of a plan: objects of one hierarchy that do not refer to each other.

Rules kept here:
1. Tables of one object are emptied children first.
2. A count other than the number of objects is an error with a version counter, and a warning
   without one (VC-30).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from holdfast.errors.flush import FlushError, StaleDataError, delete_count_warning
from holdfast.foundation.batch import paused_collector
from holdfast.foundation.deprecated import warn
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.journal import Journal
from holdfast.unitofwork.plan import DeleteStep
from holdfast.unitofwork.writing.forms import DeleteForm
from holdfast.unitofwork.writing.hierarchy import is_deleted_by_database
from holdfast.unitofwork.writing.rows import TableRows, listening, runs_by_table
from holdfast.unitofwork.writing.stale import fetch_stale_rows
from holdfast.unitofwork.writing.versions import check_verifiable, row_version


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
                raise FlushError.null_key("delete from", rows.table.description, column)
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
            raise StaleDataError.row_count("DELETE", table, expected, matched, rows=stale)
        warn(delete_count_warning(table, expected, matched))
