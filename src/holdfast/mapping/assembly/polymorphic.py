"""Tell the classes of a hierarchy apart by a discriminator, and select several of them at once.

Called by `mapper` while a class is mapped; queries use `shares_table` and `identities_below`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column
from sqlalchemy.sql.expression import FromClause

from holdfast.errors.mapping import MappingArgumentError, MappingError
from holdfast.foundation.deprecated import warn
from holdfast.foundation.record import replace
from holdfast.foundation.sqlalchemy_core import coercions, roles
from holdfast.instrument.manager import manager_of_class
from holdfast.mapping.assembly import columns, tables
from holdfast.mapping.properties.base import MapperProperty
from holdfast.mapping.properties.column import ColumnProperty

UNMAPPED_DISCRIMINATOR = "_sa_polymorphic_on"
"""Attribute name of a discriminator expression that the application did not map."""


def settle(mapper: Any) -> None:
    """Set discriminator, identity and the map from identity values to mappers."""
    parent = mapper.inherits
    shares = parent is not None and not mapper.concrete
    mapper.polymorphic_map = parent.polymorphic_map if parent is not None else {}
    mapper.polymorphic_on = _inherited(mapper, parent.polymorphic_on) if shares else None
    mapper.polymorphic_key = parent.polymorphic_key if mapper.polymorphic_on is not None else None
    mapper.sets_polymorphic_identity = False
    if mapper.options.polymorphic_on is not None:
        _set_discriminator(mapper, mapper.options.polymorphic_on)
    if mapper.polymorphic_abstract and mapper.polymorphic_on is None:
        raise MappingError.abstract_without_discriminator(mapper)
    identity = mapper.polymorphic_identity
    if identity is not None:
        known = mapper.polymorphic_map.get(identity)
        if known is not None and known is not mapper:
            warn(
                f"Reassigning polymorphic association for identity {identity!r} from {known} to "
                f"{mapper}: Check for duplicate use of {identity!r} as value for "
                "polymorphic_identity."
            )
        mapper.polymorphic_map[identity] = mapper
    elif mapper.polymorphic_on is not None and shares and not mapper.polymorphic_abstract:
        warn(
            f"{mapper} does not indicate a 'polymorphic_identity', yet is part of an inheritance "
            "hierarchy that has a 'polymorphic_on' column of "
            f"'{mapper.polymorphic_on}'. If this is an intermediary class that should not be "
            "instantiated, the class may either be left unmapped, or may include the "
            "'polymorphic_abstract=True' parameter in its Mapper arguments. To leave the class "
            "unmapped when using Declarative, set the '__abstract__ = True' attribute on the class."
        )
    mapper.sets_polymorphic_identity = (
        identity is not None
        and mapper.polymorphic_key is not None
        and mapper.polymorphic_key != UNMAPPED_DISCRIMINATOR
        and isinstance(mapper.polymorphic_on, Column)
    )


def _inherited(mapper: Any, on: Any) -> Any:
    """The base's discriminator; None where only a union over the base's subclasses has it."""
    if getattr(on, "table", None) is None or mapper.single:
        return on
    return mapper.persist_selectable.corresponding_column(on)


def _set_discriminator(mapper: Any, given: Any) -> None:
    if isinstance(given, str):
        prop = mapper.find_property(given)
        if prop is None:
            raise MappingArgumentError.unknown_discriminator(given, mapper)
        given = prop
    if isinstance(given, ColumnProperty):
        found = mapper.find_property(getattr(given, "key", None))
        if found is not given and given.columns[0] not in mapper.key_of_column:
            columns.add_property(mapper, UNMAPPED_DISCRIMINATOR, given)
        mapper.polymorphic_on = given.columns[0]
        mapper.polymorphic_key = mapper.key_of_column[given.columns[0]]
        return
    prop = given if isinstance(given, MapperProperty) else getattr(given, "property", None)
    if prop is not None and not isinstance(prop, ColumnProperty):
        raise MappingArgumentError.bad_discriminator(prop, mapper)
    column = coercions.expect(
        roles.ColumnArgumentOrKeyRole, given, argname="polymorphic_on"
    )._deannotate()
    found = mapper.persist_selectable.corresponding_column(column)
    if found is not None:
        column = found
    if column not in mapper.key_of_column:
        if isinstance(column, Column) and found is None and not _is_in_given(mapper, column):
            raise MappingError.foreign_discriminator(column, mapper)
        prop = ColumnProperty(column)
        columns.add_property(mapper, UNMAPPED_DISCRIMINATOR, prop)
        column = prop.columns[0]
    elif not isinstance(column, Column):
        # An expression has a label where it is mapped.
        column = mapper.column_of_key[mapper.key_of_column[column]]
    mapper.polymorphic_on = column
    mapper.polymorphic_key = mapper.key_of_column[column]


def _is_in_given(mapper: Any, column: Any) -> bool:
    """Whether the selectable that `with_polymorphic` names has the column."""
    given = given_selectable(mapper)
    return given is not None and given.corresponding_column(column) is not None


def read_from_union(mapper: Any, union: Any, name: str) -> None:
    """Have a class that is mapped already read from a union of its descendants' tables.

    Args:
        mapper: The mapper of the class.
        union: The selectable, which has the columns of the class and of all below it.
        name: Its column that tells the class of a row.
    """
    mapper.options = replace(mapper.options, with_polymorphic=("*", union))
    _set_discriminator(mapper, union.c[name])
    mapper.forget_derived()


def shares_table(mapper: Any) -> bool:
    """Whether only some rows of its table are of the mapper's class (MP-146)."""
    return bool(mapper.single and mapper.polymorphic_on is not None)


