"""Define `ValueSlot`, the slot of a column value.

The setter on the class stores directly once a change is recorded (see `accessors`); this is where
the first change, listeners and deletion go.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from holdfast.errors.attributes import AttributeAccessError
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.markers import DONT_SET, NO_VALUE, PASSIVE_NO_RESULT
from holdfast.instrument.slots.base import AttributeSlot, Values
from holdfast.instrument.tokens import AttributeEventToken
from holdfast.states.changes import note_change, note_gaps
from holdfast.states.history import History, value_history
from holdfast.states.instance import InstanceState


class ValueSlot(AttributeSlot):
    """The slot of an attribute whose value the database stores as it is."""

    def __init__(
        self,
        key: str,
        manager: Any,
        *,
        compare: Callable[[Any, Any], Any] = operator.eq,
        default: Any = None,
        **settings: Any,
    ) -> None:
        super().__init__(key, manager, **settings)
        # Equality in the sense of the column's type (AH-15).
        self.compare = compare
        # What an unset attribute reads as: a dataclass default, mostly None (SM-11).
        self.default = default

    def empty_value(self, state: InstanceState, d: Values) -> Any:
        """The default."""
        return self.initial_scalar(state, d, self.default)

    def former_value(self, state: InstanceState, d: Values) -> Any:
        """The value before a change, loaded if the attribute has active history."""
        old = d.get(self.key, NO_VALUE)
        if old is NO_VALUE and self.active_history and self.is_loadable(state):
            old = self.absent(state, d, LoadPolicy.RETURN_NO_VALUE)
            if old is PASSIVE_NO_RESULT:
                return NO_VALUE
        return old

    def set(
        self,
        state: InstanceState,
        d: Values,
        value: Any,
        initiator: AttributeEventToken | None = None,
        policy: LoadPolicy = LoadPolicy.LOAD,
    ) -> None:
        """Assign a value, recording the former one with the first change (AH-5)."""
        if value is DONT_SET:
            return
        key = self.key
        changes = state.changes
        if self.has_listeners:
            old = self.former_value(state, d)
            token = initiator or self.replace_token
            for listener in self.dispatch.set:
                value = listener(state, value, old, token)
            note_change(state, key, old)
        elif changes is None or key not in changes:
            note_change(state, key, self.former_value(state, d))
        d[key] = value

    def delete(self, state: InstanceState, d: Values) -> None:
        """Take the value away: it reads as None, and the flush writes NULL (AH-9)."""
        key = self.key
        old = self.former_value(state, d)
        if old is NO_VALUE and not self.is_loadable(state):
            raise AttributeAccessError.nothing_to_delete(state, key)
        if self.has_listeners:
            for listener in self.dispatch.remove:
                listener(state, old, self.remove_token)
        note_change(state, key, old)
        note_gaps(state)
        d.pop(key, None)

    def changed_history(self, state: InstanceState, d: Values, policy: LoadPolicy) -> History:
        """Compare with the recorded value, in the sense of the column's type."""
        current = d.get(self.key, NO_VALUE)
        assert state.changes is not None
        committed = state.changes[self.key]
        if current is NO_VALUE and committed is NO_VALUE:
            # Deleted, and what was there is not known: NULL is written in any case.
            return History([None], (), ())
        return value_history(current, committed, self.compare)
