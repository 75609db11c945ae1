"""Run `insert()` over a class: rows in bulk, one statement, or an upsert.

Called by `run`, after the autoflush. Rows come as dictionaries by attribute name; `unitofwork.bulk`
sorts them into tables and statements, and sends them itself where nothing is to come back.

Rules kept here:
1. Dictionaries beside the statement make a bulk INSERT, those in `values()` one statement (QY-130,
   QY-136); `dml_strategy` forces a form (QY-138).
2. Rows of several tables are returned in the order of the dictionaries, and put together (QY-137).
3. Nothing of the application's dictionaries is changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import add
from typing import Any

from sqlalchemy.engine import Connection, Result
from sqlalchemy.sql.visitors import iterate

from holdfast import errors
from holdfast.foundation.sqlalchemy_core import (
    EMPTY_DICT,
    has_rows,
    hold_rows,
    is_bare_insert,
    post_values,
    replace_rows,
    sort_rows,
    sorts_rows,
)
from holdfast.queries.dml import entity_of_dml, planned_returning, returns_star
from holdfast.queries.load_plan import LoadPlan
from holdfast.reading.result import Rows, build_result, no_rows, picker
from holdfast.unitofwork.bulk import (
    insert_values,
    named_by_columns,
    runs_to_insert,
    values_to_insert,
)
from holdfast.unitofwork.rows import InsertRun, TableRows, Values

STRATEGIES = ("raw", "orm", "bulk", "auto")
PLAIN_OPTIONS = frozenset(("autoflush", "dml_strategy", "populate_existing", "render_nulls"))
"""Options that Core need not know of."""


class InsertStatement:
    """One execution of an INSERT over a class."""

    def __init__(
        self,
        session: Any,
        statement: Any,
        parameters: Any,
        options: Mapping[str, Any],
        connection: Connection,
    ) -> None:
        self.session = session
        self.statement = statement
        self.parameters = parameters
        self.options = options
        self.connection = connection
        self.mapper: Any = entity_of_dml(statement).mapper

    def run(self) -> Result[Any]:
        """Insert, and give what is returned.

        Raises:
            StrategyError: `dml_strategy` has a value that there is not.
            BulkError: The backend or the mapping does not allow it in bulk.
        """
        strategy = self.options.get("dml_strategy", "auto")
        if strategy not in STRATEGIES:
            raise errors.StrategyError.unknown("insert", STRATEGIES, strategy)
        if strategy == "raw":
            return self._execute(self.statement, self.parameters)  # type: ignore[no-any-return]
        if strategy == "bulk" or (strategy == "auto" and self._brings_rows()):
            return self._insert_in_bulk()
        cursor = self._execute(self.statement, by_column(self.mapper, self.parameters))
        if cursor.context.compiled.compile_state.plan is None:
            return cursor  # type: ignore[no-any-return]
        hold_rows(cursor)
        return build_result(self.session, self.statement, cursor, self.options)

    def _brings_rows(self) -> bool:
        given = self.parameters
        is_given = bool(given) or not isinstance(given, Mapping)
        return is_given and not has_rows(self.statement)

    def _execute(self, statement: Any, parameters: Any) -> Any:
        options = {**self.options, "_result_disable_adapt_to_context": True}
        return self.connection.execute(statement, parameters, execution_options=options)

    # -- in bulk -----------------------------------------------------------------------------------

    def _insert_in_bulk(self) -> Result[Any]:
        rows = rows_of(self.parameters)
        self.mapper.ensure_configured()
        dicts = values_to_insert(self.mapper, rows)
        render_nulls = bool(self.options.get("render_nulls"))
        has_several_tables = len(self.mapper.tables) > 1
        self._check(len(dicts), has_several_tables=has_several_tables)
        if is_bare_insert(self.statement) and PLAIN_OPTIONS.issuperset(self.options):
            insert_values(
                lambda _: self.connection,
                self.mapper,
                dicts,
                returns=has_several_tables,
                render_nulls=render_nulls,
            )
            return no_rows()
        runs = runs_to_insert(self.mapper, dicts, render_nulls=render_nulls)
        return self._insert_parts(runs) if has_several_tables else self._insert_whole(runs)

    def _check(self, count: int, *, has_several_tables: bool) -> None:
        statement, dialect = self.statement, self.connection.dialect
        if has_several_tables and post_values(statement) is not None:
            raise errors.BulkError.no_upsert(self.mapper)
        if not statement._returning:
            return
        if returns_star(statement):
            raise errors.StarError.in_bulk_insert()
        in_order = sorts_rows(statement)
        if count > 1:
            able = dialect.insert_executemany_returning
            if in_order or has_several_tables:
                able = able and dialect.insert_executemany_returning_sort_by_parameter_order
        else:
            able = dialect.insert_returning
        if not able:
            raise errors.BulkError.no_returning(dialect, sorted_rows=in_order)

    def _insert_whole(self, runs: Iterator[tuple[TableRows, InsertRun]]) -> Result[Any]:
        """Rows of one table: the statement itself, once for each run."""
        returned = []
        cursor: Any = None
        names = named_parameters(self.statement)
        for rows, run in runs:
            cursor = self._execute(self.statement, parameters_of(rows, run, names))
            if self.statement._returning:
                returned.append(hold_rows(cursor))
        if cursor is None:
            return no_rows(planned_returning(self.statement)[1])
        if not returned:
            return no_rows()
        if len(returned) > 1:
            replace_rows(cursor, list(chain.from_iterable(returned)))
        return build_result(self.session, self.statement, cursor, self.options)

    def _insert_parts(self, runs: Iterator[tuple[TableRows, InsertRun]]) -> Result[Any]:
        """Rows of several tables: a statement for each table, and their rows put together."""
        columns, plan = planned_returning(self.statement)
        parts = table_parts(self.mapper, columns)
        names = named_parameters(self.statement)
        returned: dict[Any, list[tuple[Any, ...]]] = {table: [] for table in parts}
        cursor: Any = None
        for rows, run in runs:
            part = parts[rows.table]
            # The next table's rows need the keys that this one makes.
            made = [k for k in rows.pk_keys if k not in run.keys and rows.table is not self._last]
            wanted, places = with_columns(part, [rows.column_of[key] for key in made])
            statement = self._statement_for(rows.table, wanted)
            cursor = self._execute(statement, parameters_of(rows, run, names))
            if not wanted:
                continue
            found = hold_rows(cursor)
            for values, row in zip(run.dicts, found, strict=True):
                values.update(zip(made, (row[place] for place in places), strict=True))
            returned[rows.table] += [row[: len(part)] for row in found]
        if not self.statement._returning or cursor is None:
            return no_rows(plan)
        return self._put_together(columns, plan, parts, returned, cursor)

    @property
    def _last(self) -> Any:
        return self.mapper.tables[-1]

    def _put_together(
        self,
        columns: Sequence[Any],
        plan: LoadPlan,
        parts: Mapping[Any, Sequence[Any]],
        returned: Mapping[Any, list[tuple[Any, ...]]],
        cursor: Any,
    ) -> Result[Any]:
        tables = [table for table in parts if parts[table]]
        combined = returned[tables[0]]
        for table in tables[1:]:
            combined = list(map(add, combined, returned[table]))
        places = {id(c): n for n, c in enumerate(chain(*(parts[table] for table in tables)))}
        positions = [places[id(column)] for column in columns]
        replace_rows(cursor, list(map(picker(positions), combined)))
        rows = Rows(cursor, plan)
        return build_result(self.session, self.statement, cursor, self.options, rows=rows)

    def _statement_for(self, table: Any, returning: Sequence[Any]) -> Any:
        """The part of the statement that is about one of the class's tables."""
        made = self.statement._generate()
        made.table = table
        made._propagate_attrs = EMPTY_DICT
        made._with_options = ()
        made._returning = tuple(returning)
        sort_rows(made, sorts=bool(returning))
        made._values = values_for(self.statement, table, is_last=table is self._last)
        return made


