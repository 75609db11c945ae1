"""This file writes the rows of association tables.

Called by `write` for one many-to-many relationship, when the rows of both sides are there.

Rules kept here (RL-94, RL-95):
1. Former pairs are deleted first, then pairs follow changed keys, then new pairs are inserted.
2. The number of deleted rows must be that of the pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import and_, bindparam, delete, insert, update

from holdfast.errors.flush import StaleDataError
from holdfast.foundation.fixed_statement import FixedStatement
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.dependencies.many_to_many import ManyToManyDependency
from holdfast.unitofwork.journal import Journal
from holdfast.unitofwork.plan import AssociationStep
from holdfast.unitofwork.work_set import Pair
from holdfast.unitofwork.writing.copy_keys import key_value

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
            raise StaleDataError.row_count(
                "DELETE", form.table.description, len(rows), matched, of_links=True
            )
    for connection, pairs in by_connection(journal, dependency, step.rekeyed):
        old = rows_of(dependency, pairs, committed_value)
        new = rows_of(dependency, pairs, key_value)
        rows = [(*now, *before) for now, before in zip(new, old, strict=True)]
        matched = form.update.execute_many(connection, rows)
        if is_countable(connection, rows) and 0 <= matched != len(rows):
            raise StaleDataError.row_count(
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
