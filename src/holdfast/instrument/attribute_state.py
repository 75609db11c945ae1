"""Define `AttributeState`, what `inspect(obj).attrs.name` answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.markers import NO_VALUE
from holdfast.foundation.sqlalchemy_core import ReadOnlyProperties
from holdfast.states.history import History
from holdfast.states.instance import InstanceState


class AttributeState:
    """One attribute of one object (AH-40)."""

    __slots__ = ("key", "state")

    def __init__(self, state: InstanceState, key: str) -> None:
        self.state: InstanceState = state
        self.key: str = key

    @property
    def loaded_value(self) -> Any:
        """The present value, or `NO_VALUE`; never loads."""
        return self.state.dict.get(self.key, NO_VALUE)

    @property
    def value(self) -> Any:
        """The value, loaded if necessary, as attribute access gives it."""
        return getattr(self.state.obj(), self.key)

    @property
    def history(self) -> History:
        """What changed since the last flush; never loads (AH-20)."""
        return self._history(LoadPolicy.NO_INITIALIZE)

    def load_history(self) -> History:
        """What changed since the last flush, with an unloaded value loaded first (AH-21)."""
        return self._history(LoadPolicy.RETURN_NO_VALUE)

    def _history(self, policy: LoadPolicy) -> History:
        history: History = self.state.manager[self.key].history_of(self.state, policy)
        return history

    def __repr__(self) -> str:
        return f"<AttributeState of {self.state.class_.__name__}.{self.key}>"


def attribute_states(keys: Iterable[str], state: InstanceState) -> Any:
    """One `AttributeState` per name: ordered, by name or as attributes, read-only (AH-41)."""
    return ReadOnlyProperties({key: AttributeState(state, key) for key in keys})
