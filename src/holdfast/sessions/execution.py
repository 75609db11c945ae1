"""This file runs one statement for a session: listeners, autoflush, connection, rows to objects.

Called by `Session.execute` and its relatives, and by `reading` for loads of its own. Statements
over classes are compiled by `queries.select` and read by `reading.result`; all others pass through
to Core as they are.

Rules kept here:
1. Listeners run before the autoflush (EV-28); a result of theirs ends the execution (EV-22).
2. Options of the call win over the statement's, and those over the session's (TX-84).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy.engine import Connection, Result
from sqlalchemy.sql import Executable, Select

from holdfast.dml.run import run_dml
from holdfast.foundation.plugin import has_marks
from holdfast.foundation.record import Keywords
from holdfast.foundation.sqlalchemy_core import (
    EMPTY_DICT,
    coercions,
    hold_rows,
    is_server_side,
    roles,
)
from holdfast.queries.facade.results import CURSOR_OPTION
from holdfast.queries.load_plan import LoadPlan
from holdfast.queries.options.criteria import criteria_about
from holdfast.reading.by_equality import result_by_equality
from holdfast.reading.origin import ORIGIN_OPTION
from holdfast.reading.result import build_result
from holdfast.sessions.execute_state import Listener, ORMExecuteState
from holdfast.sessions.host import SessionHost

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
        session.innermost.snapshot.record(outcome)
        return result
    core_options = {**options, **ORM_OPTIONS}
    core_options.pop(ORIGIN_OPTION, None)
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
