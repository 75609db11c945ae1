"""Define the events of sessions and queries."""

from __future__ import annotations

from typing import Any

from holdfast import errors
from holdfast.foundation.sqlalchemy_core import EventKey, Events, earlier_arguments, is_heard
from holdfast.hooks.declared import OwnDocstrings, listener_of, put_first
from holdfast.queries.statement_options import HeardBeforeCompile
from holdfast.sessions.factories import scoped_session, sessionmaker
from holdfast.sessions.session import Session

# ------------------------------------------------------------------------------
# Define the events of sessions.
#
# Their methods are never called: a method is an event, its parameters are what a listener gets, and
# its docstring says when.

# Fired with a state; listeners get the object unless they ask for `raw`.
OBJECT_EVENTS = frozenset(
    (
        "after_attach",
        "before_attach",
        "deleted_to_detached",
        "deleted_to_persistent",
        "detached_to_persistent",
        "loaded_as_persistent",
        "pending_to_persistent",
        "pending_to_transient",
        "persistent_to_deleted",
        "persistent_to_detached",
        "persistent_to_transient",
        "transient_to_pending",
    )
)

# Listeners of bulk changes with four arguments are given what the one argument holds now (EV-5).
_with_four_arguments = earlier_arguments(
    "0.9",
    ["session", "query", "query_context", "result"],
    lambda change: (change.session, change.query, change, change.result),
)


@put_first
class SessionEvents(OwnDocstrings, Events[Any]):
    """Events of a session, of a class of sessions, of a `sessionmaker` or a `scoped_session`."""

    _dispatch_target = Session

    @classmethod
    def _accept_with(cls, target: Any, identifier: str) -> Any:
        if _is_of_asyncio(target):
            raise errors.AsyncListenerError.of_session()
        if isinstance(target, scoped_session):
            target = target.session_factory
            is_class = isinstance(target, type) and issubclass(target, Session)
            if not isinstance(target, sessionmaker) and not is_class:
                raise errors.SessionArgumentError.scope_without_class()
        if isinstance(target, sessionmaker):
            return target.class_
        if isinstance(target, type):
            return target if issubclass(target, Session) else None
        return target if isinstance(target, Session) else None

    @classmethod
    def _listen(
        cls,
        event_key: EventKey[Any],
        *,
        raw: bool = False,
        restore_load_context: bool = False,  # loads inside listeners never disturb the load
        **kw: Any,
    ) -> None:
        target = event_key.dispatch_target
        target.has_listeners = True
        if event_key.identifier == "do_orm_execute":
            target.intercepts_execution = True
        if event_key.identifier in OBJECT_EVENTS and not raw:
            event_key = event_key.with_wrapper(_with_object(listener_of(event_key)))
        event_key.base_listen(**kw)

    # -- execution -------------------------------------------------------------------------------

    def do_orm_execute(self, orm_execute_state: Any) -> Any:
        """A statement is about to run; a result that is returned takes its place (EV-20)."""

    # -- transactions ----------------------------------------------------------------------------

    def after_transaction_create(self, session: Session, transaction: Any) -> None:
        """A level was begun: root, nested, or that of a flush (EV-130)."""

    def after_transaction_end(self, session: Session, transaction: Any) -> None:
        """A level has ended, whichever way (EV-130)."""

    def before_commit(self, session: Session) -> None:
        """A commit begins; what is added now takes part (EV-132)."""

    def after_commit(self, session: Session) -> None:
        """The database has committed; no SQL is possible (EV-133)."""

    def after_rollback(self, session: Session) -> None:
        """The database has rolled back; no SQL is possible (EV-134)."""

    def after_soft_rollback(self, session: Session, previous_transaction: Any) -> None:
        """A level was rolled back (EV-135)."""

    def after_begin(self, session: Session, transaction: Any, connection: Any) -> None:
        """A transaction, or a SAVEPOINT, was begun on a connection (EV-131)."""

    # -- flushes ---------------------------------------------------------------------------------

    def before_flush(self, session: Session, flush_context: Any, instances: Any) -> None:
        """A flush begins; what is changed now takes part (EV-40)."""

    def after_flush(self, session: Session, flush_context: Any) -> None:
        """The rows are written, the objects are as before (EV-41)."""

    def after_flush_postexec(self, session: Session, flush_context: Any) -> None:
        """The objects are settled too (EV-42)."""

    @_with_four_arguments
    def after_bulk_update(self, update_context: Any) -> None:
        """`Query.update()` has run (EV-152)."""

    @_with_four_arguments
    def after_bulk_delete(self, delete_context: Any) -> None:
        """`Query.delete()` has run (EV-152)."""

    # -- objects ---------------------------------------------------------------------------------

    def before_attach(self, session: Session, instance: Any) -> None:
        """An object is about to join the session (EV-150)."""

    def after_attach(self, session: Session, instance: Any) -> None:
        """An object has joined the session (EV-150)."""

    def transient_to_pending(self, session: Session, instance: Any) -> None:
        """A new object was added."""

    def pending_to_transient(self, session: Session, instance: Any) -> None:
        """A new object left the session, or its transaction was rolled back."""

    def persistent_to_transient(self, session: Session, instance: Any) -> None:
        """The transaction that inserted the object was rolled back."""

    def loaded_as_persistent(self, session: Session, instance: Any) -> None:
        """An object was made from a row."""

    def pending_to_persistent(self, session: Session, instance: Any) -> None:
        """A new object was inserted."""

    def detached_to_persistent(self, session: Session, instance: Any) -> None:
        """An object with a row was added."""

    def persistent_to_deleted(self, session: Session, instance: Any) -> None:
        """The object's row was deleted."""

    def deleted_to_persistent(self, session: Session, instance: Any) -> None:
        """The deletion was rolled back."""

    def deleted_to_detached(self, session: Session, instance: Any) -> None:
        """The deletion was committed, or the object expunged."""

    def persistent_to_detached(self, session: Session, instance: Any) -> None:
        """An object with a row left the session."""


