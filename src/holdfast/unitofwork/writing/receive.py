"""This file takes back what the database made: keys, defaults, and what is not known any more.

Called by `insert` and `update` where a statement has to go through Core's own execution.

Rules kept here (PT-43, PT-60, PT-61):
1. A value that came back is put on the object as it is.
2. A value that the database made and that did not come back is removed from the object, so that the
   next access loads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from holdfast.errors.flush import FlushError
from holdfast.unitofwork.writing.forms import InsertForm
from holdfast.unitofwork.writing.rows import (
    InsertRun,
    TableRows,
    Values,
    is_expression,
    note_unknown,
    note_unset,
)


def insert_through_core(connection: Any, form: InsertForm, run: InsertRun, *, eager: bool) -> None:
    """INSERT rows and take back generated keys, defaults and other values.

    Args:
        connection: The transaction's connection.
        form: How rows of these columns are inserted.
        run: The rows; with SQL expressions, it is one row.
        eager: Fetch what the database makes beside the key.
    """
    dialect = connection.dialect
    returns = dialect.insert_returning and form.rows.table.implicit_returning
    needs_key = any(key not in form.prefetched for key in form.missing_pk)
    wanted = form.server_made if eager and returns else ()
    if run.has_expressions:
        insert_expressions(connection, form, run, wanted, fetches=bool(eager and returns))
    elif not needs_key and not wanted:
        result = connection.execute(form.statement, parameters_of(form, run.rows))
        take_prefetched(form, run.dicts, result.context.compiled_parameters)
        forget_expressions(form, run.dicts)
    elif (
        len(run.rows) > 1
        and returns
        and dialect.insert_executemany_returning_sort_by_parameter_order
        and _key_tells_rows_apart(form.rows.table)
    ):
        insert_returning_many(connection, form, run, wanted)
    else:
        insert_one_by_one(connection, form, run, wanted)
    if eager and not returns:
        fetch_made(connection, form.rows, run.dicts, form.server_made)


def _key_tells_rows_apart(table: Any) -> bool:
    """Whether Core would order what several rows return by their generated keys.

    It refuses where the key column says that it may be NULL, as reflected ones of SQLite do.
    """
    column = table.autoincrement_column
    return column is None or not column.nullable or column.server_default is not None


def parameters_of(form: InsertForm, rows: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """The rows as Core takes them."""
    names = form.names
    return [dict(zip(names, row, strict=True)) for row in rows]


def returning_statement(form: InsertForm, wanted: Sequence[str], *, many: bool) -> Any:
    """The INSERT with RETURNING of keys and of the wanted attributes' columns."""
    name = (tuple(wanted), many)
    statement = form.statements.get(name)
    if statement is None:
        columns = [form.rows.column_of[key] for key in wanted]
        if many:
            columns = columns or [form.rows.column_of[key] for key in form.missing_pk]
            statement = form.statement.return_defaults(*columns, sort_by_parameter_order=True)
        elif columns:
            statement = form.statement.return_defaults(*columns)
        else:
            statement = form.statement
        form.statements[name] = statement
    return statement


def insert_returning_many(
    connection: Any, form: InsertForm, run: InsertRun, wanted: Sequence[str]
) -> None:
    """Many rows in few statements, with what they return in the same order."""
    result = connection.execute(
        returning_statement(form, wanted, many=True), parameters_of(form, run.rows)
    )
    keys = result.inserted_primary_key_rows
    if len(keys) != len(run.dicts):
        raise FlushError.no_rows_returned("Multi-row", form.rows.mapper)
    returned = result.returned_defaults_rows or [None] * len(keys)
    parameters = result.context.compiled_parameters
    take_prefetched(form, run.dicts, parameters)
    for values, key, row in zip(run.dicts, keys, returned, strict=True):
        take_key(form, values, key)
        take_returned(form.rows, values, form.server_made, row)
    fill_blanks(form, run.dicts)


