"""Place a mapper in its hierarchy: joined, single-table or concrete inheritance.

Called by `mapper` while a class is mapped; a class without mapped base is the root of a hierarchy
of its own.

Rules kept here:
1. Joined: the class has a table of its own, which joins to its base's. Single: it shares the
   base's. Concrete: its table stands alone, and so does its identity.
2. Properties of the base are the subclass's too, except for concrete ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import exc, join

from holdfast.errors.mapping import AmbiguousInheritError, InheritJoinError, MappingArgumentError
from holdfast.foundation.sqlalchemy_core import (
    coercions,
    criterion_as_pairs,
    deep_deannotate,
    join_condition,
    roles,
)
from holdfast.instrument.manager import manager_of_class
from holdfast.mapping.assembly.class_attributes import install_attribute, install_gap
from holdfast.mapping.assembly.columns import is_excluded, register_columns
from holdfast.mapping.properties.base import MapperProperty
from holdfast.mapping.properties.column import ColumnProperty


def place(mapper: Any, table: Any) -> None:
    """Set what follows from a mapper's place: its base, its table, and what it selects from."""
    given = mapper.options.inherits
    parent = manager_of_class(given).mapper if isinstance(given, type) else given
    mapper.inherits = parent
    mapper.inheriting_mappers = []
    mapper.single = False
    mapper.equivalent_columns = {}
    mapper.inherit_pairs = []
    mapper.inherit_condition = None
    if parent is not None and not issubclass(mapper.class_, parent.class_):
        raise MappingArgumentError.not_a_subclass(mapper.class_, parent.class_)
    if parent is None or mapper.concrete:
        if table is None:
            raise MappingArgumentError.no_table_given(mapper)
        mapper.base_mapper = mapper
        mapper.base_mappers = [mapper]
        mapper.local_table = mapper.persist_selectable = table
        return
    mapper.base_mapper = parent.base_mapper
    mapper.base_mappers = [parent.base_mapper]
    mapper.equivalent_columns = {k: set(v) for k, v in parent.equivalent_columns.items()}
    if mapper.eager_defaults == "auto":
        mapper.eager_defaults = parent.eager_defaults
    if table is None or table is parent.local_table:
        mapper.single = True
        mapper.local_table = parent.local_table
        mapper.persist_selectable = parent.persist_selectable
    else:
        mapper.local_table = table
        _join_to_base(mapper, parent, table)


def _join_to_base(mapper: Any, parent: Any, table: Any) -> None:
    condition = mapper.options.inherit_condition
    if condition is None:
        try:
            condition = join_condition(parent.local_table, table)
        except exc.NoForeignKeysError as cause:
            raise InheritJoinError.no_foreign_keys(parent.local_table, table) from cause
        except exc.AmbiguousForeignKeysError as cause:
            raise AmbiguousInheritError.several_foreign_keys(parent.local_table, table) from cause
    else:
        condition = deep_deannotate(coercions.expect(roles.OnClauseRole, condition))
    mapper.inherit_condition = condition
    mapper.persist_selectable = join(parent.persist_selectable, table, condition)
    foreign = mapper.options.inherit_foreign_keys
    if foreign is not None:
        foreign = {
            coercions.expect(roles.ColumnArgumentRole, each, argname="inherit_foreign_keys")
            for each in (foreign if isinstance(foreign, list | tuple | set) else [foreign])
        }
    mapper.inherit_pairs = criterion_as_pairs(  # type: ignore[no-untyped-call]
        condition, consider_as_foreign_keys=foreign
    )
    for one, other in mapper.inherit_pairs:
        mapper.equivalent_columns.setdefault(one, set()).add(other)
        mapper.equivalent_columns.setdefault(other, set()).add(one)


