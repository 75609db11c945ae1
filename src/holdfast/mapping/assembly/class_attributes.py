"""Give a mapped class its attributes: the descriptor, and the slot behind it.

Called by `mapper`: descriptors and the slots of columns when a class is mapped, the slots of
relationships in the second pass, when their direction is known.
"""

from __future__ import annotations

import inspect
import itertools
import operator
from collections.abc import Callable
from typing import Any

from sqlalchemy.types import TypeEngine

from holdfast.errors.mapping import MappingArgumentError
from holdfast.instrument.descriptor import InstrumentedAttribute
from holdfast.instrument.inspection import InspectionAttr
from holdfast.instrument.manager import ClassManager, find_manager, register_class
from holdfast.instrument.proxies import AbsentValue, ForwardedValue, ProxyAttribute
from holdfast.instrument.slots.base import AttributeSlot
from holdfast.instrument.slots.collection import CollectionSlot
from holdfast.instrument.slots.large import LargeCollectionSlot
from holdfast.instrument.slots.reference import ReferenceSlot
from holdfast.instrument.slots.value import ValueSlot
from holdfast.mapping.properties.column import HIDDEN_PREFIX


def check_unmapped(cls: type[Any]) -> None:
    """Raise `MappingArgumentError` for a class that is mapped already."""
    found = find_manager(cls)
    if found is not None and found.is_mapped:
        raise MappingArgumentError.mapped_twice(cls)


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
    column = prop.columns[0]
    identifies = not set(mapper.primary_key).isdisjoint(prop.columns)
    return ValueSlot(
        prop.key,
        mapper.class_manager,
        compare=_comparison(column.type),
        default=prop.unset_value,
        active_history=prop.active_history or identifies,
        parent_token=prop,
    )


def _comparison(type_: Any) -> Callable[[Any, Any], Any]:
    """Equality in the sense of a SQL type; plain `==` where the type says nothing else."""
    if type(type_).compare_values is TypeEngine.compare_values:
        return operator.eq
    compare: Callable[[Any, Any], Any] = type_.compare_values
    return compare


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
            prop.key, manager, collection_class=prop.collection_class or list, **settings
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
