"""Give attributes that tests register and proxy by themselves."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import inspect

from holdfast.foundation.load_policy import (
    ATTR_EMPTY,
    ATTR_WAS_SET,
    NO_KEY,
    NO_VALUE,
    PASSIVE_NO_RESULT,
    LoadPolicy,
    policy_of,
)
from holdfast.foundation.sqlalchemy_core import memoized_property
from holdfast.instrument.collection_slot import CollectionSlot
from holdfast.instrument.descriptor import InstrumentedAttribute, QueryableAttribute
from holdfast.instrument.manager import ClassManager, manager_of_class
from holdfast.instrument.reference_slot import ReferenceSlot, ValueSlot
from holdfast.instrument.slots import AttributeSlot
from holdfast.mapping.columns import has_own_descriptor
from holdfast.mapping.properties import MapperProperty
from holdfast.states.changes import claim_child, forget_change, forget_changes, note_dirty
from holdfast.states.instance import bare_key
from holdfast.states.ports import missing_value

# ------------------------------------------------------------------------------
# Offer SQLAlchemy's way to put a descriptor of one's own behind a class-level attribute.
#
# Properties that derive from its `DescriptorProperty` are built on that.


class ProxiedAttribute(QueryableAttribute[Any]):
    """A class-level attribute with the operators of a comparator, over somebody's descriptor."""

    inherit_cache: bool = True

    def __init__(
        self,
        class_: Any,
        key: str,
        descriptor: Any,
        comparator: Any,
        adapt_to_entity: Any = None,
        doc: str | None = None,
        original_property: Any = None,
    ) -> None:
        parent = adapt_to_entity or inspect(class_, raiseerr=False)
        super().__init__(class_, key, parent, original_property)
        self.descriptor = descriptor
        self.given_comparator = comparator
        self.original_property = original_property
        self.__doc__ = doc
        del self.property

    @memoized_property
    def comparator(self) -> Any:
        """The object that has the attribute's SQL operators."""
        given = self.given_comparator
        return given() if callable(given) else given

    @memoized_property
    def property(self) -> Any:
        """The property that the expression comes from."""
        return self.comparator.property

    def adapt_to_entity(self, entity: Any) -> ProxiedAttribute:
        """The same attribute of an alias of the class."""
        comparator = self.comparator.adapt_to_entity(entity)
        return type(self)(entity.entity, self.key, self.descriptor, comparator, entity)

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self if instance is None else self.descriptor.__get__(instance, owner)

    def __set__(self, instance: Any, value: Any) -> None:
        self.descriptor.__set__(instance, value)

    def __delete__(self, instance: Any) -> None:
        self.descriptor.__delete__(instance)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and hasattr(self.__dict__.get("descriptor"), name):
            return getattr(self.descriptor, name)
        return super().__getattr__(name)


class DescriptorProperty(MapperProperty):
    """A property whose values are a descriptor's business; to be derived from."""

    kind = "synonym"
    descriptor: Any = None
    _comparator_factory: Callable[[Any], Any]

    def instrument_class(self, mapper: Any) -> None:
        """Put the attribute on the class, over the descriptor that the class has."""
        cls: Any = mapper.class_
        if self.descriptor is None and has_own_descriptor(cls, self.key):
            self.descriptor = cls.__dict__[self.key]
        manager: ClassManager = mapper.class_manager
        manager.install(
            ProxiedAttribute(
                cls,
                self.key,
                self.descriptor or property(),
                lambda: self._comparator_factory(mapper),
                doc=self.doc,
                original_property=self,
            )
        )


# ------------------------------------------------------------------------------
# Offer SQLAlchemy's way to put an attribute on a class that has no mapper.
#
# Only its own tests and a few extensions do that; such an attribute may bring its own loader, and
# the functions below act on states as SQLAlchemy's own methods of those names do.

Loader = Callable[[Any, Any], Any]


class _OwnLoader(AttributeSlot):
    """A slot whose values, also those of new objects, come from a function of its own."""

    own_loader: Loader | None = None

    def loader_for(self, state: Any) -> Loader | None:
        """What loads the value for one object; the class's own loader is for all attributes."""
        notes = None if state.extra is None else state.extra.info
        loader = (notes or {}).get((_OwnLoader, self.key), self.own_loader)
        load_many = vars(state.manager).get("expired_attribute_loader")
        if loader is not None or load_many is None:
            return loader

        def load(state: Any, passive: Any) -> Any:
            load_many(state, {self.key}, passive)
            return ATTR_WAS_SET

        return load

    def loads_without_row(self, state: Any) -> bool:
        """Whether there is somebody to ask."""
        is_released = state.extra is not None and self.key in state.extra.released
        return is_released or self.loader_for(state) is not None