def source_of_columns(
    mapper: Any, columns: Iterable[Any]
) -> tuple[tuple[Any, ...], Sequence[Any] | None]:
    """The columns by which one object is found for some of its columns, and what joins the tables.

    Columns of subclass tables need not be joined to the base, whose key these tables have too; they
    come with the conditions between their tables. None where the mapper's whole selectable is
    needed.
    """
    tables = {table for column in columns for table in column._from_objects or (None,)}
    chain = [each for each in mapper.iterate_to_root() if each.inherit_pairs]
    needed = [each.local_table in tables for each in chain]
    if not tables or not tables <= {each.local_table for each in chain}:
        return mapper.primary_key, None
    nearest = chain[: len(chain) - needed[::-1].index(True)]
    names = key_columns_in(mapper, nearest[-1].local_table)
    if names is None:
        return mapper.primary_key, None
    # Those between them too, as each is joined to the next.
    between = reversed(nearest[needed.index(True) : -1])
    return names, [each.inherit_condition for each in between]


def key_columns_in(mapper: Any, table: Any) -> tuple[Any, ...] | None:
    """For each primary key column the one of `table` that is equal to it; None without one."""
    found = []
    for column in mapper.primary_key:
        same = equal_columns(mapper, column)
        own = next((each for each in same if each.table is table), None)
        if own is None:
            return None
        found.append(own)
    return tuple(found)


def equal_columns(mapper: Any, column: Any) -> list[Any]:
    """The column, and all that are equal to it in every row of the mapper."""
    found = [column]
    for each in found:
        found += [other for other in mapper.equivalent_columns.get(each, ()) if other not in found]
    return found


def inherited_identity(mapper: Any) -> tuple[Any, ...]:
    """The base's primary key, where the mapper shares it; else ()."""
    if mapper.inherits is None or mapper.concrete or mapper.options.primary_key is not None:
        return ()
    identity: tuple[Any, ...] = mapper.inherits.primary_key
    return identity


def inherit_properties(mapper: Any) -> None:
    """Take over the base's properties that the class does not define itself."""
    parent = mapper.inherits
    if parent is None or mapper.concrete:
        # A concrete class first maps what it has; `join_family` then finds what is missing.
        return
    for key, prop in list(parent.properties.items()):
        if key not in mapper.given_properties:
            inherit_property(mapper, key, prop)


def inherit_property(mapper: Any, key: str, prop: MapperProperty) -> None:
    """Take over one property of the base, and hand it on to subclasses."""
    existing = mapper.properties.get(key)
    if mapper.concrete and existing is None:
        install_gap(mapper, key, prop)
    if mapper.concrete or key in mapper.given_properties:
        return
    if existing is not None and existing.parent is mapper:
        return
    if existing is None and is_excluded(mapper, None, key):
        return
    if isinstance(prop, ColumnProperty) and not prop.instrument and not mapper.single:
        # A discriminator that only a union over the base's subclasses has.
        column = prop.columns[0]
        known = mapper.persist_selectable.corresponding_column
        if getattr(column, "table", None) is not None and known(column) is None:
            return
    mapper.properties[key] = prop
    register_columns(mapper, prop)
    install_attribute(mapper, prop)
    for inheriting in mapper.inheriting_mappers:
        inherit_property(inheriting, key, prop)


def join_family(mapper: Any) -> None:
    """Make the finished mapper known to its base and its registry."""
    if mapper.inherits is not None:
        _join_base(mapper, mapper.inherits)
    mapper.registry.add_mapper(mapper)


def join_concrete(mapper: Any, parent: Any) -> None:
    """Put a concrete class, mapped already, below a base that was mapped after it."""
    mapper.inherits = parent
    for each in mapper.self_and_descendants:
        for identity, known in each.polymorphic_map.items():
            parent.polymorphic_map.setdefault(identity, known)
        each.polymorphic_map = parent.polymorphic_map
    _join_base(mapper, parent)


def _join_base(mapper: Any, parent: Any) -> None:
    parent.inheriting_mappers.append(mapper)
    for each in parent.iterate_to_root():
        each.forget_derived()
        if mapper.concrete:
            each.base_mappers += mapper.base_mappers
    mapper.registry.depend_on(parent.registry)
    # Attributes that the base got since, or while this class was being mapped.
    for key, prop in list(parent.properties.items()):
        if key not in mapper.properties:
            inherit_property(mapper, key, prop)
