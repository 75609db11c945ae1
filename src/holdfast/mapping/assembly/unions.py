"""Build the UNION of tables that stands for a hierarchy of concrete classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import cast, literal_column, null, select, type_coerce, union_all
from sqlalchemy.sql.expression import FromClause, SelectBase

from holdfast.errors.mapping import MappingError


def polymorphic_union(
    table_map: Mapping[Any, Any],
    typecolname: str | None,
    aliasname: str | None = "p_union",
    cast_nulls: bool = True,  # noqa: FBT001, FBT002 - the public signature
) -> FromClause:
    """UNION ALL of several tables, as an alias to be used in `with_polymorphic`.

    Args:
        table_map: Discriminator value -> table; columns that a table lacks are NULL.
        typecolname: Name of the column with the discriminator value; None to have none.
        aliasname: Name of the alias.
        cast_nulls: Whether NULLs are cast to the type of their column, as some databases need.

    Raises:
        InvalidRequestError: A table has a column of the name `typecolname`.
    """
    sources = {
        identity: table.subquery() if isinstance(table, SelectBase) else table
        for identity, table in table_map.items()
    }
    types: dict[str, Any] = {}
    columns_of = {
        identity: {column.key: column for column in source.c}
        for identity, source in sources.items()
    }
    for known in columns_of.values():
        for key, column in known.items():
            if key == typecolname:
                raise MappingError.discriminator_taken(key, column)
            types[key] = column.type

    def column_of(identity: Any, key: str) -> Any:
        if key in columns_of[identity]:
            return columns_of[identity][key]
        blank = cast(null(), types[key]) if cast_nulls else type_coerce(null(), types[key])
        return blank.label(key)

    selects = []
    for identity, source in sources.items():
        columns = [column_of(identity, key) for key in types]
        if typecolname is not None:
            text = str(identity).replace("'", "''")
            columns.append(literal_column(f"'{text}'").label(typecolname))
        selects.append(select(*columns).select_from(source))
    return union_all(*selects).alias(aliasname)
