"""This file turns objects into the parameters of statements.

Called by `insert` and `update`. A `TableRows` knows what one table takes from the objects of one
mapper; it is made once and kept with the mapper.

Rules kept here (PT-40 to PT-42):
1. On INSERT a column without default always takes part, as NULL when the attribute was never set.
2. A column with a default, and a primary key column, takes part when the attribute is not None.
3. A column whose type has its own idea of None takes part whenever the attribute was set.
4. Rows with SQL expressions are kept apart from all others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import Column

from holdfast.foundation.codegen import FieldTuple
from holdfast.foundation.load_policy import NO_VALUE
from holdfast.foundation.sqlalchemy_core import TypeEngine
from holdfast.states.instance import InstanceState
from holdfast.unitofwork import hierarchy

Values = dict[str, Any]

# Types that are values for sure; other types are asked once.
PLAIN: set[type] = {type(None), int, str, float, bool, bytes}


class InsertRun(FieldTuple):
    """Consecutive rows that give values to the same columns."""

    keys: tuple[str, ...]
    dicts: Sequence[Values]
    rows: list[tuple[Any, ...]]
    has_expressions: bool


class TableRows:
    """What one table takes from the objects of one mapper."""

    __slots__ = (
        "always",
        "column_of",
        "comparators",
        "defaults",
        "inherited_keys",
        "key_places",
        "keys",
        "mapper",
        "memo",
        "onupdate_keys",
        "optional",
        "pk_columns",
        "pk_keys",
        "single",
        "table",
        "takes_none",
        "version_key",
    )

    def __init__(self, mapper: Any, table: Any) -> None:
        self.mapper: Any = mapper
        self.table: Any = table
        # Attribute name -> column, in the order of the table.
        self.column_of: dict[str, Any] = {
            mapper.key_of_column[column]: column
            for column in table.columns
            if column in mapper.key_of_column
            and not (column.default is not None and column.default.is_sentinel)
        }
        self.keys: tuple[str, ...] = tuple(self.column_of)
        # Attribute -> the tuple of only it.
        self.single: dict[str, tuple[str]] = {key: (key,) for key in self.keys}
        # Attribute -> the one value that stands for None on INSERT.
        self.defaults: dict[str, Any] = {
            key: column.default.arg
            for key, column in self.column_of.items()
            if is_simple_default(column)
        }
        # The default of a dataclass, where the column has another one or none.
        for key in self.column_of:
            unset = mapper.properties[key].unset_value
            if unset is not None and not is_expression(unset):
                self.defaults[key] = unset
        self.takes_none: frozenset[str] = frozenset(
            key for key, column in self.column_of.items() if column.type.should_evaluate_none
        )
        self.always: tuple[str, ...] = tuple(
            key
            for key, column in self.column_of.items()
            if key in self.defaults or is_always_inserted(column)
        )
        self.optional: tuple[str, ...] = tuple(key for key in self.keys if key not in self.always)
        # Attributes that get a new value with every UPDATE, unless one is given.
        self.onupdate_keys: tuple[str, ...] = tuple(
            key for key, column in self.column_of.items() if column.onupdate is not None
        )
        # Columns that a row is found by, and their attributes.
        self.pk_columns: tuple[Column[Any], ...] = identifying_columns(mapper, table)
        self.pk_keys: tuple[Any, ...] = tuple(
            mapper.key_of_column[column] for column in self.pk_columns
        )
        # Where their values stand in an object's primary key; None where they do not.
        self.key_places: tuple[int, ...] | None = hierarchy.key_places(mapper, self.pk_columns)
        # (attribute of the base's key, attribute of this table that takes its value).
        self.inherited_keys: tuple[tuple[str, str], ...] = hierarchy.inherited_keys(mapper, table)
        # Attribute of the version counter, if this table has it.
        key, counter = mapper.version_key, mapper.version_id_col
        self.version_key: str | None = (
            key if key in self.column_of and self.column_of[key].shares_lineage(counter) else None
        )
        # Attribute -> the type's comparison, where it is not plain equality.
        self.comparators: dict[str, Callable[[Any, Any], bool]] = {
            key: column.type.compare_values
            for key, column in self.column_of.items()
            if type(column.type).compare_values is not TypeEngine.compare_values
        }
        # Statements made so far, by what they are for.
        self.memo: dict[Any, Any] = {}

    @property
    def counted_keys(self) -> tuple[str, ...]:
        """The version counter, where a generator gives the table's rows their versions."""
        if self.version_key is None or not self.mapper.version_id_generator:
            return ()
        return (self.version_key,)

    @property
    def shape(self) -> Any:
        """Equal for two mappers when the rows of their objects are made alike."""
        if self.version_key is not None:
            return self
        if "shape" not in self.memo:
            mapper = self.mapper
            self.memo["shape"] = (
                tuple((key, id(column)) for key, column in self.column_of.items()),
                tuple((key, id(value)) for key, value in self.defaults.items()),
                (self.pk_keys, self.key_places, self.inherited_keys),
                (mapper.primary_key_keys, mapper.eager_defaults, mapper.confirm_deleted_rows),
            )
        return self.memo["shape"]

    def insert_runs(self, states: Sequence[InstanceState]) -> Iterator[InsertRun]:
        """The objects as rows for INSERT, in runs of equal columns, in the given order."""
        dicts: list[Values] = [state().__dict__ for state in states]
        for key, value in self.defaults.items():
            for values in dicts:
                if values.get(key) is None:
                    values[key] = value
        mixed: list[str] = []
        present: set[str] = set(self.always)
        for key in self.optional:
            if key in self.takes_none:
                count = sum(key in values for values in dicts)
            else:
                count = sum([values.get(key) is not None for values in dicts])
            if count == len(dicts):
                present.add(key)
            elif count:
                mixed.append(key)
        if not mixed:
            yield from self.cut(self.in_order(present), dicts)
            return
        present_in = self.presence(mixed)
        numbered = enumerate(map(present_in, dicts))
        for extra, run in groupby(numbered, key=itemgetter(1)):
            places = [place for place, _ in run]
            first, end = places[0], places[-1] + 1
            keys = self.in_order(present | set(extra))
            yield from self.cut(keys, dicts[first:end])

    def presence(self, mixed: Sequence[str]) -> Callable[[Values], tuple[str, ...]]:
        """A function that tells which of the `mixed` attributes one object gives a value to."""
        takes_none = self.takes_none

        def present_in(values: Values) -> tuple[str, ...]:
            return tuple(
                key
                for key in mixed
                if (key in values if key in takes_none else values.get(key) is not None)
            )

        return present_in

    def in_order(self, keys: set[str]) -> tuple[str, ...]:
        """The attributes in the order of the table."""
        return tuple(key for key in self.keys if key in keys)

    def cut(self, keys: tuple[str, ...], dicts: Sequence[Values]) -> Iterator[InsertRun]:
        """One run, with rows that hold SQL expressions cut out of it."""
        rows = read_rows(keys, dicts)
        if not has_expressions(rows):
            yield InsertRun(keys, dicts, rows, has_expressions=False)
            return
        apart = [has_expressions([row]) for row in rows]
        for is_apart, places in groupby(range(len(rows)), key=apart.__getitem__):
            numbers = list(places)
            pieces = [[number] for number in numbers] if is_apart else [numbers]
            for piece in pieces:
                first, end = piece[0], piece[-1] + 1
                yield InsertRun(keys, dicts[first:end], rows[first:end], is_apart)

    def unset_defaults(self, state: InstanceState) -> list[str]:
        """Attributes without value whose columns have a default, primary keys left out.

        Those whose values the database makes come first.
        """
        values = state.dict
        keys = [
            key
            for key, column in self.column_of.items()
            if values.get(key) is None
            and not column.primary_key
            and (
                column.default is not None
                or column.server_default is not None
                or key in self.defaults
            )
        ]
        column_of = self.column_of
        return sorted(
            keys,
            key=lambda key: (
                column_of[key].default is not None and not column_of[key].default.is_clause_element
            ),
        )

    def moves_with_other_tables(self, state: InstanceState, values: Values) -> bool:
        """Whether the version counter in this table must rise for a change in another (VC-17)."""
        if self.version_key is None or len(self.mapper.tables) < 2:
            return False
        return any(
            table_rows(self.mapper, table).changed_keys(state, values)
            for table in self.mapper.tables
            if table is not self.table
        )

    def row_key(self, state: InstanceState, cascaded: Collection[Any] = ()) -> tuple[Any, ...]:
        """Values by which the row of an object is found.

        Args:
            state: The object.
            cascaded: (object, attribute) of keys that the database has changed by itself.
        """
        mapper = self.mapper
        if state.pk is None:
            # Inserted earlier in the same flush.
            return tuple(state.dict.get(key) for key in self.pk_keys)
        pk: Any = state.pk if mapper.single_pk_key is None else (state.pk,)
        places = self.key_places
        if not cascaded and places is not None:
            return tuple(pk[place] for place in places)
        values, changes = state.dict, state.committed_state
        identity = dict(zip(mapper.primary_key_keys, pk, strict=True))
        if places is not None:
            identity.update(zip(self.pk_keys, (pk[place] for place in places), strict=True))
        found = []
        for key in self.pk_keys:
            if (state, key) in cascaded:
                found.append(values.get(key))
            elif key in identity:
                found.append(identity[key])
            else:
                found.append(changes.get(key, values.get(key)))
        return tuple(found)

    def row_keys(self, states: Sequence[InstanceState]) -> list[tuple[Any, ...]]:
        """The same for many objects."""
        mapper = self.mapper
        if self.key_places is None or self.key_places != tuple(range(len(mapper.primary_key))):
            return [self.row_key(state) for state in states]
        if mapper.single_pk_key is not None:
            return [(state.pk,) for state in states]
        return [state.pk for state in states]

    def changed_keys(self, state: InstanceState, values: Values) -> tuple[str, ...]:
        """Attributes of the table with a net change, in the order of the table."""
        changes = state.changes
        if not changes:
            return ()
        differs = self.differs
        return tuple(
            key for key in self.column_of if key in changes and differs(key, changes[key], values)
        )

    def changed_runs(self, states: Sequence[InstanceState]) -> list[ChangedRun]:
        """Changed objects and their values, consecutive ones with equal `changed_keys` together.

        PERF: bench update. Objects with one changed attribute are looked at without calls.
        """
        runs: list[ChangedRun] = []
        single, comparators, plain = self.single, self.comparators, PLAIN
        last: tuple[str, ...] = ()
        for state in states:
            changes = state.changes
            if not changes:
                continue
            values = state().__dict__
            if len(changes) == 1:
                (key,) = changes
                old, new = changes[key], values.get(key)
                if key in comparators or type(new) not in plain:
                    keys = self.changed_keys(state, values)
                elif new is old or (new == old) is True:
                    continue
                else:
                    keys = single.get(key, ())
            else:
                keys = self.changed_keys(state, values)
            if not keys:
                continue
            if keys != last:
                last = keys
                run = ChangedRun(keys, [], [])
                runs.append(run)
            run.states.append(state)
            run.dicts.append(values)
        return runs

    def key_columns(self, states: Sequence[InstanceState]) -> list[Sequence[Any]]:
        """The primary keys that the rows of objects have, one sequence for each column."""
        if self.mapper.single_pk_key is not None and self.pk_keys == self.mapper.primary_key_keys:
            return [[state.pk for state in states]]
        return list(zip(*self.row_keys(states), strict=True))

    def differs(self, key: str, old: Any, values: Values) -> bool:
        """Whether an attribute has another value than the database is known to hold."""
        new = values.get(key)
        if new is old:
            return False
        if old is NO_VALUE or (type(new) not in PLAIN and is_expression(new)):
            return True
        compare = self.comparators.get(key)
        if compare is not None:
            return compare(new, old) is not True
        # A comparison may answer with something that is no truth value, such as an array.
        return (new == old) is not True


