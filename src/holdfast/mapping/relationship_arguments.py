"""Read and check what a relationship is given, and find its reverse."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import inspect

from holdfast import errors
from holdfast.foundation.describe import warn
from holdfast.foundation.sqlalchemy_core import coercions, deep_deannotate, roles
from holdfast.mapping.class_names import evaluate, find_class, find_table
from holdfast.mapping.condition import MANYTOMANY

# ------------------------------------------------------------------------------
# Evaluate what was given to `relationship()` as a string or callable, and check its kind.
#
# Called by `relationship.Relationship.resolve` when mappers are configured.

ENTITY_MARKS = ("entity_namespace", "parententity", "parentmapper", "proxy_key")


def _called(value: Any) -> Any:
    """The result of a callable; classes and SQL constructs count as values."""
    if (
        callable(value)
        and not isinstance(value, type)
        and not hasattr(value, "__clause_element__")
        and not hasattr(value, "__visit_name__")
        and inspect(value, raiseerr=False) is None
    ):
        return value()
    return value


def _meant(prop: Any, value: Any, find: Callable[[str, Any], Any]) -> Any:
    """What a string stands for, or a callable that may give one."""
    value = _called(value)
    return find(value, prop.parent) if isinstance(value, str) else value


def find_target(prop: Any, argument: Any) -> Any:
    """The entity that a relationship leads to: a mapper, or the inspection of an alias."""
    if isinstance(argument, str) and "[" in argument:
        raise errors.MappingError.generic_target(prop.parent, argument, prop.key)
    argument = _meant(prop, argument, find_class)
    entity = inspect(argument, raiseerr=False) if argument is not None else None
    if entity is None and isinstance(argument, type):
        raise errors.UnmappedClassError(argument)
    if entity is None or not (
        getattr(entity, "is_mapper", False) or getattr(entity, "is_aliased_class", False)
    ):
        raise errors.RelationshipError.bad_target(prop.key, type(argument))
    return entity


def find_secondary(prop: Any, secondary: Any) -> Any:
    """The association table, or whatever FROM element stands for it."""
    secondary = _meant(prop, secondary, find_table)
    if secondary is None:
        return None
    if getattr(inspect(secondary, raiseerr=False), "is_mapper", False):
        raise errors.RelationshipError.mapped_secondary(secondary, prop)
    return coercions.expect(roles.FromClauseRole, secondary)


def find_condition(prop: Any, name: str, value: Any) -> Any:
    """A join condition as an expression, or None."""
    value = _meant(prop, value, evaluate)
    if value is None:
        return None
    return coercions.expect(roles.ColumnArgumentRole, value, argname=name)


def find_columns(
    prop: Any, name: str, value: Any, *, role: Any = roles.ColumnArgumentRole
) -> tuple[Any, ...]:
    """The columns of an argument that takes one or several; () for None and False."""
    value = _meant(prop, value, evaluate)
    if value is None or value is False:
        return ()
    return tuple(
        coercions.expect(role, _column(name, each), argname=name) for each in _listed(value)
    )


def _column(name: str, value: Any) -> Any:
    value = _called(value)
    if isinstance(value, str | type):
        raise errors.RelationshipError.column_expected(name, value)
    return value


def _listed(value: Any) -> Iterable[Any]:
    if isinstance(value, list | tuple | set | frozenset):
        return value
    # Other iterables are collections of columns too, but a column is none.
    if not hasattr(value, "__clause_element__") and not hasattr(value, "__visit_name__"):
        try:
            return list(value)
        except TypeError:
            return (value,)
    return (value,)


def plain_columns(columns: Iterable[Any]) -> set[Any]:
    """The columns themselves, where those of mapped classes were given."""
    return {deep_deannotate(column, values=ENTITY_MARKS) for column in columns}


def reverse_key(prop: Any, value: Any) -> str | None:
    """The attribute name that `back_populates` gives, as a name, attribute or callable."""
    value = _called(value) if callable(value) else value
    if value is None or isinstance(value, str):
        return value
    key: Any = getattr(value, "key", None)
    if not isinstance(key, str):
        raise errors.RelationshipError.bad_reverse(value, prop)
    return key


# ------------------------------------------------------------------------------
# Warn where two relationships write the same column without knowing of each other (RL-60).
#
# Only columns of foreign keys that overlap in the schema, or that several relationships copy from
# different columns, are looked at: each relationship is checked once, against those before it.

# Column that is written -> relationships that write it. Nothing here keeps a column alive, which
# could lead to all else of its model; relationships of disposed mappers are left out when met.
_writers: weakref.WeakKeyDictionary[Any, weakref.WeakSet[Any]] = weakref.WeakKeyDictionary()


def check_overlaps(prop: Any) -> None:
    """Record what a relationship writes, and warn of conflicts with those recorded before."""
    for source, target in _written(prop):
        writers = _writers.setdefault(target, weakref.WeakSet())
        others = [
            (other, copied)
            for other in writers
            if _conflicts(prop, other)
            for copied, written in _written(other)
            if written is target
        ]
        writers.add(prop)
        if others:
            warn(
                errors.overlap_warning(
                    str(prop),
                    source,
                    target,
                    sorted(f"'{other}' (copies {copied} to {target})" for other, copied in others),
                    sorted(other.key for other, _ in others),
                )
            )


def _written(prop: Any) -> list[tuple[Any, Any]]:
    """The columns that a relationship copies, and those that it writes."""
    return [*prop.synchronize_pairs, *prop.secondary_synchronize_pairs]


def _conflicts(prop: Any, other: Any) -> bool:
    if other is prop or other.parent.disposed or other.mapper.disposed:
        return False
    if other in prop.reverse_properties or prop in other.reverse_properties:
        return False
    if other.key in prop.overlaps or prop.key in other.overlaps or "*" in prop.overlaps:
        return False
    if prop.parent.is_sibling(other.parent) or prop.mapper.is_sibling(other.mapper):
        return False
    if prop.parent.is_sibling(other.mapper) or prop.mapper.is_sibling(other.parent):
        return False
    return prop.key != other.key or not prop.parent.common_parent(other.parent)


# ------------------------------------------------------------------------------
# Find, or make, the relationship at the other end of one that names it.
#
# `back_populates` names a relationship that exists; `backref` asks for one to be made.


def backref(name: str, **kwargs: Any) -> tuple[str, dict[str, Any]]:
    """Ask `relationship(backref=...)` for a relationship of that name and these arguments."""
    return name, kwargs


def link_reverse(prop: Any, key: str) -> None:
    """Tie a relationship to the one of name `key` on its target."""
    other = prop.mapper.get_property(key)
    if not other.is_relationship:
        raise errors.MappingError.back_populates_column(str(prop), str(other), other.kind)
    if other is prop:
        # A relationship that mirrors itself, as "friends" of "friends" would, is left alone.
        return
    other.resolve()
    if not (other.mapper.common_parent(prop.parent) or prop.parent.isa(other.mapper)):
        raise errors.RelationshipError.foreign_reverse(key, prop, other, prop.parent)
    if other.direction is prop.direction and prop.direction is not MANYTOMANY:
        raise errors.RelationshipError.same_direction(other, prop, prop.direction)
    for one, two in ((prop, other), (other, prop)):
        if one.sync_backref and two.viewonly:
            raise errors.MappingError.viewonly_reverse(one, two)
    prop.reverse_properties.add(other)
    other.reverse_properties.add(prop)


def make_backref(prop: Any) -> None:
    """Make the relationship that `backref` asks for, on the target's mapper."""
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
            raise errors.RelationshipError.backref_exists(name, prop, mapper)
    primaryjoin, secondaryjoin = prop.condition.reversed_joins()
    if prop.secondary is None and "secondaryjoin" in arguments:
        raise errors.RelationshipError.backref_secondaryjoin(prop)
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
