"""Offer the families of events, as `sqlalchemy.orm.events` does."""

from holdfast.hooks.attribute import AttributeEvents
from holdfast.hooks.class_instrumentation import InstrumentationEvents
from holdfast.hooks.instance import InstanceEvents
from holdfast.hooks.mapper import MapperEvents
from holdfast.hooks.query import QueryEvents
from holdfast.hooks.registry import RegistryEvents
from holdfast.hooks.session import SessionEvents

__all__ = [
    "AttributeEvents",
    "InstanceEvents",
    "InstrumentationEvents",
    "MapperEvents",
    "QueryEvents",
    "RegistryEvents",
    "SessionEvents",
]
