"""Make Results of objects, named rows, and of SELECTs by equality."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import Any, NoReturn, TypeVar

from sqlalchemy import Column, bindparam, select
from sqlalchemy.engine import Result
from sqlalchemy.sql.elements import BinaryExpression, BindParameter
from sqlalchemy.sql.expression import Select

from holdfast import errors
from holdfast.foundation.codegen import replace
from holdfast.foundation.result_rows import next_rows, paused_collector, remaining_rows
from holdfast.foundation.sqlalchemy_core import (
    ChunkedIteratorResult,
    IteratorResult,
    SimpleResultMetaData,
    close_exhausted,
    has_listeners,
    is_null_type,
    is_server_side,
    position_of_column,
    require_unique_with,
    yield_per_of,
)
from holdfast.instrument.manager import instance_state
from holdfast.queries.entities import SelectedElement, parse_elements
from holdfast.queries.load_plan import (
    BundleResult,
    ColumnResult,
    ElementResult,
    EntityLoad,
    LoadPlan,
)
from holdfast.queries.select import FromStatementState
from holdfast.reading.context import NOTHING, LoadContext, kept_options
from holdfast.reading.fetch import (
    LOCKED_OPTION,
    TARGET_OPTION,
    Planned,
    PlannedSelect,
    finish_batch,
    load_batch,
    load_columns,
    source_of,
)

# ------------------------------------------------------------------------------
# Read the rows of a statement that was not made for its plan: `select().from_statement()`.
#
# The columns of the plan are found in the cursor by name. A column that the statement lacks leaves
# its attribute unloaded.


def plan_for_cursor(compile_state: Any, cursor: Any, rows: Any) -> Any:
    """The rows with their columns where the plan, freed of what is not there, expects them."""
    positions = [
        _position_of(cursor, column, named)
        for column, named in zip(compile_state.wanted, compile_state.named, strict=True)
    ]
    missing = {index for index, position in enumerate(positions) if position is None}
    plan: LoadPlan = compile_state.plan
    if missing:
        needed = {index for load in plan.entity_loads() for index in load.pk_indexes}
        needed.update(
            element.index for element in plan.elements if isinstance(element, ColumnResult)
        )
        for index in sorted(missing & needed):
            position_of_column(cursor, compile_state.wanted[index], required=True)
        plan = _reduced_plan(compile_state, frozenset(missing))
    return type(rows)(rows.cursor, plan, picker([position or 0 for position in positions]))


def picker(positions: Sequence[int]) -> Callable[[Any], Any]:
    """A function that puts the columns of a row in another order."""
    if len(positions) == 1:
        only = positions[0]
        return lambda row: (row[only],)
    return itemgetter(*positions)


def _position_of(cursor: Any, column: Any, named: Any) -> int | None:
    found = position_of_column(cursor, column, required=False)
    if found is None and named is not None:
        return position_of_column(cursor, named, required=False)
    return found


def _reduced_plan(compile_state: Any, missing: frozenset[int]) -> LoadPlan:
    plan: LoadPlan = compile_state.plan
    name = ("without", missing)
    found = plan.memo.get(name)
    if found is None:
        elements = tuple(_reduced(element, missing) for element in plan.elements)
        found = replace(plan, elements=elements, memo={})
        plan.memo[name] = found
    return found


def _reduced(element: Any, missing: frozenset[int]) -> Any:
    if isinstance(element, EntityLoad):
        columns = tuple(step for step in element.columns if step.index not in missing)
        return replace(element, columns=columns, memo={})
    if isinstance(element, BundleResult):
        members = tuple(_reduced(member, missing) for member in element.members)
        return replace(element, members=members)
    return element


# ------------------------------------------------------------------------------
# Make a Core `Result` of objects from a cursor and the plan of its statement.
#
# Called by `sessions.execution` with what Core's connection answered. The rows are fetched and
# turned into objects when the result is first read, all at once, or in portions under `yield_per`.
#
# Rules kept here:
# 1. Between two portions no work is open: a portion's collections and follow-up loads are complete.
# 2. The collector rests only while rows become objects and no code of the application can run.
# 3. A result outlives its session's objects only if it was read before (SB-57).

T = TypeVar("T")

# PERF: load 100k. Rows become objects in portions of this size, so that what one portion touches
# stays in the processor's cache; the collector rests from the second portion on.
PORTION = 700
# Portions after which the collector may run, lest garbage of the application piles up.
PORTIONS_OF_A_PAUSE = 150


def build_result(
    session: Any,
    statement: Any,
    cursor: Any,
    execution_options: Mapping[str, Any],
    parameters: Mapping[str, Any] = NOTHING,
    *,
    rows: Rows | None = None,
) -> Result[Any]:
    """The result of a statement over classes.

    Args:
        session: Whose objects the rows become.
        statement: What was executed.
        cursor: Core's result of it.
        execution_options: Of the statement and the call together.
        parameters: Given with the call.
        rows: The rows and their plan, where they are not those of `cursor`.
    """
    try:
        found = _rows_of(cursor, statement) if rows is None else rows
        return _planned_result(session, statement, found, execution_options, parameters)
    except BaseException:
        cursor.close()
        raise


def _rows_of(cursor: Any, statement: Any) -> Rows:
    compile_state = cursor.context.compiled.compile_state
    if getattr(compile_state, "plan", None) is None:
        # `Query.instances()` brings the rows of a statement that was executed for itself.
        compile_state = FromStatementState(statement)
    rows = Rows(cursor, compile_state.plan)
    if getattr(compile_state, "by_name", False):
        rows = plan_for_cursor(compile_state, cursor, rows)
    return rows


def _planned_result(
    session: Any,
    statement: Any,
    rows: Rows,
    execution_options: Mapping[str, Any],
    parameters: Mapping[str, Any],
) -> Result[Any]:
    plan: LoadPlan = rows.plan
    options = statement._with_options
    context = LoadContext(
        session,
        execution_options,
        load_options=kept_options(options) if options else (),
        statement=statement,
    )
    if options:
        context.roots = _renamed_roots(plan, statement)
    if execution_options:
        context.target = execution_options.get(TARGET_OPTION)
        context.locked = execution_options.get(LOCKED_OPTION)
        if context.target is not None:
            context.target_load = plan.elements[0]  # type: ignore[assignment]
    yield_per = execution_options.get("yield_per") if execution_options else None
    if yield_per and (plan.needs_unique or plan.embeds_statement):
        raise errors.LoadingError.no_eager_with_yield_per(
            "joined" if plan.needs_unique else "subquery"
        )
    is_source = rows.positions is None and not statement.is_dml
    if plan.embeds_statement and context.target is None and is_source:
        context.source = source_of(statement, parameters)
    result = _result_of(plan, rows, context, rows.cursor, yield_per)
    if execution_options and execution_options.get("prebuffer_rows"):
        # A server-side cursor is not what whoever wants buffered rows has asked for.
        return result if is_server_side(rows.cursor) else result.freeze()()
    return result


class Rows:
    """The rows of a cursor, and the plan that they are read by."""

    __slots__ = ("cursor", "plan", "positions")

    def __init__(
        self, cursor: Any, plan: LoadPlan, positions: Callable[[Any], Any] | None = None
    ) -> None:
        self.cursor: Any = cursor
        self.plan: LoadPlan = plan
        # Puts the columns of a row into the order of the plan, where the cursor has another.
        self.positions: Callable[[Any], Any] | None = positions

    def all(self) -> Sequence[Any]:
        """All rows that are left."""
        rows: Sequence[Any] = remaining_rows(self.cursor)
        return rows if self.positions is None else list(map(self.positions, rows))

    def some(self, count: int) -> Sequence[Any]:
        """The next rows, at most `count`."""
        rows: Sequence[Any] = next_rows(self.cursor, count)
        return rows if self.positions is None else list(map(self.positions, rows))


def _result_of(
    plan: LoadPlan, rows: Rows, context: LoadContext, cursor: Any, yield_per: int | None
) -> Result[Any]:
    element = plan.elements[0]
    is_single = len(plan.elements) == 1 and isinstance(element, EntityLoad)
    result: Any
    if yield_per or is_server_side(cursor):
        result = _streamed_result(plan, rows, context, yield_per, is_single=is_single)
    else:
        # A chain hands on the rows without running Python for each.
        loaded = chain.from_iterable(_loaded_rows(plan, rows, context, is_single=is_single))
        metadata = result_metadata(plan, context.statement)
        result = IteratorResult(metadata, loaded, cursor, is_single)
    if plan.needs_unique:
        require_unique_with(result, _refusal(errors.LoadingError.unique_required, cursor))
    return result  # type: ignore[no-any-return]


def no_rows(plan: LoadPlan | None = None) -> Result[Any]:
    """The closed result of statements that return nothing; `plan` says what rows would be."""
    metadata = SimpleResultMetaData(()) if plan is None else result_metadata(plan)
    result: Any = IteratorResult(metadata, iter(()))
    close_exhausted(result)
    return result  # type: ignore[no-any-return]


def result_metadata(plan: LoadPlan, statement: Any = None) -> SimpleResultMetaData:
    """What Core's results know of the plan's rows.

    Made once for the plan, unless aliases or expressions of the statement name its elements: equal
    statements may have others.
    """
    metadata: SimpleResultMetaData | None = plan.memo.get("metadata")
    if metadata is None:
        is_lasting = statement is None or all(map(_is_named_for_good, plan.elements))
        if is_lasting:
            names = [_names_of(element) for element in plan.elements]
        else:
            names = [element.other_names for element in _selected(statement)]
        metadata = SimpleResultMetaData(
            plan.names, names, _create_unique_filters=partial(_unique_filters, plan.elements)
        )
        if is_lasting:
            plan.memo["metadata"] = metadata
    return metadata


def check_open(session: Any, plan: LoadPlan, identity_map: Any, *, has_rows: bool) -> None:
    """Raise when rows are left that would become objects without a session (SB-57)."""
    if session.members.identity_map is not identity_map and has_rows:
        _raise_after_close(plan)


def load_in_portions(session: Any, plan: LoadPlan, rows: Sequence[Any]) -> Sequence[Any]:
    """The objects of a plan of one entity, from rows that were fetched already."""
    context = LoadContext(session)
    if len(rows) <= PORTION:
        return load_batch(plan, rows, context)[0]
    gathered: list[list[Any]] = [[]]
    with paused_collector():
        for start in range(0, len(rows), PORTION):
            _load_rest(plan, rows[start : start + PORTION], gathered, context)
    finish_batch(context)
    return gathered[0]


def _loaded_rows(
    plan: LoadPlan, rows: Rows, context: LoadContext, *, is_single: bool
) -> Iterator[Iterable[Any]]:
    """All rows at once, loaded when the first is asked for."""
    identity_map = context.identity_map
    if context.members.identity_map is not identity_map:
        _refuse_after_close(plan, rows)
        return
    if plan.is_plain:
        # PERF: columns only.
        yield _close_on_error(rows, rows.all)
        return
    columns = _close_on_error(rows, load_all, plan, rows, context)
    yield columns[0] if is_single else zip(*columns, strict=True)


def _streamed_result(
    plan: LoadPlan, rows: Rows, context: LoadContext, yield_per: int | None, *, is_single: bool
) -> Any:
    """A result that is loaded in portions, as it is read."""
    identity_map = context.identity_map

    def portions(size: int | None) -> Iterator[Sequence[Any]]:
        size = size or yield_per
        while True:
            if context.members.identity_map is not identity_map:
                _refuse_after_close(plan, rows)
                return
            if not size:
                columns = _close_on_error(rows, load_all, plan, rows, context)
                yield columns[0] if is_single else list(zip(*columns, strict=True))
                return
            found = rows.some(size)
            if not found:
                return
            columns = _close_on_error(rows, load_batch, plan, found, context)
            yield columns[0] if is_single else list(zip(*columns, strict=True))

    result: Any = ChunkedIteratorResult(
        result_metadata(plan, context.statement),
        portions,
        source_supports_scalars=is_single,
        raw=rows.cursor,
        dynamic_yield_per=is_server_side(rows.cursor),
    )
    return result.yield_per(yield_per) if yield_per else result


def _close_on_error(rows: Rows, load: Callable[..., T], *arguments: Any) -> T:
    """What `load` gives; the cursor is closed when it raises, whoever keeps the exception."""
    try:
        return load(*arguments)
    except BaseException:
        rows.cursor.close()
        raise


def load_all(plan: LoadPlan, rows: Rows, context: LoadContext) -> list[Sequence[Any]]:
    """Load every row; many rows in portions, with the collector at rest."""
    first = rows.some(PORTION)
    columns = load_columns(plan, first, context)
    if len(first) == PORTION:
        del first
        gathered: list[list[Any]] = [list(column) for column in columns]
        if context.watches or rows.cursor.context.dialect.is_async:
            _load_rest(plan, rows.all(), gathered, context)
        else:
            while _load_portions(plan, rows, gathered, context):
                pass
        columns = list(gathered)
    else:
        close_exhausted(rows.cursor)
    finish_batch(context)
    return columns


def _load_portions(
    plan: LoadPlan, rows: Rows, gathered: list[list[Any]], context: LoadContext
) -> bool:
    """Load the portions of one pause of the collector; whether there may be more."""
    with paused_collector():
        for _ in range(PORTIONS_OF_A_PAUSE):
            found = rows.some(PORTION)
            count = len(found)
            _load_rest(plan, found, gathered, context)
            # The driver makes the next rows in the memory of these.
            del found
            if count < PORTION:
                return False
    return True


def _load_rest(
    plan: LoadPlan, found: Sequence[Any], gathered: list[list[Any]], context: LoadContext
) -> None:
    for target, column in zip(gathered, load_columns(plan, found, context), strict=True):
        target.extend(column)


def _refuse_after_close(plan: LoadPlan, rows: Rows) -> None:
    """Raise when there is a row left that would become an object without a session."""
    if any(True for _ in plan.entity_loads()) and rows.some(1):
        _raise_after_close(plan)


def _raise_after_close(plan: LoadPlan) -> NoReturn:
    instance = next(plan.entity_loads()).mapper.class_manager.new_instance()
    raise errors.MembershipError.after_close(instance_state(instance))


def _refusal(error: Callable[[], errors.LoadingError], cursor: Any) -> Callable[[Any], NoReturn]:
    """A filter of unique rows that refuses to work."""

    def refuse(_: Any) -> NoReturn:
        cursor.close()
        raise error()

    return refuse


def _unique_filters(
    elements: Sequence[ElementResult], result: Any
) -> Sequence[Callable[[Any], Any] | None]:
    """How each element of a row is told apart from others, for `unique()`."""
    if yield_per_of(result):
        result.raw.close()
        raise errors.LoadingError.no_unique_with_yield_per()
    return [_unique_filter(element) for element in elements]


def _unique_filter(element: ElementResult) -> Callable[[Any], Any] | None:
    if isinstance(element, EntityLoad):
        return id
    type_ = element.type if isinstance(element, ColumnResult) else None
    if type_ is None or (type_.hashable and not is_null_type(type_)):
        return None

    def hashed(value: Any) -> Any:
        is_known = not is_null_type(type_)
        if is_known or not isinstance(value, Hashable):
            raise errors.LoadingError.unhashable(type_, is_known=is_known)
        return value

    return hashed


def _is_named_for_good(element: ElementResult) -> bool:
    """Whether an equal statement names the element by the same objects."""
    if isinstance(element, EntityLoad):
        return not element.entity.is_aliased_class
    if isinstance(element, BundleResult):
        return False
    column = element.aliases[0]
    entity = column._annotations.get("parententity")
    return isinstance(column, Column) if entity is None else not entity.is_aliased_class


def _names_of(element: ElementResult) -> tuple[Any, ...]:
    """What else names an element in `row._mapping`."""
    if isinstance(element, EntityLoad):
        return (element.entity.entity, element.entity)
    if isinstance(element, BundleResult):
        return (element.bundle,)
    return element.aliases


def _renamed_roots(plan: LoadPlan, statement: Any) -> dict[Any, Any] | None:
    """Root entities of the plan that are other, equal aliases in this statement."""
    loads = [element for element in plan.elements if isinstance(element, EntityLoad)]
    if not any(load.entity.is_aliased_class for load in loads):
        return None
    found = {}
    for element, selected in zip(plan.elements, _selected(statement), strict=True):
        if isinstance(element, EntityLoad) and element.entity is not selected.entity:
            found[element.entity] = selected.entity
    return found or None


def _selected(statement: Any) -> tuple[SelectedElement, ...]:
    return parse_elements(statement._raw_columns if statement.is_select else statement._returning)


# ------------------------------------------------------------------------------
# Run `select(A).where(A.x == value, ...)` as a fixed statement.
#
# The most frequent statement of all is recognised by its parts, without the cache key that Core
# would need, and runs as one planned beforehand. Anything else, and any session or connection that
# somebody listens to, goes the ordinary way; both give the same rows and objects.
#
# Rules kept here:
# 1. The statement has one mapped class, criteria that compare its columns with plain values, at
#    least
#    one of them for equality, and nothing else.
# 2. A value has the type of its column: with another type the SQL could differ.

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
