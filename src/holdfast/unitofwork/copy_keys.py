"""Copy keys along relationships, and write the rows of association tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import and_, bindparam, delete, insert, update

from holdfast import errors
from holdfast.foundation.fixed_statement import FixedStatement
from holdfast.foundation.load_policy import NO_VALUE, LoadPolicy
from holdfast.states.changes import note_change
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.dependencies import KeyedDependency, KeyPair, ManyToManyDependency
from holdfast.unitofwork.plan import AssociationStep
from holdfast.unitofwork.work_set import Journal, KeyCopy, Pair

# ------------------------------------------------------------------------------
# Copy key values from the rows that have them to the rows that refer to them.
#
# Called by `write` between statements. It changes objects in memory only; a source whose key is not
# loaded is loaded.


def copy_keys(journal: Journal, dependency: KeyedDependency, copies: Iterable[KeyCopy]) -> None:
    """Give each holder the key of its source, or none."""
    for pair in dependency.pairs:
        slot = dependency.holder_mapper.class_manager.slots[pair.holder]
        if slot.has_listeners:
            copy_slowly(journal, dependency, pair, copies)
        else:
            copy_column(journal, dependency, pair, copies)


def copy_column(
    journal: Journal, dependency: KeyedDependency, pair: KeyPair, copies: Iterable[KeyCopy]
) -> None:
    """PERF: bench flush_graph. One column of the key, for all copies of a relationship."""
    source_key, holder_key = pair.source, pair.holder
    is_key = pair.holder_column.primary_key
    last: InstanceState | None = None
    value: Any = None
    for source, holder in copies:
        if source is not last:
            last = source
            value = None if source is None else key_value(source, source_key)
        values = holder().__dict__
        if source is None and is_key:
            refuse_blank(pair, holder, values)
        elif holder.pk is None:
            values[holder_key] = value
        else:
            note_cascade(journal, dependency, pair, source, holder)
            store(pair, holder, values, value)


def copy_slowly(
    journal: Journal, dependency: KeyedDependency, pair: KeyPair, copies: Iterable[KeyCopy]
) -> None:
    """The same through the attribute, so that its listeners hear of it."""
    slot = dependency.holder_mapper.class_manager.slots[pair.holder]
    for source, holder in copies:
        values = holder().__dict__
        if source is None and pair.holder_column.primary_key:
            refuse_blank(pair, holder, values)
            continue
        value = None if source is None else key_value(source, pair.source)
        note_cascade(journal, dependency, pair, source, holder)
        slot.set(holder, values, value)


def store(pair: KeyPair, holder: InstanceState, values: dict[str, Any], value: Any) -> None:
    """Change one foreign key of a persistent object."""
    old = values.get(pair.holder, NO_VALUE)
    if old is NO_VALUE or old != value:
        if old is NO_VALUE and pair.holder_column.primary_key:
            old = key_value(holder, pair.holder)
        note_change(holder, pair.holder, old)
        values[pair.holder] = value


def note_cascade(
    journal: Journal,
    dependency: KeyedDependency,
    pair: KeyPair,
    source: InstanceState | None,
    holder: InstanceState,
) -> None:
    """Remember that the database itself changes a primary key that is a foreign key as well."""
    if (
        source is not None
        and pair.holder_column.primary_key
        and dependency.relationship.passive_updates
        and pair.source_column.primary_key
        and pair.holder_column.references(pair.source_column)
        and pair.source in source.committed_state
        and source.pk is not None
    ):
        changed = key_in_row(source, pair.source) != key_value(source, pair.source)
        # The row of a holder that came from elsewhere does not follow.
        if changed and all(
            key_in_row(source, each.source) == key_in_row(holder, each.holder)
            for each in dependency.pairs
        ):
            journal.cascaded.add((holder, pair.holder))


def refuse_blank(pair: KeyPair, holder: InstanceState, values: dict[str, Any]) -> None:
    """A column of a primary key cannot be emptied.

    Raises:
        AssertionError: It has a value that would be lost, in memory or in the row.
    """
    if key_value(holder, pair.holder) is not None:
        raise errors.DependencyRuleError.blanked_key(pair.source_column, pair.holder_column, holder)
    values[pair.holder] = None


def key_value(state: InstanceState, key: str) -> Any:
    """The present value of a key attribute, loaded if need be."""
    instance = state()
    values = instance.__dict__
    if key in values:
        return values[key]
    if state.pk is None:
        return None
    mapper = state.manager.mapper
    if key == mapper.single_pk_key:
        return state.pk
    if key in mapper.primary_key_keys and mapper.single_pk_key is None:
        return state.pk[mapper.primary_key_keys.index(key)]
    return mapper.class_manager.slots[key].get(state, values, LoadPolicy.LOAD)


def key_in_row(state: InstanceState, key: str) -> Any:
    """The value of a key attribute that the row of an object has."""
    changes = state.changes
    return changes[key] if changes and key in changes else key_value(state, key)


# ------------------------------------------------------------------------------
# Write the rows of association tables.
#
# Called by `write` for one many-to-many relationship, when the rows of both sides are there.
#
# Rules kept here (RL-94, RL-95):
# 1. Former pairs are deleted first, then pairs follow changed keys, then new pairs are inserted.
# 2. The number of deleted rows must be that of the pairs.

Row = tuple[Any, ...]


class AssociationForm:
    """The statements of one association table, for one relationship."""

    __slots__ = ("columns", "delete", "insert", "table", "update")

    def __init__(self, dependency: ManyToManyDependency) -> None:
        pairs = [*dependency.parent_columns, *dependency.target_columns]
        self.table: Any = dependency.relationship.secondary
        columns = [column for _, column in pairs]
        self.columns: list[Any] = columns
        names = [column.key for column in columns]
        old = [f"old_{name}" for name in names]
        self.insert: FixedStatement = FixedStatement(insert(self.table), names)
        self.delete: FixedStatement = FixedStatement(
            delete(self.table).where(criterion(columns, names)), names
        )
        self.update: FixedStatement = FixedStatement(
            update(self.table).where(criterion(columns, old)), [*names, *old]
        )


def criterion(columns: Sequence[Any], names: Sequence[str]) -> Any:
    """Equality of columns and parameters."""
    return and_(
        *(
            column == bindparam(name, type_=column.type)
            for column, name in zip(columns, names, strict=True)
        )
    )


def write_associations(journal: Journal, step: AssociationStep) -> None:
    """DELETE, UPDATE and INSERT the association rows of one step."""
    dependency = step.dependency
    memo = dependency.parent.memo
    name = (AssociationForm, dependency.relationship)
    form: AssociationForm | None = memo.get(name)
    if form is None:
        form = memo[name] = AssociationForm(dependency)
    for connection, pairs in by_connection(journal, dependency, step.removed):
        rows = rows_of(dependency, pairs, committed_value)
        matched = form.delete.execute_many(connection, rows)
        if is_countable(connection, rows) and 0 <= matched != len(rows):
            raise errors.StaleDataError.row_count(
                "DELETE", form.table.description, len(rows), matched, of_links=True
            )
    for connection, pairs in by_connection(journal, dependency, step.rekeyed):
        old = rows_of(dependency, pairs, committed_value)
        new = rows_of(dependency, pairs, key_value)
        rows = [(*now, *before) for now, before in zip(new, old, strict=True)]
        matched = form.update.execute_many(connection, rows)
        if is_countable(connection, rows) and 0 <= matched != len(rows):
            raise errors.StaleDataError.row_count(
                "UPDATE", form.table.description, len(rows), matched, of_links=True
            )
    for connection, pairs in by_connection(journal, dependency, step.added):
        form.insert.execute_many(connection, rows_of(dependency, pairs, key_value))


def by_connection(
    journal: Journal, dependency: ManyToManyDependency, pairs: Sequence[Pair]
) -> Iterator[tuple[Any, Sequence[Pair]]]:
    """The pairs by the database that holds the parent."""
    return journal.by_connection(dependency.parent, pairs, itemgetter(0))


def rows_of(
    dependency: ManyToManyDependency,
    pairs: Iterable[Pair],
    read: Callable[[InstanceState, str], Any],
) -> list[Row]:
    """The pairs as rows of the association table."""
    parent_keys = [key for key, _ in dependency.parent_columns]
    target_keys = [key for key, _ in dependency.target_columns]
    return [
        (*(read(parent, key) for key in parent_keys), *(read(target, key) for key in target_keys))
        for parent, target in pairs
    ]


def committed_value(state: InstanceState, key: str) -> Any:
    """The value of a key attribute as the database has it."""
    changes = state.changes
    if changes and key in changes and state.pk is not None:
        mapper = state.manager.mapper
        if key in mapper.primary_key_keys:
            return dict(zip(mapper.primary_key_keys, state.identity or (), strict=True))[key]
        return changes[key]
    return key_value(state, key)


def is_countable(connection: Any, rows: Sequence[Row]) -> bool:
    """Whether the driver's row count can be relied on."""
    dialect = connection.dialect
    sane: bool = (
        dialect.supports_sane_rowcount if len(rows) == 1 else dialect.supports_sane_multi_rowcount
    )
    return sane
