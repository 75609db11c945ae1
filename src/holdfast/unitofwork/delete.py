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

from holdfast.errors.flush import FlushError, StaleDataError, delete_count_text
from holdfast.foundation.deprecated import warn
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.forms import DeleteForm
from holdfast.unitofwork.journal import Journal
from holdfast.unitofwork.plan import DeleteStep
from holdfast.unitofwork.rows import TableRows, listening, runs_by_table, table_rows


def write_deletes(journal: Journal, step: DeleteStep) -> None:
    """DELETE the rows of one step."""
    replaced = journal.replaced
    states: Sequence[InstanceState] = step.states
    if replaced:
        states = [state for state in states if state not in replaced]
    if step.mapper.batch:
        write_batch(journal, step.mapper, states)
    else:
        for state in states:
            write_batch(journal, step.mapper, (state,))


def write_batch(journal: Journal, base: Any, states: Sequence[InstanceState]) -> None:
    """DELETE some objects together, with the mapper's events around them."""
    if not states:
        return
    connection = journal.connection_for(base)
    heard = listening(states)
    for state in heard:
        mapper = state.manager.mapper
        mapper.dispatch.before_delete(mapper, connection, state)
    for table, runs in reversed(list(runs_by_table(base, states))):
        for mapper, run in runs:
            delete_rows(connection, table_rows(mapper, table), run)
    for state in heard:
        mapper = state.manager.mapper
        mapper.dispatch.after_delete(mapper, connection, state)


def delete_rows(connection: Any, rows: TableRows, states: Sequence[InstanceState]) -> None:
    """DELETE the rows of objects of one mapper from one table.

    Raises:
        FlushError: An object has no complete key.
    """
    if not rows.pk_columns:
        return
    version = rows.version_key
    checks_version = version is not None
    form: DeleteForm | None = rows.memo.get(DeleteForm)
    if form is None:
        form = rows.memo[DeleteForm] = DeleteForm(rows, checks_version=checks_version)
    params = rows.row_keys(states)
    if len(rows.pk_columns) > 1:
        for key in params:
            if None in key:
                column = rows.pk_columns[key.index(None)]
                raise FlushError.null_key_delete(rows.table.description, column)
    if version is not None:
        params = [
            (*key, state.committed_state.get(version, state.dict.get(version)))
            for key, state in zip(params, states, strict=True)
        ]
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
    if sane and 0 <= matched != len(params) and rows.mapper.confirm_deleted_rows:
        if checks_version:
            raise StaleDataError.delete_count(rows.table.description, len(params), matched)
        warn(delete_count_text(rows.table.description, len(params), matched))