def rows_of(parameters: Any) -> Sequence[Mapping[str, Any]]:
    """What was passed beside a statement, as rows.

    Raises:
        BulkError: A row is no dictionary.
    """
    if isinstance(parameters, Mapping):
        return [parameters]
    rows = list(parameters)
    for kind in set(map(type, rows)):
        if not issubclass(kind, Mapping):
            raise errors.BulkError.no_dictionary(kind)
    return rows


def values_for(statement: Any, table: Any, *, is_last: bool) -> Any:
    """What `values()` of a statement sets in one table; what is no column goes to the last."""
    given = statement._values or EMPTY_DICT
    own = {
        column: value
        for column, value in given.items()
        if (is_last if isinstance(column, str) else column.table is table)
    }
    return own or None


def named_parameters(statement: Any) -> frozenset[str]:
    """Names of the parameters that the application has put into a statement."""
    parts = [
        *(statement._values or EMPTY_DICT).values(),
        *statement._returning,
        *getattr(statement, "_where_criteria", ()),
    ]
    if post_values(statement) is not None:
        parts.append(post_values(statement))
    elements: Iterable[Any] = chain.from_iterable(map(iterate, parts))
    return frozenset(
        each.key for each in elements if each.__visit_name__ == "bindparam" and not each.unique
    )


def parameters_of(rows: TableRows, run: InsertRun, named: frozenset[str]) -> list[Values]:
    """Dictionaries as Core takes them: by the names of columns, and of other parameters."""
    names = tuple(rows.column_of[key].key for key in run.keys)
    if names == run.keys and not named and set(map(len, run.dicts)) == {len(names)}:
        # PERF: bench bulk returning. The dictionaries are what Core wants.
        return list(run.dicts)
    made = [dict(zip(names, row, strict=True)) for row in run.rows]
    if named:
        for values, given in zip(made, run.dicts, strict=True):
            values.update((name, given[name]) for name in named if name in given)
    return made


def with_columns(part: Sequence[Any], columns: Sequence[Any]) -> tuple[list[Any], list[int]]:
    """`part`, the columns that it lacks added, and where the columns stand in it."""
    wanted, places = list(part), {column: place for place, column in enumerate(part)}
    for column in columns:
        if column not in places:
            places[column] = len(wanted)
            wanted.append(column)
    return wanted, [places[column] for column in columns]


def by_column(mapper: Any, parameters: Any) -> Any:
    """Parameters by attribute name as Core takes them; names that are no attribute stay."""
    if not parameters:
        return parameters
    keys = mapper.key_of_column
    name_of = {keys[column]: column.key for column in mapper.local_table.c if column in keys}
    is_single = isinstance(parameters, Mapping)
    made = [
        {name_of.get(key, key): value for key, value in values.items()}
        for values in named_by_columns(mapper, [parameters] if is_single else parameters)
    ]
    return made[0] if is_single else made


def table_parts(mapper: Any, columns: Sequence[Any]) -> dict[Any, list[Any]]:
    """The columns and expressions to return, by the table from which they come.

    Raises:
        BulkError: An expression needs several tables.
    """
    parts: dict[Any, list[Any]] = {table: [] for table in mapper.tables}
    for column in columns:
        tables = [table for table in parts if table in column._from_objects]
        if len(tables) > 1:
            raise errors.BulkError.several_tables(column)
        parts[tables[0] if tables else mapper.tables[-1]].append(column)
    return parts
