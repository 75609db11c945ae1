"""Find the version counter of a mapper and the function that makes its next value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from holdfast.errors.mapping import MappingArgumentError, second_version_warning
from holdfast.foundation.deprecated import warn

VersionGenerator = Callable[[Any], Any]


def count_up(version: int | None) -> int:
    """The next version number: the default generator."""
    return (version or 0) + 1


def settings(mapper: Any, options: Any) -> tuple[Any, VersionGenerator | bool]:
    """The version column, or None, and its generator; False when the database makes the value.

    Subclass mappers of a hierarchy share the base's.
    """
    generator = options.version_id_generator
    column = options.version_id_col
    base, inherited = mapper.inherits, None
    if base is not None and not mapper.concrete:
        inherited = base.version_id_col
    if column is None:
        return inherited, count_up if inherited is None else base.version_id_generator
    if hasattr(column, "columns"):
        column = column.columns[0]
    elif hasattr(column, "__clause_element__"):
        column = column.__clause_element__()._deannotate()
    if inherited is not None and column is not inherited:
        warn(second_version_warning(column, inherited))
    return column, count_up if generator is None else generator


def settle(mapper: Any) -> None:
    """Find the counter's attribute, now that columns are mapped, and give it active history.

    An UPDATE must name the former version, also when a new one was assigned while it was not
    loaded.

    Raises:
        ArgumentError: The column is none of the class's.
    """
    column = mapper.version_id_col
    if column is None:
        return
    if column not in mapper.key_of_column:
        raise MappingArgumentError.foreign_column(column, mapper)
    mapper.version_key = mapper.key_of_column[column]
    mapper.class_manager.slots[mapper.version_key].active_history = True
