"""Offer attribute access as functions: by name, without descriptors, and past them.

What `holdfast.attributes` shows of this folder. All raise `KeyError` for an unknown name (AH-66).
"""

from __future__ import annotations

from typing import Any

from holdfast import errors
from holdfast.foundation.load_policy import NO_VALUE, LoadPolicy, PassiveFlag, policy_of
from holdfast.instrument.collection_adapter import CollectionAdapter
from holdfast.instrument.collection_slot import CollectionSlot
from holdfast.instrument.manager import instance_state
from holdfast.instrument.slots import AttributeEventToken, AttributeSlot
from holdfast.states.changes import History, note_dirty, replace_change
from holdfast.states.instance import InstanceState


def _slot(state: InstanceState, key: str) -> AttributeSlot:
    """The slot of an attribute; an attribute that stands for another one has none."""
    slot: AttributeSlot | None = state.manager[key].slot
    if slot is None:
        raise KeyError(key)
    return slot


def get_attribute(instance: object, key: str) -> Any:
    """The value of an attribute, as reading it gives it (AH-65)."""
    state = instance_state(instance)
    return _slot(state, key).get(state, state.dict)


def set_attribute(
    instance: object, key: str, value: Any, initiator: AttributeEventToken | None = None
) -> None:
    """Assign an attribute with all its consequences (AH-65).

    Args:
        instance: A mapped object.
        key: Name of the attribute.
        value: The new value.
        initiator: Passed to listeners.
    """
    state = instance_state(instance)
    _slot(state, key).set(state, state.dict, value, initiator)


def del_attribute(instance: object, key: str) -> None:
    """Delete an attribute with all its consequences (AH-65)."""
    state = instance_state(instance)
    _slot(state, key).delete(state, state.dict)


def get_history(
    obj: object, key: str, passive: PassiveFlag | LoadPolicy = PassiveFlag.PASSIVE_OFF
) -> History:
    """What changed in an attribute since the last flush (AH-21, AH-22).

    Args:
        obj: A mapped object.
        key: Name of the attribute.
        passive: How far an unloaded value may be loaded.
    """
    state = instance_state(obj)
    return get_state_history(state, key, passive)


def get_state_history(
    state: InstanceState, key: str, passive: PassiveFlag | LoadPolicy = PassiveFlag.PASSIVE_OFF
) -> History:
    """The same for a state."""
    history: History = state.manager[key].history_of(state, policy_of(passive))
    return history


def set_committed_value(instance: object, key: str, value: Any) -> None:
    """Store a value as if it had been loaded: no events, no change (AH-63).

    Args:
        instance: A mapped object.
        key: Name of the attribute.
        value: The value; for a collection, an iterable of its members.
    """
    state = instance_state(instance)
    _slot(state, key).set_committed(state, state.dict, value)


def init_collection(obj: object, key: str) -> CollectionAdapter:
    """Empty a collection, and give its adapter to fill it as if loaded (AH-64)."""
    state = instance_state(obj)
    return init_state_collection(state, state.dict, key)


def init_state_collection(
    state: InstanceState, dict_: dict[str, Any], key: str
) -> CollectionAdapter:
    """The same for a state and its object's dictionary."""
    slot = _slot(state, key)
    if not isinstance(slot, CollectionSlot):
        raise KeyError(key)
    adapter: CollectionAdapter = slot.initialize(state, dict_)._sa_adapter
    return adapter


def flag_modified(instance: object, key: str) -> None:
    """Count an attribute as changed: the next flush writes its present value (AH-60).

    Raises:
        InvalidRequestError: The attribute has no value (AH-61).
        KeyError: There is no such attribute.
    """
    state = instance_state(instance)
    slot = _slot(state, key)
    if key not in state.dict:
        raise errors.AttributeRequestError.flag_unloaded(key, state)
    if slot.has_listeners:
        for listener in slot.dispatch.modified:
            listener(state, slot.modified_token)
    replace_change(state, key, NO_VALUE)


def flag_dirty(instance: object) -> None:
    """Put an object in `session.dirty`, so that flush events see it; no SQL results (AH-62)."""
    note_dirty(instance_state(instance))


def is_instrumented(instance: object, key: str) -> bool:
    """Whether `key` is a mapped attribute (AH-67)."""
    return key in instance_state(instance).manager


def has_parent(
    cls: Any,
    obj: object,
    key: str,
    optimistic: bool = False,  # noqa: FBT001, FBT002 - the public signature
) -> bool:
    """Whether some object of the class holds `obj` through its attribute `key`."""
    slot: AttributeSlot = cls.__dict__["_sa_class_manager"][key].slot
    return slot.has_parent(instance_state(obj), optimistic=optimistic)
