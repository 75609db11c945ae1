"""Fit a mapper into its hierarchy, and tell the classes of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, cast, exc, join, literal_column, null, select, type_coerce, union_all
from sqlalchemy.sql.expression import FromClause, SelectBase

from holdfast import errors
from holdfast.foundation.codegen import replace
from holdfast.foundation.describe import warn
from holdfast.foundation.sqlalchemy_core import (
    ColumnAdapter,
    coercions,
    criterion_as_pairs,
    deep_deannotate,
    join_condition,
    memoized_property,
    roles,
)
from holdfast.instrument.manager import manager_of_class
from holdfast.mapping import columns, tables
from holdfast.mapping.columns import install_attribute, install_gap, is_excluded, register_columns
from holdfast.mapping.properties import ColumnProperty, MapperProperty

# ------------------------------------------------------------------------------
# Build the UNION of tables that stands for a hierarchy of concrete classes.


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
                raise errors.MappingError.discriminator_taken(key, column)
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


# ------------------------------------------------------------------------------
# Place a mapper in its hierarchy: joined, single-table or concrete inheritance.
#
# Called by `mapper` while a class is mapped; a class without mapped base is the root of a hierarchy
# of its own.
#
# Rules kept here:
# 1. Joined: the class has a table of its own, which joins to its base's. Single: it shares the
#    base's. Concrete: its table stands alone, and so does its identity.
# 2. Properties of the base are the subclass's too, except for concrete ones.


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
        raise errors.MappingArgumentError.not_a_subclass(mapper.class_, parent.class_)
    if parent is None or mapper.concrete:
        if table is None:
            raise errors.MappingArgumentError.no_table_given(mapper)
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
            raise errors.InheritJoinError.no_foreign_keys(parent.local_table, table) from cause
        except exc.AmbiguousForeignKeysError as cause:
            raise errors.AmbiguousInheritError.several_foreign_keys(
                parent.local_table, table
            ) from cause
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

    Subclass tables need not be joined to the base, whose key they have too. None in place of the
    conditions between them where the mapper's whole selectable is needed.
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


# ------------------------------------------------------------------------------
# Tell the classes of a hierarchy apart by a discriminator, and select several of them at once.
#
# Called by `mapper` while a class is mapped; queries use `shares_table` and `identities_below`.

UNMAPPED_DISCRIMINATOR = "_sa_polymorphic_on"
"""Attribute name of a discriminator expression that the application did not map."""


def settle(mapper: Any) -> None:
    """Set discriminator, identity and the map from identity values to mappers."""
    parent = mapper.inherits
    shares = parent is not None and not mapper.concrete
    mapper.polymorphic_map = parent.polymorphic_map if parent is not None else {}
    mapper.polymorphic_on = _inherited(mapper, parent.polymorphic_on) if shares else None
    mapper.polymorphic_key = parent.polymorphic_key if mapper.polymorphic_on is not None else None
    if mapper.options.polymorphic_on is not None:
        _set_discriminator(mapper, mapper.options.polymorphic_on)
    if mapper.polymorphic_abstract and mapper.polymorphic_on is None:
        raise errors.MappingError.abstract_without_discriminator(mapper)
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
        prop = mapper.properties.get(given)
        if prop is None:
            raise errors.MappingArgumentError.unknown_discriminator(given, mapper)
        given = prop
    if isinstance(given, ColumnProperty):
        found = mapper.properties.get(getattr(given, "key", None))
        if found is not given and given.columns[0] not in mapper.key_of_column:
            columns.add_property(mapper, UNMAPPED_DISCRIMINATOR, given)
        mapper.polymorphic_on = given.columns[0]
        mapper.polymorphic_key = mapper.key_of_column[given.columns[0]]
        return
    prop = given if isinstance(given, MapperProperty) else getattr(given, "property", None)
    if prop is not None and not isinstance(prop, ColumnProperty):
        raise errors.MappingArgumentError.bad_discriminator(prop, mapper)
    column = coercions.expect(
        roles.ColumnArgumentOrKeyRole, given, argname="polymorphic_on"
    )._deannotate()
    found = mapper.persist_selectable.corresponding_column(column)
    if found is not None:
        column = found
    if column not in mapper.key_of_column:
        if isinstance(column, Column) and found is None:
            # The selectable that `with_polymorphic` names may have it all the same.
            given = given_selectable(mapper)
            if given is None or given.corresponding_column(column) is None:
                raise errors.MappingError.foreign_discriminator(column, mapper)
        prop = ColumnProperty(column)
        columns.add_property(mapper, UNMAPPED_DISCRIMINATOR, prop)
        column = prop.columns[0]
    elif not isinstance(column, Column):
        # An expression has a label where it is mapped.
        column = mapper.column_of_key[mapper.key_of_column[column]]
    mapper.polymorphic_on = column
    mapper.polymorphic_key = mapper.key_of_column[column]


def read_from_union(mapper: Any, union: Any, name: str) -> None:
    """Have a mapped class read from a union of its descendants' tables, told apart by a column."""
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