def insert_one_by_one(
    connection: Any, form: InsertForm, run: InsertRun, wanted: Sequence[str]
) -> None:
    """One statement per row."""
    statement = returning_statement(form, wanted, many=False)
    for values, parameters in zip(run.dicts, parameters_of(form, run.rows), strict=True):
        result = connection.execute(statement, parameters)
        take_single(form, values, result)
    fill_blanks(form, run.dicts)


def insert_expressions(
    connection: Any, form: InsertForm, run: InsertRun, wanted: Sequence[str], *, fetches: bool
) -> None:
    """One row with SQL expressions for some values; what they made is fetched or unknown."""
    rows = form.rows
    for values, row in zip(run.dicts, run.rows, strict=True):
        given = dict(zip(form.keys, row, strict=True))
        expressions = {key: value for key, value in given.items() if is_expression(value)}
        computed = [
            key for key in expressions if fetches and rows.column_of[key].server_default is not None
        ]
        statement = returning_statement(form, (*wanted, *computed), many=False)
        inline = statement.values({rows.column_of[k]: v for k, v in expressions.items()})
        parameters = {
            rows.column_of[key].key: value for key, value in given.items() if key not in expressions
        }
        result = connection.execute(inline, parameters)
        for key in expressions:
            note_unknown(values, key)
        take_single(form, values, result)
        take_returned(rows, values, computed, result.returned_defaults)
    fill_blanks(form, run.dicts)


def take_single(form: InsertForm, values: Values, result: Any) -> None:
    """What the INSERT of one row gave back."""
    take_prefetched(form, [values], result.context.compiled_parameters)
    if result.inserted_primary_key is None:
        raise FlushError.no_rows_returned("Single-row", form.rows.mapper)
    take_key(form, values, result.inserted_primary_key)
    take_returned(form.rows, values, form.server_made, result.returned_defaults)


def take_prefetched(
    form: InsertForm, dicts: Sequence[Values], parameters: Sequence[Mapping[str, Any]]
) -> None:
    """Python-side defaults that Core has put into the parameters."""
    for key in form.prefetched:
        name = form.rows.column_of[key].key
        for values, row in zip(dicts, parameters, strict=True):
            values[key] = row[name]


def take_key(form: InsertForm, values: Values, key_values: Sequence[Any] | None) -> None:
    """The primary key, for the parts that the object did not give."""
    if key_values is None:
        return
    mapper = form.rows.mapper
    for column, value in zip(form.rows.table.primary_key, key_values, strict=True):
        key = mapper.key_of_column.get(column)
        if key is not None and values.get(key) is None:
            values[key] = value


def take_returned(rows: TableRows, values: Values, keys: Iterable[str], row: Any) -> None:
    """Values that the database made, as far as it returned them; the others become unknown."""
    returned = None if row is None else row._mapping  # noqa: SLF001 - documented
    for key in keys:
        column = rows.column_of[key]
        if returned is not None and column in returned:
            values[key] = returned[column]
        else:
            note_unknown(values, key)


def forget_expressions(form: InsertForm, dicts: Iterable[Values]) -> None:
    """Nothing came back: values that the database made are unknown."""
    for key in form.server_made:
        for values in dicts:
            note_unknown(values, key)
    fill_blanks(form, dicts)


def fill_blanks(form: InsertForm, dicts: Iterable[Values]) -> None:
    """Columns that took no part and have no default hold NULL, which is known (PT-47)."""
    made = (*form.server_made, *form.prefetched, *form.missing_pk)
    blank = frozenset(form.absent).difference(made)
    if blank:
        for values in dicts:
            note_unset(values, blank)


def fetch_made(
    connection: Any, rows: TableRows, dicts: Iterable[Values], keys: Sequence[str]
) -> None:
    """SELECT what the database made, row by row, where it cannot return it."""
    column_of = rows.column_of
    statement = select(*(column_of[key] for key in keys)).where(
        *(
            column == bindparam(f"pk_{number}", type_=column.type)
            for number, column in enumerate(rows.pk_columns, start=1)
        )
    )
    for values in dicts:
        parameters = {f"pk_{n}": values[key] for n, key in enumerate(rows.pk_keys, start=1)}
        row = connection.execute(statement, parameters).first()
        if row is not None:
            values.update(zip(keys, row, strict=True))
