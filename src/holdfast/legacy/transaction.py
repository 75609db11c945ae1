"""Nest transactions as 1.x did, and commit single statements outside of them."""

from __future__ import annotations

from enum import Enum
from types import TracebackType
from typing import Any, Self

from sqlalchemy.engine import Connection, CursorResult, Engine

from holdfast import errors
from holdfast.foundation.sqlalchemy_core import hold_rows
from holdfast.sessions import transaction
from holdfast.sessions.snapshot import Outcome, Snapshot
from holdfast.sessions.transaction import (
    ACTIVE,
    CLOSED,
    DEACTIVE,
    SessionTransactionOrigin,
    Shift,
    moves,
)
from holdfast.states.identity_map import Members
from holdfast.states.instance import InstanceState

# ------------------------------------------------------------------------------
# Define connections of single statements, for sessions in autocommit mode outside transactions.
#
# Each statement is committed when it has run, or when its rows were read. What becomes of the
# connection then is said at construction.
#
# Rules kept here:
# 1. A statement that writes is committed when it returns; its rows, if any, are read before
#    (LG-74).
# 2. Rows of others are read from an open cursor, as long as the connection stays out (LG-91).


class AfterUse(Enum):
    """What becomes of a connection when no result of it is open any more."""

    KEEP = 1
    """It stays out until somebody closes it."""

    RELEASE = 2
    """It goes back to the pool; the next statement takes one again."""

    CLOSE = 3
    """It is closed for good (LG-90)."""


class AdHocConnection(Connection):
    """A connection that commits each statement."""

    def __init__(self, bind: Engine | Connection, after_use: AfterUse) -> None:
        if isinstance(bind, Connection):
            # Another way to the connection of the application, which must stay open.
            super().__init__(bind.engine, bind.connection)
            after_use = AfterUse.KEEP
        else:
            super().__init__(bind)
        self.after_use = after_use
        # Cursors whose rows are being read, by `id`.
        self.open_cursors: set[int] = set()
        # How many executions are going on: a listener of one may begin another.
        self.depth: int = 0

    def _execute_context(self, *args: Any, **kw: Any) -> Any:
        self.depth += 1
        try:
            result: Any = super()._execute_context(*args, **kw)
            if isinstance(result, CursorResult) and result.cursor is not None:
                context: Any = result.context
                if context.isinsert or context.isupdate or context.isdelete:
                    hold_rows(result)
                else:
                    self.open_cursors.add(id(result.cursor))
        except BaseException:
            if self.in_transaction():
                self.rollback()
            raise
        finally:
            self.depth -= 1
            self._end_use()
        return result

    def _safe_close_cursor(self, cursor: Any) -> None:
        super()._safe_close_cursor(cursor)
        self.open_cursors.discard(id(cursor))
        self._end_use()

    def _end_use(self) -> None:
        if self.open_cursors or self.depth or self.closed or self.invalidated:
            return
        if self.in_transaction():
            self.commit()
        if self.after_use is AfterUse.CLOSE:
            self.close()
        elif self.after_use is AfterUse.RELEASE:
            # As if it had been invalidated: the next statement takes another one.
            pooled: Any = self._dbapi_connection
            self._dbapi_connection = None
            pooled.close()


def ad_hoc_connection(bind: Engine | Connection, after_use: AfterUse, options: Any) -> Connection:
    """A connection for statements that stand alone.

    Args:
        bind: An engine, or a connection, which is left as it is when it is in a transaction.
        after_use: What is to become of it.
        options: Execution options.
    """
    if isinstance(bind, Connection) and bind.in_transaction():
        return bind
    made = AdHocConnection(bind, after_use)
    return made.execution_options(**options) if options else made


# ------------------------------------------------------------------------------
# Define `SessionTransaction` of 1.x: levels that nest without SAVEPOINT, under a lasting root.
#
# A *subtransaction* has no database transaction of its own: its commit does nothing to the
# database, its rollback undoes the level around it at once. That level, and those between, are
# inactive until each of them was rolled back too.
#
# Rules kept here:
# 1. When a root ends, the session begins the next one, unless it is in autocommit mode (LG-20).
# 2. Without accounting, objects stay as they are whatever becomes of the transaction (LG-110).


class NoSnapshot(Snapshot):
    """Remembers nothing, and so undoes nothing."""

    def record(self, outcome: Outcome) -> None:
        """Leave what a flush did at that."""

    def note_gone(self, state: InstanceState) -> None:
        """Leave out an object whose row turned out to be gone."""

    def undo(self, members: Members, *, only_changed: bool) -> None:
        """Leave the objects as they are (LG-111)."""


class SessionTransaction(transaction.SessionTransaction):
    """One level of a session's transaction: root, SAVEPOINT or subtransaction.

    Args:
        session: A session of this package.
        parent: The level around it; None for a root.
        nested: Whether it is a SAVEPOINT.
    """

    session: Any
    # False for the transaction of a single flush in autocommit mode.
    expires = True

    def __init__(
        self,
        session: Any,
        parent: transaction.SessionTransaction | None = None,
        nested: bool = False,  # noqa: FBT001, FBT002  1.x form
    ) -> None:
        origin = SessionTransactionOrigin
        if nested:
            begun_by = origin.BEGIN_NESTED
        else:
            begun_by = origin.AUTOBEGIN if parent is None else origin.SUBTRANSACTION
        super().__init__(session, begun_by, parent)
        if not session.accounts:
            self.keeps_account = False
            self.snapshot: Snapshot = NoSnapshot()

    # -- beginning a level inside this one -------------------------------------------------------

    @moves((ACTIVE,), Shift.NO_CHANGE)
    def begin_nested(self) -> SessionTransaction:
        """Begin a SAVEPOINT, after writing what is pending where there is accounting (LG-112)."""
        session = self.session
        if session.accounts and not session.is_flushing:
            session.flush()
        return SessionTransaction(session, self, True)

    @moves((ACTIVE,), Shift.NO_CHANGE, name="flush")
    def begin_flush(self) -> SessionTransaction:
        """Begin the subtransaction of a flush (LG-46)."""
        return SessionTransaction(self.session, self)

    @moves((ACTIVE,), Shift.NO_CHANGE, name="begin")
    def begin_subtransaction(self) -> SessionTransaction:
        """Begin a subtransaction (LG-40)."""
        return SessionTransaction(self.session, self)

    # -- ending ----------------------------------------------------------------------------------

    def settle_commit(self) -> None:
        """What the level did becomes the enclosing level's, or final."""
        if not self.keeps_account:
            return
        if self.expires:
            super().settle_commit()
        else:
            self.snapshot.detach_deleted(self.session.members)

    def end(self, *, invalidate: bool = False) -> None:
        """End the level; after a root, begin the next one."""
        try:
            super().end(invalidate=invalidate)
        finally:
            if self.parent is None and self.phase is CLOSED:
                self.session.begin_anew()

    def refuse(self, method: str, phase: Any) -> None:
        """Say why the level's phase does not allow a method."""
        if phase is DEACTIVE and self.failure is None and self.running is None:
            raise errors.RollbackRequiredError.by_nested()
        super().refuse(method, phase)

    # -- as a context manager --------------------------------------------------------------------

    # A block may end its level early, and the session be used in the rest of it: so this is none of
    # Core's blocks, which forbid that.

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        type_: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.phase is CLOSED:
            return
        if type_ is not None:
            self.rollback()
            return
        try:
            self.commit()
        except BaseException:
            if self.phase is not CLOSED:
                self.rollback()
            raise
