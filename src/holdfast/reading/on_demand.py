"""Load an attribute because it was touched and is not there.

Plugged into `states.ports.missing_value`: the attribute slots call it for objects with a primary
key whose `__dict__` lacks the attribute.

Rules kept here (SM-140):
1. An object that was expired as a whole is read as a whole, eager relationships included.
2. Of several expired columns all are read when one is touched; relationships stay as they are.
3. A deferred column loads alone, or with its group.
4. When the row is gone the object stays as it is, and the read raises (SM-29).
"""

from __future__ import annotations

from typing import Any

from holdfast.errors.loading import DetachedInstanceError, ObjectDeletedError
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.markers import ATTR_EMPTY, ATTR_WAS_SET, PASSIVE_NO_RESULT
from holdfast.reading.identity import load_column_values, refresh_state
from holdfast.reading.kept_options import lazy_choice
from holdfast.states.instance import InstanceState
from holdfast.states.ports import missing_value


@missing_value.plug
def load_missing(state: InstanceState, key: str, policy: LoadPolicy) -> object:
    """The value of an attribute that the object's dict lacks, or a marker.

    `ATTR_WAS_SET` says that the value, perhaps with others, was put into the dict.
    """
    manager: Any = state.manager
    mapper = manager.mapper
    prop = mapper.properties[key]
    extra = state.extra
    if prop.is_relationship:
        if extra is None or not extra.load_options:
            strategy = prop.strategy
            manager.slots[key].loader = strategy.load
        else:
            strategy = chosen_strategy(prop, state)
        return strategy.load(state, state().__dict__, policy)
    if not prop.is_column or state.is_null(key):
        return ATTR_EMPTY
    if key in mapper.deferred_keys or (extra is not None and key in extra.deferred):
        name = "deferred" if prop.strategy_name == "column" else prop.strategy_name
        return prop.strategy_for(name).load(state, state.dict, policy)
    return load_expired(state, key, policy)


def is_wholly_expired(state: InstanceState, policy: LoadPolicy) -> bool:
    """Whether a touched relationship is to be loaded with the whole of its object (SM-140)."""
    return policy.may_fetch and state.pk is not None and state.is_attached and state.expired


def chosen_strategy(prop: Any, state: InstanceState) -> Any:
    """The strategy that the options of the loading statement leave with an object (LD-90)."""
    choice = lazy_choice(state, prop)
    if choice is None or choice.strategy is None or choice.strategy == "contains_eager":
        return prop.strategy
    return prop.strategy_for(choice.strategy)


def load_expired(state: InstanceState, key: str, policy: LoadPolicy) -> object:
    """Read the expired columns of an object, one of which is `key`."""
    if state.pk is None:
        return ATTR_EMPTY
    if not policy.may_fetch:
        return PASSIVE_NO_RESULT
    session: Any = state.session
    if session is None:
        if not policy.raise_on_missing:
            return PASSIVE_NO_RESULT
        raise DetachedInstanceError.refresh(state)
    if policy.autoflushes:
        session.autoflush_if_enabled()
    if state.expired:
        is_there = refresh_state(session, state)
    else:
        is_there = load_column_values(session, state, sorted_keys(state, key))
    if not is_there:
        raise ObjectDeletedError(state)
    return ATTR_WAS_SET


def sorted_keys(state: InstanceState, key: str) -> tuple[str, ...]:
    """The expired columns of an object, in the order of the mapping."""
    missing = state.expired_attributes - set(state.committed_state)
    missing.add(key)
    return tuple(each for each in state.manager.mapper.column_keys if each in missing)
