"""Load or refresh one object by its key, and values that are missing on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    LABEL_STYLE_NONE,
    LABEL_STYLE_TABLENAME_PLUS_COL,
    Column,
    and_,
    bindparam,
    select,
)

from holdfast import errors
from holdfast.foundation.describe import warn
from holdfast.foundation.fixed_statement import FixedStatement
from holdfast.foundation.load_policy import ATTR_EMPTY, ATTR_WAS_SET, PASSIVE_NO_RESULT, LoadPolicy
from holdfast.mapping.inheritance import source_of_columns
from holdfast.queries.load_plan import LoadPath
from holdfast.queries.statement_options import StartsAt
from holdfast.reading.context import COLUMN_LOAD, LoadOrigin, kept_choice, lasting, lazy_choice
from holdfast.reading.fetch import Planned, PlannedSelect, fetch_columns
from holdfast.reading.row_loader import check_version
from holdfast.states.instance import EMPTY, InstanceState
from holdfast.states.ports import missing_value

# ------------------------------------------------------------------------------
# Load or refresh one object by its key.
#
# The common case runs one fixed statement for each mapper; options, locks and composite keys with
# NULL parts are fresh statements over the class.
#
# Rules kept here:
# 1. A load goes to the database always: whether the identity map has the object was asked before.
# 2. A refresh gives values to that very object and to no other, whether or not the map holds it.
# 3. A refresh fills what is missing: who wants new values has expired the old ones.

_planned = Planned()

NOTHING: Mapping[str, Any] = {}


def key_values(mapper: Any, pk: Any) -> tuple[Any, ...]:
    """The values of a bare primary key."""
    values: tuple[Any, ...] = pk if mapper.single_pk_key is None else (pk,)
    return values


def load_by_key(
    session: Any,
    mapper: Any,
    pk: Any,
    *,
    populate_existing: bool = False,
    with_for_update: Any = None,
    options: Sequence[Any] = (),
    execution_options: Mapping[str, Any] = NOTHING,
    bind_arguments: Mapping[str, Any] | None = None,
    identity_token: Any = None,
    origin: LoadOrigin | None = None,
) -> Any | None:
    """The object in the row with this primary key, or None where there is no such row.

    Args:
        session: Whose object it will be.
        mapper: Of the wanted class.
        pk: Bare, or a tuple for a composite key.
        populate_existing: Replace the values of an object that is present.
        with_for_update: A lock, as Core keeps it.
        options: Loader options.
        execution_options: For the SELECT.
        bind_arguments: For the session's choice of a connection.
        identity_token: Becomes part of the object's key.
        origin: Tells listeners why it is loaded.
    """
    values = key_values(mapper, pk)
    if None in values and all(value is None for value in values):
        warn(errors.null_key_load_warning())
        return None
    asks_for_more = populate_existing or options or execution_options or bind_arguments
    locks, has_token = with_for_update is not None, identity_token is not None
    if not (asks_for_more or locks or has_token or None in values):
        found = planned_get(mapper).load_columns(session, values, origin=origin)[0]
        return found[0] if len(found) == 1 else _the_one(found, mapper, values)
    more: dict[str, Any] = dict(execution_options)
    if populate_existing:
        more["populate_existing"] = True
    if has_token:
        more["identity_token"] = identity_token
    statement = select(mapper).where(_criterion(mapper, values))
    statement = statement.set_label_style(LABEL_STYLE_NONE)
    if options:
        statement = statement.options(*options)
    if locks:
        statement._for_update_arg = with_for_update
    locked = None
    if locks and not populate_existing:
        locked = session.members.identity_map.find_state(mapper, pk, identity_token)
    found = fetch_columns(
        session,
        statement,
        execution_options=more,
        bind_arguments=bind_arguments,
        locked=locked,
        origin=origin,
    )[0]
    return _the_one(found, mapper, values)


def _the_one(found: Sequence[Any], mapper: Any, values: tuple[Any, ...]) -> Any | None:
    """The object in rows of one key, which joined collections repeat; None without rows.

    Raises:
        MultipleResultsFound: They are those of several objects.
    """
    if len(set(map(id, found))) > 1:
        raise errors.SeveralRowsError.with_key(mapper, values)
    return found[0] if found else None


def planned_get(mapper: Any) -> PlannedSelect:
    """The SELECT of one object of a mapper by its primary key."""
    forms = _planned.of(mapper)
    found: PlannedSelect | None = forms.get("get")
    if found is None:
        names = [f"pk_{number}" for number in range(1, len(mapper.primary_key) + 1)]
        criteria = [
            column == bindparam(name, type_=column.type)
            for column, name in zip(mapper.primary_key, names, strict=True)
        ]
        found = PlannedSelect(select(mapper).where(*criteria), names, mapper)
        forms["get"] = found
    return found


def _criterion(mapper: Any, values: Sequence[Any]) -> Any:
    parts = []
    for column, value in zip(mapper.primary_key, values, strict=True):
        parameter = bindparam("pk", value, type_=column.type, unique=True)
        parts.append(column.is_(None) if value is None else column == parameter)
    return and_(*parts)


def refresh_state(
    session: Any,
    state: InstanceState,
    keys: Iterable[str] | None = None,
    *,
    with_for_update: Any = None,
    origin: LoadOrigin = COLUMN_LOAD,
) -> bool:
    """Read the missing values of one object; False when its row is gone.

    Args:
        session: The object's.
        state: Its state, with a primary key.
        keys: Names of the attributes to read; None for all that are not deferred, with what is
            loaded eagerly.
        with_for_update: A lock, as Core keeps it.
        origin: Why the object is read as a whole.
    """
    mapper = state.manager.mapper
    if keys is None:
        return _refresh_all(session, state, mapper, with_for_update, origin)
    named = [mapper.properties[key] for key in keys]
    columns = [prop.key for prop in named if prop.kind == "column"]
    # Relationships are loaded by the key, and an object without it would be read once more.
    keys_too = [key for key in mapper.primary_key_keys if key not in state.dict]
    if with_for_update is not None and mapper.version_key is not None:
        # What else the object holds is of the version that the row must have.
        keys_too.append(mapper.version_key)
    columns = list(dict.fromkeys([*keys_too, *columns]))
    relationships = [prop.key for prop in named if prop.kind == "relationship"]
    joined = [key for key in relationships if _is_joined(state, mapper.properties[key])]
    if joined:
        is_there = _refresh_with_joins(session, state, [*columns, *joined], with_for_update)
        relationships = [key for key in relationships if key not in joined]
    else:
        is_there = load_column_values(session, state, columns, with_for_update=with_for_update)
    if not is_there:
        return False
    if relationships:
        _load_named(state, relationships)
    return True


def _load_named(state: InstanceState, names: Sequence[str]) -> None:
    """Load relationships as they are mapped, whatever options say."""
    instance = state()
    extra = state.more()
    released, said = extra.released, extra.said
    extra.released, extra.said = {*released, *names}, EMPTY
    try:
        for key in names:
            instance.__dict__.pop(key, None)
            getattr(instance, key)
    finally:
        extra.released, extra.said = released, said


def _is_joined(state: InstanceState, prop: Any) -> bool:
    choice = kept_choice(state, prop)
    if choice is None or choice.strategy is None:
        return bool(prop.lazy == "joined")
    return choice.strategy == "joined"


def _refresh_with_joins(
    session: Any, state: InstanceState, keys: Sequence[str], with_for_update: Any
) -> bool:
    """Read the named columns and joined relationships by one SELECT."""
    mapper = state.manager.mapper
    extra = state.extra
    options, path = (), LoadPath((mapper,))
    if extra is not None and extra.load_options:
        options, path = extra.load_options, extra.load_path
    statement = select(mapper).where(_criterion(mapper, key_values(mapper, state.pk)))
    statement = statement.options(StartsAt(path, only=frozenset(keys)), *options)
    statement._for_update_arg = with_for_update
    locked = None if with_for_update is None else state
    found = fetch_columns(session, statement, target=state, locked=locked, origin=COLUMN_LOAD)
    return bool(found[0])


def _refresh_all(
    session: Any, state: InstanceState, mapper: Any, with_for_update: Any, origin: LoadOrigin
) -> bool:
    values = key_values(mapper, state.pk)
    extra = state.extra
    if extra is not None:
        extra.load_options = lasting(extra.load_options)
    options = () if extra is None else extra.load_options
    if not options and with_for_update is None and None not in values:
        planned = planned_get(mapper)
        found = planned.load_columns(session, values, target=state, origin=origin)
        return bool(found[0])
    statement = select(mapper).where(_criterion(mapper, values))
    if options:
        path = LoadPath((mapper,)) if extra is None else extra.load_path
        wanted = None
        if not origin.is_refresh:
            # Options speak of columns no more when these have expired.
            wanted = frozenset(mapper.column_keys) - mapper.deferred_keys
            wanted = wanted.union(mapper.relationship_keys)
        statement = statement.options(StartsAt(path, only=wanted), *options)
    if with_for_update is not None:
        statement._for_update_arg = with_for_update
    if extra is not None and extra.released:
        # The options speak again of the relationships (SM-144).
        extra.released = mapper.column_of_key.keys() & extra.released
    return bool(fetch_columns(session, statement, target=state, origin=origin)[0])


def load_column_values(
    session: Any,
    state: InstanceState,
    keys: Sequence[str],
    *,
    with_for_update: Any = None,
) -> bool:
    """Read the named column attributes that one object lacks; False when its row is gone."""
    mapper = state.manager.mapper
    values = key_values(mapper, state.pk)
    if with_for_update is not None or None in values or session.intercepts_execution:
        statement, _ = _column_statement(mapper, keys, values)
        statement._for_update_arg = with_for_update
        statement = statement._set_propagate_attrs(mapper.clause._propagate_attrs)
        parts = fetch_columns(session, statement, about=state, origin=COLUMN_LOAD)
        row = [part[0] for part in parts if part]
        if with_for_update is not None:
            check_version(state, dict(zip(keys, row, strict=False)))
    else:
        fixed = _column_select(mapper, tuple(keys))
        rows = fixed.fetch_rows(session.connection_for(mapper), values)
        row = list(rows[0]) if rows else []
    if not row:
        return False
    _store(session, state, keys, row)
    return True


def _store(session: Any, state: InstanceState, keys: Sequence[str], row: Sequence[Any]) -> None:
    instance = state()
    if instance is None:
        return
    present, changes = instance.__dict__, state.changes
    stored = []
    for key, value in zip(keys, row, strict=False):
        if key not in present and (changes is None or key not in changes):
            present[key] = value
            stored.append(key)
    manager: Any = state.manager
    if stored and manager.has_refresh_listeners:
        manager.dispatch.refresh(state, None, set(stored))


def _column_select(mapper: Any, keys: tuple[str, ...]) -> FixedStatement:
    forms = _planned.of(mapper)
    found: FixedStatement | None = forms.get(keys)
    if found is None:
        statement, names = _column_statement(mapper, keys)
        found = forms[keys] = FixedStatement(statement, names)
    return found


def _column_statement(
    mapper: Any, keys: Sequence[str], values: Sequence[Any] | None = None
) -> tuple[Any, list[str]]:
    """SELECT the named columns of one object, from no more tables than hold them.

    Args:
        mapper: Of the object.
        keys: Names of the attributes; none to see whether the row is there.
        values: The primary key; parameters without values when omitted.

    Returns:
        The statement and the names of its parameters.
    """
    columns = [mapper.properties[key].columns[0] for key in keys] or list(mapper.primary_key)
    key_columns, conditions = source_of_columns(mapper, columns)
    is_partial = conditions is not None
    # Names that parameters of the columns' own expressions have.
    is_plain = all(isinstance(each, Column) for each in columns)
    taken = () if is_plain else select(*columns).compile().params
    names, criteria = [], []
    for number, column in enumerate(key_columns, 1):
        name = f"param_{number}" if is_partial else f"pk_{number}"
        if name in taken:
            name = f"own_{name}"
        names.append(name)
        if values is None:
            parameter: Any = bindparam(name, type_=column.type)
        elif values[number - 1] is None:
            criteria.append(column.is_(None))
            continue
        else:
            parameter = bindparam(name, values[number - 1], type_=column.type)
        criteria.append(parameter == column if is_partial else column == parameter)
    statement = select(*columns).where(*criteria)
    if conditions is None:
        return statement.select_from(mapper.persist_selectable), names
    statement = statement.where(*conditions).set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
    return statement, names


# ------------------------------------------------------------------------------
# Load an attribute because it was touched and is not there.
#
# Plugged into `states.ports.missing_value`: the attribute slots call it for objects with a primary
# key whose `__dict__` lacks the attribute.
#
# Rules kept here (SM-140):
# 1. An object that was expired as a whole is read as a whole, eager relationships included.
# 2. Of several expired columns all are read when one is touched; relationships stay as they are.
# 3. A deferred column loads alone, or with its group.
# 4. When the row is gone the object stays as it is, and the read raises (SM-29).


@missing_value.plug
def load_missing(state: InstanceState, key: str, policy: LoadPolicy) -> object:
    """The value of an attribute that the object's dict lacks, or a marker.

    `ATTR_WAS_SET` says that the value, perhaps with others, was put into the dict.
    """
    manager: Any = state.manager
    mapper = manager.mapper
    prop = mapper.properties[key]
    extra = state.extra
    if prop.is_relationship:
        if extra is None or not (extra.load_options or extra.said):
            strategy = prop.strategy
            manager.slots[key].loader = strategy.load
        else:
            strategy = chosen_strategy(prop, state)
        return strategy.load(state, state().__dict__, policy)
    if not prop.is_column or state.is_null(key):
        return ATTR_EMPTY
    if key in mapper.deferred_keys or (extra is not None and key in extra.deferred):
        name = "deferred" if prop.strategy_name == "column" else prop.strategy_name
        return prop.strategy_for(name).load(state, state.dict, policy)
    return load_expired(state, key, policy)


def is_wholly_expired(state: InstanceState, policy: LoadPolicy) -> bool:
    """Whether a touched relationship is to be loaded with the whole of its object (SM-140)."""
    return policy.may_fetch and state.pk is not None and state.is_attached and state.expired


def chosen_strategy(prop: Any, state: InstanceState) -> Any:
    """The strategy that the options of the loading statement leave with an object (LD-90)."""
    choice = lazy_choice(state, prop)
    if choice is None or choice.strategy is None or choice.strategy == "contains_eager":
        return prop.strategy
    return prop.strategy_for(choice.strategy)


def load_expired(state: InstanceState, key: str, policy: LoadPolicy) -> object:
    """Read the expired columns of an object, one of which is `key`."""
    if state.pk is None:
        return ATTR_EMPTY
    if not policy.may_fetch:
        return PASSIVE_NO_RESULT
    session: Any = state.session
    if session is None:
        if not policy.raise_on_missing:
            return PASSIVE_NO_RESULT
        raise errors.DetachedInstanceError.refresh(state)
    if policy.autoflushes:
        session.autoflush_if_enabled()
    if state.expired:
        is_there = refresh_state(session, state)
    else:
        is_there = load_column_values(session, state, sorted_keys(state, key))
    if not is_there:
        raise errors.ObjectDeletedError(state)
    return ATTR_WAS_SET


def sorted_keys(state: InstanceState, key: str) -> tuple[str, ...]:
    """The expired columns of an object, in the order of the mapping."""
    missing = state.expired_attributes - set(state.committed_state)
    missing.add(key)
    return tuple(each for each in state.manager.mapper.column_keys if each in missing)
