"""This file records what one session holds: by key, new, to be deleted, and changed.

`Members` knows its session weakly: when the session is collected, its objects read as detached
(SB-171) though each still points here.

INVARIANT: a state's `members` is the one `Members` that lists it, and no other lists it.
"""

from __future__ import annotations

import weakref
from typing import Any

from holdfast.states.identity_map import IdentityMap
from holdfast.states.instance import InstanceState
from holdfast.states.ports import SessionPort


class Members:
    """What one session holds.

    Attributes:
        identity_map: Persistent objects by key, weakly.
        new: Pending objects in the order they were added; state -> object.
        deleted: Persistent objects that the next flush will delete; state -> object.
        modified: Persistent objects with unflushed changes; state -> object, so that they live.
    """

    __slots__ = ("__weakref__", "deleted", "identity_map", "modified", "new", "session_reference")

    def __init__(self, session: SessionPort) -> None:
        # PERF: lazy many-to-one present. Hot paths call it; `session` is for all others.
        self.session_reference: weakref.ref[Any] = weakref.ref(session)
        self.identity_map: IdentityMap = IdentityMap()
        self.new: dict[InstanceState, Any] = {}
        self.deleted: dict[InstanceState, Any] = {}
        self.modified: dict[InstanceState, Any] = {}

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
        """Whether the state is pending or persistent here (SM-40)."""
        if state.members is not self:
            return False
        if state in self.new:
            return True
        extra = state.extra
        return state.pk is not None and (
            extra is None or not (extra.was_deleted or extra.loads_related)
        )

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
