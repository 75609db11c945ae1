"""This file makes the statements that write rows, once per table and set of columns.

Called by `insert`, `update` and `delete`; a form is kept in the memo of its `TableRows`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Insert, Update, and_, bindparam, delete, insert, update

from holdfast.foundation.fixed_statement import FixedStatement
from holdfast.unitofwork.writing.rows import TableRows


class InsertForm:
    """How rows with values for the same columns of one table are inserted."""

    __slots__ = (
        "absent",
        "autoincrement",
        "fixed",
        "keys",
        "missing_pk",
        "names",
        "prefetched",
        "rows",
        "server_made",
        "statement",
        "statements",
    )

    def __init__(self, rows: TableRows, keys: tuple[str, ...]) -> None:
        column_of = rows.column_of
        self.rows: TableRows = rows
        self.keys: tuple[str, ...] = keys
        self.names: tuple[Any, ...] = tuple(column_of[key].key for key in keys)
        self.statement: Insert = insert(rows.table)
        self.fixed: FixedStatement = FixedStatement(self.statement, self.names)
        self.absent: tuple[str, ...] = tuple(key for key in rows.keys if key not in keys)
        self.missing_pk: tuple[str, ...] = tuple(
            key for key in self.absent if column_of[key].primary_key
        )
        # Attributes whose Python-side default Core fills in.
        self.prefetched: tuple[str, ...] = tuple(
            key
            for key in self.absent
            if column_of[key].default is not None
            and not column_of[key].default.is_clause_element
            and not column_of[key].default.is_sequence
        )
        # Attributes whose value only the database knows, primary keys left out.
        self.server_made: tuple[str, ...] = tuple(
            key
            for key in self.absent
            if key not in self.missing_pk
            and key not in self.prefetched
            and (column_of[key].server_default is not None or column_of[key].default is not None)
        )
        column = rows.table.autoincrement_column if rows.table.is_selectable else None
        self.autoincrement: Any = None if column is None else rows.mapper.key_of_column.get(column)
        # Statements with RETURNING, by the columns that are asked for.
        self.statements: dict[Any, Any] = {}

    @property
    def is_keyed_by_lastrowid(self) -> bool:
        """Whether the one thing to come back is the generated integer key."""
        return (
            len(self.missing_pk) == 1
            and self.missing_pk[0] == self.autoincrement
            and not self.prefetched
            and self.rows.column_of[self.missing_pk[0]].default is None
        )


class UpdateForm:
    """How some columns of rows are updated that are found by their key."""

    __slots__ = (
        "checks_version",
        "fixed",
        "keys",
        "names",
        "prefetched",
        "rows",
        "server_made",
        "statement",
        "statements",
    )

    def __init__(self, rows: TableRows, keys: tuple[str, ...], *, checks_version: bool) -> None:
        """Name the columns.

        Args:
            rows: The table and mapper.
            keys: Attributes whose columns are set.
            checks_version: Whether the version is part of the criterion; it comes last.
        """
        column_of = rows.column_of
        self.rows: TableRows = rows
        self.keys: tuple[str, ...] = keys
        self.checks_version: bool = checks_version
        names, criterion = key_criterion(rows, checks_version=checks_version)
        self.names: tuple[Any, ...] = (*(column_of[key].key for key in keys), *names)
        self.statement: Update = update(rows.table).where(criterion)
        self.fixed: FixedStatement = FixedStatement(self.statement, self.names)
        # Statements with RETURNING, by the attributes whose columns come back.
        self.statements: dict[tuple[str, ...], Any] = {}
        # Attributes whose Python-side onupdate Core fills in, and those that the database changes.
        others = [(key, column) for key, column in column_of.items() if key not in keys]
        self.prefetched: tuple[str, ...] = tuple(
            key
            for key, column in others
            if column.onupdate is not None and not column.onupdate.is_clause_element
        )
        self.server_made: tuple[str, ...] = tuple(
            key
            for key, column in others
            if key not in self.prefetched
            and (
                column.onupdate is not None
                or column.server_onupdate is not None
                or column.computed is not None
            )
        )

    def returning(self, statement: Any, wanted: tuple[str, ...]) -> Any:
        """`statement`, the form's own or one made from it, with RETURNING of the wanted columns."""
        known = self.statements.get(wanted) if statement is self.statement else None
        if known is not None:
            return known
        made = statement.return_defaults(*(self.rows.column_of[key] for key in wanted))
        if statement is self.statement:
            self.statements[wanted] = made
        return made


class DeleteForm:
    """How rows are deleted that are found by their key."""

    __slots__ = ("fixed", "names", "rows")

    def __init__(self, rows: TableRows, *, checks_version: bool) -> None:
        self.rows: TableRows = rows
        names, criterion = key_criterion(rows, checks_version=checks_version, short=True)
        self.names: tuple[str, ...] = names
        self.fixed: FixedStatement = FixedStatement(delete(rows.table).where(criterion), names)


def key_criterion(
    rows: TableRows, *, checks_version: bool, short: bool = False
) -> tuple[tuple[str, ...], Any]:
    """Names of the parameters, and the criterion, that find a row by its key (and version).

    Args:
        rows: The table and mapper.
        checks_version: Whether the version is part of the criterion; it comes last.
        short: Name parameters by their column alone, as no other column can be in the way.
    """
    columns: Sequence[Any] = rows.pk_columns
    if rows.version_key is not None and checks_version:
        columns = [*columns, rows.column_of[rows.version_key]]
    names = tuple(column.key if short else column._tq_label for column in columns)
    criterion = and_(
        *(
            column == bindparam(name, type_=column.type)
            for column, name in zip(columns, names, strict=True)
        )
    )
    return names, criterion