def note_silence(target: Any) -> None:
    """Let a session or a class of sessions skip its events again, where nobody listens any more."""
    if not is_heard(target):
        for flag in ("has_listeners", "intercepts_execution"):
            if flag in vars(target):
                delattr(target, flag)


def _is_of_asyncio(target: Any) -> bool:
    """Whether it is an asyncio session, its class, or what makes such sessions."""
    if getattr(target, "_support_async", False):
        return True
    return bool(getattr(getattr(target, "class_", target), "_is_asyncio", False))


def _with_object(listener: Any) -> Any:
    """The listener, given the object in place of its state."""

    def call(session: Session, state: Any, *args: Any, **kw: Any) -> Any:
        instance = state()
        if instance is None:
            return None
        return listener(session, instance, *args, **kw)

    return call


# ------------------------------------------------------------------------------
# Define the events of `Query`: a query is about to be compiled.


@put_first
class QueryEvents(OwnDocstrings, Events[Any]):
    """Events of the `Query` class, or of a subclass (EV-153)."""

    _dispatch_target = HeardBeforeCompile

    @classmethod
    def _accept_with(cls, target: Any, identifier: str) -> Any:
        is_query = isinstance(target, type) and issubclass(target, HeardBeforeCompile)
        return target if is_query else None

    @classmethod
    def _listen(
        cls,
        event_key: EventKey[Any],
        *,
        retval: bool = False,
        bake_ok: bool = False,  # there are no baked queries that could go stale
        **kw: Any,
    ) -> None:
        listener = listener_of(event_key)
        if not retval:

            def call(query: Any, *args: Any, **more: Any) -> Any:
                listener(query, *args, **more)
                return query

            event_key = event_key.with_wrapper(call)
        event_key.base_listen(**kw)
        HeardBeforeCompile.has_listeners = True

    def before_compile(self, query: Any) -> Any:
        """A query is about to run; another one may be returned."""

    def before_compile_update(self, query: Any, update_context: Any) -> Any:
        """`Query.update()` is about to run; another query may be returned."""

    def before_compile_delete(self, query: Any, delete_context: Any) -> Any:
        """`Query.delete()` is about to run; another query may be returned."""
