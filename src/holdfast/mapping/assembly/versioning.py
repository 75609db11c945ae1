"""Find the version counter of a mapper and the function that makes its next value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from holdfast.errors.mapping import MappingArgumentError

VersionGenerator = Callable[[Any], Any]


def count_up(version: int | None) -> int:
    """The next version number: the default generator."""
    return (version or 0) + 1


def version_settings(mapper: Any, options: Any) -> tuple[Any, VersionGenerator | bool]:
    """The version column, or None, and its generator; False when the database makes the value.

    Subclass mappers of a hierarchy share the base's. The attribute gets active history: an UPDATE
    must name the former version, also when a new one was assigned while it was not loaded.
    """
    column, generator = _settings(mapper, options)
    if column is not None:
        slot = mapper.class_manager.slots[mapper.key_of_column[column]]
        slot.active_history = True
    return column, generator


def _settings(mapper: Any, options: Any) -> tuple[Any, VersionGenerator | bool]:
    inherits = mapper.inherits
    generator = options.version_id_generator
    column = options.version_id_col
    if column is None:
        if inherits is not None and not mapper.concrete:
            return inherits.version_id_col, inherits.version_id_generator
        return None, count_up
    if hasattr(column, "columns"):
        column = column.columns[0]
    elif hasattr(column, "__clause_element__"):
        column = column.__clause_element__()._deannotate()
    if column not in mapper.key_of_column:
        raise MappingArgumentError.foreign_column(mapper, column)
    return column, count_up if generator is None else generator
