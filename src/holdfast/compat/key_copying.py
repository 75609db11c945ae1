"""Copy keys between two objects under the names of `sqlalchemy.orm.sync` and `unitofwork`.

A flush copies them for whole relationships; SQLAlchemy's tests ask for one pair of objects and
name the columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from holdfast.foundation.load_policy import LoadPolicy
from holdfast.unitofwork.dependencies.base import KeyPair, attribute_of
from holdfast.unitofwork.flush import Flush
from holdfast.unitofwork.writing.copy_keys import copy_column, key_value

Columns = Iterable[tuple[Any, Any]]


class UnitOfWork(Flush):
    """A flush of a whole session that nobody has started yet."""

    def __init__(self, session: Any) -> None:
        super().__init__(session.members, session.connection_for)
        self.session = session
        self.attributes: dict[Any, Any] = {}

    def register_object(self, state: Any, isdelete: bool = False) -> None:  # noqa: FBT001, FBT002
        """Nothing: what a flush has to do is found out from what the session holds."""


def populate(
    source: Any,
    source_mapper: Any,
    dest: Any,
    dest_mapper: Any,
    pairs: Columns,
    uow: Any,
    flag_cascaded: bool,  # noqa: FBT001  their form
) -> None:
    """Give one object the key of another."""
    dependency: Any = SimpleNamespace(relationship=SimpleNamespace(passive_updates=flag_cascaded))
    for source_column, column in pairs:
        pair = KeyPair(source_mapper, dest_mapper, source_column, column)
        copy_column(uow, dependency, pair, [(source, dest)])
        if flag_cascaded and column.primary_key and column.references(source_column):
            uow.attributes["pk_cascaded", dest, column] = True


def clear(dest: Any, dest_mapper: Any, pairs: Columns) -> None:
    """Take the key of another object away."""
    for source_column, column in pairs:
        key = attribute_of(dest_mapper, column, "destination")
        pair: Any = SimpleNamespace(
            source=None, source_column=source_column, holder=key, holder_column=column
        )
        nothing: Any = None
        copy_column(nothing, nothing, pair, [(None, dest)])


def update(source: Any, source_mapper: Any, dest: Any, old_prefix: str, pairs: Columns) -> None:
    """Put a key as it is, and as the database knows it, into a dictionary."""
    for source_column, column in pairs:
        key = attribute_of(source_mapper, source_column, "source")
        value = key_value(source, key)
        dest[column.key] = value
        dest[old_prefix + column.key] = source.committed_state.get(key, value)


def populate_dict(source: Any, source_mapper: Any, dict_: Any, pairs: Columns) -> None:
    """Put a key into a dictionary."""
    for source_column, column in pairs:
        dict_[column.key] = key_value(source, attribute_of(source_mapper, source_column, "source"))


def source_modified(_uow: Any, source: Any, source_mapper: Any, pairs: Columns) -> bool:
    """Whether a key differs from what the database knows."""
    keys = [attribute_of(source_mapper, column, "source") for column, _ in pairs]
    slots = source.manager.slots
    policy = LoadPolicy.NO_INITIALIZE
    return any(slots[key].history(source, source.dict, policy).deleted for key in keys)
