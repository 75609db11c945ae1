"""Execute statements: find the engine, tell the listeners, run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, TypeVarTuple

from sqlalchemy import inspect
from sqlalchemy.engine import Connection, Engine, Result
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.sql import Executable, Select, TableClause, visitors

from holdfast import errors
from holdfast.foundation.codegen import Keywords, late_function, record
from holdfast.foundation.sqlalchemy_core import (
    EMPTY_DICT,
    coercions,
    has_marks,
    hold_rows,
    immutabledict,
    is_server_side,
    roles,
)
from holdfast.queries.load_plan import LoadPlan
from holdfast.queries.loader_criteria import criteria_about
from holdfast.queries.option_functions import UserDefinedOption
from holdfast.queries.select import FromStatement
from holdfast.queries.statement_options import CURSOR_OPTION
from holdfast.reading.context import GATHERING_OPTION, ORIGIN_OPTION
from holdfast.reading.result import build_result, result_by_equality
from holdfast.sessions.host import SessionHost

if TYPE_CHECKING:
    from holdfast.dml.update_delete import run_dml
else:
    run_dml = late_function("holdfast.dml.update_delete", "run_dml")

# ------------------------------------------------------------------------------
# Find the engine or connection for a class, a table or a statement.
#
# Rules kept here:
# 1. What is named most exactly wins: the class before its bases, classes before tables, both before
#    the session's own bind (PT-104).
# 2. A subclass of `Session` may override `get_bind`; everything that needs a bind asks it.

Bind: TypeAlias = Engine | Connection


def add_bind(routes: dict[Any, Bind], key: Any, bind: Bind) -> None:
    """Route a class, a mapper or a table to a bind.

    Raises:
        ArgumentError: `key` is none of these.
    """
    try:
        found: Any = inspect(key)
    except NoInspectionAvailable:
        if not isinstance(key, type):
            raise errors.SessionArgumentError.bad_bind_key(key) from None
        # A base class or mixin: its mapped subclasses are found through their bases.
        routes[key] = bind
        return
    if isinstance(found, TableClause):
        routes[found] = bind
    elif getattr(found, "is_mapper", False):
        routes[found.class_] = bind
        for table in (*found.tables, *visitors.iterate(found.persist_selectable)):
            if isinstance(table, TableClause):
                routes[table] = bind
    else:
        raise errors.SessionArgumentError.bad_bind_key(key)


def find_bind(
    routes: Mapping[Any, Bind],
    default: Bind | None,
    subject: Any,
    clause: Any,
) -> Bind:
    """The bind for a mapper or class, a statement or table, or neither.

    Raises:
        UnboundExecutionError: There is none.
        UnmappedClassError: `subject` is a class without mapping.
    """
    if not routes and default is not None:
        return default
    mapper = _mapper_of(subject)
    if mapper is None and clause is not None:
        mapper = _mapper_of_clause(clause)
    if routes:
        found = _find_route(routes, mapper, clause)
        if found is not None:
            return found
    if default is not None:
        return default
    if mapper is None and clause is None:
        raise errors.BindError.nothing_known()
    clues = []
    if mapper is not None:
        clues.append(f"mapper {mapper}")
    if clause is not None:
        clues.append("SQL expression")
    raise errors.BindError.not_found(clues)


def _mapper_of(subject: Any) -> Any:
    if subject is None:
        return None
    try:
        found: Any = inspect(subject)
    except NoInspectionAvailable:
        if isinstance(subject, type):
            raise errors.UnmappedClassError(subject) from None
        raise
    return getattr(found, "mapper", None) or found


def _mapper_of_clause(clause: Any) -> Any:
    attributes = getattr(clause, "_propagate_attrs", None)
    subject = attributes.get("plugin_subject") if attributes else None
    return None if subject is None else subject.mapper


def _find_route(routes: Mapping[Any, Bind], mapper: Any, clause: Any) -> Bind | None:
    if mapper is not None:
        for cls in mapper.class_.__mro__:
            if cls in routes:
                return routes[cls]
        if clause is None:
            clause = mapper.persist_selectable
    if clause is not None:
        for element in visitors.iterate(clause):
            if element in routes:
                return routes[element]
    return None


# ------------------------------------------------------------------------------
# Define what a `do_orm_execute` listener is given: the statement about to run.
#
# Made by `execution` for every statement while such listeners exist, and for nothing else.

Listener = Callable[["ORMExecuteState"], Any]


@record
class LoadOptions:
    """How a SELECT over classes loads, as its execution options say."""

    populate_existing: bool
    autoflush: bool
    yield_per: int | None
    identity_token: Any


@record
class UpdateDeleteOptions:
    """How an UPDATE or DELETE over classes carries over to objects, as its options say."""

    synchronize_session: Any
    autoflush: bool


class ORMExecuteState:
    """One statement on its way to the database, open to inspection and change (EV-21).

    Attributes:
        session: The session that executes.
        statement: The statement; may be replaced.
        parameters: Parameters of this call; may be replaced or changed in place.
        execution_options: The session's options, with the statement's and those of the call on
            top, as they came in: what listeners add shows in `local_execution_options`.
        local_execution_options: Options of this call alone.
        bind_arguments: What `get_bind` will be given.
    """

    def __init__(
        self,
        session: SessionHost,
        statement: Executable,
        parameters: Any,
        local_execution_options: Mapping[str, Any],
        bind_arguments: dict[str, Any],
        listeners: Sequence[Listener],
    ) -> None:
        self.session = session
        self.statement: Any = statement
        self.parameters = parameters
        self.local_execution_options: Any = immutabledict(local_execution_options)
        self.execution_options: Any = self._present_options()
        self.bind_arguments = bind_arguments
        # Listeners that have not run yet; those that re-execute run these only (EV-23).
        self.remaining: tuple[Listener, ...] = tuple(listeners)

    def run_listeners(self) -> Result[Any] | None:
        """Call the listeners until one answers with a result (EV-22)."""
        while self.remaining:
            listener, self.remaining = self.remaining[0], self.remaining[1:]
            result: Result[Any] | None = listener(self)
            if result is not None:
                return result
        return None

    def invoke_statement(
        self,
        statement: Executable | None = None,
        params: Any = None,
        execution_options: Mapping[str, Any] | None = None,
        bind_arguments: Mapping[str, Any] | None = None,
    ) -> Result[Any]:
        """Run the statement now, past the listeners that have run already (EV-23).

        Args:
            statement: In place of the present one.
            params: Added to the parameters of the call.
            execution_options: Added to the options of the call.
            bind_arguments: Added to those of the call.
        """
        arguments = {**self.bind_arguments, **(bind_arguments or {})}
        if statement is None:
            statement = self.statement
        else:
            arguments["clause"] = statement
        options = self.local_execution_options.union(execution_options or {})
        return self.session.execute_past(
            statement, self._merged_parameters(params), options, arguments, self.remaining
        )

    def _merged_parameters(self, params: Any) -> Any:
        if not params:
            return self.parameters
        if isinstance(params, Mapping):
            if self.is_executemany or isinstance(self.parameters, list):
                return [{**row, **params} for row in self.parameters]
            return {**(self.parameters or {}), **params}
        if not self.parameters:
            return params
        mine = self.parameters if isinstance(self.parameters, list) else [self.parameters]
        if len(mine) != len(params):
            raise errors.StatementEventError.other_count(len(mine), len(params))
        return [{**row, **more} for row, more in zip(mine, params, strict=True)]

    def update_execution_options(self, **options: Any) -> None:
        """Change the options of this call."""
        self.local_execution_options = self.local_execution_options.union(options)

    def _present_options(self) -> Any:
        """The options with which the statement would run now."""
        inherited = self.session.execution_options
        return inherited.union(self.statement._execution_options, self.local_execution_options)

    # -- what kind of statement --------------------------------------------------------------------

    @property
    def is_select(self) -> bool:
        """Whether it is a SELECT; for `from_statement()`, what that was given."""
        subject = self.statement.element if self.is_from_statement else self.statement
        return bool(subject.is_select and not subject.is_dml)

    @property
    def is_insert(self) -> bool:
        """Whether it is an INSERT."""
        return bool(self.statement.is_dml and self.statement.is_insert)

    @property
    def is_update(self) -> bool:
        """Whether it is an UPDATE."""
        return bool(self.statement.is_dml and self.statement.is_update)

    @property
    def is_delete(self) -> bool:
        """Whether it is a DELETE."""
        return bool(self.statement.is_dml and self.statement.is_delete)

    @property
    def is_from_statement(self) -> bool:
        """Whether it is `select().from_statement(...)`."""
        return isinstance(self.statement, FromStatement)

    @property
    def is_orm_statement(self) -> bool:
        """Whether classes are its subject (EV-21)."""
        return has_marks(self.statement._propagate_attrs)

    @property
    def is_executemany(self) -> bool:
        """Whether there is a list of parameter sets."""
        return isinstance(self.parameters, list)

    # -- on whose behalf ---------------------------------------------------------------------------

    def _origin(self, name: str) -> Any:
        return getattr(self.execution_options.get(ORIGIN_OPTION), name, None)

    @property
    def is_column_load(self) -> bool:
        """Whether it reads columns of objects that are loaded already (EV-27)."""
        return bool(self._origin("is_column_load"))

    @property
    def is_relationship_load(self) -> bool:
        """Whether it loads related objects."""
        return bool(self._origin("is_relationship_load"))

    @property
    def lazy_loaded_from(self) -> Any:
        """State of the object whose attribute loads lazily, or None.

        Raises:
            InvalidRequestError: The statement is no SELECT.
        """
        if not self.is_select:
            raise errors.StatementEventError.other_kind("a SELECT", "load")
        return self._origin("lazy_loaded_from")

    @property
    def loader_strategy_path(self) -> Any:
        """Where in the object graph the load stands: entity, relationship, entity ...

        That of a relationship's load ends in the relationship.

        Raises:
            InvalidRequestError: The statement is no SELECT over classes.
        """
        if not self.is_orm_statement or not (self.is_select or self.is_from_statement):
            raise errors.StatementEventError.other_kind("a SELECT", "load")
        return self._origin("attribute_path")

    # -- what it is about --------------------------------------------------------------------------

    @property
    def bind_mapper(self) -> Any:
        """The mapper that decides the bind, or None."""
        mapper = self.bind_arguments.get("mapper")
        return None if mapper is None else getattr(mapper, "mapper", mapper)

    @property
    def all_mappers(self) -> Sequence[Any]:
        """The mappers at the top level of the statement."""
        if not self.is_orm_statement:
            return []
        if self.statement.is_dml:
            subject = self.statement._propagate_attrs.get("plugin_subject")
            return [] if subject is None else [subject.mapper]
        found: dict[Any, None] = {}
        for description in self.statement.column_descriptions:
            entity = description.get("entity")
            mapper = None if entity is None else _mapper_behind(entity)
            if mapper is not None:
                found[mapper] = None
        return list(found)

    @property
    def user_defined_options(self) -> Sequence[UserDefinedOption]:
        """The application's own options on the statement."""
        # Core sets the options of a statement aside when its columns are replaced.
        replaced: Iterable[Any] = getattr(self.statement, "_memoized_select_entities", ())
        return [
            option
            for holder in (*replaced, self.statement)
            for option in getattr(holder, "_with_options", ())
            if isinstance(option, UserDefinedOption)
        ]

    @property
    def load_options(self) -> LoadOptions:
        """How the SELECT will load.

        Raises:
            InvalidRequestError: The statement is no SELECT over classes (EV-24).
        """
        if not self.is_orm_statement or not (self.is_select or self.is_from_statement):
            raise errors.StatementEventError.other_kind("a SELECT", "load")
        options = self._present_options()
        return LoadOptions(
            populate_existing=options.get("populate_existing", False),
            autoflush=options.get("autoflush", True),
            yield_per=options.get("yield_per"),
            identity_token=options.get("identity_token"),
        )

    @property
    def update_delete_options(self) -> UpdateDeleteOptions:
        """How an UPDATE or DELETE will carry over to objects.

        Raises:
            InvalidRequestError: The statement is neither (EV-24).
        """
        if not self.is_orm_statement or not (self.is_update or self.is_delete):
            raise errors.StatementEventError.other_kind("an UPDATE or DELETE", "update")
        options = self._present_options()
        return UpdateDeleteOptions(
            synchronize_session=options.get("synchronize_session", "auto"),
            autoflush=options.get("autoflush", True),
        )


