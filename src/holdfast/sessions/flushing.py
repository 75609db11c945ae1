"""This file runs one flush of a session: guards, events, the transaction around it.

Rules kept here:
1. A flush is not started from within a flush (SB-107), and not at all with nothing to write.
2. before_flush, then the internal level, then the statements; after_flush before objects change
   their state, after_flush_postexec afterwards (EV-40 to EV-42).
3. A failing flush rolls back to the nearest boundary (SB-109).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy.exc import StatementError

from holdfast.errors.session import SessionUseError, late_changes_warning
from holdfast.foundation.deprecated import warn
from holdfast.sessions.host import SessionHost
from holdfast.sessions.subjects import state_of
from holdfast.sessions.transactions.transaction import SessionTransaction
from holdfast.states.changes import forget_changes
from holdfast.states.members import Members
from holdfast.unitofwork.flush import Flush

AUTOFLUSH_HINT = (
    "raised as a result of Query-invoked autoflush; consider using a session.no_autoflush block "
    "if this flush is occurring prematurely"
)


def flush(session: SessionHost, objects: Iterable[Any] | None = None) -> None:
    """Write what is new, changed and deleted (SB-100)."""
    if session.is_flushing:
        raise SessionUseError.flushing()
    if not session.members.has_changes:
        return
    session.is_flushing = True
    try:
        _flush(session, objects)
    finally:
        session.is_flushing = False


def autoflush(session: SessionHost) -> None:
    """Flush before a read; an error says so (SB-108)."""
    try:
        session.flush()
    except StatementError as error:
        error.add_detail(AUTOFLUSH_HINT)
        raise


def _flush(session: SessionHost, objects: Iterable[Any] | None) -> None:
    members = session.members
    wanted = None if objects is None else list(objects)
    only = None if wanted is None else {state_of(each) for each in wanted}
    context = Flush(members, session.connection_for, only)
    if session.has_listeners:
        session.dispatch.before_flush(session, context, wanted)
        if not members.has_changes:
            return
    transaction = session.autobegin().begin_flush()
    try:
        if context.collect_and_plan():
            _write(session, context, transaction)
        transaction.commit()
    except BaseException as error:
        transaction.rollback(error)
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
        warn(late_changes_warning(len(late)))
        forget_changes(late)
