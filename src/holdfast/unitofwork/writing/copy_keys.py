"""This file copies key values from the rows that have them to the rows that refer to them.

Called by `write` between statements. It changes objects in memory only; a source whose key is not
loaded is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from holdfast.errors.flush import DependencyRuleError
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.markers import NO_VALUE
from holdfast.states.changes import note_change
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.dependencies.base import KeyedDependency, KeyPair
from holdfast.unitofwork.journal import Journal
from holdfast.unitofwork.work_set import KeyCopy


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
        journal.cascaded.add((holder, pair.holder))


def refuse_blank(pair: KeyPair, holder: InstanceState, values: dict[str, Any]) -> None:
    """A column of a primary key cannot be emptied.

    Raises:
        AssertionError: It has a value that would be lost.
    """
    if values.get(pair.holder) is not None:
        raise DependencyRuleError.blanked_key(pair.source_column, pair.holder_column, holder)
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
