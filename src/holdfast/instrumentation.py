"""Offer the instrumentation of classes, as `sqlalchemy.orm.instrumentation` does."""

from holdfast.instrument.access import is_instrumented
from holdfast.instrument.manager import (
    ClassManager,
    manager_of_class,
    register_class,
    unregister_class,
)

__all__ = [
    "ClassManager",
    "is_instrumented",
    "manager_of_class",
    "register_class",
    "unregister_class",
]