def ask_own_loaders() -> None:
    """Have missing values of such attributes asked of their functions."""
    ordinary = missing_value.plugged
    if getattr(ordinary, "asks_own_loaders", False):
        return

    def ask(state: Any, key: str, policy: LoadPolicy) -> object:
        slot = state.manager.slots.get(key)
        loader = slot.loader_for(state) if isinstance(slot, _OwnLoader) else None
        if loader is not None:
            return loader(state, policy.flags)
        return ATTR_EMPTY if state.manager.mapper is None else ordinary(state, key, policy)

    vars(ask)["asks_own_loaders"] = True
    missing_value.plug(ask)


def is_mapped(value: Any) -> bool:
    """Whether a value can be told of its new place."""
    return value is None or hasattr(value, "_sa_instance_state")


class _Value(_OwnLoader, ValueSlot):
    pass


class _Reference(_OwnLoader, ReferenceSlot):
    """A reference that takes values of any kind, as SQLAlchemy's do in its tests."""

    def replaced(self, state: Any, value: Any, old: Any, initiator: Any) -> Any:
        """Record the change; for a mapped object do all the rest."""
        if is_mapped(value):
            return super().replaced(state, value, old, initiator)
        self.note_change(state, self.key, old)
        return value


class _Collection(_OwnLoader, CollectionSlot):
    """A collection that takes members of any kind, as SQLAlchemy's do in its tests."""

    def get_collection(self, state: Any, dict_: Any) -> Any:
        """The adapter of the present collection."""
        return self.get(state, dict_)._sa_adapter

    def present(self, state: Any, d: Any) -> Any:
        """The collection, asked also of a loader that must not emit SQL."""
        if self.key in d or self.loader_for(state) is None:
            return super().present(state, d)
        found = self.absent(state, d, LoadPolicy.MEMORY_ONLY)
        return None if found is PASSIVE_NO_RESULT else found

    def member_added(
        self, state: Any, owner: Any, item: Any, initiator: Any, key: Any = NO_KEY
    ) -> Any:
        """Tell the listeners, and for mapped members all the rest."""
        if is_mapped(item):
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
        if is_mapped(item):
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
        made = manager.collection_class_of(key, typecallable or list)
        settings = {"collection_class": made} if uselist else {}
        slot = kind(
            key,
            manager,
            active_history=active_history,
            tracks_parent=trackparent,
            reverse_keys=(backref,) if backref else (),
            parent_token=parent_token,
            **settings,
        )
        slot.defers_history = not (uselist or active_history)
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
    forget_changes([state])


def commit(state: Any, _dict: Any, keys: Iterable[str]) -> None:
    """Take some present values as those in the database."""
    pending = state.more().pending or {}
    for key in keys:
        forget_change(state, key)
        pending.pop(key, None)


def expire_attributes(state: Any, dict_: Any, keys: Iterable[str], **_options: Any) -> None:
    """Forget some present values and their changes."""
    names = list(keys)
    extra = state.more()
    extra.released = {*extra.released, *names}
    for key in names:
        dict_.pop(key, None)
        forget_change(state, key)


def expire(state: Any, dict_: Any, _modified: Any) -> None:
    """Forget all present values and their changes."""
    expire_attributes(state, dict_, state.manager)
    state.changes = None


def reset(state: Any, dict_: Any, key: str) -> None:
    """Forget one value as though it had never been there."""
    dict_.pop(key, None)
    forget_change(state, key)


def loader_setter(_manager: Any, loader: Loader, key: str) -> Callable[[Any, Any, Any], None]:
    """A function that gives one object a loader of its own for an attribute."""

    def set_loader(state: Any, dict_: Any, _row: Any) -> None:
        reset(state, dict_, key)
        ask_own_loaders()
        state.info[_OwnLoader, key] = loader

    return set_loader


def assign_key(state: Any, key: Any) -> None:
    """Take an identity key as the object's."""
    state.pk = None if key is None else bare_key(key[1] if len(key) > 1 else key)


def default_value(slot: Any, state: Any, dict_: Any) -> Any:
    """What an attribute without value reads as."""
    assert slot.key not in dict_
    return slot.empty_value(state, dict_)


def track_last_known_value(state: Any, _key: str) -> None:
    """Record changes of the object from now on."""
    note_dirty(state)


_get = AttributeSlot.get


def value(slot: Any, state: Any, dict_: Any, passive: Any = LoadPolicy.LOAD) -> Any:
    """The value, asked of the slot."""
    return _get(slot, state, dict_, policy_of(passive))


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
    """Record who holds a member; refused, as the question is, where that is not tracked."""
    slot.has_parent(state)
    if value:
        claim_child(state, slot.parent_token, parent)
    else:
        slot.release(state, parent)
