"""This file finds out which rows a failed UPDATE or DELETE has missed.

Called by `update` and `delete` when the driver counted fewer rows than objects were written, to
tell the user which; then the transaction is given up anyway.

Rules kept here:
1. The rows are read as they are now, not as the transaction's snapshot shows them.
2. A database that does not answer any more leaves the error as it is, without the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, exc, or_, select

from holdfast.errors.flush import StaleRow
from holdfast.foundation.markers import NO_VALUE
from holdfast.unitofwork.writing.rows import TableRows, is_expression

CHUNK = 100
"""Rows that are looked for by one SELECT."""


def fetch_stale_rows(
    connection: Any,
    rows: TableRows,
    row_keys: Sequence[tuple[Any, ...]],
    missed: int,
    written: Sequence[Mapping[str, Any]] | None = None,
) -> list[StaleRow]:
    """The rows that are not as they were loaded, at most `missed`.

    Args:
        connection: The transaction's connection.
        rows: The table.
        row_keys: What the rows were looked for by: primary keys, each with the version where the
            table has a version counter.
        missed: How many were not met.
        written: The values that an UPDATE wrote to each row that it met; None for a DELETE.
    """
    width = len(rows.pk_columns)
    version = rows.version_key
    keys = {*(written[0] if written else ()), *(() if version is None else (version,))}
    try:
        found = fetch_present_rows(connection, rows, [key[:width] for key in row_keys], tuple(keys))
    except exc.SQLAlchemyError:
        return []
    sure: list[StaleRow] = []
    possible = []
    for number, row_key in enumerate(row_keys):
        pk, present = row_key[:width], found.get(row_key[:width])
        if present is None:
            if written is not None:
                # Else it was deleted by this very statement, or before: nobody knows.
                sure.append(StaleRow(pk, *row_key[width:]))
        elif version is not None:
            stale = StaleRow(pk, row_key[width], present[version])
            values = {version: NO_VALUE} if written is None else written[number]
            if version not in values or present[version] != values[version]:
                sure.append(stale)
            elif differs(values, present):
                # Somebody else has counted just as far.
                possible.append(stale)
    return [*sure, *possible][:missed]


def differs(values: Mapping[str, Any], present: Mapping[str, Any]) -> bool:
    """Whether a row holds something else than was written to it."""
    return any(present[key] != value for key, value in values.items() if not is_expression(value))


def fetch_present_rows(
    connection: Any, rows: TableRows, pks: Sequence[tuple[Any, ...]], keys: Sequence[str]
) -> dict[tuple[Any, ...], dict[Any, Any]]:
    """Primary key -> attributes of those rows that are in the table."""
    found = {}
    width = len(rows.pk_columns)
    columns = [*rows.pk_columns, *(rows.column_of[key] for key in keys)]
    for start in range(0, len(pks), CHUNK):
        criteria = [
            and_(*(column == value for column, value in zip(rows.pk_columns, pk, strict=True)))
            for pk in pks[start : start + CHUNK]
        ]
        # A lock, since some databases show the transaction's own snapshot otherwise.
        statement = select(*columns).where(or_(*criteria)).with_for_update(read=True)
        for row in connection.execute(statement):
            found[tuple(row[:width])] = dict(zip(keys, row[width:], strict=True))
    return found
