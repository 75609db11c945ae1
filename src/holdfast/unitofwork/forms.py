"""Keep the statements of a flush, and read what the database answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Insert, Update, and_, bindparam, delete, exc, insert, or_, select, update

from holdfast import errors
from holdfast.foundation.describe import warn
from holdfast.foundation.fixed_statement import FixedStatement
from holdfast.foundation.load_policy import NO_VALUE, LoadPolicy
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.rows import (
    InsertRun,
    TableRows,
    Values,
    is_expression,
    note_unknown,
    note_unset,
)
from holdfast.unitofwork.work_set import Journal

# ------------------------------------------------------------------------------
# Make the statements that write rows, once per table and set of columns.
#
# Called by `insert`, `update` and `delete`; a form is kept in the memo of its `TableRows`.


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


# ------------------------------------------------------------------------------
# Find and advances the version counters of rows.
#
# Called by `insert`, `update` and `delete` for mappers with `version_id_col`.
#
# Rules kept here:
# 1. UPDATE and DELETE name the version that the row is known to have, as this flush left it (VC-3).
# 2. A version that nobody provides is an error before it is NULL in the database (VC-12).


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
            raise errors.FlushError.null_version(state)


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
            raise errors.FlushError.null_version(state)
        if not is_expression(version):
            journal.versions[state] = version
    return keys, present


def check_verifiable(connection: Any, rows: TableRows, verb: str) -> None:
    """Warn where the driver cannot tell whether a row still had its version."""
    dialect = connection.dialect
    if rows.version_key is not None and not dialect.supports_sane_rowcount:
        warn(errors.unverified_version_warning(dialect.dialect_description, verb))


# ------------------------------------------------------------------------------
# Find out which rows a failed UPDATE or DELETE has missed.
#
# Called by `update` and `delete` when the driver counted fewer rows than objects were written, to
# tell the user which; then the transaction is given up anyway.
#
# Rules kept here:
# 1. The rows are read as they are now, not as the transaction's snapshot shows them.
# 2. A database that does not answer any more leaves the error as it is, without the rows.

CHUNK = 100
"""Rows that are looked for by one SELECT."""


def fetch_stale_rows(
    connection: Any,
    rows: TableRows,
    row_keys: Sequence[tuple[Any, ...]],
    missed: int,
    written: Sequence[Mapping[str, Any]] | None = None,
) -> list[errors.StaleRow]:
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
    sure: list[errors.StaleRow] = []
    possible = []
    for number, row_key in enumerate(row_keys):
        pk, present = row_key[:width], found.get(row_key[:width])
        if present is None:
            if written is not None:
                # Else it was deleted by this very statement, or before: nobody knows.
                sure.append(errors.StaleRow(pk, *row_key[width:]))
        elif version is not None:
            stale = errors.StaleRow(pk, row_key[width], present[version])
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


# ------------------------------------------------------------------------------
# Take back what the database made: keys, defaults, and what is not known any more.
#
# Called by `insert` and `update` where a statement has to go through Core's own execution.
#
# Rules kept here (PT-43, PT-60, PT-61):
# 1. A value that came back is put on the object as it is.
# 2. A value that the database made and that did not come back is removed from the object, so that
#    the
#    next access loads it.


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
        raise errors.FlushError.no_rows_returned("Multi-row", form.rows.mapper)
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
        raise errors.FlushError.no_rows_returned("Single-row", form.rows.mapper)
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