def _mapper_behind(entity: Any) -> Any:
    return getattr(inspect(entity, raiseerr=False), "mapper", None)


# ------------------------------------------------------------------------------
# Run one statement for a session: listeners, autoflush, connection, rows to objects.
#
# Called by `Session.execute` and its relatives, and by `reading` for loads of its own. Statements
# over classes are compiled by `queries.select` and read by `reading.result`; all others pass
# through to Core as they are.
#
# Rules kept here:
# 1. Listeners run before the autoflush (EV-28); a result of theirs ends the execution (EV-22).
# 2. Options of the call win over the statement's, and those over the session's (TX-84).

VALUE_OPTION = "_value_of_sequence"
"""Key in execution options: the statement is a sequence, and its value is wanted as it is."""

# Rows are read by the columns that the compiled statement knows, so Core need not adapt its
# result metadata to each new statement object of the same shape.
ORM_OPTIONS: Mapping[str, Any] = {"_result_disable_adapt_to_context": True}


# What type checkers follow from a statement to its result.
Entity = TypeVar("Entity", bound=object)
T = TypeVar("T", bound=Any)
T2 = TypeVar("T2", bound=Any)
T3 = TypeVar("T3", bound=Any)
Ts = TypeVarTuple("Ts")


class ExecutionArguments(Keywords, total=False):
    """Keywords of `Session.execute` and its relatives, for type checkers."""

    execution_options: Mapping[str, Any]
    bind_arguments: Mapping[str, Any] | None


