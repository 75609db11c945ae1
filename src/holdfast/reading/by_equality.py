"""Run `select(A).where(A.x == value, ...)` as a fixed statement.

The most frequent statement of all is recognised by its parts, without the cache key that Core
would need, and runs as one planned beforehand. Anything else, and any session or connection that
somebody listens to, goes the ordinary way; both give the same rows and objects.

Rules kept here:
1. The statement has one mapped class, criteria that compare its columns with plain values, at least
   one of them for equality, and nothing else.
2. A value has the type of its column: with another type the SQL could differ.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Result
from sqlalchemy.sql.elements import BinaryExpression, BindParameter
from sqlalchemy.sql.expression import Select

from holdfast.foundation.sqlalchemy_core import IteratorResult, has_listeners
from holdfast.reading.fetch import Planned, PlannedSelect
from holdfast.reading.result import check_open, load_in_portions, result_metadata

_planned = Planned()

COMPARISONS = frozenset(
    (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)
)

# What the dictionary of a Select holds when only its class and criteria were given.
_PLAIN_PARTS = frozenset(("_label_style", "_propagate_attrs", "_raw_columns", "_where_criteria"))

# Marks on a mapped column in an expression; one more mark would mean something.
_MARKS = 4


def result_by_equality(session: Any, statement: Any, connection: Any) -> Result[Any] | None:
    """The result of the statement, or None when it must go the ordinary way.

    Args:
        session: Executes, without options of its own or of the call.
        statement: Any statement over classes, without parameters.
        connection: Of the session's transaction.
    """
    if type(statement) is not Select or not statement.__dict__.keys() <= _PLAIN_PARTS:
        return None
    if has_listeners(connection):
        return None
    raw_columns = statement._raw_columns
    mapper = statement._propagate_attrs["plugin_subject"]
    if len(raw_columns) != 1 or not mapper.is_mapper or raw_columns[0] is not mapper.clause:
        return None
    found = _criteria(mapper, statement._where_criteria)
    if found is None:
        return None
    names, values = found
    planned = _planned_select(mapper, names)
    if planned.plan.needs_unique or planned.plan.embeds_statement:
        return None
    rows = planned.fixed.fetch_rows(connection, tuple(values))
    plan = planned.plan
    return IteratorResult(
        result_metadata(plan),
        _objects(session, planned, rows, session.members.identity_map),
        None,
        True,
    )


def _criteria(mapper: Any, criteria: Any) -> tuple[tuple[Any, ...], list[Any]] | None:
    """Names and operators of the compared columns, and the values; None for other criteria."""
    names: list[Any] = []
    values: list[Any] = []
    has_equality = False
    known = mapper.column_of_key
    for criterion in criteria:
        if type(criterion) is not BinaryExpression or criterion.modifiers:
            return None
        left, right, compare = criterion.left, criterion.right, criterion.operator
        if type(right) is not BindParameter or compare not in COMPARISONS:
            return None
        marks = left._annotations
        if len(marks) != _MARKS or marks.get("parententity") is not mapper:
            return None
        if right.type is not left.type or right.expanding or right.callable is not None:
            return None
        if right.required or right.literal_execute or right.value is None:
            return None
        key = marks.get("proxy_key")
        if key not in known:
            return None
        has_equality = has_equality or compare is operator.eq
        names.append((key, compare))
        values.append(right.value)
    return (tuple(names), values) if has_equality else None


def _planned_select(mapper: Any, names: tuple[Any, ...]) -> PlannedSelect:
    forms = _planned.of(mapper)
    found: PlannedSelect | None = forms.get(names)
    if found is None:
        criteria = []
        parameters = []
        for number, (key, compare) in enumerate(names, 1):
            column = mapper.properties[key].columns[0]
            parameter = f"{column.key}_{number}"
            parameters.append(parameter)
            criteria.append(compare(column, bindparam(parameter, type_=column.type)))
        statement = select(mapper).where(*criteria)
        found = forms[names] = PlannedSelect(statement, parameters, mapper)
    return found


def _objects(session: Any, planned: PlannedSelect, rows: Any, identity_map: Any) -> Iterator[Any]:
    check_open(session, planned.plan, identity_map, has_rows=bool(rows))
    yield from load_in_portions(session, planned.plan, rows)
