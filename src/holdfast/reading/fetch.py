"""Put loaders of entities together, and run them over rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from sqlalchemy import bindparam
from sqlalchemy.sql.elements import BindParameter

from holdfast import errors
from holdfast.foundation.describe import warn
from holdfast.foundation.fixed_statement import FixedStatement
from holdfast.foundation.result_rows import remaining_rows
from holdfast.foundation.sqlalchemy_core import gives_scalars, numbered_names, requires_unique
from holdfast.mapping.remote import replace_parts
from holdfast.queries.load_plan import (
    BundleResult,
    ColumnResult,
    ElementResult,
    EntityLoad,
    JoinedLoad,
    LoadPath,
    LoadPlan,
)
from holdfast.queries.select import planned_select
from holdfast.queries.statement_options import UNFILTERED, StartsAt
from holdfast.reading.context import (
    GATHERING_OPTION,
    ORIGIN_OPTION,
    Filling,
    LoadContext,
    LoadOrigin,
    Source,
    load_follow_ups,
    load_gathered,
)
from holdfast.reading.row_loader import EntityLoader, Row, parts_by_class
from holdfast.states.changes import forget_change, forget_changes
from holdfast.states.instance import InstanceState
from holdfast.states.lifecycle import Move, fire

# ------------------------------------------------------------------------------
# Make the objects of a batch of rows, and link those that were loaded together.
#
# Given a plan and rows, the objects of each entity are made for the whole batch at once, those of
# joined relationships after their parents; then parents get their collections and references.
#
# Rules kept here:
# 1. A joined relationship fills the attribute only where it is unloaded (LD-151).
# 2. A collection is built when all rows of the execution are in, since rows of one parent need not
#    stand together.
# 3. Of two joined relationships that would fill one attribute of one object, the one that is nearer
#    to the selected entity does.
# 4. Listeners and further SELECTs come when every object of the batch is complete.


Made: TypeAlias = tuple[EntityLoad, Sequence[Row], list[Any]]
"""How rows were loaded, the rows, and the object of each."""


def load_columns(plan: LoadPlan, rows: Sequence[Row], context: LoadContext) -> list[Sequence[Any]]:
    """The values of each element of the plan, one for each row; call `finish_batch` afterwards."""
    return [_element_values(element, plan, rows, context) for element in plan.elements]


def load_batch(plan: LoadPlan, rows: Sequence[Row], context: LoadContext) -> list[Sequence[Any]]:
    """The same for a batch that stands alone."""
    columns = load_columns(plan, rows, context)
    finish_batch(context)
    return columns


def finish_batch(context: LoadContext) -> None:
    """Complete the collections, tell listeners, and run the SELECTs that follow."""
    if context.fillings:
        _build_collections(context)
    if context.new_states or context.refreshed_states:
        _tell_listeners(context)
    if context.parents:
        # What embeds the statement of these parents does not reach those of another.
        if context.gathers_in is None or context.source is not None:
            load_follow_ups(context)
        elif context not in context.gathers_in:
            context.gathers_in.append(context)
    if context.gathered:
        load_gathered(context)


def _element_values(
    element: ElementResult, plan: LoadPlan, rows: Sequence[Row], context: LoadContext
) -> Sequence[Any]:
    if isinstance(element, EntityLoad):
        return load_entity(element, plan.width, rows, context, repeats=plan.needs_unique)
    if isinstance(element, ColumnResult):
        index = element.index
        return [row[index] for row in rows]
    members = [_element_values(member, plan, rows, context) for member in element.members]
    return _bundled(element, list(zip(*members, strict=True)))


def _bundled(element: BundleResult, values: list[tuple[Any, ...]]) -> list[Any]:
    procs = [lambda row, index=index: row[index] for index in range(len(element.members))]
    labels = [member.name for member in element.members]
    make = element.bundle.create_row_processor(None, procs, labels)
    return [make(row) for row in values]


def load_entity(
    load: EntityLoad, width: int, rows: Sequence[Row], context: LoadContext, *, repeats: bool
) -> list[Any]:
    """The object of each row, with what is joined to it."""
    if load.joined or (load.discriminator is not None and context.target_load is not load):
        objects, made = _load_rows(load, width, rows, context, repeats=repeats)
        _go_on(made, width, context)
        return objects
    # PERF: lazy one-to-many, portions of 100.
    objects = _load_class(load, width, rows, context, repeats=repeats)
    for follow_up in load.follow_ups:
        context.parents.setdefault(follow_up, []).extend(objects)
    return objects


def _load_rows(
    load: EntityLoad, width: int, rows: Sequence[Row], context: LoadContext, *, repeats: bool
) -> tuple[list[Any], list[Made]]:
    """The object of each row, and what to go on from."""
    if load.discriminator is None or context.target_load is load:
        objects = _load_class(load, width, rows, context, repeats=repeats)
        return objects, [(load, rows, objects)]
    parts = parts_by_class(load, rows)
    if len(parts) == 1 and len(parts[0][1]) == len(rows):
        part = parts[0][0]
        objects = _load_class(part, width, rows, context, repeats=repeats)
        return objects, [(part, rows, objects)]
    objects = [None] * len(rows)
    made: list[Made] = []
    for part, places in parts:
        chosen = [rows[place] for place in places]
        found = _load_class(part, width, chosen, context, repeats=repeats)
        made.append((part, chosen, found))
        for place, instance in zip(places, found, strict=True):
            objects[place] = instance
    return objects, made


def _load_class(
    load: EntityLoad, width: int, rows: Sequence[Row], context: LoadContext, *, repeats: bool
) -> list[Any]:
    loader: EntityLoader | None = load.memo.get("loader")
    if loader is None:
        loader = load.memo["loader"] = EntityLoader(load, width, repeats=repeats)
    return loader.load_objects(rows, context)


def _go_on(made: list[Made], width: int, context: LoadContext) -> None:
    """Load what is joined to objects, and note what follows."""
    for load, rows, objects in made:
        for joined in load.joined:
            if joined.relationship.uselist:
                _collect(joined, width, rows, objects, context)
            else:
                _refer(joined, width, rows, objects, context)
        for follow_up in load.follow_ups:
            context.parents.setdefault(follow_up, []).extend(objects)


def lacks(parent: Any, key: str) -> bool:
    """Whether an object has no value for a relationship, and none was taken away from it."""
    values = parent.__dict__
    if key in values:
        return False
    changes = values["_sa_instance_state"].changes
    return changes is None or key not in changes


def _collect(
    joined: JoinedLoad, width: int, rows: Sequence[Row], parents: list[Any], context: LoadContext
) -> None:
    """Note the members that the rows hold for the parents' collections."""
    relationship = joined.relationship
    repeats = any(each.relationship.uselist for each in joined.load.joined) or (
        relationship.secondary is not None
    )
    children, made = _load_rows(joined.load, width, rows, context, repeats=repeats)
    filling = context.fillings.setdefault(joined, {})
    key = relationship.key
    # PERF: joined 1,000 x 10. Rows of one parent mostly stand together and are taken as a slice.
    last: Any = None
    start = 0
    for index, parent in enumerate(parents):
        if parent is not last:
            if last is not None:
                _note_members(filling, last, key, children[start:index])
            last = parent
            start = index
    if last is not None:
        _note_members(filling, last, key, children[start:])
    _go_on(made, width, context)