def given_choice(mapper: Any) -> Any:
    """The classes that the mapper's `with_polymorphic` option names, None without it."""
    given = mapper.options.with_polymorphic
    return given[0] if _has_selectable(given) else given


def given_selectable(mapper: Any) -> Any:
    """The selectable that the option names beside them, or None."""
    given = mapper.options.with_polymorphic
    return tables.mapped_selectable(given[1]) if _has_selectable(given) else None


def _has_selectable(given: Any) -> bool:
    if not isinstance(given, list | tuple) or len(given) != 2:
        return False
    second = given[1]
    return second is None or isinstance(second, FromClause) or hasattr(second, "_is_select_base")


def chosen_mappers(mapper: Any, choice: Any, selectable: Any = None) -> tuple[Any, ...]:
    """Mappers of a hierarchy named by a `with_polymorphic` choice: "*", or classes.

    Without a selectable of their own, the mappers between them and `mapper` come along, each
    before those that inherit from it; with one, only those whose tables it has.
    """
    family = mapper.self_and_descendants
    wanted: set[Any] = set()
    if choice is not None and not isinstance(choice, str | list | tuple | set | frozenset):
        choice = (choice,)
    for each in family if isinstance(choice, str) else choice or ():
        found = each if getattr(each, "is_mapper", False) else manager_of_class(each).mapper
        if not found.isa(mapper):
            raise errors.MappingError.not_in_hierarchy(found, mapper)
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


# ------------------------------------------------------------------------------
# Define what a mapper knows of the classes above and below its own.
#
# A part of `Mapper`, which fills the attributes named here; the rules stand above.


class HierarchyMember:
    """The place of one class in its hierarchy, and what a query for it selects from."""

    inherits: Any
    base_mapper: Any
    inheriting_mappers: list[Any]
    persist_selectable: Any
    equivalent_columns: dict[Any, set[Any]]

    def iterate_to_root(self) -> Iterator[Any]:
        """This mapper, the one it inherits from, and so on."""
        mapper: Any = self
        while mapper is not None:
            yield mapper
            mapper = mapper.inherits

    @property
    def self_and_descendants(self) -> tuple[Any, ...]:
        """This mapper and all that inherit from it, nearest first."""
        found = [self]
        for mapper in found:
            found += mapper.inheriting_mappers
        return tuple(found)

    def isa(self, other: Any) -> bool:
        """Whether this mapper is `other` or inherits from it."""
        return any(mapper is other for mapper in self.iterate_to_root())

    def common_parent(self, other: Any) -> bool:
        """Whether both belong to one hierarchy."""
        return self.base_mapper is other.mapper.base_mapper

    def is_sibling(self, other: Any) -> bool:
        """Whether both belong to one hierarchy without one inheriting from the other."""
        return self.common_parent(other) and not self.isa(other) and not other.isa(self)

    @memoized_property
    def with_polymorphic_mappers(self) -> list[Any]:
        """Mappers of the hierarchy whose columns every query for this class selects (MP-150)."""
        chosen, _ = self.polymorphic_choice()
        inline = [self]
        for mapper in inline:
            # Classes below one that is not loaded so are selected in queries for that one.
            inline += [
                each for each in mapper.inheriting_mappers if each.polymorphic_load == "inline"
            ]
        wanted = {*chosen, *chosen_mappers(self, inline[1:])}
        return [each for each in self.self_and_descendants if each in wanted]

    def polymorphic_choice(
        self, classes: Any = None, *, selectable: Any = False, innerjoin: bool = False
    ) -> tuple[tuple[Any, ...], Any]:
        """What is selected for a choice of subclasses ("*": all): mappers, and from where.

        Without choice or selectable (False) those that the class is mapped with count.
        """
        if selectable is False:
            selectable = given_selectable(self)
        chosen = chosen_mappers(self, classes or given_choice(self), selectable)
        if selectable is None:
            selectable = polymorphic_selectable(self, chosen, innerjoin=innerjoin)
        return chosen, selectable

    @memoized_property
    def selectable(self) -> Any:
        """What a query for this class selects from."""
        given = given_selectable(self)
        if given is not None:
            return given
        return polymorphic_selectable(self, self.with_polymorphic_mappers)

    @memoized_property
    def all_equivalents(self) -> dict[Any, set[Any]]:
        """Column -> columns equal to it in every row, of this class or of one below it."""
        found: dict[Any, set[Any]] = {}
        for each in self.self_and_descendants:
            for column, others in each.equivalent_columns.items():
                found.setdefault(column, set()).update(others)
        return found

    @memoized_property
    def adapter(self) -> ColumnAdapter | None:
        """Columns of the tables -> those of the selectable that `with_polymorphic` names."""
        given = given_selectable(self)
        if given is None:
            return None
        return ColumnAdapter(given, equivalents=self.all_equivalents)

    @memoized_property
    def own_identities(self) -> frozenset[Any]:
        """Identities of this mapper, and of those below it that select from the same tables."""
        return frozenset(
            each.polymorphic_identity
            for each in self.self_and_descendants
            if each.persist_selectable is self.persist_selectable
        )
