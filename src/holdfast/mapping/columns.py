"""Say which column feeds which attribute of a class, and put the attributes there."""

from __future__ import annotations

import inspect
import itertools
import operator
from dataclasses import is_dataclass
from typing import Any

from sqlalchemy import Column
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeEngine

from holdfast import errors
from holdfast.foundation.describe import warn
from holdfast.foundation.sqlalchemy_core import is_left_out
from holdfast.instrument.collection_slot import CollectionSlot
from holdfast.instrument.descriptor import InspectionAttr, InstrumentedAttribute
from holdfast.instrument.large_slot import LargeCollectionSlot
from holdfast.instrument.manager import ClassManager, find_manager, register_class
from holdfast.instrument.proxies import AbsentValue, ForwardedValue, ProxyAttribute
from holdfast.instrument.reference_slot import ReferenceSlot, ValueSlot
from holdfast.instrument.slots import AttributeSlot
from holdfast.mapping.properties import HIDDEN_PREFIX, ColumnProperty, MapperProperty
from holdfast.mapping.remote import iter_comparisons, iter_parts

# ------------------------------------------------------------------------------
# Give a mapped class its attributes: the descriptor, and the slot behind it.
#
# Called by `mapper`: descriptors and the slots of columns when a class is mapped, the slots of
# relationships in the second pass, when their direction is known.


def check_unmapped(cls: type[Any]) -> None:
    """Raise `MappingArgumentError` for a class that is mapped already."""
    found = find_manager(cls)
    if found is not None and found.is_mapped:
        raise errors.MappingArgumentError.mapped_twice(cls)


def adopt_class(mapper: Any) -> ClassManager:
    """The manager of the mapper's class, which gets its constructor and its `__mapper__`."""
    cls = mapper.class_
    if cls.__init__ is object.__init__ and mapper.registry.constructor is not None:
        cls.__init__ = mapper.registry.constructor
        mapper.gave_constructor = True
    manager = register_class(cls)
    manager.mapper = mapper
    manager.registry = mapper.registry
    cls.__mapper__ = mapper
    return manager


def install_attribute(mapper: Any, prop: Any) -> None:
    """Put the descriptor of a property on the class; for a column, with its slot."""
    key = prop.key
    if key.startswith(HIDDEN_PREFIX):
        return
    manager = mapper.class_manager
    if prop.is_synonym or prop.is_composite:
        descriptor = prop if prop.is_composite else synonym_descriptor(mapper, prop)
        attribute: Any = ProxyAttribute(mapper.class_, key, mapper, prop, descriptor)
        if prop.is_composite:
            # What listeners get as the initiator.
            attribute.impl = prop
        manager.install(attribute)
        return
    slot = value_slot(mapper, prop) if prop.is_column else None
    manager.install(
        InstrumentedAttribute(mapper.class_, key, parent=mapper, property=prop, slot=slot)
    )
    if prop.is_relationship and prop.configured:
        install_slot(mapper, prop)


def install_gap(mapper: Any, key: str, prop: Any) -> None:
    """Let an attribute of the base of a concrete class raise on objects (MP-155).

    Something else that the class has under the name stays. On the class, the name is the base's.
    """
    manager = mapper.class_manager
    found = inspect.getattr_static(mapper.class_, key, None)
    if found is inspect.getattr_static(prop.parent.class_, key, manager):
        gap = AbsentValue(mapper, key)
        manager.install(ProxyAttribute(mapper.class_, key, prop.parent, prop, gap))
        manager.slots.pop(key, None)


def release_class(mapper: Any) -> None:
    """Undo `adopt_class` and everything that was installed since."""
    cls = mapper.class_
    mapper.class_manager.dispose()
    if mapper.gave_constructor and cls.__dict__.get("__init__") is mapper.registry.constructor:
        del cls.__init__
    if cls.__dict__.get("__mapper__") is mapper:
        type.__delattr__(cls, "__mapper__")
    if cls.__dict__.get("__table__") is mapper.local_table:
        # Past the metaclass, which takes deletions for attempts to unmap.
        type.__delattr__(cls, "__table__")


