"""Run insert(), update() and delete() over classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection, Result

from holdfast import errors
from holdfast.dml.insert import InsertStatement, by_column, named_parameters, rows_of, values_for
from holdfast.dml.synchronize import (
    Evaluator,
    Matches,
    evaluator_of,
    matches_by_key,
    matches_by_value,
    note_deleted,
    note_updated,
    value_evaluator,
)
from holdfast.foundation.sqlalchemy_core import (
    EMPTY_DICT,
    has_ordered_values,
    hold_rows,
    without_rows,
)
from holdfast.queries.dml import (
    RETURN_KEYS,
    changed_table,
    entity_of_dml,
    is_over_class,
    returns_star,
)
from holdfast.queries.loader_criteria import criteria_of, given_criteria, in_force
from holdfast.reading.result import build_result, no_rows
from holdfast.unitofwork.bulk import changes_by_table, named_by_columns, update_mappings
from holdfast.unitofwork.forms import UpdateForm
from holdfast.unitofwork.rows import TableRows, Values, read_rows
from holdfast.unitofwork.update_delete import Change, check_count, form_of
from holdfast.unitofwork.work_set import FlushOutcome

# ------------------------------------------------------------------------------
# Run `update()` and `delete()` with criteria over a class, objects in memory included.
#
# Called by `sessions.execution`, after the autoflush. `queries.dml` compiles the statement.
#
# Rules kept here (QY-200):
# 1. `"evaluate"` sends nothing of its own, and refuses criteria that Python cannot compute before
#    the statement runs.
# 2. `"fetch"` asks for the keys of the rows by RETURNING, or by a SELECT before the statement.
# 3. `"auto"` evaluates where Python can compute the criteria, and fetches where it can not.
# 4. All rows that are returned are fetched at once, so that no cursor stays open. Those of an
#    UPDATE
#    become objects when they are read; those of a DELETE at once, since their objects are deleted.

CHOICES = ("auto", "evaluate", "fetch", False, None)
OPTIONS: Mapping[str, Any] = {"_result_disable_adapt_to_context": True}


class CriteriaStatement:
    """One execution of an UPDATE or DELETE with criteria."""

    def __init__(
        self,
        session: Any,
        statement: Any,
        parameters: Mapping[str, Any],
        options: Mapping[str, Any],
        connection: Connection,
    ) -> None:
        self.session = session
        self.members: Any = session.members
        self.statement = statement
        self.parameters = parameters
        self.options = options
        self.connection = connection
        self.entity: Any = entity_of_dml(statement)
        self.mapper: Any = self.entity.mapper
        self.identity_token: Any = options.get("identity_token")
        # Rows of the keys that the database was asked for.
        self.keys: Any = None

    def run(self) -> tuple[Result[Any], FlushOutcome]:
        """Its result, and what it did to objects.

        Raises:
            SynchronizationError: It can not be carried over to objects as it was asked for.
            BulkError: A DELETE with several sets of parameters.
        """
        choice = self.options.get("synchronize_session", "auto")
        if choice not in CHOICES:
            raise errors.SynchronizationError.unknown_choice(choice)
        if self.statement.is_delete and isinstance(self.parameters, list):
            raise errors.BulkError.no_delete()
        if not choice:
            return self._result(self._execute(self.statement)), FlushOutcome()
        is_meant = self._evaluator(choice)
        new_values = {} if self.statement.is_delete else self._new_values()
        if is_meant is not None:
            cursor = self._execute(self.statement)
        elif self._can_return_keys() and new_values.keys().isdisjoint(self.mapper.primary_key_keys):
            cursor = self._execute(self.statement.options(RETURN_KEYS))
        else:
            self.keys = self._select_keys()
            cursor = self._execute(self.statement)
        result = self._result(cursor)
        matches = self._matches(is_meant)
        if self.statement.is_delete:
            return result, note_deleted(self.members, matches)
        return result, note_updated(matches, {**self._made_values(cursor), **new_values})

    # -- the statement -----------------------------------------------------------------------------

    def _execute(self, statement: Any) -> Any:
        options = {**self.options, **OPTIONS}
        parameters = by_column(self.mapper, self.parameters)
        return self.connection.execute(statement, parameters, execution_options=options)

    def _result(self, cursor: Any) -> Result[Any]:
        plan = cursor.context.compiled.compile_state.plan
        if not cursor.returns_rows or self.statement._return_defaults:
            return cursor  # type: ignore[no-any-return]
        rows = hold_rows(cursor)
        if plan is None:
            return cursor  # type: ignore[no-any-return]
        if plan.keys:
            self.keys = [[row[place] for place in plan.keys] for row in rows]
        if not plan.elements:
            return without_rows(cursor)  # type: ignore[no-any-return]
        options = self.options
        if self.statement.is_delete and any(plan.entity_loads()):
            options = {**options, "prebuffer_rows": True}
        return build_result(self.session, self.statement, cursor, options, self.parameters)

    # -- which objects -----------------------------------------------------------------------------

    def _evaluator(self, choice: str) -> Evaluator | None:
        """What tells whether an object is meant; None where the database must say it."""
        # A column of another table may be of another row, also where it is that of a base class.
        if choice == "fetch" or (choice == "auto" and self._reads_others()):
            return None
        with in_force(criteria_of(self.statement)):
            criteria = [*self.statement._where_criteria, *given_criteria(self.entity)]
        try:
            if self.entity.is_aliased_class:
                raise errors.UnevaluatableError.alias(self.entity)
            return evaluator_of(
                *criteria,
                mapper=self.mapper,
                parameters=self.parameters,
                dialect=self.connection.dialect.name,
            )
        except errors.UnevaluatableError as error:
            if choice == "evaluate":
                raise errors.SynchronizationError.not_evaluable(error) from error
            return None

    def _can_return_keys(self) -> bool:
        dialect, statement = self.connection.dialect, self.statement
        if statement.is_delete:
            able, able_with_others = dialect.delete_returning, dialect.delete_returning_multifrom
        else:
            able, able_with_others = dialect.update_returning, dialect.update_returning_multifrom
        return bool(
            able
            and getattr(self.mapper.local_table, "implicit_returning", False)
            and not statement._return_defaults
            and not returns_star(statement)
            and (able_with_others or not self._reads_others())
        )

    def _reads_others(self) -> bool:
        """Whether criteria or values bring a second table into the statement."""
        table = changed_table(self.statement)
        values = getattr(self.statement, "_values", None) or {}
        return any(
            each._deannotate() is not table
            for part in (*self.statement._where_criteria, *values.values())
            for each in part._from_objects
        )

    def _select_keys(self) -> Any:
        attributes = [getattr(self.entity.entity, key) for key in self.mapper.primary_key_keys]
        statement: Any = select(*attributes).where(*self.statement._where_criteria)
        return self._execute(statement.options(*self.statement._with_options)).all()

    def _matches(self, is_meant: Evaluator | None) -> Matches:
        members, mapper, token = self.members, self.mapper, self.identity_token
        if is_meant is None:
            return matches_by_key(members, mapper, self.keys, identity_token=token)
        return matches_by_value(members, mapper, is_meant, identity_token=token)

    # -- which values ------------------------------------------------------------------------------

    def _new_values(self) -> dict[str, Evaluator | None]:
        """Attribute name -> what it is set to, None where only the database can compute it."""
        given: dict[Any, Any] = {**(self.statement._values or {}), **self.parameters}
        values: dict[str, Evaluator | None] = {}
        for name, value in given.items():
            key = name if isinstance(name, str) else self.mapper.key_of_column.get(name)
            if key in self.mapper.properties:
                values[key] = self._evaluator_of(value)
            elif isinstance(name, str) and name in self.mapper.local_table.c:
                raise errors.SynchronizationError.no_attribute(name)
        return values

    def _evaluator_of(self, value: Any) -> Evaluator | None:
        return value_evaluator(value, mapper=self.mapper, parameters=self.parameters)

    def _made_values(self, cursor: Any) -> dict[str, Evaluator | None]:
        """The same for columns that the statement did not name: `onupdate` and its like."""
        compiled, parameters = cursor.context.compiled, cursor.context.compiled_parameters[0]
        made: dict[Any, Evaluator | None] = dict.fromkeys(compiled.postfetch)
        for column in compiled.update_prefetch:
            made[column] = self._evaluator_of(parameters[column.key])
        keys = self.mapper.key_of_column
        return {keys[column]: made[column] for column in made if column in keys}


# ------------------------------------------------------------------------------
# Run `update()` over a class for a list of dictionaries: UPDATE by primary key.
#
# Called by `run`, after the autoflush. `unitofwork.bulk` finds what each dictionary changes in
# which table, and sends it itself where the statement adds nothing of its own.
#
# Rules kept here (QY-160 to QY-168):
# 1. Each dictionary has the full primary key, and the version where the class has one.
# 2. Objects in the session get the new values as loaded ones.
# 3. Each row must be there, unless criteria of the statement may leave it out.


class BulkUpdate:
    """One execution of an UPDATE over a class for several rows, each found by its key."""

    def __init__(
        self,
        session: Any,
        statement: Any,
        rows: Sequence[Mapping[str, Any]],
        options: Mapping[str, Any],
        connection: Connection,
    ) -> None:
        self.session = session
        self.statement = statement
        self.rows = rows
        self.options = options
        self.connection = connection
        self.mapper: Any = entity_of_dml(statement).mapper

    def run(self) -> FlushOutcome:
        """Update the rows, and tell what it did to objects.

        Raises:
            SynchronizationError: `synchronize_session` has a value that there is not.
            BulkError: The statement says something that cannot be done row by row.
            BulkRowError: A dictionary lacks a part of the key.
            StaleDataError: There is no such row.
        """
        choice = self._checked_choice()
        statement = self.statement
        if statement._returning:
            # A missing key is told first.
            self._plan()
            raise errors.BulkError.no_update_returning()
        if statement._values or statement._where_criteria:
            written = self._update_each()
        else:
            written = update_mappings(lambda _: self.connection, self.mapper, self.rows)
        return self._synchronized(written) if choice else FlushOutcome()

    def _checked_choice(self) -> Any:
        choice = self.options.get("synchronize_session", "auto")
        if choice not in CHOICES:
            raise errors.SynchronizationError.unknown_choice(choice)
        if has_ordered_values(self.statement):
            raise errors.BulkError.ordered_values()
        if choice == "fetch":
            raise errors.BulkError.no_fetch()
        if choice and self.statement._where_criteria:
            raise errors.BulkError.not_synchronized()
        return choice

    def _update_each(self) -> list[Values]:
        """UPDATE with values or criteria of the statement's own."""
        dicts, planned = self._plan()
        names = named_parameters(self.statement)
        for rows, changes in planned:
            for keys, group in groupby(changes, key=itemgetter(0)):
                self._execute(rows, form_of(rows, keys), list(group), names)
        return dicts

    def _plan(self) -> tuple[list[Values], list[tuple[TableRows, list[Change]]]]:
        """The rows by attribute name, and what they change in each table."""
        given = self.statement._values or EMPTY_DICT
        dicts = named_by_columns(self.mapper, self.rows)
        always = frozenset(column.table for column in given if not isinstance(column, str))
        return dicts, list(changes_by_table(self.mapper, dicts, always))

    def _execute(
        self, rows: TableRows, form: UpdateForm, run: Sequence[Change], named: frozenset[str]
    ) -> None:
        criteria = self.statement._where_criteria
        made = self.statement._generate()
        made.table = rows.table
        made._propagate_attrs = EMPTY_DICT
        made._with_options = ()
        made._where_criteria = (*criteria, *form.statement._where_criteria)
        made._values = values_for(
            self.statement, rows.table, is_last=rows.table is self.mapper.tables[-1]
        )
        given = read_rows(form.keys, [change.values for change in run])
        params = [(*row, *change.row_key) for row, change in zip(given, run, strict=True)]
        parameters: list[Values] = [dict(zip(form.names, row, strict=True)) for row in params]
        for values, change in zip(parameters, run, strict=True):
            values.update((name, change.values[name]) for name in named if name in change.values)
        options = {**self.options, "preserve_rowcount": True}
        result = self.connection.execute(made, parameters, execution_options=options)
        if not criteria:
            check_count(self.connection, form, params, result.rowcount)

    def _synchronized(self, written: Sequence[Values]) -> FlushOutcome:
        """Objects in the session get the values of their rows."""
        outcome = FlushOutcome()
        mapper = self.mapper
        token = self.options.get("identity_token")
        space = self.session.members.identity_map.space_of(mapper.base_mapper, token)
        for row in written if space else ():
            state = space.get(mapper.read_pk(row))
            instance = None if state is None else state()
            if instance is not None:
                outcome.updated += note_updated(Matches([instance]), self._new_values(row)).updated
        return outcome

    def _new_values(self, row: Values) -> dict[str, Evaluator | None]:
        """Attribute name -> what it is set to, None where only the database can compute it."""
        mapper, key_of = self.mapper, self.mapper.key_of_column
        given = {key: row[key] for key in mapper.column_keys if key in row}
        for key in mapper.primary_key_keys:
            given.pop(key, None)
        for column, value in (self.statement._values or EMPTY_DICT).items():
            if column in key_of:
                given[key_of[column]] = value
        return {
            key: value_evaluator(value, mapper=mapper, parameters=row)
            for key, value in given.items()
        }


# ------------------------------------------------------------------------------
# Choose how `insert()`, `update()` or `delete()` over a class is run.
#
# Called by `sessions.execution`, after the autoflush, with the connection of the transaction.

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
        raise errors.StrategyError.unknown("UPDATE", STRATEGIES, strategy)
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
        raise errors.BulkError.no_fetch_of_many()
    outcome = FlushOutcome()
    for each in parameters:
        made = CriteriaStatement(session, statement, each, options, connection).run()[1]
        outcome.updated += made.updated
    return no_rows(), outcome
