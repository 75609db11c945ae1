"""Hold one value of a column, or one related object."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from holdfast import errors
from holdfast.foundation.load_policy import (
    ATTR_EMPTY,
    ATTR_WAS_SET,
    DONT_SET,
    INIT_OK,
    LOAD_AGAINST_COMMITTED,
    NO_AUTOFLUSH,
    NO_RAISE,
    NO_VALUE,
    PASSIVE_CLASS_MISMATCH,
    PASSIVE_NO_RESULT,
    LoadPolicy,
)
from holdfast.instrument.slots import (
    OP_BULK_REPLACE,
    AttributeSlot,
    Initiator,
    Values,
    link_backref,
    unlink_backref,
    without_initialization,
)
from holdfast.states.changes import (
    History,
    claim_child,
    note_change,
    note_gaps,
    own_changes,
    reference_history,
    value_history,
)
from holdfast.states.instance import InstanceState
from holdfast.states.ports import link_listener, missing_value

# ------------------------------------------------------------------------------
# Define `ValueSlot`, the slot of a column value.
#
# The setter on the class stores directly once a change is recorded (see `descriptor`); this is
# where the first change, listeners and deletion go.


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

    def set(self, state: InstanceState, d: Values, value: Any, initiator: Initiator = None) -> None:
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
            raise errors.AttributeAccessError.nothing_to_delete(state, key)
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


# ------------------------------------------------------------------------------
# Define `ReferenceSlot`, the slot of an attribute that holds one related object.
#
# Rules kept here:
# 1. Assigning does not load the former object, unless the attribute has active history: it is taken
#    from the dict or the identity map, or stays unknown (AH-31).
# 2. Around an assignment, in this order: listeners run, the former object is released, the change
#    is recorded, the session hears of it, the other ends follow, the new object is claimed, and
#    last the value is stored.

# How the object to be replaced is looked for, without and with active history.
_FORMER_IN_MEMORY = LoadPolicy.MEMORY_ONLY.forbidding(INIT_OK).allowing(
    LOAD_AGAINST_COMMITTED, NO_RAISE
)
_FORMER_LOADED = LoadPolicy.ONLY_PERSISTENT.allowing(NO_AUTOFLUSH, LOAD_AGAINST_COMMITTED)


def is_object(value: object) -> bool:
    """Whether a former or present value is a related object, and neither None nor a marker."""
    return not (value is None or value is NO_VALUE or value is PASSIVE_NO_RESULT)


class ReferenceSlot(AttributeSlot):
    """The slot of a relationship to one object."""

    is_reference = True

    def __init__(
        self, key: str, manager: Any, *, defers_history: bool = False, **settings: Any
    ) -> None:
        super().__init__(key, manager, **settings)
        # The former object, when unknown, is loaded by `history`: a flush needs it where the
        # foreign key is on the other side.
        self.defers_history = defers_history

    def empty_value(self, state: InstanceState, d: Values) -> Any:
        """None."""
        return self.initial_scalar(state, d, None)

    def former_value(self, state: InstanceState, d: Values) -> Any:
        """The object that is about to be replaced, None, NO_VALUE or PASSIVE_NO_RESULT."""
        old = d.get(self.key, NO_VALUE)
        if old is not NO_VALUE:
            return old
        if state.pk is None and not self.loads_without_row(state):
            # With active history, listeners are told of an object or of none.
            return None if self.active_history else NO_VALUE
        policy = _FORMER_LOADED if self.active_history or self.single_parent else _FORMER_IN_MEMORY
        old = self.absent(state, d, policy)
        return PASSIVE_NO_RESULT if old is PASSIVE_CLASS_MISMATCH else old

    def set(self, state: InstanceState, d: Values, value: Any, initiator: Initiator = None) -> None:
        """Assign an object or None, and bring the other end in step."""
        if value is DONT_SET:
            return
        old = d.get(self.key, NO_VALUE)
        if old is NO_VALUE:
            old = self.former_value(state, d)
        d[self.key] = self.replaced(state, value, old, initiator)

    def pop(self, state: InstanceState, d: Values, value: Any, initiator: Initiator = None) -> bool:
        """Give the object up, if it is the one held or nothing is known of that."""
        old = self.former_value(state, d)
        if old is not value and old is not PASSIVE_NO_RESULT:
            return False
        d[self.key] = self.replaced(state, None, old, initiator)
        return True

    def take(self, state: InstanceState, d: Values, value: Any, initiator: Any) -> None:
        """Hold the object whose other end has just been given this one.

        PERF: the short form of `append` for slots with `is_plain` (tests/bench: append with
        backref).
        """
        key = self.key
        if state.pk is not None or key in d:
            self.set(state, d, value, initiator)
            return
        # A new object that nobody holds: there is nothing to release.
        changes = state.changes
        if changes is None:
            self.note_change(state, key, NO_VALUE)
        elif key not in changes:
            own_changes(state)[key] = NO_VALUE
        d[key] = value

    def replaced(self, state: InstanceState, value: Any, old: Any, initiator: Initiator) -> Any:
        """Do all that an assignment entails but storing; give back the value to store."""
        if self.has_listeners:
            token = initiator or self.replace_token
            for listener in self.dispatch.set:
                value = listener(state, value, old, token)
        child: InstanceState | None = None if value is None else value._sa_instance_state
        former: InstanceState | None = None
        # PERF: set many-to-one with backref. `is_object` without the call.
        if not (old is value or old is None or old is NO_VALUE or old is PASSIVE_NO_RESULT):
            former = old._sa_instance_state
        if self.single_parent and child is not None and old is not value:
            self.check_single_parent(child, initiator)
        if self.tracks_parent and former is not None:
            self.release(former, state)
        changes = state.changes
        if changes is None or self.key not in changes:
            self.note_change(state, self.key, old)
        if self.cascades and state.members is not None:
            self._tell_session(state, former, child if self.is_own(initiator) else None)
        if self.reverse_keys and old is not value:
            owner = state()
            if former is not None:
                # This attribute gives the old object up, whoever started the change. A collection
                # that is filled anew is the new object's, not the one to take this out of.
                is_filled = initiator is not None and initiator.op is OP_BULK_REPLACE
                origin = None if child is not None and is_filled else initiator
                unlink_backref(self, owner, former, old, origin, self.replace_token)
            if child is not None:
                link_backref(self, owner, child, value, initiator or self.replace_token)
        if self.tracks_parent and child is not None:
            claim_child(child, self.parent_token, state)
        return value

    def _tell_session(
        self, state: InstanceState, former: InstanceState | None, child: InstanceState | None
    ) -> None:
        if former is not None:
            link_listener.plugged.unlinked(state, self.key, former)
        if child is not None:
            link_listener.plugged.linked(state, self.key, child)

    def delete(self, state: InstanceState, d: Values) -> None:
        """Take the object away: the attribute reads as None (AH-10)."""
        key = self.key
        known = state.changes is not None and key in state.changes and key not in d
        old: Any = NO_VALUE if known else self.former_value(state, d)
        if key not in d and (known or (old is not PASSIVE_NO_RESULT and state.pk is None)):
            raise errors.AttributeAccessError.nothing_to_delete(state, key)
        if is_object(old):
            former: InstanceState = old._sa_instance_state
            if self.tracks_parent:
                self.release(former, state)
        if self.has_listeners:
            for listener in self.dispatch.remove:
                listener(state, old, self.remove_token)
        self.note_change(state, key, old)
        d.pop(key, None)
        if is_object(old):
            if self.cascades and state.members is not None:
                link_listener.plugged.unlinked(state, key, former)
            if self.reverse_keys:
                unlink_backref(self, state(), former, old, None, self.remove_token)

    def changed_history(self, state: InstanceState, d: Values, policy: LoadPolicy) -> History:
        """Compare with the recorded object, looking it up first where that was put off."""
        current = d.get(self.key, NO_VALUE)
        assert state.changes is not None
        committed = state.changes[self.key]
        if committed is PASSIVE_NO_RESULT:
            committed = NO_VALUE
            is_loadable = state.pk is not None or self.loads_without_row(state)
            if self.defers_history and policy.may_fetch and is_loadable:
                wider = policy.allowing(LOAD_AGAINST_COMMITTED, NO_RAISE, NO_AUTOFLUSH)
                found = missing_value.plugged(state, self.key, wider)
                if found is ATTR_EMPTY or found is ATTR_WAS_SET:
                    found = None
                if found is not PASSIVE_NO_RESULT and found is not NO_VALUE:
                    committed = found
                    own_changes(state)[self.key] = found
        if current is NO_VALUE and committed is NO_VALUE:
            # Deleted, and what was there is not known: NULL is written in any case.
            return History([None], (), ())
        return reference_history(current, committed)

    def all_pending(
        self, state: InstanceState, d: Values, policy: LoadPolicy = LoadPolicy.NO_INITIALIZE
    ) -> list[tuple[InstanceState, Any]]:
        """The object, and the one that was there at the last flush (CA-20)."""
        current = self.get(state, d, without_initialization(policy))
        found: list[tuple[InstanceState, Any]] = []
        if is_object(current):
            found.append((current._sa_instance_state, current))
        changes = state.changes
        if changes is not None:
            former: Any = changes.get(self.key)
            if former is not current and is_object(former):
                found.append((former._sa_instance_state, former))
        return found
