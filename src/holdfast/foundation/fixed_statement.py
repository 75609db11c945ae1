"""Run statements that never change close to the database driver.

`get`, lazy loads, refreshes and the writes of a flush send the same few statements again and again.
A `FixedStatement` is compiled once per dialect; a run builds a small execution context of its own
and hands it to Core's `Connection`, which does everything that it does for any statement:
transaction checks, autobegin, echo, cursor events, error wrapping, hooks of the dialect. What is
left out is the work that only serves statements that change: cache key, look-up, distilling of
parameters, the `Result`.

Where somebody listens to `before_execute` or `after_execute`, or an option or the statement itself
asks for more, the run goes through `Connection.execute()`, which is always right. Both ways give
the same answers.

Rules kept here:
1. Values come in the order of the names given at construction, in Python's types; bind and result
   processors are applied here.
2. Rows are plain tuples.
3. A statement with Python-side defaults, expanding or literal parameters, or parameters computed by
   a callable always goes through Core.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from operator import itemgetter
from typing import Any, TypeAlias, cast

from sqlalchemy.engine import Connection, CursorResult, Dialect
from sqlalchemy.sql.compiler import InsertmanyvaluesSentinelOpts, SQLCompiler

from holdfast.foundation.codegen import build_function
from holdfast.foundation.sqlalchemy_core import (
    EMPTY_DICT,
    BindTyping,
    CacheStats,
    DefaultExecutionContext,
    ExecuteStyle,
    memoized_property,
)

Row: TypeAlias = tuple[Any, ...]
Processor: TypeAlias = Callable[[Any], Any]

# Options that change what is sent or how rows arrive; with one of them the run goes through Core.
_OPTIONS_FOR_CORE = frozenset(
    (
        "compiled_cache",
        "insertmanyvalues_page_size",
        "max_row_buffer",
        "no_parameters",
        "preserve_rowcount",
        "schema_translate_map",
        "stream_results",
        "yield_per",
    )
)

_EXECUTE_CONTEXT_ARGUMENTS = (
    "self",
    "dialect",
    "constructor",
    "statement",
    "parameters",
    "execution_options",
    "args",
    "kw",
)
# False on a Core whose internals are not the known ones: then everything goes through Core.
_core_is_known = (
    tuple(signature(Connection._execute_context).parameters) == _EXECUTE_CONTEXT_ARGUMENTS
)

# A statement is seldom used with more than one or two databases. Past this number of dialects the
# compiled forms are dropped and made anew, so that engines which came and went leave nothing.
_DIALECTS_KEPT = 8


class FixedStatement:
    """A statement with named parameters that is run many times with different values."""

    __slots__ = ("__weakref__", "_many_forms", "_single_forms", "parameter_names", "statement")

    def __init__(self, statement: Any, parameter_names: Sequence[str] = ()) -> None:
        """Compilation waits for the first run.

        Args:
            statement: A Core SELECT, INSERT, UPDATE or DELETE over tables.
            parameter_names: Names of its bound parameters, and keys of the columns that an INSERT
                or UPDATE sets, in the order in which values will be passed.
        """
        self.statement: Any = statement
        self.parameter_names: tuple[str, ...] = tuple(parameter_names)
        # Dialect -> compiled form for one row or for many; None where Core must do it.
        self._single_forms: dict[Dialect, _Form | None] = {}
        self._many_forms: dict[Dialect, _Form | None] = {}

    def __repr__(self) -> str:
        return f"<FixedStatement {' '.join(str(self.statement).split())}>"

    def fetch_rows(self, connection: Connection, values: Row) -> list[Row]:
        """Run a SELECT, or a statement with RETURNING, and give back all rows."""
        form = self._form_for(connection)
        if form is None:
            return _raw_rows(self._execute_through_core(connection, values))
        rows, processors = self._run(connection, form, values)
        if processors is not None:
            return form.process_rows(rows)
        return cast("list[Row]", rows)

    def execute_rowcount(self, connection: Connection, values: Row) -> int:
        """Run an INSERT, UPDATE or DELETE once; the number of rows met, -1 when unknown."""
        form = self._form_for(connection)
        if form is None or form.returns_rows:
            return self._execute_through_core(connection, values, preserve_rowcount=True).rowcount
        return cast(int, self._run(connection, form, values))

    def execute_many(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Run an INSERT, UPDATE or DELETE for many rows; rows met in all, -1 when unknown."""
        if not rows:
            return 0
        if len(rows) == 1:
            return self.execute_rowcount(connection, rows[0])
        form = self._form_for(connection, many=True)
        if form is None:
            names = self.parameter_names
            return connection.execute(
                self.statement,
                [dict(zip(names, values, strict=True)) for values in rows],
                execution_options={"preserve_rowcount": True},
            ).rowcount
        return cast(int, self._run(connection, form, rows))

    def insert_lastrowid(self, connection: Connection, values: Row) -> Any:
        """Run an INSERT into a table with a generated integer key; that key."""
        form = self._form_for(connection)
        if form is None or not form.wants_lastrowid:
            key: Any = self._execute_through_core(connection, values).inserted_primary_key
            return key[0]
        return self._run(connection, form, values)

    def insert_each_lastrowid(self, connection: Connection, rows: Sequence[Row]) -> list[Any]:
        """Run an INSERT once per row; the generated keys in the order of the rows."""
        form = self._form_for(connection)
        if (
            form is None
            or form.lastrowid_processor is not None
            or not form.wants_lastrowid
            or len(rows) < 2
            or not supports_lastrowid_loop(connection)
        ):
            return [self.insert_lastrowid(connection, values) for values in rows]
        return _insert_loop(connection, form, rows)

    def _form_for(self, connection: Connection, *, many: bool = False) -> _Form | None:
        """The compiled form for this connection, or None where Core must run the statement."""
        if (connection._has_events or connection.engine._has_events) and (
            connection.dispatch.before_execute or connection.dispatch.after_execute
        ):
            return None
        options = connection._execution_options
        if options and not _OPTIONS_FOR_CORE.isdisjoint(options):
            return None
        forms = self._many_forms if many else self._single_forms
        dialect = connection.dialect
        try:
            return forms[dialect]
        except KeyError:
            if len(forms) >= _DIALECTS_KEPT:
                forms.clear()
            form = _compile_form(self.statement, self.parameter_names, dialect, many=many)
            return forms.setdefault(dialect, form)

    def _run(self, connection: Connection, form: _Form, values: Any) -> Any:
        return connection._execute_context(
            form.dialect,
            form.begin,
            form.compiled,
            values,
            connection._execution_options,
            values,
        )

    def _execute_through_core(
        self, connection: Connection, values: Row, **options: Any
    ) -> CursorResult[Any]:
        parameters = dict(zip(self.parameter_names, values, strict=True))
        return connection.execute(self.statement, parameters, execution_options=options or None)


