"""Read a mapper's options, its tables in write order, and its version counter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Self

from sqlalchemy import Column, Table

from holdfast import errors
from holdfast.foundation.codegen import build_function, record
from holdfast.foundation.describe import warn
from holdfast.foundation.sqlalchemy_core import coercions, reduce_columns, roles
from holdfast.mapping.remote import iter_parts

# ------------------------------------------------------------------------------
# Find the tables of a mapper, their primary keys, and the columns that form the identity.
#
# Called by `mapper` when a class is mapped. Looks at schema objects only.

PkReader = Callable[[dict[str, Any]], Any]


def mapped_selectable(element: Any) -> Any:
    """The FROM element that a class is mapped to; anything else is an error."""
    if element is None:
        return None
    if getattr(element, "_is_select_base", False):
        raise errors.MappingArgumentError.select_given(element)
    return coercions.expect(
        roles.FromClauseRole, element, argname="local_table", disable_inspection=True
    )


def tables_of(selectable: Any) -> list[Table]:
    """The tables that rows are written to, in the order in which they are joined.

    The rows of a plain SELECT are those of its tables, and so are those of an alias; a union or an
    aggregate is a place to read from only.
    """
    found: list[Table] = []
    waiting = [selectable]
    while waiting:
        element = waiting.pop()
        if isinstance(element, Table):
            if element not in found:
                found.append(element)
        elif element.__visit_name__ == "join":
            waiting += [element.right, element.left]
        elif element.__visit_name__ in ("grouping", "alias", "subquery"):
            waiting.append(element.element)
        elif element.__visit_name__ == "select" and not element._group_by_clauses:
            waiting += reversed(element.get_final_froms())
    return found


def identity_columns(mapper: Any, given: Any) -> tuple[Any, ...]:
    """The columns whose values identify an object: `given`, or those of its tables."""
    selectable = mapper.persist_selectable
    if given is not None:
        several = given if isinstance(given, list | tuple | set) else (given,)
        return tuple(_named_identity_column(mapper, each) for each in several)
    columns = [column for column in selectable.primary_key if column in set(selectable.c)]
    if not columns:
        raise errors.MappingArgumentError.no_primary_key(mapper, selectable.description)
    if len(columns) > 1 and not isinstance(selectable, Table):
        # Both sides of a join's ON clause are one key column seen twice.
        parts = iter_parts(selectable)
        on_clauses = (part.onclause for part in parts if part.__visit_name__ == "join")
        columns = list(reduce_columns(columns, *on_clauses))
    return tuple(columns)


def check_own_key(mapper: Any) -> None:
    """Warn of a subclass's table whose rows cannot be told apart."""
    own = mapper.local_table
    is_joined = mapper.inherit_condition is not None
    if is_joined and mapper.options.primary_key is None and not own.primary_key:
        warn(
            f"Could not assemble any primary keys for locally mapped table '{own.description}' - "
            "no rows will be persisted in this Table. Give it a primary key. [no-primary-key]"
        )


def check_identity(mapper: Any) -> None:
    """Warn of key columns that are not equal and share an attribute."""
    holders: dict[str, Any] = {}
    for column, key in zip(mapper.primary_key, mapper.primary_key_keys, strict=True):
        other = holders.setdefault(key, column)
        if other is not column:
            warn(
                f"On mapper {mapper}, primary key column '{other}' is being combined with "
                f"distinct primary key column '{column}' in attribute '{key}'. Use explicit "
                "properties to give each column its own mapped attribute name. [key-combined]"
            )


def _named_identity_column(mapper: Any, given: Any) -> Any:
    """One entry of the `primary_key` option as a column of the mapped selectable."""
    if isinstance(given, str):
        name = given
        given = mapper.given_properties.get(name, mapper.persist_selectable.c.get(name))
        if given is None:
            raise errors.MappingArgumentError.no_such_key(name, mapper)
        if hasattr(given, "kind"):
            columns: Sequence[Any] = given.columns if given.is_column else ()
            if len(columns) != 1 or not isinstance(columns[0], Column):
                raise errors.MappingArgumentError.key_not_column(name, mapper)
    if hasattr(given, "columns") and hasattr(given, "kind"):
        given = given.columns[0]
    elif hasattr(given, "__clause_element__"):
        given = given.__clause_element__()
    column = coercions.expect(roles.DDLConstraintColumnRole, given)
    found = mapper.persist_selectable.corresponding_column(column)
    return column if found is None else found


