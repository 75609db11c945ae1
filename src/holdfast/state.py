"""Offer the states of objects, as `sqlalchemy.orm.state` does."""

from holdfast.instrument.manager import AttributeState
from holdfast.states.instance import InstanceState

__all__ = [
    "AttributeState",
    "InstanceState",
]