def _note_members(filling: Filling, parent: Any, key: str, members: list[Any]) -> None:
    entry = filling.get(id(parent))
    if entry is None:
        filling[id(parent)] = (parent, members if lacks(parent, key) else None)
    elif entry[1] is not None:
        entry[1].extend(members)


def _build_collections(context: LoadContext) -> None:
    for joined, filling in context.fillings.items():
        key = joined.relationship.key
        for parent, noted in filling.values():
            if noted is None or not lacks(parent, key):
                continue
            members = [each for each in noted if each is not None]
            if len(set(map(id, members))) < len(members):
                members = list({id(each): each for each in members}.values())
            set_loaded_collection(parent, key, members)
    context.fillings = {}


def set_loaded_collection(parent: Any, key: str, items: list[Any]) -> Any:
    """Give an object a collection as it came from the database."""
    values = parent.__dict__
    state = values["_sa_instance_state"]
    collection = values[key] = state.manager.slots[key].new_loaded(state, items)
    return collection


def _refer(
    joined: JoinedLoad, width: int, rows: Sequence[Row], parents: list[Any], context: LoadContext
) -> None:
    """Give the parents the objects that their rows refer to."""
    children, made = _load_rows(joined.load, width, rows, context, repeats=True)
    relationship = joined.relationship
    key = relationship.key
    for parent, child in zip(parents, children, strict=True):
        if parent is not None and key not in parent.__dict__ and lacks(parent, key):
            parent.__dict__[key] = child
    if relationship.direction.name == "ONETOMANY":
        _warn_of_several(joined, parents, children)
    _go_on(made, width, context)


