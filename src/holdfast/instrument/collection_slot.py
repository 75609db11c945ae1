"""Hold a collection, and the changes made to it before it is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from holdfast import errors
from holdfast.foundation.load_policy import (
    DONT_SET,
    NO_KEY,
    NO_VALUE,
    PASSIVE_NO_RESULT,
    LoadPolicy,
)
from holdfast.foundation.sqlalchemy_core import duck_type_collection
from holdfast.instrument.collection_adapter import adapt, bulk_replace
from holdfast.instrument.collection_roles import (
    REPORTING_CLASSES,
    InstrumentedList,
    Roles,
    roles_of,
)
from holdfast.instrument.slots import (
    OP_APPEND,
    OP_BULK_REPLACE,
    OP_REMOVE,
    AttributeEventToken,
    AttributeSlot,
    Initiator,
    Operation,
    Values,
    link_backref,
    unlink_backref,
    without_initialization,
)
from holdfast.states.changes import (
    HISTORY_BLANK,
    History,
    claim_child,
    collection_history,
    forget_change,
    replace_change,
)
from holdfast.states.instance import InstanceState
from holdfast.states.ports import link_listener

# ------------------------------------------------------------------------------
# Define `QueuedChanges`: what happens to a collection before it is loaded.
#
# Setting `child.parent` does not load `parent.children` (RL-44); the child waits here, in
# `state.extra.pending`, until the collection loads (RL-50) or a flush has written it.


class QueuedChanges:
    """Members to add to and to remove from one unloaded collection, in order, by identity."""

    __slots__ = ("_added", "_removed")

    def __init__(self, added: Iterable[Any] = (), removed: Iterable[Any] = ()) -> None:
        self._added: dict[int, Any] = {id(each): each for each in added}
        self._removed: dict[int, Any] = {id(each): each for each in removed}

    @property
    def added(self) -> list[Any]:
        """Members that came."""
        return list(self._added.values())

    @property
    def removed(self) -> list[Any]:
        """Members that went."""
        return list(self._removed.values())

    def add(self, member: Any, *, was_there: bool = True) -> None:
        """A member came; one that went before is where it was, if it was there."""
        if self._removed.pop(id(member), self) is self or not was_there:
            self._added[id(member)] = member

    def remove(self, member: Any) -> None:
        """A member went; one that came before never was there."""
        if self._added.pop(id(member), self) is self:
            self._removed[id(member)] = member

    def applied_to(self, loaded: Iterable[Any]) -> list[Any]:
        """The loaded members with the queued changes made."""
        members = [each for each in loaded if id(each) not in self._removed]
        members += self._added.values()
        return members

    def __reduce__(self) -> tuple[Any, ...]:
        # The keys are identities, which mean nothing to another process.
        return (QueuedChanges, (self.added, self.removed))


def find_queued(state: InstanceState, key: str) -> QueuedChanges | None:
    """The queued changes of one collection, if there are any."""
    extra = state.extra
    if extra is None or extra.pending is None:
        return None
    found: QueuedChanges | None = extra.pending.get(key)
    return found


def queued_for(state: InstanceState, key: str) -> QueuedChanges:
    """The queued changes of one collection, made when there are none."""
    extra = state.more()
    if extra.pending is None:
        extra.pending = {}
    queued = extra.pending.get(key)
    if queued is None:
        queued = extra.pending[key] = QueuedChanges()
    return queued


# ------------------------------------------------------------------------------
# Define `CollectionSlot`, the slot of an attribute that holds related objects.
#
# Rules kept here:
# 1. The former members are recorded with the first change, as a plain list; `NO_VALUE` stands there
#    while a collection that is not loaded has queued changes only.
# 2. A collection that is not loaded is not loaded by a change that comes through a back reference:
#    the change is queued (`queued`) and merged in by `new_loaded`.
# 3. The collection that an unset attribute reads as is kept aside, and stored with its first
#    change.


class CollectionSlot(AttributeSlot):
    """The slot of a relationship to many objects."""

    collection = True
    is_reference = True
    adding_operations: tuple[Operation, ...] = (OP_APPEND, OP_BULK_REPLACE)
    removing_operations: tuple[Operation, ...] = (OP_REMOVE, OP_BULK_REPLACE)

    def __init__(
        self, key: str, manager: Any, *, collection_class: Callable[[], Any] = list, **settings: Any
    ) -> None:
        super().__init__(key, manager, **settings)
        self.append_token: AttributeEventToken = AttributeEventToken(self, OP_APPEND)
        self.bulk_replace_token: AttributeEventToken = AttributeEventToken(self, OP_BULK_REPLACE)
        # Makes an empty collection.
        self.factory: Callable[[], Any]
        # How the collections of this attribute are appended to, removed from and iterated.
        self.roles: Roles
        self.factory, self.roles = _reporting_factory(collection_class)
        # PERF: plain lists are filled by one C call (tests/bench: eager loads).
        self.is_plain_list: bool = self.factory is InstrumentedList

    # -- making collections --------------------------------------------------------------------

    def make(self, state: InstanceState, *, empty: bool = False) -> Any:
        """An empty collection that belongs to the object of `state`."""
        collection = adapt(self.factory(), self, state, empty=empty)
        if self.has_listeners:
            for listener in self.dispatch.init_collection:
                listener(state, collection, collection._sa_adapter)
        return collection

    def new_loaded(self, state: InstanceState, items: Iterable[Any]) -> Any:
        """A collection of loaded members, changes queued meanwhile included.

        The caller stores it in the object's dict. No events of members, no change recorded but
        those that were queued.
        """
        extra = state.extra
        if extra is not None:
            items = self._settle_unloaded(state, list(items))
        if self.is_plain_list and not self.has_listeners:
            return adapt(InstrumentedList(items), self, state)
        collection = self.make(state)
        collection._sa_adapter.append_multiple_without_event(items)
        return collection

    def _settle_unloaded(self, state: InstanceState, items: list[Any]) -> list[Any]:
        """End what was kept aside for the unloaded collection; give back its present members."""
        key = self.key
        extra = state.more()
        if extra.empty_collections is not None:
            aside = extra.empty_collections.pop(key, None)
            if aside is not None:
                aside._sa_adapter = None
        queued = find_queued(state, key)
        if queued is None:
            return items
        assert extra.pending is not None
        del extra.pending[key]
        if self.records_changes:
            replace_change(state, key, items)
        return queued.applied_to(items)

    def empty_value(self, state: InstanceState, d: Values) -> Any:
        """An empty collection, the same on each read (AH-3)."""
        extra = state.more()
        if extra.empty_collections is None:
            extra.empty_collections = {}
        collection = extra.empty_collections.get(self.key)
        if collection is None:
            collection = self.make(state, empty=True)
            extra.empty_collections[self.key] = collection
        return collection

    def initialize(self, state: InstanceState, d: Values) -> Any:
        """Put a new empty collection in place of whatever is there (AH-64)."""
        former = d.get(self.key)
        if former is not None:
            self.dispose(state, former)
        collection = d[self.key] = self.make(state)
        return collection

    def dispose(self, state: InstanceState, collection: Any) -> None:
        """Sever a collection from its owner (RL-112)."""
        adapter = collection._sa_adapter
        collection._sa_adapter = None
        if self.has_listeners:
            for listener in self.dispatch.dispose_collection:
                listener(state, collection, adapter)

    def is_loadable(self, state: InstanceState) -> bool:
        """Whether a loader may know the members; queued changes are no obstacle."""
        return state.pk is not None or self.loads_without_row(state)

    def members(self, d: Values) -> list[Any]:
        """The members of a present collection."""
        return list(self.roles.iterator(d[self.key]))

    def set_committed(self, state: InstanceState, d: Values, value: Any) -> None:
        """Take the members as loaded (AH-63)."""
        former = d.get(self.key)
        if former is not None:
            former._sa_adapter = None
        forget_change(state, self.key)
        d[self.key] = self.new_loaded(state, () if value is None else value)

    # -- what the collection reports -------------------------------------------------------------

    def note_members(self, state: InstanceState, d: Values) -> None:
        """Record the present members as those that the database holds, if nothing is recorded."""
        changes = state.changes
        if changes is None or self.key not in changes:
            self.note_change(state, self.key, self.members(d) if self.key in d else NO_VALUE)

    def member_added(
        self, state: InstanceState, owner: Any, item: Any, initiator: Initiator, key: Any = NO_KEY
    ) -> Any:
        """Do all that a new member entails but storing; give back the member to store."""
        if self.has_listeners:
            token = initiator or self.append_token
            for listener in self.dispatch.append:
                item = listener(state, item, token, key=key)
        child: InstanceState | None = None if item is None else item._sa_instance_state
        changes = state.changes
        if changes is None or self.key not in changes:
            self.note_members(state, owner.__dict__)
        if child is None:
            return item
        if self.single_parent:
            self.check_single_parent(child, initiator)
        if self.cascades and state.members is not None and self.is_own(initiator):
            link_listener.plugged.linked(state, self.key, child)
        if self.reverse_keys:
            link_backref(self, owner, child, item, initiator or self.append_token)
        if self.tracks_parent:
            claim_child(child, self.parent_token, state)
        return item

    def member_added_again(
        self, state: InstanceState, item: Any, initiator: Initiator, key: Any = NO_KEY
    ) -> None:
        """Something was added that is a member already (EV-102).

        It may have become one through the other end only, and joins the session now (CA-31).
        """
        if self.has_listeners:
            token = initiator or self.append_token
            for listener in self.dispatch.append_wo_mutation:
                listener(state, item, token, key=key)
        if self.cascades and state.members is not None and self.is_own(initiator):
            link_listener.plugged.linked(state, self.key, item._sa_instance_state)

    def member_removed(
        self,
        state: InstanceState,
        owner: Any,
        item: Any,
        initiator: Initiator,
        key: Any = NO_KEY,
        *,
        is_gone: bool = False,
    ) -> None:
        """Do what the loss of a member (at `key`) entails, all but taking it out."""
        child: InstanceState | None = None if item is None else item._sa_instance_state
        d = owner.__dict__
        self.note_members(state, d)
        # Whose other end was changed is a member no more, however often it stood here.
        if (
            child is not None
            and self.is_own(initiator)
            and self.stands_elsewhere(d, item, is_gone=is_gone)
        ):
            child = None
        if self.tracks_parent and child is not None:
            self.release(child, state)
        token = initiator or self.remove_token
        if self.has_listeners:
            for listener in self.dispatch.remove:
                listener(state, item, token, key=key)
        if child is None:
            return
        if self.cascades and state.members is not None:
            link_listener.plugged.unlinked(state, self.key, child)
        if self.reverse_keys:
            unlink_backref(self, owner, child, item, token, token)

    def stands_elsewhere(self, d: Values, item: Any, *, is_gone: bool) -> bool:
        """Whether a member that goes remains one, since it was in the collection twice."""
        if self.roles.kind is set or self.key not in d:
            return False
        if not (self.reverse_keys or self.tracks_parent or self.cascades):
            return False
        places = list(map(id, self.roles.iterator(d[self.key]))).count(id(item))
        return places > (0 if is_gone else 1)

    # -- changes from elsewhere ----------------------------------------------------------------

    def is_removed_from_row(self, state: InstanceState) -> bool:
        """Whether a member whose removal is queued is one in the database."""
        return True

    def append(
        self, state: InstanceState, d: Values, value: Any, initiator: Initiator = None
    ) -> None:
        """Add a member; queue it when the collection is not loaded."""
        collection = self.present(state, d)
        if collection is None:
            value = self.member_added(state, state(), value, initiator)
            was_there = self.is_removed_from_row(state)
            queued_for(state, self.key).add(value, was_there=was_there)
        else:
            self.roles.appender(collection, value, _sa_initiator=initiator)

    def take(self, state: InstanceState, d: Values, value: Any, initiator: Any) -> None:
        """Hold the object that has just been given this one."""
        collection = d.get(self.key)
        if collection is None or not self.is_plain_list:
            self.append(state, d, value, initiator)
            return
        changes = state.changes
        if changes is None or self.key not in changes:
            self.note_change(state, self.key, list(collection))
        list.append(collection, value)

    def let_go(self, state: InstanceState, d: Values, value: Any, initiator: Any) -> None:
        """Give up the object that has just given this one up."""
        collection = d.get(self.key)
        if (
            collection is None
            or not self.is_plain_list
            or (state.members is not None and self.is_watched(state))
        ):
            self.pop(state, d, value, initiator)
            return
        try:
            place = collection.index(value)
        except ValueError:
            return
        if collection[place] is not value:
            # An equal member stands before it.
            self.pop(state, d, value, initiator)
            return
        changes = state.changes
        if changes is None or self.key not in changes:
            self.note_change(state, self.key, list(collection))
        list.__delitem__(collection, place)

    def remove(
        self, state: InstanceState, d: Values, value: Any, initiator: Initiator = None
    ) -> None:
        """Take a member away; queue that when the collection is not loaded."""
        collection = self.present(state, d)
        if collection is None:
            self.member_removed(state, state(), value, initiator)
            queued_for(state, self.key).remove(value)
        else:
            self.roles.remover(collection, value, _sa_initiator=initiator)

    def pop(self, state: InstanceState, d: Values, value: Any, initiator: Initiator = None) -> bool:
        """Take a member away, if it is one."""
        try:
            self.remove(state, d, value, initiator)
        except (ValueError, KeyError, IndexError):
            # The other end did not know of the member: they are in step now.
            return False
        return True

    def present(self, state: InstanceState, d: Values) -> Any:
        """The collection, or None when it is not loaded."""
        collection = d.get(self.key)
        if collection is not None:
            return collection
        return None if self.is_loadable(state) else self.empty_value(state, d)

    # -- assignment ------------------------------------------------------------------------------

    def set(
        self,
        state: InstanceState,
        d: Values,
        value: Any,
        initiator: Initiator = None,
        policy: LoadPolicy = LoadPolicy.LOAD,
    ) -> None:
        """Replace the collection; members that stay fire no events (RL-112)."""
        if value is DONT_SET:
            return
        key = self.key
        if value is d.get(key, NO_VALUE):
            # `parent.children += [...]` ends in an assignment of the collection to itself.
            return
        # Made before the old one is loaded, so that a wrong value costs no SQL.
        collection = self.make(state)
        items, keys = self.members_to_assign(collection, value)
        members = list(items)
        token = self.bulk_replace_token
        if self.has_listeners:
            for listener in self.dispatch.bulk_replace:
                listener(state, members, token, keys=keys)
        old = self.get(state, d, policy)
        if old is value:
            return
        adapter = None
        if old is PASSIVE_NO_RESULT or old is NO_VALUE:
            self.note_members(state, d)
        else:
            adapter = old._sa_adapter
            adapter.empty = False
            former = list(self.roles.iterator(old))
            changes = state.changes
            if changes is None or key not in changes:
                self.note_change(state, key, former)
        if state.extra is not None and state.extra.empty_collections is not None:
            state.extra.empty_collections.pop(key, None)
        d[key] = collection
        bulk_replace(members, adapter, collection._sa_adapter, token)
        if adapter is not None:
            self.dispose(state, old)

    def members_to_assign(
        self, collection: Any, value: Any
    ) -> tuple[Iterable[Any], list[Any] | None]:
        """The members in a value that is assigned, and its keys if it is like a dictionary."""
        roles = self.roles
        if roles.converter is not None:
            return roles.converter(collection, value), None
        kind = duck_type_collection(value)
        if kind is not roles.kind:
            wanted = roles.kind.__name__ if roles.kind else type(collection).__name__
            raise errors.CollectionTypeError.incompatible(value, wanted)
        if kind is dict:
            has_keys = hasattr(value, "keys")
            return value.values(), list(value.keys()) if has_keys else None
        if getattr(value, "_sa_adapter", None) is not None:
            return iter(value._sa_adapter), None
        if not hasattr(value, "__iter__"):
            return roles.iterator(value), None
        return iter(value), None

    def assign(self, state: InstanceState, d: Values, members: list[Any]) -> None:
        """Replace the members, whatever kind of collection holds them; for `Session.merge`."""
        collection = self.make(state)
        collection._sa_adapter.append_multiple_without_event(members)
        self.set(state, d, collection, policy=LoadPolicy.NO_RAISE)

    def delete(self, state: InstanceState, d: Values) -> None:
        """Remove all members (AH-10)."""
        if self.key not in d and not self.is_loadable(state):
            return
        collection = self.get(state, d)
        self.note_members(state, d)
        collection._sa_adapter.clear_with_event(self.remove_token)
        if state.pk is None:
            # With a row, a collection that is not there would be loaded again.
            d.pop(self.key, None)

    # -- history -----------------------------------------------------------------------------

    def history(
        self, state: InstanceState, d: Values, policy: LoadPolicy = LoadPolicy.LOAD
    ) -> History:
        """How the members differ from those that the database holds."""
        collection = d[self.key] if self.key in d else self.absent(state, d, policy)
        if collection is PASSIVE_NO_RESULT or collection is NO_VALUE:
            queued = find_queued(state, self.key)
            return HISTORY_BLANK if queued is None else History(queued.added, (), queued.removed)
        members = list(self.roles.iterator(collection))
        changes = state.changes
        committed = NO_VALUE if changes is None else changes.get(self.key, self)
        if changes is None or committed is self:
            return History((), members, ())
        if committed is NO_VALUE:
            return History(members, (), ())
        assert isinstance(committed, Sequence)
        return collection_history(members, committed)

    def changed_history(self, state: InstanceState, d: Values, policy: LoadPolicy) -> History:
        """The history; for collections there is one way only."""
        return self.history(state, d, policy)

    def all_pending(
        self, state: InstanceState, d: Values, policy: LoadPolicy = LoadPolicy.NO_INITIALIZE
    ) -> list[tuple[InstanceState, Any]]:
        """Present, queued and removed members (CA-20)."""
        collection = self.get(state, d, without_initialization(policy))
        members: list[Any] = []
        if not (collection is PASSIVE_NO_RESULT or collection is NO_VALUE):
            members += self.roles.iterator(collection)
        elif (queued := find_queued(state, self.key)) is not None:
            members += queued.added + queued.removed
        changes = state.changes
        committed = None if changes is None else changes.get(self.key)
        if isinstance(committed, list):
            members += committed
        found = {id(each): each for each in members}
        return [(each._sa_instance_state, each) for each in found.values() if each is not None]


def _reporting_factory(given: Callable[[], Any]) -> tuple[Callable[[], Any], Roles]:
    """A factory of reporting collections, from what a relationship names as collection class."""
    if isinstance(given, type):
        class_ = REPORTING_CLASSES.get(given, given)
        return class_, roles_of(class_)
    sample = given()
    class_ = type(sample)
    if class_ not in REPORTING_CLASSES:
        return given, roles_of(class_)
    reporting = REPORTING_CLASSES[class_]

    def make() -> Any:
        return reporting(given())

    return make, roles_of(reporting)
