"""Offer the functions that load objects, as `sqlalchemy.orm.loading` does."""

from holdfast.reading.identity import load_by_key
from holdfast.sessions.merge import merge_frozen_result

__all__ = [
    "load_by_key",
    "merge_frozen_result",
]