def identities_below(mappers: Iterable[Any]) -> list[Any]:
    """Identities of some mappers and of those that inherit from them, each once."""
    found = {
        each.polymorphic_identity: None
        for mapper in mappers
        for each in mapper.self_and_descendants
        if each.polymorphic_identity is not None
    }
    return list(found)


def own_identities(mapper: Any) -> frozenset[Any]:
    """Identities of a mapper, and of those below it that are selected from the same tables."""
    return frozenset(
        each.polymorphic_identity
        for each in mapper.self_and_descendants
        if each.persist_selectable is mapper.persist_selectable
    )


def given_choice(mapper: Any) -> Any:
    """The classes that the mapper's `with_polymorphic` option names, None without it."""
    given = mapper.options.with_polymorphic
    return given[0] if _has_selectable(given) else given


def given_selectable(mapper: Any) -> Any:
    """The selectable that the option names beside them, or None."""
    given = mapper.options.with_polymorphic
    return tables.mapped_selectable(given[1]) if _has_selectable(given) else None


def _has_selectable(given: Any) -> bool:
    return isinstance(given, list | tuple) and len(given) == 2 and _is_selectable(given[1])


def _is_selectable(given: Any) -> bool:
    return given is None or isinstance(given, FromClause) or hasattr(given, "_is_select_base")


def all_equivalents(mapper: Any) -> dict[Any, set[Any]]:
    """Column -> columns that are equal to it in every row, over all classes below the mapper."""
    found: dict[Any, set[Any]] = {}
    for each in mapper.self_and_descendants:
        for column, others in each.equivalent_columns.items():
            found.setdefault(column, set()).update(others)
    return found


def chosen_mappers(mapper: Any, choice: Any, selectable: Any = None) -> tuple[Any, ...]:
    """Mappers of a hierarchy named by a `with_polymorphic` choice: "*", or classes.

    Without a selectable of their own, the mappers between them and `mapper` come along, each
    before those that inherit from it; with one, only those whose tables it has.

    Raises:
        InvalidRequestError: A class does not inherit from the mapper's.
    """
    family = mapper.self_and_descendants
    wanted: set[Any] = set()
    if choice is not None and not isinstance(choice, str | list | tuple | set | frozenset):
        choice = (choice,)
    for each in family if isinstance(choice, str) else choice or ():
        found = each if getattr(each, "is_mapper", False) else manager_of_class(each).mapper
        if not found.isa(mapper):
            raise MappingError.not_in_hierarchy(found, mapper)
        wanted.update(found.iterate_to_root() if selectable is None else [found])
    if selectable is None:
        # A concrete class has no row in common with its base.
        wanted = {each for each in wanted if each.base_mapper is mapper.base_mapper}
    else:
        wanted = {each for each in wanted if selectable.is_derived_from(each.local_table)}
    return tuple(each for each in family if each in wanted)


def polymorphic_selectable(mapper: Any, mappers: Iterable[Any], *, innerjoin: bool = False) -> Any:
    """The mapper's tables joined to those of subclass mappers."""
    selectable = mapper.persist_selectable
    for each in mappers:
        if each is mapper or each.single or each.concrete:
            continue
        selectable = selectable.join(
            each.local_table, each.inherit_condition, isouter=not innerjoin
        )
    return selectable
