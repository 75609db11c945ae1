"""This file runs one flush or bulk write of a session: guards, events, the transaction around it.

Rules kept here:
1. A flush is not started from within a flush (SB-107), and not at all with nothing to write.
2. before_flush, then the internal level, then the statements; after_flush before objects change
   their state, after_flush_postexec afterwards (EV-40 to EV-42).
3. A failing flush rolls back to the nearest boundary (SB-109), and so does a bulk write (PT-133).
4. The error of a flush tells which objects were being written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError, StatementError

from holdfast import errors
from holdfast.foundation.codegen import late_function
from holdfast.foundation.describe import origin_of_warnings, public_call, warn
from holdfast.sessions.host import SessionHost, state_of
from holdfast.sessions.membership import make_transient_to_detached
from holdfast.sessions.transaction import CLOSED, SessionTransaction
from holdfast.states.changes import forget_changes
from holdfast.states.identity_map import Members
from holdfast.unitofwork.flush import Flush
from holdfast.unitofwork.work_set import ConnectionSource

if TYPE_CHECKING:
    from holdfast.unitofwork.bulk import save_objects
else:
    save_objects = late_function("holdfast.unitofwork.bulk", "save_objects")

AUTOFLUSH_HINT = (
    "raised as a result of Query-invoked autoflush; consider using a session.no_autoflush block "
    "if this flush is occurring prematurely"
)


def flush(session: SessionHost, objects: Iterable[Any] | None = None) -> None:
    """Write what is new, changed and deleted (SB-100)."""
    if session.is_flushing:
        raise errors.SessionUseError.flushing(public_call("flush"))
    if not session.members.has_changes:
        return
    if session.async_reference is not None:
        session.check_awaitable()
    session.is_flushing = True
    try:
        _flush(session, objects)
    finally:
        session.is_flushing = False


@origin_of_warnings(
    "This warning originated from the Session 'autoflush' process, which was invoked automatically "
    "in response to a user-initiated operation. Consider using ``no_autoflush`` context manager if "
    "this warning happened while initializing objects."
)
def autoflush(session: SessionHost) -> None:
    """Flush before a read; an error says so (SB-108)."""
    try:
        session.flush()
    except StatementError as error:
        error.add_detail(AUTOFLUSH_HINT)
        raise


def write_in_bulk(session: SessionHost, write: Callable[[ConnectionSource], object]) -> None:
    """Run a write that is no unit of work, in the session's transaction (PT-128).

    Raises:
        BulkError: Each object has a connection of its own.
    """
    if session.connection_callable is not None:
        raise errors.BulkError.by_row()
    if session.is_flushing:
        raise errors.SessionUseError.flushing(public_call("flush"))
    session.is_flushing = True
    try:
        with internal_level(session):
            write(session.connection_for)
    finally:
        session.is_flushing = False


def bulk_save_objects(
    session: SessionHost,
    objects: Iterable[Any],
    *,
    returns: bool,
    changed_only: bool,
    keeps_order: bool,
) -> None:
    """Write objects without attaching them; new ones get their keys when these are wanted."""
    held = list(objects)
    states = [state_of(each) for each in held]
    new = [each for each, state in zip(held, states, strict=True) if state.pk is None]

    def write(connection_for: ConnectionSource) -> None:
        save_objects(
            connection_for,
            states,
            returns=returns,
            changed_only=changed_only,
            keeps_order=keeps_order,
        )

    write_in_bulk(session, write)
    for each in new if returns else ():
        if not state_of(each).is_attached:
            make_detached_with_links(each)


def make_detached_with_links(instance: Any) -> None:
    """Give a new object the identity of its row; its relationships wait for a flush (PT-128)."""
    state = state_of(instance)
    keys = state.manager.mapper.relationship_keys
    changes = state.committed_state
    links = {key: changes[key] for key in keys if key in changes}
    queued = None if state.extra is None else state.extra.pending
    make_transient_to_detached(instance)
    if links or queued:
        state.changes = links
        if queued:
            state.more().pending = queued


def _flush(session: SessionHost, objects: Iterable[Any] | None) -> None:
    members = session.members
    wanted = None if objects is None else list(objects)
    only = None if wanted is None else {state_of(each) for each in wanted}
    context = Flush(members, session.connection_for, only, session.connection_callable)
    if session.has_listeners:
        session.dispatch.before_flush(session, context, wanted)
        if not members.has_changes:
            return
    with internal_level(session) as level:
        try:
            if context.collect_and_plan():
                _write(session, context, level)
        except Exception as error:
            if context.step is not None:
                errors.note_step(error, context.step)
            raise


@contextmanager
def internal_level(session: SessionHost) -> Iterator[SessionTransaction]:
    """The level of a flush, which nobody but the flush may end."""
    level = session.autobegin().begin_flush()
    level.occupy("flush")
    try:
        yield level
        with level.expecting(CLOSED):
            level.commit()
    except BaseException as error:
        try:
            with level.expecting(CLOSED):
                level.rollback(error)
        except DBAPIError as trouble:
            # As after a full disk, where SQLite has undone more than the SAVEPOINT by itself.
            errors.note_failed_rollback(error, trouble)
        raise


def _write(session: SessionHost, context: Flush, transaction: SessionTransaction) -> None:
    session.is_writing = True
    try:
        context.write()
    finally:
        session.is_writing = False
    if session.has_listeners:
        session.dispatch.after_flush(session, context)
    transaction.snapshot.record(context.settle())
    if context.only is None:
        _forget_late_changes(session.members)
    if session.has_listeners:
        session.dispatch.after_flush_postexec(session, context)


def _forget_late_changes(members: Members) -> None:
    """Changes made by listeners while rows were written came too late for this flush."""
    late = list(members.modified)
    if late:
        warn(errors.late_changes_warning(len(late)))
        forget_changes(late)
