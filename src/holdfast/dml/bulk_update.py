"""Run `update()` over a class for a list of dictionaries: UPDATE by primary key.

Called by `run`, after the autoflush. `unitofwork.bulk` finds what each dictionary changes in which
table, and sends it itself where the statement adds nothing of its own.

Rules kept here (QY-160 to QY-168):
1. Each dictionary has the full primary key, and the version where the class has one.
2. Objects in the session get the new values as loaded ones.
3. Each row must be there, unless criteria of the statement may leave it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy.engine import Connection

from holdfast.dml.evaluate import Evaluator, value_evaluator
from holdfast.dml.insert import named_parameters, values_for
from holdfast.dml.synchronize import Matches, note_updated
from holdfast.dml.update_delete import CHOICES
from holdfast.errors.dml import BulkError, SynchronizationError
from holdfast.foundation.sqlalchemy_core import EMPTY_DICT, has_ordered_values
from holdfast.queries.dml import entity_of_dml
from holdfast.unitofwork.bulk import changes_by_table, named_by_columns, update_mappings
from holdfast.unitofwork.journal import FlushOutcome
from holdfast.unitofwork.writing.forms import UpdateForm
from holdfast.unitofwork.writing.rows import TableRows, Values, read_rows
from holdfast.unitofwork.writing.update import Change, check_count, form_of


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
            raise BulkError.no_update_returning()
        if statement._values or statement._where_criteria:
            written = self._update_each()
        else:
            written = update_mappings(lambda _: self.connection, self.mapper, self.rows)
        return self._synchronized(written) if choice else FlushOutcome()

    def _checked_choice(self) -> Any:
        choice = self.options.get("synchronize_session", "auto")
        if choice not in CHOICES:
            raise SynchronizationError.unknown_choice(choice)
        if has_ordered_values(self.statement):
            raise BulkError.ordered_values()
        if choice == "fetch":
            raise BulkError.no_fetch()
        if choice and self.statement._where_criteria:
            raise BulkError.not_synchronized()
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