def build_pk_reader(keys: Sequence[str], *, allow_partial: bool, name: str) -> PkReader:
    """A function from an instance dictionary to the bare primary key, None where there is none.

    `allow_partial`: a key with some, but not all, parts missing is one (MP-121).
    """
    if len(keys) == 1:
        source = f"def read_pk(d, get=dict.get):\n    return get(d, {keys[0]!r})\n"
    else:
        names = [f"k{number}" for number in range(len(keys))]
        reads = "".join(
            f"    {short} = get(d, {key!r})\n" for short, key in zip(names, keys, strict=True)
        )
        word = " and " if allow_partial else " or "
        absent = word.join(f"{short} is None" for short in names)
        source = (
            f"def read_pk(d, get=dict.get):\n{reads}"
            f"    if {absent}:\n        return None\n    return ({', '.join(names)})\n"
        )
    return build_function("read_pk", source, {}, filename_hint=f"primary key of {name}")


# ------------------------------------------------------------------------------
# Define `MapperOptions`: what a class may say about its own mapping beside its attributes.
#
# They come from `__mapper_args__`, or from the keywords of `registry.map_imperatively`.


@record(eq=False)
class MapperOptions:
    """The documented mapper options, with their defaults (MP-120)."""

    # Columns or attribute names that form the identity; the table's primary key when None.
    primary_key: Sequence[Any] | None = None
    # Which of the table's columns are mapped without being named, and how they are called.
    include_properties: Collection[Any] | None = None
    exclude_properties: Collection[Any] | None = None
    column_prefix: str | None = None
    # Inheritance.
    inherits: Any = None
    inherit_condition: Any = None
    inherit_foreign_keys: Any = None
    concrete: bool = False
    polymorphic_on: Any = None
    polymorphic_identity: Any = None
    polymorphic_abstract: bool = False
    polymorphic_load: str | None = None
    with_polymorphic: Any = None
    # Version counter.
    version_id_col: Any = None
    version_id_generator: Callable[[Any], Any] | bool | None = None
    # Reading and writing.
    eager_defaults: bool | str = "auto"
    always_refresh: bool = False
    allow_partial_pks: bool = True
    batch: bool = True
    confirm_deleted_rows: bool = True
    legacy_is_orphan: bool = False
    passive_updates: bool = True
    passive_deletes: bool = False

    @classmethod
    def checked(cls, class_: Any, options: Mapping[str, Any]) -> Self:
        """The options that a class was mapped with."""
        for name in options:
            if name not in cls.__annotations__:
                raise errors.UnknownOptionError.of_mapper(class_, name, cls.__annotations__)
        return cls(**options)


# ------------------------------------------------------------------------------
# Find the version counter of a mapper and the function that makes its next value.

VersionGenerator = Callable[[Any], Any]


def count_up(version: int | None) -> int:
    """The next version number: the default generator."""
    return (version or 0) + 1


def settings(mapper: Any) -> tuple[Any, VersionGenerator | bool]:
    """The version column, or None, and its generator; False when the database makes the value.

    Subclass mappers of a hierarchy share the base's.
    """
    generator = mapper.options.version_id_generator
    column = mapper.options.version_id_col
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
        warn(errors.second_version_warning(column, inherited))
    return column, count_up if generator is None else generator


def settle(mapper: Any) -> None:
    """Find the counter's attribute, now that columns are mapped, and give it active history.

    An UPDATE must name the former version, also when a new one was assigned while it was
    not loaded.
    """
    column = mapper.version_id_col
    if column is None:
        return
    if column not in mapper.key_of_column:
        raise errors.MappingArgumentError.foreign_column(column, mapper)
    mapper.version_key = mapper.key_of_column[column]
    mapper.class_manager.slots[mapper.version_key].active_history = True