def _warn_of_several(joined: JoinedLoad, parents: list[Any], children: list[Any]) -> None:
    first: dict[int, Any] = {}
    for parent, child in zip(parents, children, strict=True):
        if parent is None or child is None:
            continue
        if first.setdefault(id(parent), child) is not child:
            warn(errors.several_rows_warning("eagerly", joined.relationship))
            return


def _tell_listeners(context: LoadContext) -> None:
    new_states, refreshed = context.new_states, context.refreshed_states
    context.new_states, context.refreshed_states = [], []
    for state in new_states:
        manager: Any = state.manager
        if manager.has_load_listeners:
            manager.dispatch.load(state, context)
            if state.changes and not _keep_as_loaded(state, tuple(state.changes)):
                forget_changes((state,))
    if context.watches:
        fire(context.members, Move.LOADED, new_states)
    for state, keys in refreshed:
        manager = state.manager
        if manager.has_refresh_listeners:
            everything = context.populate_existing or (
                context.is_refresh and state is context.target
            )
            manager.dispatch.refresh(state, context, None if everything else set(keys))
            if state.changes:
                _keep_as_loaded(state, keys)


def _keep_as_loaded(state: Any, keys: Iterable[str]) -> bool:
    """Take the columns among the attributes as loaded; whether the object has other changes.

    COMPAT: what a listener makes of the values that it is shown, such as their clear text, is not
    written back.
    """
    columns = state.manager.mapper.column_of_key
    for key in keys:
        if key in columns:
            forget_change(state, key)
    return bool(state.changes)


# ------------------------------------------------------------------------------
# Run a SELECT of our own, and give back its elements as columns of objects and values.
#
# Two ways: a statement over classes through Core, whose cache keeps its plan; or a `PlannedSelect`,
# planned once and run as a fixed statement, for the loads that happen again and again. Sessions
# with `do_orm_execute` listeners see the first way only.


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
    rows = (result.unique(_row_identity) if requires_unique(result) else result).all()
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
    inner.gathered = []
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
        options = {**options, GATHERING_OPTION: inner.gathered}
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
    if source is None and plan.embeds_statement:
        finish_batch(inner)
    return _without_repeated_rows(columns) if plan.needs_unique else columns


def _without_repeated_rows(columns: list[Sequence[Any]]) -> list[Sequence[Any]]:
    """Rows that differ only in joined collections, once each."""
    unique: dict[Any, tuple[Any, ...]] = {}
    for row in zip(*columns, strict=True):
        unique.setdefault(_row_identity(row), row)
    return list(zip(*unique.values(), strict=True)) or [()] * len(columns)


def _row_identity(row: Iterable[Any]) -> tuple[Any, ...]:
    """What tells a row of keys and objects from others; classes may be without hashes."""
    return tuple(id(each) if hasattr(each, "_sa_instance_state") else each for each in row)


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
        GATHERING_OPTION,
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
