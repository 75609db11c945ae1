"""Define `LargeCollectionSlot`, the slot of a collection that is never loaded whole.

Rules kept here:
1. All that an object holds of it are changes that wait for the flush (`queued`). A tuple in the
   object's dict says that it was touched; in it are the members that are deleted with the object,
   so that they live until the flush.
2. Reading the attribute gives an object that makes statements; see `reading.strategies`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from holdfast import errors
from holdfast.foundation.load_policy import DONT_SET, NO_VALUE, LoadPolicy
from holdfast.instrument.collection_slot import CollectionSlot, find_queued, queued_for
from holdfast.instrument.slots import Initiator, Values
from holdfast.states.changes import History
from holdfast.states.instance import InstanceState


class FetchMembers(Protocol):
    """A function that reads the members of an object's collection."""

    def __call__(self, state: InstanceState, *, autoflush: bool) -> Sequence[Any]:
        """The members that the database holds."""


class MemberSource(Protocol):
    """Where a slot turns to for what is in the database."""

    relationship: Any
    # Reads all members; None where that is not allowed.
    fetch_members: FetchMembers | None

    def collection_of(self, state: InstanceState) -> Any:
        """What reading the attribute gives."""


class LargeCollectionSlot(CollectionSlot):
    """The slot of a write-only or dynamic relationship."""

    keeps_value = False

    def __init__(self, key: str, manager: Any, *, source: MemberSource, **settings: Any) -> None:
        super().__init__(key, manager, **settings)
        self.source = source
        # Nothing is ever filled.
        self.is_plain_list = False

    def get(self, state: InstanceState, d: Values, policy: LoadPolicy = LoadPolicy.LOAD) -> Any:
        """The object that makes statements; without SQL, the new members."""
        return self.absent(state, d, policy)

    def absent(self, state: InstanceState, d: Values, policy: LoadPolicy) -> Any:
        """The same: there is no value to be found."""
        if policy.may_fetch:
            return self.source.collection_of(state)
        return self._queued(state)[0]

    def held(self, state: InstanceState, d: Values, policy: LoadPolicy) -> Any:
        """The members, for cascades."""
        found = self.history(state, d, policy).non_deleted()
        if policy.may_fetch:
            d[self.key] = tuple(found)
        return found

    def members(self, d: Values) -> list[Any]:
        """The new members."""
        return self._queued(d["_sa_instance_state"])[0]

    def _queued(self, state: InstanceState) -> tuple[list[Any], list[Any]]:
        queued = find_queued(state, self.key)
        return ([], []) if queued is None else (queued.added, queued.removed)

    def present(self, state: InstanceState, d: Values) -> None:
        """No collection: all changes are queued."""

    def stands_elsewhere(self, d: Values, item: Any, *, is_gone: bool) -> bool:
        """Never: what is queued has no places."""
        return False

    def is_removed_from_row(self, state: InstanceState) -> bool:
        """Nobody has looked, and a foreign key may be set to what it is; a link only once."""
        return state.pk is not None and self.source.relationship.secondary is not None

    def note_members(self, state: InstanceState, d: Values) -> None:
        """Record that the members change."""
        self.note_change(state, self.key, NO_VALUE)
        d[self.key] = ()

    def set(
        self,
        state: InstanceState,
        d: Values,
        value: Any,
        initiator: Initiator = None,
        policy: LoadPolicy = LoadPolicy.LOAD,
    ) -> None:
        """Replace the members, which must be known for that."""
        if value is DONT_SET:
            return
        if not hasattr(value, "__iter__"):
            raise errors.CollectionTypeError.incompatible(value, "list")
        fetch = self.source.fetch_members
        if state.pk is not None and fetch is None:
            raise errors.LargeCollectionError.replacement(self)
        members = list(value)
        if self.has_listeners:
            for listener in self.dispatch.bulk_replace:
                listener(state, members, self.bulk_replace_token, keys=None)
        former = [] if fetch is None or state.pk is None else fetch(state, autoflush=True)
        held = {id(each): each for each in (*former, *self._queued(state)[0])}
        self.note_members(state, d)
        queued_for(state, self.key)
        for each in members:
            if id(each) not in held:
                self.append(state, d, each, initiator)
        wanted = set(map(id, members))
        for identity, each in held.items():
            if identity not in wanted:
                self.remove(state, d, each, initiator)

    def assign(self, state: InstanceState, d: Values, members: list[Any]) -> None:
        """Replace the members; for `Session.merge`."""
        self.set(state, d, members)

    def delete(self, state: InstanceState, d: Values) -> None:
        """Remove all members."""
        self.set(state, d, ())

    def set_committed(self, state: InstanceState, d: Values, value: Any) -> None:
        """Refuse: there is no place for loaded members."""
        raise errors.PopulationError.committed(self)

    def initialize(self, state: InstanceState, d: Values) -> Any:
        """Refuse likewise."""
        raise errors.PopulationError.committed(self)

    def history(
        self, state: InstanceState, d: Values, policy: LoadPolicy = LoadPolicy.LOAD
    ) -> History:
        """What waits for the flush; with SQL, against the members in the database."""
        added, removed = self._queued(state)
        if state.pk is None or not policy.may_fetch:
            return History(added, [], removed)
        fetch = self.source.fetch_members
        if fetch is None:
            raise errors.LargeCollectionError.iteration(self)
        present = {id(each): each for each in fetch(state, autoflush=False)}
        gone = set(map(id, removed))
        return History(
            [each for each in added if id(each) not in present],
            [each for identity, each in present.items() if identity not in gone],
            [each for each in removed if id(each) in present],
        )

    def all_pending(
        self, state: InstanceState, d: Values, policy: LoadPolicy = LoadPolicy.NO_INITIALIZE
    ) -> list[tuple[InstanceState, Any]]:
        """New and removed members (CA-20)."""
        added, removed = self._queued(state)
        return [(each._sa_instance_state, each) for each in (*added, *removed)]
