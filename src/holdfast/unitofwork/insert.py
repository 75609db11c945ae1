"""This file INSERTs the rows of new objects.

Called by `write` for one step of a plan: new objects of one hierarchy that do not refer to each
other's generated keys.

Rules kept here:
1. Rows keep the order in which the objects were added; consecutive rows with the same columns go in
   one statement (SB-113, SB-114).
2. A new object whose key belongs to an object that is to be deleted takes over its row by UPDATE
   (SB-91).
3. The cheapest way that returns what the database makes is taken: many rows at once when nothing
   is to come back, one by one with `lastrowid` on SQLite, Core's RETURNING otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from holdfast import errors
from holdfast.foundation.describe import warn
from holdfast.foundation.fixed_statement import supports_lastrowid_loop
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.states.instance import InstanceState, full_key
from holdfast.unitofwork import update_delete
from holdfast.unitofwork.forms import (
    InsertForm,
    forget_expressions,
    insert_through_core,
    start_versions,
)
from holdfast.unitofwork.hierarchy import check_identities
from holdfast.unitofwork.plan import InsertStep
from holdfast.unitofwork.rows import InsertRun, TableRows, listening, runs_by_table
from holdfast.unitofwork.work_set import Journal


def write_inserts(journal: Journal, step: InsertStep) -> None:
    """INSERT the rows of one step, and remember their keys."""
    for connection, states in journal.batches(step.mapper, step.states):
        write_insert_batch(journal, connection, step.mapper, states)


def write_insert_batch(
    journal: Journal, connection: Any, base: Any, states: Sequence[InstanceState]
) -> None:
    """INSERT some objects, with the mapper's events around them."""
    heard = listening(states)
    for state in heard:
        mapper = state.manager.mapper
        mapper.dispatch.before_insert(mapper, connection, state)
    check_identities(states)
    new, successors = part_with_successors(journal, base, states)
    if successors:
        update_delete.take_over_rows(journal, connection, base, successors)
    for _, runs in runs_by_table(base, new):
        for rows, run in runs:
            insert_rows(journal, connection, rows, run)
    journal.inserted.append((base, states, new_keys(base, states)))
    for state in heard:
        mapper = state.manager.mapper
        mapper.dispatch.after_insert(mapper, connection, state)


def part_with_successors(
    journal: Journal, base: Any, states: Sequence[InstanceState]
) -> tuple[Sequence[InstanceState], dict[InstanceState, InstanceState]]:
    """Tell the objects to insert from those that take over the row of an object to be deleted.

    Returns:
        The former, and the latter with their predecessors.
    """
    members = journal.work.members
    spaces = members.identity_map.spaces
    if not spaces:
        return states, {}
    key = base.single_pk_key
    if key is not None:
        keys = [state().__dict__.get(key) for state in states]
    else:
        keys = [base.read_pk(state().__dict__) for state in states]
    if all(space.keys().isdisjoint(keys) for space in spaces.values()):
        return states, {}
    successors: dict[InstanceState, InstanceState] = {}
    for state, pk in zip(states, keys, strict=True):
        existing = (
            None if pk is None else members.identity_map.find_state(base, pk, state.identity_token)
        )
        if existing is None or existing is state or is_gone(journal, existing):
            continue
        if existing in journal.work.deletes and existing not in journal.replaced:
            journal.replaced[existing] = state
            successors[state] = existing
        else:
            identity = full_key(base, pk, state.identity_token)
            session = members.session
            if session is not None and session.refuses_taken_identities:
                raise errors.FlushError.identity_taken(state, identity, existing)
            warn(errors.identity_conflict_warning(state, identity, existing))
    if not successors:
        return states, successors
    return [state for state in states if state not in successors], successors


def is_gone(journal: Journal, state: InstanceState) -> bool:
    """Whether an expired object turns out to have no row any more."""
    if not state.expired or state in journal.work.deletes:
        return False
    mapper = state.manager.mapper
    try:
        slot = mapper.class_manager.slots[mapper.primary_key_keys[0]]
        slot.get(state, state.dict, LoadPolicy.LOAD)
    except errors.ObjectDeletedError:
        journal.gone.append(state)
        return True
    return False


def insert_rows(
    journal: Journal, connection: Any, rows: TableRows, states: Sequence[InstanceState]
) -> None:
    """INSERT objects whose rows are made alike into one table."""
    for source, own in rows.inherited_keys:
        for state in states:
            values = state().__dict__
            values[own] = values.get(source)
    start_versions(journal, rows, states)
    manager = rows.mapper.class_manager
    reports = manager.has_refresh_flush_listeners
    counted = rows.counted_keys
    unset = [[*rows.unset_defaults(state), *counted] for state in states] if reports else []
    for run in rows.insert_runs(states):
        insert_run(connection, form_of(rows, run.keys), run)
    for state, keys in zip(states, unset, strict=False):
        present = [key for key in keys if key in state.dict]
        if present:
            manager.dispatch.refresh_flush(state, journal, present)


def form_of(rows: TableRows, keys: tuple[str, ...]) -> InsertForm:
    """The statement that gives values to these columns, compiled when first used."""
    form: InsertForm | None = rows.memo.get(keys)
    if form is None:
        form = rows.memo[keys] = InsertForm(rows, keys)
    return form


def insert_run(connection: Any, form: InsertForm, run: InsertRun) -> None:
    """INSERT rows of equal columns by the cheapest way that gives back what is needed."""
    eager = bool(form.server_made or run.has_expressions) and fetches_eagerly(connection, form)
    if run.has_expressions or form.prefetched or (eager and form.server_made):
        insert_through_core(connection, form, run, eager=eager)
        return
    if not form.missing_pk:
        form.fixed.execute_many(connection, run.rows)
    elif form.is_keyed_by_lastrowid and supports_lastrowid_loop(connection):
        key = form.missing_pk[0]
        made = form.fixed.insert_each_lastrowid(connection, run.rows)
        for values, number in zip(run.dicts, made, strict=True):
            values[key] = number
    else:
        insert_through_core(connection, form, run, eager=eager)
        return
    if form.absent:
        forget_expressions(form, run.dicts)


def fetches_eagerly(connection: Any, form: InsertForm) -> bool:
    """Whether values that the database makes are fetched with the INSERT."""
    if form.rows.version_key in form.server_made:
        # The next UPDATE must name it (VC-10).
        return True
    setting = form.rows.mapper.eager_defaults
    if setting == "auto":
        return bool(connection.dialect.insert_returning and form.rows.table.implicit_returning)
    return bool(setting)


def new_keys(base: Any, states: Iterable[InstanceState]) -> list[Any]:
    """The bare primary keys of objects that have a row now.

    Raises:
        FlushError: An object has none.
    """
    key = base.single_pk_key
    if key is not None:
        keys = [state().__dict__.get(key) for state in states]
    else:
        keys = [base.read_pk(state().__dict__) for state in states]
    if None in keys:
        for state, each in zip(states, keys, strict=True):
            if each is None:
                raise errors.FlushError.null_identity(state)
    return keys
