"""Write with a `Query`: `query.filter(...).update({...})` and `.delete()`.

Thin over `update()` and `delete()`: the query gives the class, the criteria and the options.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete, update

from holdfast.errors.queries import QueryUseError
from holdfast.foundation.record import record
from holdfast.queries.entities import SelectedEntity
from holdfast.queries.facade.base import QueryBase


@record(eq=False, frozen=False)
class BulkChange:
    """What listeners are told of one `update()` or `delete()` of a query (EV-152).

    Attributes:
        query: The query.
        values: What is set; listeners may change it beforehand. None for a DELETE.
        result: Core's result, when the statement has run.
    """

    query: Any
    values: Any = None
    result: Any = None

    @property
    def session(self) -> Any:
        """The session of the query."""
        return self.query.session


class WritableQuery(QueryBase):
    """The part of `Query` that writes."""

    def update(
        self,
        values: Mapping[Any, Any] | Iterable[tuple[Any, Any]],
        synchronize_session: Any = "auto",
        update_args: Mapping[str, Any] | None = None,
    ) -> int:
        """Update the rows that the query would give.

        Args:
            values: Attributes, their names, or columns, and the new values; pairs where their
                order matters.
            synchronize_session: How objects in the session learn of it (QY-200).
            update_args: Arguments for the statement: those of a dialect, and
                `preserve_parameter_order`.

        Returns:
            The number of rows.

        Raises:
            InvalidRequestError: The query has more than criteria.
        """
        change = BulkChange(self, values)
        query = self._heard_before("before_compile_update", change)
        arguments = dict(update_args or {})
        keeps_order = arguments.pop("preserve_parameter_order", False)
        statement: Any = update(query.written_table()).with_dialect_options(**arguments)
        if keeps_order:
            pairs: Any = change.values
            statement = statement.ordered_values(*dict(pairs).items())
        else:
            statement = statement.values(dict(change.values))
        return query.run_change(statement, change, synchronize_session)

    def delete(
        self,
        synchronize_session: Any = "auto",
        delete_args: Mapping[str, Any] | None = None,
    ) -> int:
        """Delete the rows that the query would give.

        Args:
            synchronize_session: How objects in the session learn of it (QY-200).
            delete_args: Arguments of a dialect for the statement.

        Returns:
            The number of rows.

        Raises:
            InvalidRequestError: The query has more than criteria.
        """
        change = BulkChange(self)
        query = self._heard_before("before_compile_delete", change)
        statement = delete(query.written_table()).with_dialect_options(**dict(delete_args or {}))
        return query.run_change(statement, change, synchronize_session)

    def _heard_before(self, event: str, change: BulkChange) -> WritableQuery:
        """The query as the listeners of an event want it."""
        query: WritableQuery = self
        for listener in getattr(self.dispatch, event, ()):
            query = listener(query, change) or query
        change.query = query
        return query

    def written_table(self) -> Any:
        """What the statement changes: a class, or a table.

        Raises:
            InvalidRequestError: The query has more than criteria, or several elements.
        """
        draft: Any = self.draft
        called = {
            "limit()": draft._limit_clause is not None,
            "offset()": draft._offset_clause is not None,
            "order_by()": draft._order_by_clauses,
            "group_by()": draft._group_by_clauses,
            "distinct()": draft._distinct,
            "join(), outerjoin(), select_from(), or from_self()": draft._from_obj
            or draft._setup_joins
            or self.settings.source is not None,
            "from_statement()": self.settings.from_statement is not None,
        }
        for methods, was_called in called.items():
            if was_called:
                raise QueryUseError.not_for_writing(methods)
        if self.session is None:
            raise QueryUseError.no_session()
        if len(draft._raw_columns) != 1:
            raise QueryUseError.single_entity("update() and delete")
        only = self.elements[0]
        return only.entity.entity if isinstance(only, SelectedEntity) else draft._raw_columns[0]

    def run_change(self, statement: Any, change: BulkChange, synchronize_session: Any) -> int:
        """Execute an UPDATE or DELETE of the rows that the query would give; their number."""
        draft: Any = self.draft
        session: Any = self.session
        statement = statement.where(*draft._where_criteria).options(*draft._with_options)
        change.result = session.execute(
            statement.execution_options(**draft._execution_options),
            self.settings.params or None,
            execution_options={"synchronize_session": synchronize_session},
        )
        listeners = session.dispatch
        if statement.is_delete:
            listeners.after_bulk_delete(change)
        else:
            listeners.after_bulk_update(change)
        return change.result.rowcount  # type: ignore[no-any-return]
