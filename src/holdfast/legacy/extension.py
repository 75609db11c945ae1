"""Warn of forms of 1.x, and keep two of them: listeners as methods, and strong references."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import event

from holdfast.foundation.describe import user_place, warn_deprecated
from holdfast.states.instance import InstanceState

# ------------------------------------------------------------------------------
# Warn that a form of 1.x is used, once for each place in the application that uses it (LG-4).

# The forms and places that were warned of.
_warned: set[tuple[str, str, int]] = set()


def warn_of_form(form: str, instead: str) -> None:
    """Warn of a form unless this line of the application was told already.

    Args:
        form: As the user writes it.
        instead: A sentence that says what to write.
    """
    file, line = user_place()
    if (form, file, line) in _warned:
        return
    _warned.add((form, file, line))
    warn_deprecated(f"{form} is a form of SQLAlchemy 1.x. {instead}", version="1.4")


# ------------------------------------------------------------------------------
# Define `SessionExtension`: the listeners of a session as methods of one object.


class SessionExtension:
    """Base of objects whose overridden methods listen to a session (LG-120)."""

    def before_commit(self, session: Any) -> None:
        """A commit begins."""

    def after_commit(self, session: Any) -> None:
        """The database has committed."""

    def after_rollback(self, session: Any) -> None:
        """The database has rolled back."""

    def before_flush(self, session: Any, flush_context: Any, instances: Any) -> None:
        """A flush begins."""

    def after_flush(self, session: Any, flush_context: Any) -> None:
        """The rows are written, the objects are as before."""

    def after_flush_postexec(self, session: Any, flush_context: Any) -> None:
        """The objects are settled too."""

    def after_begin(self, session: Any, transaction: Any, connection: Any) -> None:
        """A transaction was begun on a connection."""

    def after_attach(self, session: Any, instance: Any) -> None:
        """An object has joined the session."""

    def after_bulk_update(self, session: Any, query: Any, query_context: Any, result: Any) -> None:
        """`Query.update()` has run."""

    def after_bulk_delete(self, session: Any, query: Any, query_context: Any, result: Any) -> None:
        """`Query.delete()` has run."""


EVENTS = tuple(name for name in vars(SessionExtension) if not name.startswith("_"))


def listen_with(session: Any, extension: Any) -> None:
    """Let one extension, or each of several, listen to a session."""
    given: Iterable[Any] = extension if isinstance(extension, list | tuple) else (extension,)
    warn_of_form("extension=", "Listen to SessionEvents with event.listen().")
    for each in given:
        for name in EVENTS:
            method = getattr(each, name, None)
            if method is None or getattr(method, "__func__", None) is vars(SessionExtension)[name]:
                continue
            event.listen(session, name, _four_arguments(method) if "_bulk_" in name else method)


def _four_arguments(method: Callable[..., Any]) -> Callable[[Any], Any]:
    """The method as a listener, which is given one object (LG-122)."""

    def listener(change: Any) -> Any:
        return method(change.session, change.query, change, change.result)

    return listener


# ------------------------------------------------------------------------------
# Hold the persistent objects of a session strongly, for `weak_identity_map=False`.

HELD_FROM = (
    "deleted_to_persistent",
    "detached_to_persistent",
    "loaded_as_persistent",
    "pending_to_persistent",
)
HELD_UNTIL = ("deleted_to_detached", "persistent_to_detached", "persistent_to_transient")


class StrongReferences:
    """The persistent objects of one session, kept alive (LG-100)."""

    def __init__(self, session: Any) -> None:
        self.by_state: dict[InstanceState, Any] = {}
        for name in HELD_FROM:
            event.listen(session, name, self._hold, raw=True)
        for name in HELD_UNTIL:
            event.listen(session, name, self._let_go, raw=True)

    def _hold(self, session: Any, state: InstanceState) -> None:
        self.by_state[state] = state()

    def _let_go(self, session: Any, state: InstanceState) -> None:
        self.by_state.pop(state, None)

    def hold_all(self, states: list[InstanceState]) -> None:
        """Hold objects that came without an event."""
        for state in states:
            self.by_state[state] = state()

    def clear(self) -> None:
        """Hold nothing any more."""
        self.by_state.clear()

    def prune(self) -> int:
        """Let go of what nobody else holds; the number of those objects (LG-101)."""
        states = list(self.by_state)
        self.by_state.clear()
        # Objects that refer to each other go with the collector alone.
        gc.collect()
        for state in states:
            instance = state()
            if instance is not None:
                self.by_state[state] = instance
        return len(states) - len(self.by_state)
