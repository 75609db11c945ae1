"""Define `QueuedChanges`: what happens to a collection before it is loaded.

Setting `child.parent` does not load `parent.children` (RL-44); the child waits here, in
`state.extra.pending`, until the collection loads (RL-50) or a flush has written it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from holdfast.states.instance import InstanceState


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

    def add(self, member: Any) -> None:
        """A member came; one that went before is where it was."""
        if self._removed.pop(id(member), self) is self:
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