class ChangedRun(FieldTuple):
    """Objects with the same changed columns, and their dictionaries of values."""

    keys: tuple[str, ...]
    states: list[InstanceState]
    dicts: list[Values]


def identifying_columns(mapper: Any, table: Any) -> tuple[Column[Any], ...]:
    """The columns by which a row of `table` is found: those of the mapper's key, if it has any."""
    chosen = tuple(column for column in mapper.primary_key if column.table is table)
    if chosen:
        return chosen
    return tuple(column for column in table.primary_key if column in mapper.key_of_column)


def is_simple_default(column: Any) -> bool:
    """Whether a column has a Python value as default, which needs no execution context."""
    default = column.default
    return (
        default is not None
        and default.is_scalar
        and not column.primary_key
        and column.server_default is None
        and not column.type.should_evaluate_none
        and not is_expression(default.arg)
    )


def is_always_inserted(column: Any) -> bool:
    """Whether every INSERT gives the column a value, if only NULL."""
    return (
        not column.primary_key
        and column.default is None
        and column.server_default is None
        and column.computed is None
        and column.identity is None
        and not column.type.should_evaluate_none
    )


def read_column(key: str, dicts: Sequence[Values]) -> list[Any]:
    """The value of one attribute per object; one that was deleted becomes None."""
    try:
        return list(map(itemgetter(key), dicts))
    except KeyError:
        return [values.setdefault(key, None) for values in dicts]


