"""Run `update()` and `delete()` with criteria over a class, objects in memory included.

Called by `sessions.execution`, after the autoflush. `queries.dml` compiles the statement.

Rules kept here (QY-200):
1. `"evaluate"` sends nothing of its own, and refuses criteria that Python cannot compute before
   the statement runs.
2. `"fetch"` asks for the keys of the rows by RETURNING, or by a SELECT before the statement.
3. `"auto"` evaluates where Python can compute the criteria, and fetches where it can not.
4. All rows that are returned are fetched at once, so that no cursor stays open. Those of an UPDATE
   become objects when they are read; those of a DELETE at once, since their objects are deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection, Result

from holdfast.dml.evaluate import Evaluator, evaluator_of, value_evaluator
from holdfast.dml.insert import by_column
from holdfast.dml.synchronize import (
    Matches,
    matches_by_key,
    matches_by_value,
    note_deleted,
    note_updated,
)
from holdfast.errors.dml import BulkError, SynchronizationError, UnevaluatableError
from holdfast.foundation.sqlalchemy_core import hold_rows, without_rows
from holdfast.queries.dml import RETURN_KEYS, changed_table, entity_of_dml, returns_star
from holdfast.queries.options.criteria import criteria_of, given_criteria, in_force
from holdfast.reading.result import build_result
from holdfast.unitofwork.journal import FlushOutcome

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
            raise SynchronizationError.unknown_choice(choice)
        if self.statement.is_delete and isinstance(self.parameters, list):
            raise BulkError.no_delete()
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
                raise UnevaluatableError.alias(self.entity)
            return evaluator_of(
                *criteria,
                mapper=self.mapper,
                parameters=self.parameters,
                dialect=self.connection.dialect.name,
            )
        except UnevaluatableError as error:
            if choice == "evaluate":
                raise SynchronizationError.not_evaluable(error) from error
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
                raise SynchronizationError.no_attribute(name)
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
