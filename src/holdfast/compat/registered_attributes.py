"""Offer SQLAlchemy's way to put an attribute on a class that has no mapper.

Only its own tests and a few extensions do that; such an attribute may bring its own loader, and the
functions below act on states as SQLAlchemy's own methods of those names do.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

from holdfast.foundation.load_policy import LoadPolicy, policy_of
from holdfast.foundation.markers import ATTR_EMPTY, NO_KEY, NO_VALUE
from holdfast.instrument.descriptor import InstrumentedAttribute
from holdfast.instrument.manager import manager_of_class
from holdfast.instrument.slots.base import AttributeSlot
from holdfast.instrument.slots.collection import CollectionSlot
from holdfast.instrument.slots.reference import ReferenceSlot
from holdfast.instrument.slots.value import ValueSlot
from holdfast.states.changes import note_dirty
from holdfast.states.ports import missing_value

Loader = Callable[[Any, Any], Any]


class _OwnLoader(AttributeSlot):
    """A slot whose values, also those of new objects, come from a function of its own."""

    own_loader: Loader | None = None

    def get(self, state: Any, d: Any, policy: Any = LoadPolicy.LOAD, *, passive: Any = None) -> Any:
        """The value; the policy may be given in SQLAlchemy's spelling."""
        return super().get(state, d, policy_of(policy if passive is None else passive))

    def is_loadable(self, state: Any) -> bool:
        """Whether there is somebody to ask."""
        has_loader = self.own_loader is not None or state.pk is not None
        return has_loader and super_allows(self, state)


def ask_own_loaders() -> None:
    """Have missing values of such attributes asked of their functions."""
    ordinary = missing_value.plugged
    if getattr(ordinary, "asks_own_loaders", False):
        return

    def ask(state: Any, key: str, policy: LoadPolicy) -> object:
        loader = getattr(state.manager.slots.get(key), "own_loader", None)
        if loader is not None:
            return loader(state, policy.flags)
        return ATTR_EMPTY if state.manager.mapper is None else ordinary(state, key, policy)

    vars(ask)["asks_own_loaders"] = True
    missing_value.plug(ask)


def super_allows(slot: AttributeSlot, state: Any) -> bool:
    """Whether nothing is recorded that says the value was deleted."""
    return slot.collection or state.changes is None or slot.key not in state.changes


class _Value(_OwnLoader, ValueSlot):
    pass


class _Reference(_OwnLoader, ReferenceSlot):
    pass


class _Collection(_OwnLoader, CollectionSlot):
    """A collection that takes members of any kind, as SQLAlchemy's do in its tests."""

    def member_added(
        self, state: Any, owner: Any, item: Any, initiator: Any, key: Any = NO_KEY
    ) -> Any:
        """Tell the listeners, and for mapped members all the rest."""
        if item is None or hasattr(item, "_sa_instance_state"):
            return super().member_added(state, owner, item, initiator, key)
        if self.has_listeners:
            for listener in self.dispatch.append:
                item = listener(state, item, initiator or self.append_token, key=key)
        self.note_members(state, owner.__dict__)
        return item

    def member_removed(
        self,
        state: Any,
        owner: Any,
        item: Any,
        initiator: Any,
        key: Any = NO_KEY,
        *,
        is_gone: bool = False,
    ) -> None:
        """Tell the listeners, and for mapped members all the rest."""
        if item is None or hasattr(item, "_sa_instance_state"):
            super().member_removed(state, owner, item, initiator, key, is_gone=is_gone)
            return
        self.note_members(state, owner.__dict__)
        if self.has_listeners:
            for listener in self.dispatch.remove:
                listener(state, item, initiator or self.remove_token, key=key)


def register_attribute(
    class_: type[Any],
    key: str,
    *,
    comparator: Any = None,
    parententity: Any = None,
    useobject: bool = False,
    uselist: bool = False,
    callable_: Loader | None = None,
    backref: str | None = None,
    trackparent: bool = False,
    typecallable: Any = list,
    active_history: bool = False,
    compare_function: Any = operator.eq,
    parent_token: object = None,
    doc: str | None = None,
    **_ignored: Any,
) -> InstrumentedAttribute[Any]:
    """Put an attribute on an instrumented class; the arguments are SQLAlchemy's."""
    manager = manager_of_class(class_)
    slot: Any
    if not useobject:
        slot = _Value(
            key,
            manager,
            compare=compare_function or operator.eq,
            active_history=active_history,
            parent_token=parent_token,
        )
    else:
        kind: Any = _Collection if uselist else _Reference
        settings = {"collection_class": typecallable or list} if uselist else {}
        slot = kind(
            key,
            manager,
            active_history=active_history,
            tracks_parent=trackparent,
            reverse_keys=(backref,) if backref else (),
            parent_token=parent_token,
            **settings,
        )
    slot.own_loader = callable_
    ask_own_loaders()
    attribute: InstrumentedAttribute[Any] = InstrumentedAttribute(
        class_, key, parententity, None, slot, comparator, doc=doc
    )
    manager.install(attribute)
    return attribute


def unregister_attribute(class_: type[Any], key: str) -> None:
    """Take an attribute off a class."""
    manager_of_class(class_).uninstall(key)


# -- on states -------------------------------------------------------------------------------------


def commit_all(state: Any, _dict: Any = None, _identity_map: Any = None) -> None:
    """Take all present values as those in the database."""
    state.changes = None
    if state.members is not None:
        state.members.modified.pop(state, None)
    if state.extra is not None:
        state.extra.pending = None


def commit(state: Any, _dict: Any, keys: Iterable[str]) -> None:
    """Take some present values as those in the database."""
    if state.changes is not None:
        for key in keys:
            state.changes.pop(key, None)
    extra = state.extra
    if extra is not None and extra.pending is not None:
        for key in keys:
            extra.pending.pop(key, None)


def expire_attributes(state: Any, dict_: Any, keys: Iterable[str], **_options: Any) -> None:
    """Forget some present values and their changes."""
    for key in keys:
        dict_.pop(key, None)
        if state.changes is not None:
            state.changes.pop(key, None)


def track_last_known_value(state: Any, _key: str) -> None:
    """Record changes of the object from now on."""
    note_dirty(state)


def get_history(state: Any, key: str, passive: Any) -> Any:
    """History of one attribute."""
    return state.manager[key].history_of(state, policy_of(passive))


def history(slot: Any, state: Any, dict_: Any, passive: Any = LoadPolicy.LOAD) -> Any:
    """The same, asked of the slot."""
    return slot.history(state, dict_, policy_of(passive))


def committed_value(slot: Any, state: Any, dict_: Any, passive: Any = LoadPolicy.LOAD) -> Any:
    """The value that the database is known to hold."""
    value = slot.committed_value(state, dict_, policy_of(passive))
    return None if value is NO_VALUE else value


def all_pending(slot: Any, state: Any, dict_: Any, passive: Any = LoadPolicy.NO_INITIALIZE) -> Any:
    """Present and former members."""
    return slot.all_pending(state, dict_, policy_of(passive))


def set_has_parent(slot: Any, state: Any, parent: Any, value: bool) -> None:  # noqa: FBT001
    """Record who holds a member."""
    slot.set_has_parent(state, parent, value=value)