def read_rows(keys: tuple[str, ...], dicts: Sequence[Values]) -> list[tuple[Any, ...]]:
    """One tuple of values per object; an attribute that was never set is NULL."""
    try:
        return read_present(keys, dicts)
    except KeyError:
        for values in dicts:
            note_unset(values, [key for key in keys if key not in values])
        return [tuple(map(values.get, keys)) for values in dicts]


def note_unset(values: Values, keys: Collection[str]) -> None:
    """Remember of an object that its row holds NULL for attributes that it lacks (PT-47)."""
    state = values.get("_sa_instance_state")
    if state is not None and keys:
        extra = state.more()
        extra.unset = extra.unset.union(keys)


def note_unknown(values: Values, key: str) -> None:
    """The database has made the value of an attribute, and did not tell it."""
    values.pop(key, None)
    state = values.get("_sa_instance_state")
    if state is not None and state.extra is not None:
        state.extra.unset = state.extra.unset.difference((key,))


def read_present(keys: tuple[str, ...], dicts: Sequence[Values]) -> list[tuple[Any, ...]]:
    """The same for attributes that all of them have.

    Raises:
        KeyError: One of them lacks one.
    """
    if not keys:
        return [()] * len(dicts)
    if len(keys) == 1:
        return list(zip(map(itemgetter(keys[0]), dicts)))
    return list(map(itemgetter(*keys), dicts))