def execute(
    session: SessionHost,
    statement: Executable,
    params: Any,
    options: Mapping[str, Any],
    bind_arguments: Mapping[str, Any] | None,
    *,
    listeners: Sequence[Listener] | None = None,
    autoflush: bool = True,
) -> Result[Any]:
    """Run a statement and answer its result.

    Args:
        session: The session.
        statement: Anything that Core can execute.
        params: One set of parameters, or several.
        options: Execution options of this call.
        bind_arguments: Arguments for `Session.get_bind`.
        listeners: Listeners still to run; None means all that the session has.
        autoflush: False for loads that `reading` has flushed for already.
    """
    if type(statement) is not Select:
        statement = coercions.expect(roles.StatementRole, statement)
    attributes: Mapping[str, Any] = statement._propagate_attrs
    subject: Any = attributes.get("plugin_subject")
    is_orm = subject is not None and has_marks(attributes)
    arguments = dict(bind_arguments) if bind_arguments else {}
    arguments.setdefault("clause", statement)
    if is_orm:
        arguments.setdefault("mapper", subject.mapper)
    if listeners is not None or session.intercepts_execution:
        todo = session.dispatch.do_orm_execute if listeners is None else listeners
        if todo:
            shown = ORMExecuteState(session, statement, params, options, arguments, tuple(todo))
            result = shown.run_listeners()
            if result is not None:
                return result
            statement, params = shown.statement, shown.parameters
            options = shown.local_execution_options
    return _run(session, statement, params, options, arguments, is_orm=is_orm, autoflush=autoflush)