def synonym_descriptor(mapper: Any, prop: Any) -> Any:
    """What reads and writes a synonym: a descriptor that was given, or that the class has."""
    if prop.descriptor is not None:
        return prop.descriptor
    if prop.parent is not mapper:
        return prop.parent.class_manager[prop.key].descriptor
    found = mapper.class_.__dict__.get(prop.key)
    if hasattr(type(found), "__get__") and not hasattr(found, "__clause_element__"):
        return found
    return ForwardedValue(prop.name)


def install_slot(mapper: Any, prop: Any) -> None:
    """Give a relationship's attribute its slot, once the direction is known."""
    if mapper.class_manager[prop.key].slot is None:
        mapper.class_manager.install_slot(prop.key, relationship_slot(mapper, prop))


def value_slot(mapper: Any, prop: Any) -> ValueSlot:
    """The slot of a column attribute."""
    type_ = prop.columns[0].type
    has_own_sense = type(type_).compare_values is not TypeEngine.compare_values
    identifies = not set(mapper.primary_key).isdisjoint(prop.columns)
    return ValueSlot(
        prop.key,
        mapper.class_manager,
        compare=type_.compare_values if has_own_sense else operator.eq,
        default=prop.unset_value,
        active_history=prop.active_history or identifies,
        parent_token=prop,
    )


def relationship_slot(mapper: Any, prop: Any) -> AttributeSlot:
    """The slot of a relationship, for one object or a collection."""
    manager = mapper.class_manager
    settings: dict[str, Any] = {
        "parent_token": prop,
        "reverse_keys": prop.synchronizes_reverse,
        "cascades": needs_link_listener(prop),
        "tracks_parent": prop.cascade.delete_orphan,
        "single_parent": prop.single_parent,
        "loads_on_pending": prop.load_on_pending,
        "records_changes": not prop.viewonly,
    }
    if prop.is_large:
        return LargeCollectionSlot(prop.key, manager, source=prop.strategy, **settings)
    if prop.uselist:
        return CollectionSlot(
            prop.key,
            manager,
            collection_class=manager.collection_class_of(prop.key, prop.collection_class or list),
            **settings,
        )
    return ReferenceSlot(
        prop.key,
        manager,
        active_history=prop.active_history,
        defers_history=not prop.simple_many_to_one,
        **settings,
    )


def needs_link_listener(prop: Any) -> bool:
    """Whether the session must hear of new and removed members."""
    return bool(prop.cascade.save_update or prop.cascade.delete_orphan)


def refresh_slot(mapper: Any, prop: Any) -> None:
    """Carry a changed cascade to the slot."""
    slot = mapper.class_manager.slots.get(prop.key)
    if slot is not None:
        slot.cascades = needs_link_listener(prop)
        slot.tracks_parent = prop.cascade.delete_orphan or prop.single_parent
        slot.reverse_keys = prop.synchronizes_reverse
        slot.refresh()


def descriptors_of(mapper: Any) -> dict[str, Any]:
    """Mapped attributes, and descriptors that announce themselves as such, in class body order.

    The nearest class's come first; what it takes over from a base stands where the base has it.
    """
    found: dict[str, Any] = {}
    nearest: dict[str, Any] = {}
    for each, above in itertools.pairwise(mapper.class_.__mro__):
        for key, value in vars(each).items():
            nearest.setdefault(key, value)
            if key not in vars(above):
                value = nearest[key]
                if isinstance(value, InspectionAttr) and value.is_attribute:
                    found[key] = value
    return found


# ------------------------------------------------------------------------------
# Decide which column feeds which attribute of a mapper.
#
# Called by `mapper` when a class is mapped, and for each attribute that is added later.
#
# Rules kept here:
# 1. What the application named comes first; the columns that are left are mapped under their own
#    names, unless options or a descriptor of the class say otherwise.
# 2. Two columns under one name are one attribute only if they are equal in every row.

# What every mapped class and object carries.
RESERVED = frozenset((ClassManager.STATE_ATTR, ClassManager.MANAGER_ATTR))