def supports_lastrowid_loop(connection: Connection) -> bool:
    """Whether generated keys of many rows are best fetched by one INSERT after the other.

    True where Core itself would send one INSERT per row for want of something better (SQLite), and
    nobody watches the single statements.
    """
    dialect: Any = connection.dialect
    return bool(
        dialect.postfetch_lastrowid
        and dialect.insertmanyvalues_implicit_sentinel is InsertmanyvaluesSentinelOpts.NOT_SUPPORTED
        and not dialect._has_events
        and not connection._echo
        and not _cursors_are_watched(connection)
    )


def _cursors_are_watched(connection: Connection) -> bool:
    if not (connection._has_events or connection.engine._has_events):
        return False
    dispatch = connection.dispatch
    return bool(
        dispatch.before_cursor_execute
        or dispatch.after_cursor_execute
        or dispatch.before_execute
        or dispatch.after_execute
    )


def _insert_loop(connection: Connection, form: _Form, rows: Sequence[Row]) -> list[Any]:
    """The first row through Core's checks, the others on the cursor that it leaves open."""
    context: Any = connection._execute_context(
        form.dialect,
        form.begin_loop,
        form.compiled,
        rows[0],
        connection._execution_options,
        rows[0],
    )
    cursor: Any = context.cursor
    execute, sql, bind = cursor.execute, form.sql, form.bind
    keys = [cursor.lastrowid]
    values: Any = None
    try:
        if bind is None:
            for values in rows[1:]:
                execute(sql, values)
                keys.append(cursor.lastrowid)
        else:
            for row in rows[1:]:
                values = bind(row)
                execute(sql, values)
                keys.append(cursor.lastrowid)
    except BaseException as error:
        connection._handle_dbapi_exception(error, sql, values, cursor, context)
    cursor.close()
    return keys