def _run(
    session: SessionHost,
    statement: Any,
    params: Any,
    options: Mapping[str, Any],
    arguments: dict[str, Any],
    *,
    is_orm: bool,
    autoflush: bool,
) -> Result[Any]:
    if params is None:
        params = EMPTY_DICT
    own: Mapping[str, Any] = statement._execution_options
    if session.execution_options:
        # The connection has the session's options, and would prefer them to the statement's.
        options = {**session.execution_options, **own, **options}
    if session.async_reference is not None:
        session.check_awaitable()
    if autoflush and options.get("autoflush", own.get("autoflush", True)):
        session.autoflush_if_enabled()
    bind = session.get_bind(**arguments)
    connection = session.connection_for_bind(bind)
    if not is_orm:
        if VALUE_OPTION in options:
            return connection.scalar(statement, params, execution_options=options)  # type: ignore[no-any-return]
        return connection.execute(statement, params, execution_options=options)
    return run_over_classes(session, statement, params, options, connection)


def _reads_one_result_at_a_time(connection: Connection, cursor: Any) -> bool:
    """Whether rows still come from the server, on a driver that then can do nothing else."""
    return is_server_side(cursor) and connection.dialect.name in ("mariadb", "mysql")


def run_over_classes(
    session: SessionHost,
    statement: Any,
    params: Any,
    options: Mapping[str, Any],
    connection: Connection,
) -> Result[Any]:
    """Run a statement over classes on a connection."""
    if statement._with_options:
        statement = criteria_about(statement)
    own: Mapping[str, Any] = statement._execution_options
    if not (options or own or params or session.intercepts_execution):
        # PERF: "fresh select by key".
        found = result_by_equality(session, statement, connection)
        if found is not None:
            return found
    if statement.is_dml and not statement.is_select:
        merged = {**own, **options} if own else options
        result, outcome = run_dml(session, statement, params, merged, connection)
        if session.innermost is not None:
            session.innermost.snapshot.record(outcome)
        return result
    core_options = {**options, **ORM_OPTIONS}
    core_options.pop(ORIGIN_OPTION, None)
    core_options.pop(GATHERING_OPTION, None)
    cursor: Any = core_options.pop(CURSOR_OPTION, None)
    if cursor is None:
        cursor = connection.execute(statement, params, execution_options=core_options)
        state = getattr(cursor.context.compiled, "compile_state", None)
        plan: LoadPlan | None = getattr(state, "plan", None)
        if plan is None:
            return cursor  # type: ignore[no-any-return]
        if _reads_one_result_at_a_time(connection, cursor) and plan.has_follow_ups:
            # The first statement that follows would lose the rows which are not read yet.
            hold_rows(cursor)
    if statement.is_dml:
        hold_rows(cursor)
    merged = {**own, **options} if own else options
    return build_result(session, statement, cursor, merged or EMPTY_DICT, params)
