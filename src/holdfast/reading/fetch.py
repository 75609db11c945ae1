"""Run a SELECT of our own, and give back its elements as columns of objects and values.

Two ways: a statement over classes through Core, whose cache keeps its plan; or a `PlannedSelect`,
planned once and run as a fixed statement, for the loads that happen again and again. Sessions with
`do_orm_execute` listeners see the first way only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import bindparam
from sqlalchemy.sql.elements import BindParameter

from holdfast.foundation.fixed_statement import FixedStatement
from holdfast.foundation.result_rows import remaining_rows
from holdfast.foundation.sqlalchemy_core import gives_scalars, numbered_names
from holdfast.mapping.joins.elements import replace_parts
from holdfast.queries.load_plan import LoadPlan
from holdfast.queries.options.paths import LoadPath
from holdfast.queries.options.statement import UNFILTERED, StartsAt
from holdfast.queries.select import planned_select
from holdfast.reading.assemble import load_batch, load_columns
from holdfast.reading.context import LoadContext, Source
from holdfast.reading.origin import ORIGIN_OPTION, LoadOrigin
from holdfast.states.instance import InstanceState


class PlannedSelect:
    """A SELECT over classes that is planned and compiled once."""

    __slots__ = ("fixed", "mapper", "plan", "statement")

    def __init__(self, statement: Any, names: Sequence[str], mapper: Any) -> None:
        plain, plan = planned_select(statement)
        if not numbered_names(plain).isdisjoint(each.rpartition("_")[0] for each in names):
            # A mapped expression has parameters that Core would give the same names.
            statement, names = _with_other_names(statement, names)
            plain, plan = planned_select(statement)
        # The statement over classes, for sessions whose listeners want to see it.
        self.statement: Any = statement
        self.plan: LoadPlan = plan
        self.fixed: FixedStatement = FixedStatement(plain, names)
        # Says on which connection it runs.
        self.mapper: Any = mapper

    def load_columns(
        self,
        session: Any,
        values: tuple[Any, ...],
        *,
        target: InstanceState | None = None,
        origin: LoadOrigin | None = None,
    ) -> list[Sequence[Any]]:
        """Run it; the elements of its rows, one sequence for each.

        Args:
            session: Whose objects are loaded.
            values: Of its parameters.
            target: The one object that the rows are for.
            origin: Tells listeners why it runs.
        """
        if session.intercepts_execution:
            names = self.fixed.parameter_names
            parameters = dict(zip(names, values, strict=True))
            return fetch_columns(session, self.statement, parameters, target=target, origin=origin)
        rows = self.fixed.fetch_rows(session.connection_for(self.mapper), values)
        context = LoadContext(session, target=target)
        context.note_origin(origin)
        if target is not None:
            context.target_load = self.plan.elements[0]  # type: ignore[assignment]
        elif self.plan.embeds_statement:
            parameters = dict(zip(self.fixed.parameter_names, values, strict=True))
            context.source = Source(self.statement, parameters, 0)
        return load_batch(self.plan, rows, context)


def _with_other_names(statement: Any, names: Sequence[str]) -> tuple[Any, list[str]]:
    """A statement whose criteria have parameters of the same meaning and other names."""
    others = {name: f"{name}_given" for name in names}

    def replace(part: Any) -> Any:
        if isinstance(part, BindParameter) and part.key in others:
            return bindparam(others[part.key], type_=part.type)
        return None

    renamed = statement._generate()
    renamed._where_criteria = tuple(
        replace_parts(each, replace) for each in statement._where_criteria
    )
    return renamed, list(others.values())


def fetch_columns(
    session: Any,
    statement: Any,
    parameters: Mapping[str, Any] | None = None,
    *,
    execution_options: Mapping[str, Any] | None = None,
    bind_arguments: Mapping[str, Any] | None = None,
    target: InstanceState | None = None,
    about: InstanceState | None = None,
    locked: InstanceState | None = None,
    origin: LoadOrigin | None = None,
) -> list[Sequence[Any]]:
    """Run a statement over classes through the session; its elements, one sequence for each.

    Args:
        session: Whose objects are loaded.
        statement: Over classes.
        parameters: Its values.
        execution_options: Of this execution.
        bind_arguments: For the session's choice of a connection.
        target: The one object that the rows are for.
        about: The one object whose columns are selected.
        locked: The object whose version the row must have.
        origin: Tells listeners why it runs.
    """
    options: dict[str, Any] = dict(execution_options or {})
    if origin is not None:
        options[ORIGIN_OPTION] = origin
        if origin.is_column_load:
            statement = statement.options(UNFILTERED)
    if target is not None:
        options[TARGET_OPTION] = about = target
    if about is not None and about.identity_token is not None:
        options["identity_token"] = about.identity_token
    if locked is not None:
        options[LOCKED_OPTION] = locked
    more = {} if bind_arguments is None else {"bind_arguments": bind_arguments}
    result = session.execute_internal(statement, parameters, execution_options=options, **more)
    if gives_scalars(result):
        return [result.unique().scalars().all()]
    rows = result.all()
    return list(zip(*rows, strict=True)) if rows else [()] * len(statement._raw_columns)


def source_of(statement: Any, parameters: Mapping[str, Any]) -> Source:
    """A statement that was executed with these parameters, for SELECTs that embed it."""
    start = next((each for each in statement._with_options if isinstance(each, StartsAt)), None)
    return Source(statement, parameters, 0 if start is None else len(start.path) - 1)


def following(context: LoadContext) -> LoadContext:
    """The context for SELECTs that go on with the loading of `context`.

    The objects belong to that execution: what it replaces is replaced once, and its options stay
    with these objects too.
    """
    options = {
        key: value for key, value in context.execution_options.items() if key not in OF_ONE_CURSOR
    }
    inner = LoadContext(context.session, options, load_options=context.load_options)
    inner.refreshed = context.refreshed
    return inner


def fetch_many(
    inner: LoadContext,
    statement: Any,
    parameters: Mapping[str, Any],
    *,
    mapper: Any,
    origin: LoadOrigin,
    source: Source | None = None,
) -> list[Sequence[Any]]:
    """Run a SELECT that goes on with the loading; its elements, one sequence each.

    Call `finish_batch(inner)` afterwards. SELECTs that follow in turn embed the statement of
    `source`, or else this one.

    Args:
        inner: From `following()`; the SELECTs that load one thing share one.
        statement: Over classes.
        parameters: Its values.
        mapper: Says on which connection it runs.
        origin: Why it runs.
        source: See above.
    """
    session = inner.session
    options = uncached_if_deep(inner.execution_options, origin.path)
    if session.intercepts_execution:
        return fetch_columns(
            session, statement, parameters, execution_options=options, origin=origin
        )
    connection = session.connection_for(mapper)
    result = connection.execute(
        statement,
        parameters,
        execution_options={**options, "_result_disable_adapt_to_context": True},
    )
    plan: LoadPlan = result.context.compiled.compile_state.plan
    planned = next(plan.entity_loads()).path
    if planned[0] is not origin.path[0]:
        # The plan is kept from a statement over another, equal alias.
        inner.roots = {planned[0]: origin.path[0]}
    if plan.embeds_statement:
        inner.source = source or source_of(statement, parameters)
    columns = load_columns(plan, remaining_rows(result), inner)
    return _without_repeated_rows(columns) if plan.needs_unique else columns


def _without_repeated_rows(columns: list[Sequence[Any]]) -> list[Sequence[Any]]:
    """Rows that differ only in joined collections, once each; the last column holds objects."""
    unique: dict[Any, tuple[Any, ...]] = {}
    for row in zip(*columns, strict=True):
        unique.setdefault((*row[:-1], id(row[-1])), row)
    return list(zip(*unique.values(), strict=True)) or [()] * len(columns)


def uncached_if_deep(options: Mapping[str, Any], path: LoadPath) -> Mapping[str, Any]:
    """The execution options of a load so far down a chain of options that its SQL is not kept."""
    if path.depth <= DEEPEST_CACHED:
        return options
    reason = "excess depth for ORM loader options"
    return {**options, "compiled_cache": None, "_cache_disable_reason": reason}


# Statements of longer chains would each be kept in Core's cache for every path (LD-36).
DEEPEST_CACHED = 8

TARGET_OPTION = "_load_target"
"""Key in execution options for the state of the one object that the rows are for."""

LOCKED_OPTION = "_load_locked"
"""Key in execution options for the state of the object whose version the row must have."""

OF_ONE_CURSOR = frozenset(
    (
        "max_row_buffer",
        "prebuffer_rows",
        "stream_results",
        "yield_per",
        ORIGIN_OPTION,
        TARGET_OPTION,
        LOCKED_OPTION,
    )
)
"""Execution options that speak of how one result is read, and do not reach further SELECTs."""


class Planned:
    """Planned selects by mapper and name; they go when their mapper goes."""

    __slots__ = ("by_mapper",)

    def __init__(self) -> None:
        self.by_mapper: WeakKeyDictionary[Any, dict[Any, Any]] = WeakKeyDictionary()

    def of(self, mapper: Any) -> dict[Any, Any]:
        """The selects of one mapper, by whatever names them."""
        found = self.by_mapper.get(mapper)
        if found is None:
            found = self.by_mapper[mapper] = {}
        return found
