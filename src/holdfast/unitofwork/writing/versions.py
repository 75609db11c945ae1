"""This file finds and advances the version counters of rows.

Called by `insert`, `update` and `delete` for mappers with `version_id_col`.

Rules kept here:
1. UPDATE and DELETE name the version that the row is known to have, as this flush left it (VC-3).
2. A version that nobody provides is an error before it is NULL in the database (VC-12).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from holdfast.errors.flush import FlushError, unverified_version_warning
from holdfast.foundation.deprecated import warn
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.markers import NO_VALUE
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.journal import Journal
from holdfast.unitofwork.writing.rows import TableRows, Values, is_expression


def row_version(journal: Journal, state: InstanceState, key: str) -> Any:
    """The version of an object's row, loaded if need be."""
    if state in journal.versions:
        return journal.versions[state]
    if state.pk is None:
        return state.dict.get(key, NO_VALUE)
    version = state.committed_value(key)
    if version is NO_VALUE:
        slots = state.manager.mapper.class_manager.slots
        version = slots[key].get(state, state.dict, LoadPolicy.LOAD)
    return version


def start_versions(journal: Journal, rows: TableRows, states: Sequence[InstanceState]) -> None:
    """Give new objects their first version, where the table has a version counter (VC-2).

    Raises:
        FlushError: The application makes the versions, and has made none.
    """
    key, generator = rows.version_key, rows.mapper.version_id_generator
    if key is None:
        return
    column = rows.column_of[key]
    for state in states:
        values = state().__dict__
        if generator:
            values[key] = generator(None)
        elif values.get(key) is None and column.default is None and column.server_default is None:
            raise FlushError.null_version(state)


def next_version(
    journal: Journal, rows: TableRows, state: InstanceState, values: Values, keys: tuple[str, ...]
) -> tuple[tuple[str, ...], Any]:
    """Advance the version of an object whose row is about to be updated.

    Returns:
        The attributes to set, and the version that the row has now.

    Raises:
        FlushError: The new version is None.
    """
    key, generator = rows.version_key, rows.mapper.version_id_generator
    assert key is not None
    present = row_version(journal, state, key)
    if generator and key not in keys:
        values[key] = generator(present)
        keys = rows.in_order({*keys, key})
    elif not keys:
        # Another table of the object changes: the version is checked, and stays.
        keys = (key,)
    if key in keys:
        version = values.get(key)
        if version is None:
            raise FlushError.null_version(state)
        if not is_expression(version):
            journal.versions[state] = version
    return keys, present


def check_verifiable(connection: Any, rows: TableRows, verb: str) -> None:
    """Warn where the driver cannot tell whether a row still had its version."""
    dialect = connection.dialect
    if rows.version_key is not None and not dialect.supports_sane_rowcount:
        warn(unverified_version_warning(dialect.dialect_description, verb))
