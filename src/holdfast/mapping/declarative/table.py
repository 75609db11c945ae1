"""Make the table that a class body describes, or fit the class to the table it shares or names.

Called by `declare` with completed columns. Decides on `__table__`, `__tablename__`,
`__table_args__`, and on columns that a subclass adds to the table of its base.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Table

from holdfast.errors.declarative import DeclarationArgumentError, DeclarationError
from holdfast.foundation.deprecated import warn
from holdfast.foundation.sqlalchemy_core import refresh_columns
from holdfast.mapping.class_names import metadata_of
from holdfast.mapping.declarative.scan import ClassBody, set_attribute


def table_of(
    body: ClassBody, columns: Sequence[Column[Any]], registry: Any, inherits: Any
) -> Any | None:
    """The table of the class: ready, made, or None when it has none of its own."""
    cls = body.cls
    given = body.directives.get("__table__")
    if given is not None:
        for column in columns:
            if not given.c.contains_column(column):
                raise DeclarationArgumentError.column_beside_table(column.name, cls)
        if "__table__" not in cls.__dict__ or cls.__dict__["__table__"] is not given:
            set_attribute(cls, "__table__", given)
        return given
    name = body.directives.get("__tablename__")
    if name is None:
        if inherits is None:
            raise DeclarationError.no_table(cls)
        return None
    positional, keywords = _table_arguments(body)
    maker = getattr(cls, "__table_cls__", Table)
    bind = getattr(cls, "__autoload_with__", None)
    if bind is not None:
        keywords = {"autoload_with": bind, **keywords}
    made = maker(name, metadata_of(cls, registry), *columns, *positional, **keywords)
    set_attribute(cls, "__table__", made)
    return made


def _table_arguments(body: ClassBody) -> tuple[Sequence[Any], Mapping[str, Any]]:
    given: Any = body.directives.get("__table_args__") or ()
    if isinstance(given, dict):
        return (), given
    ends_in_options = bool(given) and isinstance(given[-1], dict)
    return (given[:-1], given[-1]) if ends_in_options else (given, {})


def check_table_arguments(body: ClassBody) -> None:
    """Refuse wrong `__table_args__`, and those of a class that shares the table of its base."""
    given = body.directives.get("__table_args__")
    if given is not None and not isinstance(given, tuple | dict):
        raise DeclarationArgumentError.table_arguments()
    has_table = "__tablename__" in body.directives or "__table__" in body.directives
    if given is not None and not has_table and body.table_args_from is body.cls:
        raise DeclarationArgumentError.table_without_tablename(body.cls)


def add_to_inherited(
    cls: type, column: Column[Any], base_mapper: Any, *, use_existing: bool
) -> Column[Any]:
    """Put a column of a subclass without table into the table of its base.

    Returns:
        The column to map: the given one, or the one that is there already.
    """
    table = base_mapper.local_table
    if not isinstance(table, Table):
        raise DeclarationArgumentError.base_without_table(cls, base_mapper.class_)
    existing: Column[Any] | None = table.c.get(column.key)
    if existing is not None and (existing is column or use_existing):
        return existing
    if column.primary_key:
        raise DeclarationArgumentError.primary_key_on_single_table()
    if existing is not None:
        raise DeclarationArgumentError.column_conflict(column, cls, existing)
    table.append_column(column)
    refresh_columns(base_mapper.persist_selectable, column)
    return column


def warn_of_shared_columns(cls: type, names_of_column: Mapping[Any, Sequence[str]]) -> None:
    """Warn of a column that several attributes name."""
    for names in names_of_column.values():
        if len(names) > 1:
            warn(
                f"On class {cls.__name__!r}, Column object {names[0]!r} named directly multiple "
                f"times, only one will be used: {', '.join(names)}. Consider using orm.synonym "
                "instead: an attribute that is another name. [column-named-twice]"
            )
