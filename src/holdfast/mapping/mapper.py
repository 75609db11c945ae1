"""Define `Mapper`: what one class maps to.

Made by `imperative.map_class`; completed by `configure` in the second pass, and read-only from
then on except for attributes that the application adds. Queries, reading and unitofwork read the
tuples and dictionaries commented in `__init__`; `inspect(Class)` gives the mapper to users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from inspect import getattr_static
from typing import Any, ClassVar, TypeVar

from sqlalchemy import MetaData, inspect
from sqlalchemy.util import ReadOnlyProperties
from typing_extensions import TypeVar as DefaultTypeVar

from holdfast import errors
from holdfast.foundation.codegen import Subscripted
from holdfast.foundation.describe import warn_deprecated
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.sqlalchemy_core import (
    EMPTY_DICT,
    HasCacheKey,
    marks_of,
    memoized_property,
    self_inspects,
)
from holdfast.instrument.descriptor import InspectionAttr, QueryableAttribute
from holdfast.instrument.manager import instance_dict, instance_state
from holdfast.mapping import cascades, columns, inheritance, tables
from holdfast.mapping.inheritance import HierarchyMember
from holdfast.mapping.mapped import validators_of
from holdfast.mapping.properties import ColumnProperty, MapperProperty
from holdfast.mapping.relationship import Relationship
from holdfast.mapping.tables import MapperOptions

P = TypeVar("P", bound=MapperProperty)
T = DefaultTypeVar("T", default=Any)


class PropertiesOfKind(Subscripted[P]):
    """Attribute of a mapper: its properties of one kind, or all of them, by name.

    Reading it configures the mapper; what it found stays until attributes are added.
    """

    def __init__(self, kind: str | None = None) -> None:
        self.kind = kind

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, mapper: Any, owner: type) -> ReadOnlyProperties[P]:
        mapper.ensure_configured()
        found: ReadOnlyProperties[P] = ReadOnlyProperties(
            {k: each for k, each in mapper.properties.items() if self.kind in (None, each.kind)}
        )
        mapper.__dict__[self.name] = found
        return found


@self_inspects
class Mapper(HierarchyMember, HasCacheKey, InspectionAttr, Subscripted[T]):
    """How one class corresponds to a table, a join or a subquery.

    Get one with `inspect(Class)` or `Class.__mapper__`.
    """

    is_mapper = True
    represents_outer_join: ClassVar[bool] = False

    # Refreshed by `hooks`: whether anyone listens to before_insert and kin, and to whom to speak.
    has_persistence_listeners = False
    dispatch: Any = None

    # -- settings, from the options of these names
    always_refresh: bool
    allow_partial_pks: bool
    batch: bool
    concrete: bool
    confirm_deleted_rows: bool
    eager_defaults: bool | str
    legacy_is_orphan: bool
    passive_deletes: bool
    passive_updates: bool
    polymorphic_abstract: bool
    polymorphic_identity: Any
    polymorphic_load: str | None

    # None until the class is instrumented.
    class_manager: Any = None
    manager: Any = None

    # -- set by `inheritance.place`
    # The mapper of the base class, or None; and those that inherit from this one directly.
    inherits: Mapper | None
    inheriting_mappers: list[Mapper]
    # The root of the hierarchy; its class stands in identity keys.
    base_mapper: Mapper
    # It, and those of the concrete classes that inherit from this one.
    base_mappers: list[Mapper]
    # Whether the class shares its base's table.
    single: bool
    # The class's own table, and what all its columns are selected from.
    local_table: Any
    persist_selectable: Any
    # How the own table joins to the base's, and the (base column, own column) pairs in that.
    inherit_condition: Any
    inherit_pairs: list[tuple[Any, Any]]
    # Column -> columns that are equal to it in every row of the hierarchy.
    equivalent_columns: dict[Any, set[Any]]

    # -- set by `polymorphic.settle`
    # Discriminator value -> mapper; one dictionary for the whole hierarchy.
    polymorphic_map: dict[Any, Mapper]
    # The column or expression that tells the class of a row, and the attribute that holds it.
    polymorphic_on: Any
    polymorphic_key: str | None
    # Whether a new object gets its discriminator value without the application setting it.
    sets_polymorphic_identity: bool

    # -- set by `derive` at the end of the second pass
    # Names of the column attributes, SQL expressions included, and of those that load on access.
    column_keys: tuple[str, ...] = ()
    deferred_keys: frozenset[str] = frozenset()
    relationship_keys: tuple[str, ...] = ()
    composite_keys: tuple[str, ...] = ()
    # What the dictionary of an instance may hold without being the application's own.
    expirable_keys: frozenset[str] = frozenset()
    # Names of the relationships that each cascade follows.
    save_update_keys: tuple[str, ...] = ()
    delete_keys: tuple[str, ...] = ()
    delete_orphan_keys: tuple[str, ...] = ()
    refresh_expire_keys: tuple[str, ...] = ()
    merge_keys: tuple[str, ...] = ()
    expunge_keys: tuple[str, ...] = ()
    # Table -> ((attribute name, column), ...) of what is written there.
    columns_of_table: dict[Any, tuple[tuple[str, Any], ...]]

    def __init__(
        self,
        class_: type[T],
        local_table: Any = None,
        properties: Mapping[str, Any] | None = None,
        *,
        registry: Any = None,
        **options: Any,
    ) -> None:
        if registry is None:
            raise errors.MappingError.made_directly()
        self.registry = registry
        self.class_: type[T] = class_
        self.options: MapperOptions = MapperOptions.checked(class_, options)
        # What the application mapped by name, in its order; grows with `add_property`.
        self.given_properties: dict[str, Any] = dict(properties or EMPTY_DICT)
        # Name -> property, of this class and inherited, in mapping order.
        self.properties: dict[str, MapperProperty] = {}
        # Every mapped column, and the columns it was derived from, -> name of its attribute.
        self.key_of_column: dict[Any, str] = {}
        # Attribute name -> the column that is selected for it.
        self.column_of_key: dict[str, Any] = {}
        # The second pass has run for this mapper / is to run for some mapper of its registry.
        self.configured: bool = False
        self.needs_configure: bool = True
        # Why the second pass failed, if it did.
        self.configure_failure: BaseException | None = None
        self.tables_found: bool = False
        self.disposed: bool = False
        # Whether the class has its `__init__` from the registry.
        self.gave_constructor = False

        for option, value in vars(self.options).items():
            setattr(self, option, value)
        # Relationships with delete-orphan cascade that lead to this mapper itself.
        self.orphan_sources: list[Relationship] = []
        # Statements and plans that others keep per mapper; emptied when attributes are added.
        self.memo: dict[Any, Any] = {}
        inheritance.place(self, tables.mapped_selectable(local_table))
        columns.check_unmapped(class_)
        if self.dispatch is not None:
            self.dispatch.instrument_class(self, class_)
        self.class_manager = self.manager = columns.adopt_class(self)
        try:
            self._map()
        except BaseException:
            columns.release_class(self)
            raise
        if self.sets_polymorphic_identity and self.polymorphic_key is not None:
            self.manager.initial_values = {self.polymorphic_key: self.polymorphic_identity}
            self.manager.refresh_construction()
        inheritance.join_family(self)
        if self.dispatch is not None:
            self.dispatch.after_mapper_constructed(self, class_)

    def _map(self) -> None:
        self._find_tables()
        self.tables_found = True
        self.version_id_col: Any
        self.version_id_generator: tables.VersionGenerator | bool
        self.version_id_col, self.version_id_generator = tables.settings(self)
        # Attribute of the version counter; None without one.
        self.version_key: str | None = None
        columns.map_given(self)
        inheritance.inherit_properties(self)
        columns.map_columns(self)
        self._find_identity()
        inheritance.settle(self)
        tables.settle(self)

    def _find_tables(self) -> None:
        # Tables that rows are written to, parents before children.
        self.tables: list[Any] = tables.tables_of(self.persist_selectable)
        # Table -> its primary key columns, for tables that have any.
        self.pk_columns_of_table: dict[Any, tuple[Any, ...]] = {
            table: tuple(table.primary_key) for table in self.tables if len(table.primary_key)
        }
        # Columns whose values identify an object.
        self.primary_key: tuple[Any, ...] = inheritance.inherited_identity(
            self
        ) or tables.identity_columns(self, self.options.primary_key)

    def _find_identity(self) -> None:
        missing = [each for each in self.primary_key if each not in self.key_of_column]
        if missing:
            raise errors.MappingArgumentError.primary_key_not_mapped(self, missing[0])
        # The same as attribute names; `single_pk_key` is the only one, or None.
        self.primary_key_keys: tuple[str, ...] = tuple(
            self.key_of_column[each] for each in self.primary_key
        )
        tables.check_own_key(self)
        self.single_pk_key: str | None = (
            self.primary_key_keys[0] if len(self.primary_key) == 1 else None
        )
        # dict of an instance -> bare primary key or None.
        self.read_pk: tables.PkReader = tables.build_pk_reader(
            self.primary_key_keys, allow_partial=self.allow_partial_pks, name=self.class_.__name__
        )

    # -- properties ------------------------------------------------------------------------------

    def add_property(self, key: str, value: Any) -> None:
        """Map one more attribute; columns, lists of columns and properties are accepted."""
        self.given_properties[key] = value
        if not self.tables_found:
            # A listener of `instrument_class` adds to what is about to be mapped.
            return
        former = self.properties.get(key)
        self._take_in(key, columns.add_property(self, key, value))
        prop = self.properties[key]
        if former not in (None, prop) and (former.parent, former.kind) == (self, prop.kind):
            warn_deprecated(
                f"Property {former} on {self} being replaced with new property {prop}; the old "
                "property will be discarded. Map it under another name. [property-replaced]",
                version="2.1",
            )

    def add_backref(self, key: str, prop: Relationship) -> None:
        """Take in the relationship that one of another class asks for as its other side."""
        existing = getattr_static(self.class_, key, None)
        # The MetaData of a declarative base is nobody's attribute, and a mapped one is replaced
        # only where a concrete class has its base's.
        if existing is not None and not isinstance(existing, MetaData | QueryableAttribute):
            warn_deprecated(
                f"User-placed attribute {self.class_.__name__}.{key} on {self} is replacing an "
                "existing class-bound attribute of the same name.  Behavior is not fully defined "
                "in this case.  This use is deprecated and will raise an error in a future release"
            )
        self._take_in(key, columns.add_property(self, key, prop))

    def _take_in(self, key: str, prop: MapperProperty) -> None:
        for mapper in self.inheriting_mappers:
            inheritance.inherit_property(mapper, key, prop)
        self.forget_derived()
        if self.configured:
            prop.resolve()
            prop.link()
            prop.finish()
            for mapper in self.self_and_descendants:
                mapper.complete()

    def add_properties(self, dict_of_properties: Mapping[str, Any]) -> None:
        """Map several more attributes."""
        for item in dict_of_properties.items():
            self.add_property(*item)

    def has_property(self, key: str) -> bool:
        """Whether an attribute of that name is mapped."""
        return key in self.properties

    def get_property(self, key: str) -> MapperProperty:
        """The property of that name; never configures.

        Raises:
            InvalidRequestError: There is none.
        """
        try:
            return self.properties[key]
        except KeyError:
            raise errors.MappingError.no_property(self, key) from None

    def get_property_by_column(self, column: Any) -> MapperProperty:
        """The property that holds `column`.

        Raises:
            UnmappedColumnError: None does.
        """
        return self.properties[self.key_of(column)]

    def key_of(self, column: Any) -> str:
        """Name of the attribute that holds `column`.

        Raises:
            UnmappedColumnError: None does.
        """
        try:
            return self.key_of_column[column]
        except KeyError:
            raise errors.UnmappedColumnError.not_mapped(column, self) from None

    @property
    def iterate_properties(self) -> Iterator[MapperProperty]:
        """All properties; never configures."""
        return iter(list(self.properties.values()))

    attrs: PropertiesOfKind[MapperProperty] = PropertiesOfKind()
    column_attrs: PropertiesOfKind[ColumnProperty] = PropertiesOfKind("column")
    relationships: PropertiesOfKind[Relationship] = PropertiesOfKind("relationship")
    synonyms: PropertiesOfKind[MapperProperty] = PropertiesOfKind("synonym")
    composites: PropertiesOfKind[MapperProperty] = PropertiesOfKind("composite")

    @memoized_property
    def columns(self) -> ReadOnlyProperties[Any]:
        """The selected column of each column attribute, by attribute name."""
        return ReadOnlyProperties(dict(self.column_of_key))

    @property
    def c(self) -> ReadOnlyProperties[Any]:
        """Short for `columns`."""
        return self.columns

    @memoized_property
    def all_orm_descriptors(self) -> ReadOnlyProperties[Any]:
        """Mapped attributes, and descriptors such as hybrids and association proxies (MP-175)."""
        return ReadOnlyProperties(columns.descriptors_of(self))

    @memoized_property
    def bulk_setters(self) -> Mapping[str, Callable[[dict[str, Any], Any], None]]:
        """Name -> what puts columns into a dictionary of a bulk statement, such as a hybrid's."""
        return {
            key: partial(each.set_in_bulk, self.class_)
            for key, each in self.all_orm_descriptors.items()
            if hasattr(type(each), "set_in_bulk")
        }

    # Of the class alone, so no derived attribute.
    @cached_property
    def validators(self) -> Mapping[str, Any]:
        """Attribute name -> (validation method, its options), from `@validates`."""
        return validators_of(self)

    def forget_derived(self) -> None:
        """Forget collections derived from `properties`, which has changed."""
        for name in _DERIVED:
            self.__dict__.pop(name, None)
        self.memo.clear()

    def derive(self) -> None:
        """Compute the tuples of names that hot paths read; run at the end of the second pass."""
        self.forget_derived()
        props = self.properties.values()
        relationships = [prop for prop in props if isinstance(prop, Relationship)]
        columns_ = [prop for prop in props if isinstance(prop, ColumnProperty)]
        self.column_keys = tuple(prop.key for prop in columns_)
        self.deferred_keys = frozenset(prop.key for prop in columns_ if prop.deferred)
        self.relationship_keys = tuple(prop.key for prop in relationships)
        self.composite_keys = tuple(prop.key for prop in props if prop.is_composite)
        self.expirable_keys = frozenset((*self.properties, "_sa_instance_state"))
        self.columns_of_table = columns.by_table(self)
        for rule in cascades.RULES:
            keys = tuple(prop.key for prop in relationships if rule in prop.cascade)
            setattr(self, f"{rule.replace('-', '_')}_keys", keys)
        for prop in relationships:
            columns.refresh_slot(self, prop)

    # -- configuration ---------------------------------------------------------------------------

    def ensure_configured(self) -> None:
        """Run the second pass, if mappers of this registry wait for it."""
        if self.needs_configure:
            self.registry.ensure_configured()

    @property
    def _post_inspect(self) -> None:
        # Core reads this attribute when a class enters a statement (MP-5).
        if self.needs_configure:
            self.registry.ensure_configured()

    def wait_for_configuration(self) -> None:
        """Some mapper of this registry, or of one that it leads to, is new."""
        self.needs_configure = True
        self.class_manager.prepare = self.prepare_construction
        self.class_manager.refresh_construction()

    def end_of_configuration(self) -> None:
        """No mapper waits any more."""
        self.needs_configure = False
        self.class_manager.prepare = (
            self.prepare_construction if self.polymorphic_abstract else None
        )

    def prepare_construction(self) -> None:
        """Before an object of the class is made: configure, and refuse an abstract class (MP-152).

        Raises:
            InvalidRequestError: The class is `polymorphic_abstract`.
        """
        self.ensure_configured()
        if self.polymorphic_abstract:
            raise errors.MappingError.abstract_class(self)

    def complete(self) -> None:
        """Last step of the second pass: all properties are configured."""
        for prop in self.properties.values():
            if prop.is_relationship and prop.configured:
                columns.install_slot(self, prop)
        self.derive()
        if not self.configured:
            tables.check_identity(self)
        self.configured = True

    def note_orphan_relationship(self, prop: Relationship) -> None:
        """Keep the list of relationships whose former members are to be deleted up to date."""
        if prop in self.orphan_sources:
            self.orphan_sources.remove(prop)
        if prop.cascade.delete_orphan:
            self.orphan_sources.append(prop)

    @property
    def orphan_relationships(self) -> tuple[Relationship, ...]:
        """Relationships with delete-orphan cascade that lead to this class or one of its bases."""
        return tuple(p for mapper in self.iterate_to_root() for p in mapper.orphan_sources)

    def dispose(self) -> None:
        """Take the mapping away from the class."""
        self.configured = False
        self.disposed = True
        self.registry.remove_class(self.class_.__name__, self.class_)
        columns.release_class(self)

    def primary_mapper(self) -> Mapper:
        """This mapper; there is one per class."""
        return self

    # -- identity --------------------------------------------------------------------------------

    def identity_key_from_primary_key(
        self, primary_key: Sequence[Any], identity_token: Any = None
    ) -> tuple[type[Any], tuple[Any, ...], Any]:
        """The key under which a session knows the object with these key values."""
        return (self.base_mapper.class_, tuple(primary_key), identity_token)

    def identity_key_from_row(
        self, row: Any, identity_token: Any = None, adapter: Any = None
    ) -> tuple[type[Any], tuple[Any, ...], Any]:
        """The identity key that a row of this mapper's columns has."""
        wanted = [adapter.columns[each] if adapter else each for each in self.primary_key]
        # `Row._mapping` is documented under this name.
        values = row._mapping if hasattr(row, "_mapping") else row  # noqa: SLF001
        return self.identity_key_from_primary_key([values[each] for each in wanted], identity_token)

    def identity_key_from_instance(self, instance: Any) -> tuple[type[Any], tuple[Any, ...], Any]:
        """The identity key of an object from its attribute values, which load if they must."""
        state = instance_state(instance)
        return self.identity_key_from_primary_key(
            self.primary_key_from_instance(instance), state.identity_token
        )

    def primary_key_from_instance(self, instance: Any) -> list[Any]:
        """The values of the primary key attributes, which load if they must."""
        state, dict_ = instance_state(instance), instance_dict(instance)
        policy = LoadPolicy.LOAD
        return [self.manager.slots[k].get(state, dict_, policy) for k in self.primary_key_keys]

    def cascade_iterator(
        self, type_: str, state: Any, halt_on: Any = None
    ) -> Iterator[tuple[Any, Mapper, Any, dict[str, Any]]]:
        """What an operation on `state` reaches by a cascade: (object, mapper, state, dict)."""
        for found in cascades.reachable(state, type_, halt_on=halt_on):
            obj = found.object
            yield obj, found.mapper, found, obj.__dict__

    # -- what Core and other entities ask ----------------------------------------------------------

    @property
    def mapper(self) -> Mapper:
        """Every entity has a mapper; this one is its own."""
        return self

    @property
    def entity(self) -> type[Any]:
        """What stands for this mapper in statements: the class."""
        return self.class_

    @property
    def name(self) -> str:
        """The class's name, which keys its objects in result rows."""
        return self.class_.__name__

    @property
    def entity_namespace(self) -> Any:
        """Where `filter_by()` looks for attributes."""
        return self.class_

    def adapt(self, element: Any, key: str | None = None) -> Any:
        """The element itself: only aliases have other columns than their mapper's."""
        return element

    @memoized_property
    def clause(self) -> Any:
        """The selectable, marked as standing for this class, and with the table to write to."""
        marks = {"entity_namespace": self, "parententity": self, "parentmapper": self}
        if self.selectable is not self.local_table:
            marks["dml_table"] = self.local_table._annotate(marks)
        return self.selectable._annotate(marks)._set_propagate_attrs(marks_of(self))

    def __clause_element__(self) -> Any:
        return self.clause

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> Any:
        return (self,)

    def __reduce__(self) -> Any:
        # Pickled as a name, which another process has its own mapper for.
        return inspect, (self.class_,)

    def __str__(self) -> str:
        table = self.local_table
        name = "" if table is None else getattr(table, "description", None) or str(table)
        return f"Mapper[{self.class_.__name__}({name})]"

    def __repr__(self) -> str:
        return f"<Mapper at 0x{id(self):x}; {self.class_.__name__}>"


# What a mapper memoizes, all of which depends on its properties or its descendants.
_DERIVED = [
    name
    for each in (Mapper, HierarchyMember)
    for name, found in vars(each).items()
    if isinstance(found, memoized_property | PropertiesOfKind)
]
