"""Offer the exceptions of the ORM layer, as `sqlalchemy.orm.exc` does."""

from sqlalchemy.exc import MultipleResultsFound, NoResultFound

from holdfast.errors.attributes import ObjectDereferencedError
from holdfast.errors.base import NO_STATE
from holdfast.errors.declarative import MappedAnnotationError
from holdfast.errors.flush import ConcurrentModificationError, FlushError, StaleDataError
from holdfast.errors.loading import DetachedInstanceError, ObjectDeletedError
from holdfast.errors.mapping import (
    UnmappedClassError,
    UnmappedColumnError,
    UnmappedError,
    UnmappedInstanceError,
)
from holdfast.errors.queries import LoaderStrategyException

__all__ = [
    "NO_STATE",
    "ConcurrentModificationError",
    "DetachedInstanceError",
    "FlushError",
    "LoaderStrategyException",
    "MappedAnnotationError",
    "MultipleResultsFound",
    "NoResultFound",
    "ObjectDeletedError",
    "ObjectDereferencedError",
    "StaleDataError",
    "UnmappedClassError",
    "UnmappedColumnError",
    "UnmappedError",
    "UnmappedInstanceError",
]
