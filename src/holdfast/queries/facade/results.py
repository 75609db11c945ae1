"""Run a Query: rows to read, rows to change."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    LABEL_STYLE_TABLENAME_PLUS_COL,
    delete,
    exc,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy import exists as sql_exists
from sqlalchemy.engine import result_tuple

from holdfast import errors
from holdfast.foundation.codegen import record
from holdfast.foundation.describe import warn_deprecated
from holdfast.queries.entities import SelectedBundle, SelectedEntity, selects_one_entity
from holdfast.queries.facade.base import QueryBase
from holdfast.queries.statement_options import CURSOR_OPTION

# ------------------------------------------------------------------------------
# Execute a `Query`, and give what is asked of its rows.
#
# Everything goes through `session.execute()`. A query for one entity gives objects, each once; a
# query for several elements gives rows.

T = TypeVar("T")

"""Execution option: rows that a connection has fetched already, for `instances()`."""


class ReadableQuery(QueryBase, Generic[T]):
    """The part of `Query` that reads."""

    def result(self, **options: Any) -> Any:
        """Execute the query; the Core result, of objects or of rows.

        Args:
            options: Execution options of this execution alone.
        """
        if self.session is None:
            raise errors.QueryUseError.no_session()
        query = self.heard()
        params = query.settings.params or None
        result = self.session.execute(query.drafted(), params, execution_options=options)
        elements: tuple[Any, ...] = ()
        # PERF: fresh select by key, Query. The most frequent list is known by a look.
        holds_objects = selects_one_entity(query.draft._raw_columns)
        if holds_objects:
            gives_objects = not query.settings.tuples
        else:
            elements = query.elements
            gives_objects = query.gives_objects(elements)
            holds_objects = any(isinstance(each, SelectedEntity) for each in elements)
        if gives_objects:
            result = result.scalars()
        if holds_objects and not query.draft._execution_options.get("yield_per"):
            result = result.unique(_telling_apart(elements))
        return result

    def instances(self, result_proxy: Any, context: Any = None) -> Any:
        """The objects, or rows, that are in a result of a connection. Deprecated.

        Args:
            result_proxy: What `connection.execute()` gave for some statement.
            context: Ignored: the columns are found by the statement of the result.
        """
        warn_deprecated(
            "The Query.instances() method is deprecated and will be removed in a future release. "
            "Use the Select.from_statement() method or aliased() construct in conjunction with "
            "Session.execute() instead.",
            version="1.4",
        )
        if context is None:
            warn_deprecated(
                "Using the Query.instances() method without a context is deprecated and will be "
                "disallowed in a future release. Use Query.from_statement().",
                version="1.4",
            )
        given = self.changed(from_statement=result_proxy.context.compiled.statement)
        return given.result(**{CURSOR_OPTION: result_proxy})

    def merge_result(self, iterator: Iterable[Any], load: bool = True) -> Iterable[Any]:  # noqa: FBT001, FBT002
        """Rows of another session, with the objects of this one. Legacy: `merge_frozen_result()`.

        Args:
            iterator: What the query would give.
            load: Whether objects that the session does not hold are loaded.
        """
        warn_deprecated(
            "The merge_result() function is considered legacy as of the 1.x series of SQLAlchemy "
            "and becomes a legacy construct in 2.0. The function as well as the method on Query is "
            "superseded by the merge_frozen_result() function.",
            category=exc.LegacyAPIWarning,
        )
        if self.session is None:
            raise errors.QueryUseError.no_session()
        merge = partial(self.session.merge, load=load)
        if self.is_single_entity:
            return [merge(each) for each in iterator]
        elements = self.elements
        make_row = result_tuple([str(each.name) for each in elements])
        is_object = [isinstance(each, SelectedEntity) for each in elements]
        return [
            make_row(
                merge(value) if is_one and value is not None else value
                for value, is_one in zip(row, is_object, strict=True)
            )
            for row in iterator
        ]

    def gives_objects(self, elements: Any) -> bool:
        """Does the query give single values rather than rows?"""
        if self.settings.tuples or len(elements) != 1:
            return False
        only = elements[0]
        if isinstance(only, SelectedBundle):
            return bool(only.bundle.single_entity)
        return isinstance(only, SelectedEntity)

    @property
    def is_single_entity(self) -> bool:
        """Whether the query gives objects rather than rows."""
        return self.gives_objects(self.elements)

    def all(self) -> list[T]:
        """Everything, as a list."""
        return self.result().all()  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[T]:
        result = self.result()
        try:
            yield from result
        except GeneratorExit:
            result.close()
            raise

    def first(self) -> T | None:
        """The first of them, or None. Adds LIMIT 1."""
        is_given = self.settings.from_statement is not None
        limited = self if is_given else self.changed(self.draft.limit(1))
        found: T | None = limited.result().first()
        return found

    def one(self) -> T:
        """The only one.

        Raises:
            NoResultFound: There is none.
            MultipleResultsFound: There are several.
        """
        found: T = self.result().one()
        return found

    def one_or_none(self) -> T | None:
        """The only one, or None where there is none.

        Raises:
            MultipleResultsFound: There are several.
        """
        found: T | None = self.result().one_or_none()
        return found

    def scalar(self) -> Any:
        """The first element of the only row, or None where there is none.

        Raises:
            MultipleResultsFound: There are several.
        """
        try:
            found: Any = self.one()
        except exc.NoResultFound:
            return None
        return found if self.is_single_entity else found[0]

    def count(self) -> int:
        """How many rows the query would give, counted by the database."""
        if self.session is None:
            raise errors.QueryUseError.no_session()
        inner = self.built(LABEL_STYLE_TABLENAME_PLUS_COL)
        counted = select(func.count(literal_column("*"))).select_from(inner.subquery())
        counted = counted._set_propagate_attrs(inner._propagate_attrs)
        counted._execution_options = self.draft._execution_options
        return self.session.execute(counted, self.settings.params or None).scalar()  # type: ignore[no-any-return]

    def exists(self) -> Any:
        """An EXISTS over the rows of the query."""
        one: Any = literal_column("1")
        has_columns = bool(self.draft._raw_columns)
        inner = (self if has_columns else self.changed(self.draft.add_columns(one))).embedded()
        return sql_exists(inner.with_only_columns(one, maintain_column_froms=has_columns))

    def get(self, ident: Any) -> T | None:
        """The object with this primary key, or None. Legacy: use `session.get()`."""
        warn_deprecated(
            "The Query.get() method is considered legacy as of the 1.x series of SQLAlchemy and "
            "becomes a legacy construct in 2.0. The method is now available as Session.get()",
            category=exc.LegacyAPIWarning,
        )
        return self.load_by_key(ident)

    def load_by_key(self, ident: Any) -> T | None:
        """What `get()` answers."""
        self.check_fresh("get", order=False)
        entity = self.only_entity
        if entity is None:
            raise errors.QueryUseError.single_entity("get")
        if self.session is None:
            raise errors.QueryUseError.no_session()
        execution_options = dict(self.draft._execution_options)
        found: T | None = self.session.get(
            entity.entity,
            ident,
            options=self.draft._with_options or None,
            populate_existing=execution_options.pop("populate_existing", False),
            with_for_update=self.draft._for_update_arg,
            execution_options=execution_options,
        )
        return found

    def __getitem__(self, item: int | slice) -> Any:
        if isinstance(item, slice):
            return self._sliced(item)
        position = _as_index(item)
        found = list(self.limited(position, position + 1))
        return found[0]

    def _sliced(self, item: slice) -> list[T]:
        start, stop = item.start, item.stop
        if isinstance(stop, int) and isinstance(start, int) and stop <= start:
            return []
        start = None if start is None else _as_index(start)
        stop = None if stop is None else _as_index(stop)
        found = list(self.limited(start, stop))
        return found[:: item.step] if item.step is not None else found

    def limited(self, start: int | None, stop: int | None) -> Iterable[T]:
        """What stands from `start` up to `stop`."""
        if start is None and stop is None:
            return self
        # Either end may be open, though the types of Core's method do not say so.
        draft: Any = self.draft
        return self.changed(draft.slice(start, stop))


def _telling_apart(elements: Any) -> Callable[[Any], Any] | None:
    """How rows are told apart where some values may have no hash; None for the usual way."""
    if all(isinstance(each, SelectedEntity) or each.is_hashable for each in elements):
        return None
    by_identity = [isinstance(each, SelectedEntity) for each in elements]

    def parts(row: Any) -> Any:
        return tuple(
            id(value) if is_object or not isinstance(value, Hashable) else value
            for value, is_object in zip(row, by_identity, strict=True)
        )

    return parts


def _as_index(value: Any) -> Any:
    """A position; SQL expressions may stand for one."""
    if not hasattr(value, "__index__"):
        return value
    index: int = value.__index__()
    if index < 0:
        raise IndexError("negative indexes are not accepted by SQL index / slice operators")
    return index


def merge_result(query: Any, iterator: Iterable[Any], load: bool = True) -> Iterable[Any]:  # noqa: FBT001, FBT002
    """Rows of another session, with the objects of a query's. Legacy: `merge_frozen_result()`.

    Args:
        query: What the rows came from.
        iterator: The rows.
        load: Whether objects that the session does not hold are loaded.
    """
    found: Iterable[Any] = query.merge_result(iterator, load)
    return found


# ------------------------------------------------------------------------------
# Write with a `Query`: `query.filter(...).update({...})` and `.delete()`.
#
# Thin over `update()` and `delete()`: the query gives the class, the criteria and the options.


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
        self, synchronize_session: Any = "auto", delete_args: Mapping[str, Any] | None = None
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
        """What the statement changes: a class, or a table."""
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
                raise errors.QueryUseError.not_for_writing(methods)
        if self.session is None:
            raise errors.QueryUseError.no_session()
        if len(draft._raw_columns) != 1:
            raise errors.QueryUseError.single_entity("update() and delete")
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
