"""Offer the functions for entities and identities, as `sqlalchemy.orm.util` does."""

from holdfast.mapping.cascades import CascadeOptions
from holdfast.mapping.inheritance import polymorphic_union
from holdfast.mapping.registry import class_mapper, object_mapper
from holdfast.queries.aliases import AliasedClass, AliasedInsp, aliased, with_polymorphic
from holdfast.queries.bundles import Bundle
from holdfast.queries.comparators import with_parent
from holdfast.queries.joins import join, outerjoin
from holdfast.sessions.membership import identity_key, object_state, was_deleted

__all__ = [
    "AliasedClass",
    "AliasedInsp",
    "Bundle",
    "CascadeOptions",
    "aliased",
    "class_mapper",
    "identity_key",
    "join",
    "object_mapper",
    "object_state",
    "outerjoin",
    "polymorphic_union",
    "was_deleted",
    "with_parent",
    "with_polymorphic",
]