def map_given(mapper: Any) -> None:
    """Map what the application named, but columns of the table and what is made of them."""
    for key, value in list(mapper.given_properties.items()):
        is_composite = getattr(value, "is_composite", False)
        if not is_composite and _own_column(mapper, value) is None:
            add_property(mapper, key, value)


def map_columns(mapper: Any) -> None:
    """Map the columns, those that the application named among them; inherited ones are known."""
    named: dict[Any, tuple[str, Any]] = {}
    composites: dict[str, Any] = {}
    for key, value in list(mapper.given_properties.items()):
        prop = mapper.properties.get(key)
        if prop is not None and prop.parent is mapper:
            continue
        column = _own_column(mapper, value)
        if getattr(value, "is_composite", False):
            composites[key] = value
        elif column is not None and column not in named:
            # Columns come last, in the order of the table, whatever they are called.
            named[column] = (key, value)
        else:
            add_property(mapper, key, value)
    prefix = mapper.options.column_prefix or ""
    shares = mapper.inherits is not None and not mapper.concrete
    for column in mapper.persist_selectable.columns:
        # What the base left unmapped of its own table stays so.
        is_bases = shares and not mapper.local_table.c.contains_column(column)
        if column in named:
            add_property(mapper, *named.pop(column))
        elif column not in mapper.key_of_column and not is_bases:
            key = prefix + column.key
            if not is_excluded(mapper, column, column.key, key):
                add_property(mapper, key, column, implied=True)
    # Last, when all columns have their names.
    for key, value in composites.items():
        add_property(mapper, key, value)


def _own_column(mapper: Any, value: Any) -> Any:
    """The column of the mapper's own table that a given property selects, if it does."""
    if isinstance(value, ColumnProperty):
        value = value.columns[0]
    if isinstance(value, list | tuple) and value:
        value = value[0]
    if not isinstance(value, Column):
        return None
    column = mapper.persist_selectable.corresponding_column(value)
    local = column is not None and mapper.local_table.c.contains_column(column)
    return column if local and column not in mapper.key_of_column else None


def is_excluded(mapper: Any, column: Any, name: str, key: str | None = None) -> bool:
    """Whether a column that nobody named, or an inherited attribute (no column), stays unmapped."""
    if has_own_descriptor(mapper.class_, name if key is None else key):
        return True
    options = mapper.options
    return leaves_out(options.include_properties, options.exclude_properties, column, name)


def leaves_out(include: Any, exclude: Any, column: Any, *names: str) -> bool:
    """Whether the options that choose among columns leave out one with these names."""

    def is_among(chosen: Any) -> bool:
        return any(
            each in names if isinstance(each, str) else each is column and column is not None
            for each in chosen
        )

    return (include is not None and not is_among(include)) or (
        exclude is not None and is_among(exclude)
    )


def has_own_descriptor(cls: type[Any], key: str) -> bool:
    """Whether the class itself defines something under the name that is no mapped attribute."""
    found = cls.__dict__.get(key)
    if found is None or key in RESERVED or isinstance(found, MapperProperty):
        return False
    if hasattr(found, "__clause_element__") or hasattr(found, "__visit_name__"):
        return False
    return not (is_dataclass(cls) and key in cls.__dataclass_fields__)


def add_property(mapper: Any, key: str, value: Any, *, implied: bool = False) -> MapperProperty:
    """Map one attribute; `implied` says that the application did not name the column."""
    if key in RESERVED:
        raise errors.ReservedNameError.taken(key)
    existing = mapper.properties.get(key)
    if existing is None and mapper.inherits is not None and not mapper.concrete:
        existing = mapper.inherits.properties.get(key)
    prop = _property_of(mapper, key, value)
    if isinstance(prop, ColumnProperty):
        _localize(mapper, prop, plain=not isinstance(value, MapperProperty))
        # A column that is given by itself belongs together with the base's of that name.
        joins_base = isinstance(value, Column) and isinstance(existing, ColumnProperty)
        if existing is not None and (implied or (joins_base and existing.parent is not mapper)):
            prop = _combined(mapper, key, prop, existing)
    elif isinstance(existing, ColumnProperty):
        if existing.parent is mapper:
            forget_columns(mapper, existing)
        elif prop.is_relationship and not existing.is_sql_expression:
            raise errors.MappingArgumentError.column_hides(key, mapper, existing.columns[0], prop)
    prop.attach(mapper, key)
    mapper.properties[key] = prop
    register_columns(mapper, prop)
    install_attribute(mapper, prop)
    return prop


