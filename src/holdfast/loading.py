"""Offer the functions that load objects, as `sqlalchemy.orm.loading` does."""

from holdfast.reading.identity import load_by_key

__all__ = [
    "load_by_key",
]