def _raw_rows(result: CursorResult[Any]) -> list[Row]:
    return [tuple(row) for row in result._raw_all_tuples()]


class _Form:
    """A fixed statement as one dialect has it, for one row or for many."""

    __slots__ = (
        "bind",
        "compiled",
        "context_class",
        "dialect",
        "has_processors",
        "lastrowid_processor",
        "names",
        "process_rows",
        "processors",
        "returns_rows",
        "shared",
        "sql",
        "wants_lastrowid",
    )

    # Row of values -> parameters for the driver; None where the row itself will do.
    bind: Callable[[Row], Any] | None
    # Result processors, one per column; None until the first row set shows the column types.
    processors: tuple[Processor | None, ...] | None
    # Whether there is any; None as long as that is unknown.
    has_processors: bool | None
    process_rows: Callable[[list[Row]], list[Row]]

    def __init__(
        self, compiled: SQLCompiler, names: tuple[str, ...], dialect: Any, *, many: bool
    ) -> None:
        self.compiled = compiled
        self.names = names
        self.dialect = dialect
        self.sql = compiled.string
        self.returns_rows = not _is_dml(compiled) or bool(compiled.effective_returning)
        self.wants_lastrowid = bool(
            compiled.isinsert and compiled.postfetch_lastrowid and not compiled.effective_returning
        )
        self.lastrowid_processor = _lastrowid_processor(compiled, dialect)
        self.bind = _bind_function(compiled, names, dialect)
        self.processors = None
        self.has_processors = None
        self.context_class = _context_class(dialect.execution_ctx_cls, many=many)
        # What every context of this form has in common.
        self.shared: dict[str, Any] = {
            "dialect": dialect,
            "compiled": compiled,
            "invoked_statement": compiled.statement,
            "cache_hit": CacheStats.CACHE_HIT,
            "extracted_parameters": None,
            "isinsert": compiled.isinsert,
            "isupdate": compiled.isupdate,
            "isdelete": compiled.isdelete,
            "is_crud": _is_dml(compiled),
            "statement": compiled.string,
            "unicode_statement": compiled.string,
            "form": self,
            "keeps_cursor": False,
        }

    def begin(
        self,
        dialect: Dialect,
        connection: Connection,
        dbapi_connection: Any,
        execution_options: Any,
        values: Any,
    ) -> _FixedContext:
        """The execution context of one run; Core calls this, and wraps what it raises."""
        context = self.context_class.__new__(self.context_class)
        attributes = context.__dict__
        attributes.update(self.shared)
        attributes["root_connection"] = connection
        attributes["_dbapi_connection"] = dbapi_connection
        attributes["execution_options"] = execution_options
        attributes["values"] = values
        bind = self.bind
        if context.executemany:
            attributes["parameters"] = (
                values if bind is None else [bind(row_values) for row_values in values]
            )
        else:
            attributes["parameters"] = [values if bind is None else bind(values)]
        attributes["cursor"] = context.create_cursor()
        return context

    def begin_loop(
        self,
        dialect: Dialect,
        connection: Connection,
        dbapi_connection: Any,
        execution_options: Any,
        values: Any,
    ) -> _FixedContext:
        """The same for a run that leaves its cursor open."""
        context = self.begin(dialect, connection, dbapi_connection, execution_options, values)
        context.keeps_cursor = True
        return context

    def learn_processors(self, context: DefaultExecutionContext) -> bool:
        """Find the result processors, once the driver has told the types of the columns."""
        columns = self.compiled._result_columns
        description: Any = context.cursor.description
        self.processors = tuple(
            context.get_result_processor(column.type, column.keyname, described[1])
            for column, described in zip(columns, description, strict=True)
        )
        if any(self.processors):
            self.process_rows = _row_function(self.processors, self.sql)
            self.has_processors = True
        else:
            self.has_processors = False
        return self.has_processors