def _property_of(mapper: Any, key: str, value: Any) -> MapperProperty:
    if isinstance(value, MapperProperty):
        return value
    columns = value if isinstance(value, list | tuple) else [value]
    columns = [
        each.__clause_element__() if hasattr(each, "__clause_element__") else each
        for each in columns
    ]
    if not columns or not all(hasattr(each, "__visit_name__") for each in columns):
        raise errors.MappingArgumentError.not_a_property(key, mapper, value)
    return ColumnProperty(*columns, deferred=is_left_out(columns[0]))


def _localize(mapper: Any, prop: ColumnProperty, *, plain: bool) -> None:
    """Put the mapped selectable's own columns in place of those they derive from."""
    selectable = mapper.persist_selectable
    for number, column in enumerate(prop.columns):
        found = selectable.corresponding_column(column)
        if found is not None:
            prop.columns[number] = found
        elif plain and not any(column in m.key_of_column for m in mapper.iterate_to_root()):
            raise errors.MappingArgumentError.foreign_column(column, mapper)


def _combined(
    mapper: Any, key: str, prop: ColumnProperty, existing: MapperProperty
) -> ColumnProperty:
    """The property for a column whose name is taken."""
    column = prop.columns[0]
    if not isinstance(existing, ColumnProperty):
        raise errors.MappingArgumentError.column_hides(key, mapper, column, existing)
    known = existing.columns[0]
    # A column of the version counter's name may stand in each table of a hierarchy.
    is_counter = known is mapper.version_id_col or column is mapper.version_id_col
    if (
        not is_counter
        and not is_left_out(column)
        and not known.shares_lineage(column)
        and not are_equated(mapper, known, column)
    ):
        text = errors.MappingError.implicit_combination(known, column, key)
        if existing.parent is mapper:
            raise text
        warn(str(text))
    merged = existing.copy()
    if existing.parent is mapper:
        merged.columns.append(column)
    elif column not in merged.columns:
        merged.columns.insert(0, column)
    return merged


def are_equated(mapper: Any, one: Any, other: Any) -> bool:
    """Whether the join that the class is mapped to says that both columns are equal."""
    return other in mapper.equivalent_columns.get(one, ()) or any(
        part.operator is operators.eq and {part.left, part.right} == {one, other}
        for element in iter_parts(mapper.persist_selectable)
        if element.__visit_name__ == "join"
        for part in iter_comparisons(element.onclause)
    )


def register_columns(mapper: Any, prop: MapperProperty) -> None:
    """Record which columns a property holds."""
    if not isinstance(prop, ColumnProperty):
        mapper.column_of_key.pop(prop.key, None)
        return
    mapper.column_of_key[prop.key] = prop.columns[0]
    known = mapper.key_of_column
    for column in prop.columns:
        known[column] = prop.key
    for column in prop.columns:
        # An alias's column stands for the table's as well.
        for origin in column.proxy_set:
            known.setdefault(origin, prop.key)


def forget_columns(mapper: Any, prop: ColumnProperty) -> None:
    """Forget the columns of a property that is replaced."""
    known = mapper.key_of_column
    for column in [each for each, key in known.items() if key == prop.key]:
        del known[column]
    mapper.column_of_key.pop(prop.key, None)


def by_table(mapper: Any) -> dict[Any, tuple[tuple[str, Any], ...]]:
    """Table -> (attribute name, column) of every mapped column in it, in table order."""
    known = mapper.key_of_column
    return {
        table: tuple((known[column], column) for column in table.c if column in known)
        for table in mapper.tables
    }
