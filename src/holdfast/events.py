"""Offer the families of events, as `sqlalchemy.orm.events` does."""

from holdfast.hooks.mappers import MapperEvents, RegistryEvents
from holdfast.hooks.objects import AttributeEvents, InstanceEvents, InstrumentationEvents
from holdfast.hooks.sessions import QueryEvents, SessionEvents

__all__ = [
    "AttributeEvents",
    "InstanceEvents",
    "InstrumentationEvents",
    "MapperEvents",
    "QueryEvents",
    "RegistryEvents",
    "SessionEvents",
]
