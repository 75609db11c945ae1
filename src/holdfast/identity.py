"""Offer the identity map of a session, as `sqlalchemy.orm.identity` does."""

from holdfast.states.identity_map import IdentityMapView as IdentityMap

__all__ = [
    "IdentityMap",
]