def has_expressions(rows: Sequence[Sequence[Any]]) -> bool:
    """Whether a value in the rows is a SQL expression."""
    kinds = set(map(type, chain.from_iterable(rows)))
    return not kinds <= PLAIN and any(kind_is_expression(kind) for kind in kinds)


def is_expression(value: Any) -> bool:
    """Whether a value is a SQL expression, or stands for one."""
    return kind_is_expression(type(value))


def kind_is_expression(kind: type) -> bool:
    """The same by type; types that are values are remembered."""
    if kind in PLAIN:
        return False
    if hasattr(kind, "__clause_element__") or hasattr(kind, "_propagate_attrs"):
        return True
    if len(PLAIN) < 1000:
        PLAIN.add(kind)
    return False


def table_rows(mapper: Any, table: Any) -> TableRows:
    """The `TableRows` of a mapper and table, made when first asked for."""
    name = (table_rows, table)
    found: TableRows | None = mapper.memo.get(name)
    if found is None:
        found = mapper.memo[name] = TableRows(mapper, table)
    return found


def runs_by_table(
    base: Any, states: Sequence[InstanceState]
) -> Iterator[tuple[Any, list[tuple[TableRows, Sequence[InstanceState]]]]]:
    """For each table in write order, the objects that have rows there and how these are made.

    Objects stay in their order; consecutive ones are together when their rows are made alike, also
    those of several mappers that share a table.
    """
    if not states:
        return
    kinds: list[Any] = list(dict.fromkeys(map(type, states)))
    if len(kinds) == 1:
        mapper = kinds[0].manager.mapper
        for table in mapper.tables:
            if is_written(mapper, table):
                yield table, [(table_rows(mapper, table), states)]
        return
    # Listeners are told by the class of each object.
    tells = any(
        kind.manager.has_refresh_flush_listeners or kind.manager.has_expire_listeners
        for kind in kinds
    )
    for table in hierarchy.tables_in_order(base, [kind.manager.mapper for kind in kinds]):
        chosen: dict[type, TableRows] = {}
        alike: dict[Any, TableRows] = {}
        for kind in kinds:
            mapper = kind.manager.mapper
            if is_written(mapper, table):
                rows = table_rows(mapper, table)
                chosen[kind] = alike.setdefault(kind if tells else rows.shape, rows)
        if len(alike) == 1:
            (only,) = alike.values()
            yield table, [(only, [state for state in states if type(state) in chosen])]
        elif alike:
            runs = groupby(
                (state for state in states if type(state) in chosen),
                key=lambda state, chosen=chosen: chosen[type(state)],  # type: ignore[misc]
            )
            yield table, [(rows, list(run)) for rows, run in runs]


def is_written(mapper: Any, table: Any) -> bool:
    """Whether objects of a mapper have rows in a table that can be told apart.

    A SELECT that leaves out a part of the table's key has rows of its own making.
    """
    if table not in mapper.tables or not table_rows(mapper, table).pk_columns:
        return False
    is_chosen = mapper.options.primary_key is not None
    return is_chosen or all(column in mapper.key_of_column for column in table.primary_key)


def listening(states: Sequence[InstanceState]) -> Sequence[InstanceState]:
    """Those of the objects whose mapper has listeners of persistence events."""
    kinds = cast("set[type[InstanceState]]", set(map(type, states)))
    if not any(kind.manager.mapper.has_persistence_listeners for kind in kinds):
        return ()
    return [state for state in states if state.manager.mapper.has_persistence_listeners]
