"""Hold what one session knows: a weak map of its objects, and what is new or deleted."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from typing import Any

from holdfast.states.instance import IdentityKey, InstanceState, bare_key, full_key
from holdfast.states.ports import SessionPort

# ------------------------------------------------------------------------------
# Keep one object per row: the weak map from primary key to object.
#
# One dictionary (a *space*) per inheritance hierarchy maps bare primary keys to states. States are
# weak references, so an entry does not keep its object alive.
#
# Rules kept here:
# 1. An entry whose object was collected counts as absent. Readers test `state() is None`.
# 2. Dead entries are swept when a space has doubled since the last sweep, and before anyone counts
#    or lists it; there is no callback per object.
# 3. Objects with unflushed changes are kept alive by `Members.modified`, so their entries never
#    die.

SMALLEST_LIMIT = 1024


class Space(dict[Any, InstanceState]):
    """States of one hierarchy by bare primary key."""

    __slots__ = ("filled_by", "limit")

    def __init__(self) -> None:
        # Number of entries at which the next sweep is due.
        self.limit: int = SMALLEST_LIMIT
        # The row functions that loaded every object in the space, while none of them has lost a
        # value since; else None, and whoever wants to know must look at the objects.
        # INVARIANT: tests/behaviour/loading/test_gaps.py takes every way to lose a value.
        self.filled_by: object = None

    def sweep_if_grown(self) -> None:
        """Sweep when the space has doubled since the last time; call it after adding entries."""
        if len(self) > self.limit:
            self.sweep()

    def sweep(self) -> None:
        """Drop the entries whose objects were collected."""
        dead = [pk for pk, state in self.items() if state() is None]
        for pk in dead:
            del self[pk]
        self.limit = max(SMALLEST_LIMIT, 2 * len(self))


class IdentityMap:
    """The spaces of one session."""

    __slots__ = ("spaces",)

    def __init__(self) -> None:
        # Base mapper -> space; (base mapper, token) -> space where identity tokens are in use.
        self.spaces: dict[Any, Space] = {}

    def space_of(self, base_mapper: Any, token: Any = None) -> Space:
        """The space of a hierarchy, made when it is first asked for."""
        name = base_mapper if token is None else (base_mapper, token)
        space = self.spaces.get(name)
        if space is None:
            space = self.spaces[name] = Space()
        return space

    def states_of(self, base_mapper: Any, token: Any = None) -> list[InstanceState]:
        """The states of a hierarchy, under one identity token or, without one, under all."""
        found: list[InstanceState] = []
        for name, space in self.spaces.items():
            mapper, its_token = name if isinstance(name, tuple) else (name, None)
            if mapper is base_mapper and token in (None, its_token):
                found += space.values()
        return found

    def find_state(self, mapper: Any, pk: Any, token: Any = None) -> InstanceState | None:
        """The state under a key, or None when there is none or its object was collected."""
        base = mapper.base_mapper
        space = self.spaces.get(base if token is None else (base, token))
        if space is None:
            return None
        state = space.get(pk)
        return None if state is None or state() is None else state

    def find(self, mapper: Any, pk: Any, token: Any = None) -> Any | None:
        """The object under a key, or None."""
        base = mapper.base_mapper
        space = self.spaces.get(base if token is None else (base, token))
        if space is None:
            return None
        state = space.get(pk)
        return None if state is None else state()

    def space_for_state(self, state: InstanceState) -> Space:
        """The space that a state with identity belongs to."""
        mapper = state.manager.mapper
        if mapper is None:
            # The class was unmapped while its objects were in the session.
            for space in self.spaces.values():
                if space.get(state.pk) is state:
                    return space
            return Space()
        return self.space_of(mapper.base_mapper, state.identity_token)

    def add(self, state: InstanceState) -> None:
        """Enter a state under its key; what stood there before is forgotten."""
        space = self.space_for_state(state)
        space[state.pk] = state
        space.filled_by = None
        space.sweep_if_grown()

    def note_gaps(self) -> None:
        """Objects may lack values from now on."""
        for space in self.spaces.values():
            space.filled_by = None

    def holds(self, state: InstanceState) -> bool:
        """Whether this very state is entered under its key."""
        return state.pk is not None and self.space_for_state(state).get(state.pk) is state

    def discard(self, state: InstanceState) -> None:
        """Remove a state, if it is this one that stands under its key."""
        space = self.space_for_state(state)
        if space.get(state.pk) is state:
            del space[state.pk]

    def states(self) -> list[InstanceState]:
        """All states whose objects are alive, after a sweep."""
        found: list[InstanceState] = []
        for space in self.spaces.values():
            space.sweep()
            found.extend(space.values())
        return found

    def objects(self) -> list[Any]:
        """All living objects; holding the list keeps them alive."""
        listed = [state() for space in self.spaces.values() for state in space.values()]
        return [instance for instance in listed if instance is not None]

    def clear(self) -> None:
        """Forget all entries."""
        self.spaces.clear()


class IdentityMapView(Mapping[IdentityKey, Any]):
    """`session.identity_map`: a read-only mapping from identity key to object (SM-45)."""

    def __init__(self, members: Any) -> None:
        self._members = members

    @property
    def _map(self) -> IdentityMap:
        found: IdentityMap = self._members.identity_map
        return found

    def _find(self, key: Any) -> Any:
        try:
            class_, identity, token = key
            values = tuple(identity)
        except (TypeError, ValueError):
            return None
        manager = class_.__dict__.get("_sa_class_manager") if isinstance(class_, type) else None
        if manager is None or manager.mapper is None:
            return None
        return self._map.find(manager.mapper, bare_key(values), token)

    def __getitem__(self, key: Any) -> Any:
        found = self._find(key)
        if found is None:
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        return self._find(key) is not None

    def __iter__(self) -> Iterator[IdentityKey]:
        return iter(
            [full_key(s.manager.mapper, s.pk, s.identity_token) for s in self._map.states()]
        )

    def __len__(self) -> int:
        return len(self._map.states())

    def has_key(self, key: object) -> bool:
        """Same as `key in identity_map`."""
        return key in self

    def keys(self) -> Any:
        """The identity keys of all persistent objects."""
        return list(self)

    def values(self) -> Any:
        """All persistent objects."""
        return self._map.objects()

    def items(self) -> Any:
        """Pairs of identity key and object."""
        listed = [(state.key, state()) for state in self._map.states()]
        return [(key, instance) for key, instance in listed if instance is not None]

    def all_states(self) -> list[InstanceState]:
        """The states of all persistent objects."""
        return self._map.states()

    def contains_state(self, state: InstanceState) -> bool:
        """Whether this very state is in the map."""
        return self._map.holds(state)

    def check_modified(self) -> bool:
        """Whether a persistent object has unflushed changes."""
        return bool(self._members.modified)

    def __repr__(self) -> str:
        return f"<IdentityMap of {len(self)} objects>"


# ------------------------------------------------------------------------------
# Record what one session holds: by key, new, to be deleted, and changed.
#
# `Members` knows its session weakly: when the session is collected, its objects read as detached
# (SB-171) though each still points here.
#
# INVARIANT: a state's `members` is the one `Members` that lists it, and no other lists it.


class Members:
    """What one session holds.

    Attributes:
        identity_map: Persistent objects by key, weakly.
        new: Pending objects in the order they were added; state -> object.
        deleted: Persistent objects that the next flush will delete; state -> object.
        modified: Persistent objects with unflushed changes; state -> object, so that they live.
        loading: Attributes whose immediate load has begun and has not ended.
    """

    __slots__ = (
        "__weakref__",
        "deleted",
        "identity_map",
        "loading",
        "modified",
        "new",
        "session_reference",
    )

    def __init__(self, session: SessionPort) -> None:
        # PERF: lazy many-to-one present. Hot paths call it; `session` is for all others.
        self.session_reference: weakref.ref[Any] = weakref.ref(session)
        self.identity_map: IdentityMap = IdentityMap()
        self.new: dict[InstanceState, Any] = {}
        self.deleted: dict[InstanceState, Any] = {}
        self.modified: dict[InstanceState, Any] = {}
        self.loading: set[tuple[InstanceState, str]] = set()

    @property
    def session(self) -> SessionPort | None:
        """The session, or None once it was collected."""
        session: SessionPort | None = self.session_reference()
        return session

    @property
    def has_changes(self) -> bool:
        """Whether a flush would find anything to look at."""
        return bool(self.modified or self.new or self.deleted)

    def note_modified(self, state: InstanceState) -> None:
        """Keep a persistent object with its first change alive, and let the session begin.

        Raises:
            InvalidRequestError: The session refuses changes at this time (SB-145).
        """
        extra = state.extra
        if state.pk is None or (extra is not None and (extra.was_deleted or extra.loads_related)):
            return
        self.modified[state] = state()
        session = self.session_reference()
        if session is not None:
            session.autobegin_for_change()

    def is_member(self, state: InstanceState) -> bool:
        """Whether the state is pending or persistent here (SM-40), or to be deleted once more."""
        if state.members is not self:
            return False
        if state in self.new:
            return True
        extra = state.extra
        if state.pk is None or extra is None:
            return state.pk is not None
        return not extra.loads_related and (not extra.was_deleted or state in self.deleted)

    def states(self) -> list[InstanceState]:
        """Pending and persistent states, each once (SM-41)."""
        return [*self.new, *self.identity_map.states()]

    def objects(self) -> list[Any]:
        """Pending and persistent objects, each once (SM-41)."""
        return [*self.new.values(), *self.identity_map.objects()]

    def dirty(self) -> list[InstanceState]:
        """Changed states that are not marked for deletion (SM-42, SM-44)."""
        return [state for state in self.modified if state not in self.deleted]

    def clear(self) -> None:
        """Forget everything; the states are to be told by the caller."""
        self.identity_map = IdentityMap()
        self.new = {}
        self.deleted = {}
        self.modified = {}
