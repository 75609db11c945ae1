"""Find, or make, the relationship at the other end of one that names it.

`back_populates` names a relationship that exists; `backref` asks for one to be made.
"""

from __future__ import annotations

from typing import Any

from holdfast.errors.mapping import MappingError
from holdfast.errors.relationships import RelationshipError
from holdfast.mapping.joins.direction import MANYTOMANY


def backref(name: str, **kwargs: Any) -> tuple[str, dict[str, Any]]:
    """Ask `relationship(backref=...)` for a relationship of that name and these arguments."""
    return name, kwargs


def link_reverse(prop: Any, key: str) -> None:
    """Tie a relationship to the one of name `key` on its target.

    Raises:
        MappingError: There is no relationship of that name.
        RelationshipError: The two do not fit together.
    """
    other = prop.mapper.get_property(key)
    if not other.is_relationship:
        raise MappingError.back_populates_column(str(prop), str(other), other.kind)
    if other is prop:
        # A relationship that mirrors itself, as "friends" of "friends" would, is left alone.
        return
    other.resolve()
    if not (other.mapper.common_parent(prop.parent) or prop.parent.isa(other.mapper)):
        raise RelationshipError.foreign_reverse(key, prop, other, prop.parent)
    if other.direction is prop.direction and prop.direction is not MANYTOMANY:
        raise RelationshipError.same_direction(other, prop, prop.direction)
    _check_synchronization(prop, other)
    _check_synchronization(other, prop)
    prop.reverse_properties.add(other)
    other.reverse_properties.add(prop)


def _check_synchronization(prop: Any, other: Any) -> None:
    if prop.sync_backref and other.viewonly:
        raise MappingError.viewonly_reverse(prop, other)


def make_backref(prop: Any) -> None:
    """Make the relationship that `backref` asks for, on the target's mapper.

    Raises:
        RelationshipError: The target has an attribute of that name.
    """
    given = prop.backref
    name, arguments = (given, {}) if isinstance(given, str) else (given[0], dict(given[1]))
    mapper = prop.mapper
    if not mapper.concrete:
        taken = any(each.has_property(name) for each in mapper.iterate_to_root()) or any(
            name in each.properties
            for each in mapper.self_and_descendants
            if not each.concrete or each is mapper
        )
        if taken:
            raise RelationshipError.backref_exists(name, prop, mapper)
    primaryjoin, secondaryjoin = prop.condition.reversed_joins()
    if prop.secondary is None and "secondaryjoin" in arguments:
        raise RelationshipError.backref_secondaryjoin(prop)
    # What the two sides share, where the arguments do not say otherwise.
    shared = {
        "primaryjoin": primaryjoin,
        "secondaryjoin": secondaryjoin,
        "foreign_keys": prop.foreign_keys,
        "viewonly": prop.viewonly,
        "post_update": prop.post_update,
        "sync_backref": prop.sync_backref,
    }
    if not arguments.get("viewonly", prop.viewonly):
        shared["passive_updates"] = prop.passive_updates
    arguments = {**shared, **arguments}
    made = type(prop)(prop.parent, prop.secondary, back_populates=prop.key, **arguments)
    prop.back_populates = name
    prop.made_reverse = made
    mapper.add_backref(name, made)
    made.resolve()
    made.link()
