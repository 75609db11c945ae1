"""Tie a collection to its owner, and put another in its place."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from holdfast import errors
from holdfast.foundation.describe import warn
from holdfast.foundation.load_policy import NO_KEY
from holdfast.states.instance import InstanceState

# ------------------------------------------------------------------------------
# Define `CollectionAdapter`, which ties a collection to the object that owns it.
#
# Every collection of related objects has one as `_sa_adapter`; a collection that was replaced has
# None there and reports nothing any more (RL-112). The adapter *is* a weak reference to its
# collection, as an `InstanceState` is one to its object, so the two form no reference cycle.


class CollectionAdapter(weakref.ref[Any]):
    """The tie between a collection and its owner, and uniform access to any kind of collection.

    `with_event` methods act as the application's own calls do; `without_event` methods change the
    collection as a load does.
    """

    __slots__ = ("empty", "owner_state", "slot")

    # What the collection's attribute does; a `CollectionSlot`.
    slot: Any
    # State of the object that owns the collection.
    owner_state: InstanceState
    # The collection is what an unset attribute reads as; it is stored with its first change.
    empty: bool

    __hash__: ClassVar[Any] = object.__hash__
    __eq__: Any = object.__eq__
    __ne__: Any = object.__ne__

    @property
    def data(self) -> Any:
        """The collection; None once it was collected."""
        return self()

    @property
    def attr(self) -> Any:
        """The slot, under its name in SQLAlchemy."""
        return self.slot

    # -- reports of changes; each is called by the collection's methods -----------------------

    def fire_append_event(self, item: Any, initiator: Any = None, key: Any = NO_KEY) -> Any:
        """A member comes; the answer is the one to store."""
        if initiator is False:
            return item
        owner = self.live_owner()
        return self.slot.member_added(self.owner_state, owner, item, initiator, key)

    def fire_append_wo_mutation_event(
        self, item: Any, initiator: Any = None, key: Any = NO_KEY
    ) -> None:
        """Something is added that is a member already."""
        if initiator is not False:
            self.live_owner()
            self.slot.member_added_again(self.owner_state, item, initiator, key)

    def fire_pre_remove_event(self, initiator: Any = None, key: Any = NO_KEY) -> None:
        """A member will go of which it is not known yet which one."""
        if initiator is not False:
            owner = self.live_owner()
            self.slot.note_members(self.owner_state, owner.__dict__)

    def fire_remove_event(
        self, item: Any, initiator: Any = None, key: Any = NO_KEY, *, is_gone: bool = False
    ) -> None:
        """A member goes.

        Args:
            item: The member.
            initiator: Who started the change.
            key: Where in the collection it stands.
            is_gone: It has been taken out already.
        """
        if initiator is False:
            return
        owner = self.live_owner()
        self.slot.member_removed(self.owner_state, owner, item, initiator, key, is_gone=is_gone)

    def live_owner(self) -> Any:
        """The owner, which must not have been collected; an empty collection becomes its own.

        Warns when another collection has taken this one's place, or will at the next access.
        """
        owner = self.owner_state()
        if owner is None:
            raise errors.ObjectDereferencedError.owner_collected(self.owner_state, self.slot.key)
        if self.empty:
            self.store(owner)
        elif owner.__dict__.get(self.slot.key) is not self():
            warn(errors.collection_replaced_warning(self.owner_state, self.slot.key))
        return owner

    def store(self, owner: Any) -> None:
        """Give the owner the collection that its unset attribute read as until now."""
        self.empty = False
        extra = self.owner_state.extra
        if extra is not None and extra.empty_collections is not None:
            extra.empty_collections.pop(self.slot.key, None)
        owner.__dict__[self.slot.key] = self()

    def refuse_if_empty(self) -> None:
        """Silent changes to a collection that is nobody's yet would be lost."""
        if self.empty:
            raise errors.AttributeRequestError.empty_collection(str(self.slot))

    def append_with_event(self, item: Any, initiator: Any = None) -> None:
        """Add a member."""
        collection = self()
        self.slot.roles.appender(collection, item, _sa_initiator=initiator)

    def append_without_event(self, item: Any) -> None:
        """Add a member as a load does."""
        self.refuse_if_empty()
        self.slot.roles.appender(self(), item, _sa_initiator=False)

    def append_multiple_without_event(self, items: Iterable[Any]) -> None:
        """Add members as a load does."""
        self.refuse_if_empty()
        collection = self()
        appender = self.slot.roles.appender
        for item in items:
            appender(collection, item, _sa_initiator=False)

    def remove_with_event(self, item: Any, initiator: Any = None) -> None:
        """Take a member away."""
        self.slot.roles.remover(self(), item, _sa_initiator=initiator)

    def remove_without_event(self, item: Any) -> None:
        """Take a member away as a load does."""
        self.refuse_if_empty()
        self.slot.roles.remover(self(), item, _sa_initiator=False)

    def clear_with_event(self, initiator: Any = None) -> None:
        """Take all members away."""
        collection = self()
        remover = self.slot.roles.remover
        for item in list(self):
            remover(collection, item, _sa_initiator=initiator)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.slot.roles.iterator(self()))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return True

    def __reduce__(self) -> tuple[Any, ...]:
        return (restore_adapter, (self(), self.owner_state, self.slot.key, self.empty))

    def __repr__(self) -> str:
        return f"<CollectionAdapter of {self.slot} at {id(self):#x}>"


def adapt(collection: Any, slot: Any, state: InstanceState, *, empty: bool = False) -> Any:
    """Tie a collection to its owner, and give it back."""
    adapter = collection._sa_adapter = CollectionAdapter(collection)
    adapter.slot = slot
    adapter.owner_state = state
    adapter.empty = empty
    return collection


def restore_adapter(
    collection: Any,
    state: InstanceState,
    key: str,
    empty: bool,  # noqa: FBT001 - the order in which pickle passes it
) -> CollectionAdapter:
    """Tie an unpickled collection to its unpickled owner."""
    slot = state.manager[key].slot
    adapter: CollectionAdapter = adapt(collection, slot, state, empty=empty)._sa_adapter
    return adapter


def collection_adapter(collection: Any) -> CollectionAdapter | None:
    """The adapter of a collection; None when the collection was replaced by another one."""
    adapter: CollectionAdapter | None = collection._sa_adapter
    return adapter


# ------------------------------------------------------------------------------
# Fill a new collection that takes the place of an old one.
#
# Members that both have pass over without events; the others are appended or removed (RL-112).


def bulk_replace(
    values: Sequence[Any],
    existing: CollectionAdapter | None,
    new: CollectionAdapter,
    initiator: Any = None,
) -> None:
    """Put `values` into the collection of `new`, which is empty.

    Args:
        values: The members wanted.
        existing: Adapter of the collection that is replaced, if there was one.
        new: Adapter of the collection that takes its place.
        initiator: Who started the change.
    """
    former = {id(each): each for each in existing or ()}
    kept: dict[int, Any] = {}
    collection, append = new(), new.slot.roles.appender
    for member in values:
        if id(member) in former:
            kept[id(member)] = member
            append(collection, member, _sa_initiator=False)
        else:
            append(collection, member, _sa_initiator=initiator)
    if existing is None:
        return
    slot, state = existing.slot, existing.owner_state
    owner = state()
    for member in kept.values():
        slot.member_added_again(state, member, initiator)
    for number, member in former.items():
        if number not in kept:
            slot.member_removed(state, owner, member, initiator, is_gone=True)
