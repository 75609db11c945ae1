"""Read, write and compare one attribute of one object, whatever its kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from holdfast import errors
from holdfast.foundation.codegen import Choice
from holdfast.foundation.load_policy import (
    ATTR_EMPTY,
    ATTR_WAS_SET,
    INIT_OK,
    NO_VALUE,
    PASSIVE_CLASS_MISMATCH,
    PASSIVE_NO_RESULT,
    LoadPolicy,
)
from holdfast.states.changes import (
    HISTORY_BLANK,
    History,
    forget_change,
    has_parent,
    is_claimed_by,
    note_change,
    release_child,
)
from holdfast.states.instance import InstanceState
from holdfast.states.ports import missing_value

# ------------------------------------------------------------------------------
# Say which attribute started a change, and by what kind of operation.
#
# A change travels: `parent.children.append(child)` sets `child.parent`, which would append to
# `parent.children` again. The token of the attribute that started it goes along, and `backrefs`
# stops where it came from. Listeners receive it as `initiator`.


class Operation(Choice):
    """What kind of change was started."""

    APPEND = "append"
    REMOVE = "remove"
    REPLACE = "replace"
    BULK_REPLACE = "bulk replace"
    MODIFIED = "modified"


OP_APPEND: Final = Operation.APPEND
OP_REMOVE: Final = Operation.REMOVE
OP_REPLACE: Final = Operation.REPLACE
OP_BULK_REPLACE: Final = Operation.BULK_REPLACE
OP_MODIFIED: Final = Operation.MODIFIED


class AttributeEventToken:
    """The attribute that started a change, and the operation.

    Attributes:
        impl: The slot of the attribute.
        op: The operation.
        parent_token: Shared by the slots of one relationship on all classes of a hierarchy.
    """

    __slots__ = ("impl", "op", "parent_token")

    def __init__(self, attribute_impl: Any, op: Operation) -> None:
        self.impl: Any = attribute_impl
        self.op: Operation = op
        self.parent_token: object = attribute_impl.parent_token

    @property
    def key(self) -> str:
        """Name of the attribute."""
        key: str = self.impl.key
        return key

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, AttributeEventToken)
            and other.impl is self.impl
            and other.op is self.op
        )

    def __hash__(self) -> int:
        return hash((id(self.impl), self.op))

    def __repr__(self) -> str:
        return f"AttributeEventToken({self.impl!r}, {self.op})"


# ------------------------------------------------------------------------------
# Keep both ends of a relationship in step, in memory and without SQL.
#
# Called by the slots of relationships for every member that comes or goes. The other end is not
# loaded for it: a collection there that is not loaded queues the change (RL-44).
#
# Rules kept here:
# 1. A change never returns to the attribute that started it: its token says where that was.
# 2. A change never reaches a third attribute: a relationship has two ends.

Initiator: TypeAlias = AttributeEventToken | None


def link_backref(
    slot: Any, owner: Any, child_state: Any, child: Any, initiator: AttributeEventToken
) -> None:
    """`child` becomes a member of `owner` through `slot`: make the other end say so."""
    slots: dict[str, Any] = child_state.manager.slots
    origin = initiator.parent_token
    for key in slot.reverse_keys:
        reverse = slots.get(key)
        if reverse is None:
            raise errors.BackrefClassError.missing(child_state, str(slot), key)
        if origin is reverse.parent_token:
            if initiator.op in reverse.adding_operations:
                continue
        elif origin is not slot.parent_token:
            raise errors.AttributeValueError.backref_conflict(
                owner, str(initiator.impl), str(reverse), str(slot)
            )
        back = reverse.reverse_keys
        if reverse.is_plain and len(back) == 1 and back[0] == slot.key:
            reverse.take(child_state, child.__dict__, owner, initiator)
        else:
            reverse.append(child_state, child.__dict__, owner, initiator)


def unlink_backref(
    slot: Any,
    owner: Any,
    child_state: Any,
    child: Any,
    initiator: Initiator,
    token: AttributeEventToken,
) -> None:
    """`child` is no longer a member of `owner` through `slot`: make the other end say so.

    `initiator` started the change (None: `slot`); `token` is what the other end is told of that.
    """
    slots: dict[str, Any] = child_state.manager.slots
    for key in slot.reverse_keys:
        reverse = slots.get(key)
        if reverse is None:
            continue
        if (
            initiator is not None
            and initiator.parent_token is reverse.parent_token
            and initiator.op in reverse.removing_operations
        ):
            continue
        back = reverse.reverse_keys
        if reverse.is_plain and len(back) == 1 and back[0] == slot.key:
            reverse.let_go(child_state, child.__dict__, owner, token)
        else:
            reverse.pop(child_state, child.__dict__, owner, token)


# ------------------------------------------------------------------------------
# Define `AttributeSlot`, the behaviour of one attribute: get, set, delete and history.
#
# Rules kept here:
# 1. A present value is read from the object's `__dict__` and nowhere else.
# 2. A missing value of an object without identity reads as empty and stores nothing (SM-11); a
#    missing value of an object with identity is asked of the `missing_value` socket.
# 3. A key with a recorded change that is absent from the dict was deleted: it reads as empty.
# 4. A former value is recorded before anything is stored.

Values = dict[str, Any]
NoteChange = Callable[[InstanceState, str, object], None]

EVENT_NAMES = (
    "append",
    "append_wo_mutation",
    "bulk_replace",
    "dispose_collection",
    "init_collection",
    "init_scalar",
    "modified",
    "remove",
    "set",
)

# policy -> the same without the making of empty values; history never makes any.
_without_init: dict[LoadPolicy, LoadPolicy] = {}


def without_initialization(policy: LoadPolicy) -> LoadPolicy:
    """The policy under which a missing value of a new object reads as NO_VALUE."""
    found = _without_init.get(policy)
    if found is None:
        found = _without_init[policy] = policy.forbidding(INIT_OK)
    return found


def _note_nothing(state: InstanceState, key: str, old: object) -> None:
    """Stand in for `note_change` where changes are not written."""


class AttributeSlot(ABC):
    """One attribute of one class.

    Attributes:
        key: Name of the attribute.
        manager: The `ClassManager` of the class.
        parent_token: Shared by the slots of one relationship on all classes of a hierarchy.
        active_history: Load the former value when a new one is set.
        tracks_parent: Record in the members which object holds them (`states.changes`).
        single_parent: Refuse a second holder (CA-68).
        reverse_keys: Names of the attributes on the other class that are kept in step.
        cascades: Tell `link_listener` of new and removed members.
        loads_on_pending: Ask the loader also for objects without identity.
        records_changes: Record the value before a change; False for view-only relationships.
    """

    collection: bool = False
    is_reference: bool = False
    # Whether a value in the object's dict is what reading the attribute gives.
    keeps_value: bool = True
    defers_history: bool = False

    # Kept by `refresh`; `dispatch` is the attribute's.
    has_listeners: bool = False
    dispatch: Any = None

    # PERF: lazy many-to-one present. What the socket `missing_value` found to load the attribute of
    # objects without options; None before it was first asked.
    loader: Callable[[InstanceState, Values, LoadPolicy], Any] | None = None

    # Which operations of this slot add a member to the other end, and which take it away: a
    # change that comes back to where it started is recognised by them.
    adding_operations: tuple[Operation, ...] = (OP_REPLACE,)
    removing_operations: tuple[Operation, ...] = (OP_REMOVE, OP_REPLACE)

    def __init__(
        self,
        key: str,
        manager: Any,
        *,
        parent_token: object = None,
        active_history: bool = False,
        tracks_parent: bool = False,
        single_parent: bool = False,
        reverse_keys: Iterable[str] = (),
        cascades: bool = False,
        loads_on_pending: bool = False,
        records_changes: bool = True,
    ) -> None:
        self.key = key
        self.manager = manager
        self.parent_token: object = self if parent_token is None else parent_token
        self.active_history = active_history
        self.single_parent = single_parent
        self.tracks_parent: bool = tracks_parent or single_parent
        self.reverse_keys: tuple[str, ...] = tuple(reverse_keys)
        self.cascades = cascades
        self.loads_on_pending = loads_on_pending
        self.records_changes = records_changes
        self.note_change: NoteChange = note_change if records_changes else _note_nothing
        # PERF: nobody but the two objects cares of a change (tests/bench: append with backref).
        self.is_plain: bool
        self.refresh()
        self.replace_token: AttributeEventToken = AttributeEventToken(self, OP_REPLACE)
        self.remove_token: AttributeEventToken = AttributeEventToken(self, OP_REMOVE)
        self.modified_token: AttributeEventToken = AttributeEventToken(self, OP_MODIFIED)

    @property
    def class_(self) -> type[Any]:
        """The class that has the attribute."""
        class_: type[Any] = self.manager.class_
        return class_

    def __reduce__(self) -> Any:
        return _slot_named, (self.class_, self.key)

    def __str__(self) -> str:
        return f"{self.manager.class_.__name__}.{self.key}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def refresh(self) -> None:
        """Take notice that listeners came or went."""
        dispatch = self.dispatch
        self.has_listeners = dispatch is not None and any(
            bool(getattr(dispatch, name, ())) for name in EVENT_NAMES
        )
        self.is_plain = self.records_changes and not (
            self.has_listeners or self.tracks_parent or self.loads_on_pending
        )

    # -- reading -----------------------------------------------------------------------------

    def get(self, state: InstanceState, d: Values, policy: LoadPolicy = LoadPolicy.LOAD) -> Any:
        """The value, loaded as far as `policy` allows, or a marker."""
        if self.key in d:
            return d[self.key]
        return self.absent(state, d, policy)

    def absent(self, state: InstanceState, d: Values, policy: LoadPolicy) -> Any:
        """The value of an attribute that is not in the object's dict."""
        if not policy.may_load:
            return PASSIVE_NO_RESULT
        # PERF: lazy many-to-one present. Most objects that load are persistent and unchanged.
        if (state.pk is not None and state.changes is None) or self.is_loadable(state):
            load = self.loader
            if load is not None and state.extra is None:
                value = load(state, d, policy)
            else:
                value = missing_value.plugged(state, self.key, policy)
            if value is ATTR_WAS_SET:
                try:
                    return d[self.key]
                except KeyError:
                    raise errors.AttributeRequestError.loader_set_nothing(state, self.key) from None
            if value is PASSIVE_NO_RESULT or value is NO_VALUE or value is PASSIVE_CLASS_MISMATCH:
                return value
            if value is not ATTR_EMPTY:
                if self.key not in d:
                    self.set_committed(state, d, value)
                return d[self.key]
        return self.empty_value(state, d) if policy.initializes else NO_VALUE

    def is_loadable(self, state: InstanceState) -> bool:
        """Whether a loader may know the value that the dict lacks."""
        if state.pk is None and not self.loads_without_row(state):
            return False
        return state.changes is None or self.key not in state.changes

    def loads_without_row(self, state: InstanceState) -> bool:
        """Whether it loads by the foreign keys of an object without identity (API-60)."""
        extra = state.extra
        return (self.loads_on_pending or (extra is not None and extra.loads_related)) and (
            state.members is not None
        )

    @abstractmethod
    def empty_value(self, state: InstanceState, d: Values) -> Any:
        """What the attribute reads as when there is no value anywhere."""

    def initial_scalar(self, state: InstanceState, d: Values, value: Any) -> Any:
        """What an unset value or reference reads as; listeners may give another one (EV-105)."""
        if self.has_listeners:
            for listener in self.dispatch.init_scalar:
                answer = listener(state, value, d)
                if answer is not NO_VALUE:
                    value = answer
        return value

    def held(self, state: InstanceState, d: Values, policy: LoadPolicy) -> Any:
        """What cascades follow: the value, loaded as far as `policy` allows."""
        return self.get(state, d, policy)

    # -- writing -----------------------------------------------------------------------------

    @abstractmethod
    def set(self, state: InstanceState, d: Values, value: Any, initiator: Initiator = None) -> None:
        """Assign a value."""

    @abstractmethod
    def delete(self, state: InstanceState, d: Values) -> None:
        """Take the value away."""

    def append(
        self, state: InstanceState, d: Values, value: Any, initiator: Initiator = None
    ) -> None:
        """Make `value` a member; for a reference, the value."""
        self.set(state, d, value, initiator)

    def let_go(self, state: InstanceState, d: Values, value: Any, initiator: Any) -> None:
        """Take the member `value` away because the other end, which is in step already, says so.

        PERF: the short form of `pop` for slots with `is_plain` (tests/bench: set many-to-one with
        backref).
        """
        self.pop(state, d, value, initiator)

    def is_watched(self, state: InstanceState) -> bool:
        """Whether the member's session writes rows at this time, and warns of changes."""
        session = state.members.session_reference()
        return session is not None and session.is_writing

    def remove(
        self, state: InstanceState, d: Values, value: Any, initiator: Initiator = None
    ) -> None:
        """Take the member `value` away; raise when it is none."""
        if not self.pop(state, d, value, initiator):
            raise errors.AttributeValueError.not_associated(value, state, self.key)

    def pop(self, state: InstanceState, d: Values, value: Any, initiator: Initiator = None) -> bool:
        """Take the member `value` away, if it is one; tells whether it was."""
        self.set(state, d, None, initiator)
        return True

    def set_committed(self, state: InstanceState, d: Values, value: Any) -> None:
        """Store a value as if it had been loaded: no events, no change (AH-63)."""
        if state.changes is not None:
            forget_change(state, self.key)
        d[self.key] = value

    # -- history -----------------------------------------------------------------------------

    def history(
        self, state: InstanceState, d: Values, policy: LoadPolicy = LoadPolicy.LOAD
    ) -> History:
        """How the present value differs from what the database holds (AH-20, AH-21)."""
        key = self.key
        changes = state.changes
        if changes is not None and key in changes:
            return self.changed_history(state, d, policy)
        if key in d:
            current = d[key]
        else:
            current = self.absent(state, d, without_initialization(policy))
            if current is PASSIVE_NO_RESULT or current is NO_VALUE:
                return HISTORY_BLANK
        return self.unchanged_history(current)

    def unchanged_history(self, current: Any) -> History:
        """History of a value without recorded change."""
        return History((), [current], ())

    @abstractmethod
    def changed_history(self, state: InstanceState, d: Values, policy: LoadPolicy) -> History:
        """History of an attribute with a recorded change."""

    def committed_value(
        self, state: InstanceState, d: Values, policy: LoadPolicy = LoadPolicy.LOAD
    ) -> Any:
        """The value that the database is known to hold; None where that is not known."""
        changes = state.changes
        if changes is not None and self.key in changes:
            committed = changes[self.key]
            return None if committed is NO_VALUE or committed is PASSIVE_NO_RESULT else committed
        return self.get(state, d, policy)

    def all_pending(
        self, state: InstanceState, d: Values, policy: LoadPolicy = LoadPolicy.NO_INITIALIZE
    ) -> list[tuple[InstanceState, Any]]:
        """Present members and those that were there at the last flush, for cascades (CA-20)."""
        return []

    def is_own(self, initiator: Initiator) -> bool:
        """Whether a change was started by this attribute, and not by its other end."""
        return initiator is None or initiator.parent_token is self.parent_token

    # -- parents of members --------------------------------------------------------------------

    def has_parent(self, state: InstanceState, *, optimistic: bool = False) -> bool:
        """Whether some object holds the member; `optimistic` when nothing is known of it."""
        if not self.tracks_parent:
            raise errors.ParentTrackingError.not_configured(str(self))
        return has_parent(state, self.parent_token, optimistic=optimistic)

    def release(self, child: InstanceState, parent: InstanceState) -> None:
        """Record that `parent` gave the member up, unless who holds it now is unknown."""
        token = self.parent_token
        if release_child(child, token, parent):
            return
        holder = is_claimed_by(child, token)
        if holder is None:
            return
        is_gone = holder() is None
        # Of the same row, which has left the session since; or of none.
        is_past = is_gone if holder.pk is None else holder.key == parent.key
        if is_past:
            release_child(child, token, holder)
        elif is_gone:
            raise errors.StaleDataError.parent_gone(child, parent, self.key)

    def check_single_parent(self, child: InstanceState, initiator: Initiator) -> None:
        """Refuse a member that an object holds already (CA-68); the other end may (CA-69)."""
        if self.is_own(initiator) and has_parent(child, self.parent_token, optimistic=False):
            raise errors.AttributeRequestError.second_parent(child, self.manager.class_, str(self))


def _slot_named(class_: Any, key: str) -> AttributeSlot:
    slot: AttributeSlot = class_._sa_class_manager[key].slot
    return slot