class _FixedContext(DefaultExecutionContext):
    """Mixed in before a dialect's own context class; see `_context_class`."""

    form: _Form
    keeps_cursor: bool
    values: Any
    executemany = False

    @memoized_property
    def compiled_parameters(self) -> list[Any]:
        """Values by name, for listeners and dialects that ask."""
        rows = self.values if self.executemany else [self.values]
        names, compiled = self.form.names, self.form.compiled
        return [
            compiled.construct_params(dict(zip(names, row, strict=True)), escape_names=False)
            for row in rows
        ]

    @memoized_property
    def result_column_struct(self) -> Any:
        """What Core's own result would need, for dialects that buffer rows."""
        compiled = self.form.compiled
        return (
            compiled._result_columns,
            compiled._ordered_columns,
            compiled._textual_ordered_columns,
            compiled._ad_hoc_textual,
            compiled._loose_column_name_matching,
        )

    def _setup_result_proxy(self) -> Any:
        """Called by Core after the statement ran; the answer is what `_execute_context` answers."""
        form = self.form
        cursor: Any = self.cursor
        if form.returns_rows:
            if self.cursor_fetch_strategy is not DefaultExecutionContext.cursor_fetch_strategy:
                result = super()._setup_result_proxy()  # type: ignore[no-untyped-call]
                return _raw_rows(result), None
            rows = cursor.fetchall()
            if form.has_processors is None:
                form.learn_processors(self)
            cursor.close()
            if rows and (type(rows) is not list or type(rows[0]) is not tuple):
                rows = [tuple(row) for row in rows]
            return rows, (form.processors if form.has_processors else None)
        if self.keeps_cursor:
            return self
        if form.wants_lastrowid and not self.executemany:
            answer: Any = self.get_lastrowid()
            if form.lastrowid_processor is not None:
                answer = form.lastrowid_processor(answer)
        else:
            answer = self.rowcount
        cursor.close()
        return answer


class _FixedManyContext(_FixedContext):
    """The same for many rows at once."""

    executemany = True
    execute_style = ExecuteStyle.EXECUTEMANY


# (context class of a dialect, many) -> the same class with our context mixed in.
_context_classes: dict[tuple[type, bool], type[_FixedContext]] = {}


def _context_class(dialect_class: type, *, many: bool) -> type[_FixedContext]:
    key = (dialect_class, many)
    if key not in _context_classes:
        mixed_in = _FixedManyContext if many else _FixedContext
        name = f"Fixed{dialect_class.__name__}"
        _context_classes[key] = cast(
            "type[_FixedContext]", type(name, (mixed_in, dialect_class), {})
        )
    return _context_classes[key]


def _compile_form(
    statement: Any, names: tuple[str, ...], dialect: Any, *, many: bool
) -> _Form | None:
    if not _core_is_known or not _is_known_dialect(dialect):
        return None
    if statement._execution_options and not _OPTIONS_FOR_CORE.isdisjoint(
        statement._execution_options
    ):
        return None
    compiled = statement.compile(dialect=dialect, column_keys=list(names), for_executemany=many)
    if not isinstance(compiled, SQLCompiler) or not _is_fixed(compiled, many=many):
        return None
    return _Form(compiled, names, dialect, many=many)


def _is_known_dialect(dialect: Any) -> bool:
    """Whether the dialect's context does nothing of its own where ours steps in."""
    known, own = DefaultExecutionContext, dialect.execution_ctx_cls
    return bool(
        own._init_compiled.__func__ is known._init_compiled.__func__  # type: ignore[attr-defined]
        and own._setup_result_proxy is known._setup_result_proxy
        and dialect.bind_typing is not BindTyping.SETINPUTSIZES
        and not dialect.server_side_cursors
    )


