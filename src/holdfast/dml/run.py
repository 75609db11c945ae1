"""Choose how `insert()`, `update()` or `delete()` over a class is run.

Called by `sessions.execution`, after the autoflush, with the connection of the transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection, Result

from holdfast.dml.bulk_update import BulkUpdate
from holdfast.dml.insert import InsertStatement, rows_of
from holdfast.dml.update_delete import CriteriaStatement
from holdfast.errors.dml import BulkError, StrategyError
from holdfast.queries.dml import is_over_class
from holdfast.reading.result import no_rows
from holdfast.unitofwork.journal import FlushOutcome

STRATEGIES = ("orm", "auto", "bulk", "core_only")


def run_dml(
    session: Any,
    statement: Any,
    parameters: Any,
    options: Mapping[str, Any],
    connection: Connection,
) -> tuple[Result[Any], FlushOutcome]:
    """The result of a statement that writes, and what it did to objects.

    Args:
        session: The session.
        statement: The statement; it may name a class in its criteria alone.
        parameters: One set of parameters, or several; empty for none.
        options: Of the statement and the call together.
        connection: Where to run it.

    Raises:
        StrategyError: `dml_strategy` has a value that there is not.
    """
    if not is_over_class(statement):
        return connection.execute(statement, parameters, execution_options=options), FlushOutcome()
    if statement.is_insert:
        result = InsertStatement(session, statement, parameters, options, connection).run()
        return result, FlushOutcome()
    strategy = options.get("dml_strategy", "auto")
    if strategy not in STRATEGIES:
        raise StrategyError.unknown("UPDATE", STRATEGIES, strategy)
    if strategy == "core_only":
        return connection.execute(statement, parameters, execution_options=options), FlushOutcome()
    is_list = not isinstance(parameters, Mapping)
    if statement.is_update and (strategy == "bulk" or (is_list and strategy == "auto")):
        rows = rows_of(parameters)
        outcome = BulkUpdate(session, statement, rows, options, connection).run()
        return no_rows(), outcome
    if is_list and statement.is_update and options.get("synchronize_session", "auto"):
        return _run_for_each(session, statement, parameters, options, connection)
    return CriteriaStatement(session, statement, parameters, options, connection).run()


def _run_for_each(
    session: Any, statement: Any, parameters: Any, options: Mapping[str, Any], connection: Any
) -> tuple[Result[Any], FlushOutcome]:
    """An UPDATE with criteria, once for each set of parameters."""
    if options.get("synchronize_session") == "fetch":
        raise BulkError.no_fetch_of_many()
    outcome = FlushOutcome()
    for each in parameters:
        made = CriteriaStatement(session, statement, each, options, connection).run()[1]
        outcome.updated += made.updated
    return no_rows(), outcome