def _is_fixed(compiled: SQLCompiler, *, many: bool) -> bool:
    """Whether the SQL text and the number of parameters are the same at every run."""
    if compiled.literal_execute_params or compiled.post_compile_params:
        return False
    if _is_dml(compiled) and (compiled.insert_prefetch or compiled.update_prefetch):
        return False
    if compiled.has_out_parameters or (many and compiled.effective_returning):
        return False
    if compiled._insertmanyvalues is not None:
        # Core sends many rows with one VALUES, to drivers that would send them one by one.
        return False
    if any(bind.callable is not None for bind in compiled.bind_names):
        return False
    return bool(compiled._ordered_columns) and not compiled._textual_ordered_columns


def _is_dml(compiled: SQLCompiler) -> bool:
    return compiled.isinsert or compiled.isupdate or compiled.isdelete


def _lastrowid_processor(compiled: SQLCompiler, dialect: Any) -> Processor | None:
    if not (compiled.isinsert and compiled.postfetch_lastrowid):
        return None
    column = cast(Any, compiled.compile_state).dml_table._autoincrement_column
    if column is None:
        return None
    return cast("Processor | None", column.type._cached_result_processor(dialect, None))


def _bind_function(
    compiled: SQLCompiler, names: tuple[str, ...], dialect: Any
) -> Callable[[Row], Any] | None:
    """A function that makes the driver's parameters of a row of values, None if it is those."""
    position = {name: at for at, name in enumerate(names)}
    processors: Any = compiled._bind_processors
    if compiled.positional:
        wanted = list(compiled.positiontup or ())
        plain = not any(name in processors for name in wanted)
        if plain and wanted == list(names) and dialect.execute_sequence_format is tuple:
            return None
        known = all(name in position for name in wanted)
        if plain and known and len(wanted) > 1 and dialect.execute_sequence_format is tuple:
            return itemgetter(*(position[name] for name in wanted))
    else:
        wanted = list(dict.fromkeys(compiled.bind_names.values()))
    constants = compiled.construct_params(dict.fromkeys(names), escape_names=False, _check=False)
    namespace: dict[str, Any] = {"sequence": dialect.execute_sequence_format}
    parts = []
    for number, name in enumerate(wanted):
        processor = processors.get(name)
        if name not in position:
            value = constants[name]
            namespace[f"value{number}"] = value if processor is None else processor(value)
            parts.append(f"value{number}")
        elif processor is None:
            parts.append(f"row[{position[name]}]")
        else:
            namespace[f"process{number}"] = processor
            parts.append(f"process{number}(row[{position[name]}])")
    if compiled.positional:
        body = f"({', '.join(parts)}{',' if parts else ''})"
        if dialect.execute_sequence_format is not tuple:
            body = f"sequence({body})"
    else:
        escaped = compiled.escaped_bind_names or EMPTY_DICT
        pairs = zip((escaped.get(name, name) for name in wanted), parts, strict=True)
        body = "{" + ", ".join(f"{key!r}: {part}" for key, part in pairs) + "}"
    source = f"def bind(row):\n    return {body}\n"
    return build_function("bind", source, namespace, filename_hint="bind parameters")


def _row_function(
    processors: tuple[Processor | None, ...], sql: str
) -> Callable[[list[Row]], list[Row]]:
    """A function that applies the result processors to a list of rows."""
    namespace: dict[str, Any] = {}
    names, parts = [], []
    for number, processor in enumerate(processors):
        names.append(f"v{number}")
        if processor is None:
            parts.append(f"v{number}")
        else:
            namespace[f"process{number}"] = processor
            parts.append(f"process{number}(v{number})")
    source = (
        "def process_rows(rows):\n"
        f"    return [({', '.join(parts)},) for ({', '.join(names)},) in rows]\n"
    )
    return build_function("process_rows", source, namespace, filename_hint="result processors")
