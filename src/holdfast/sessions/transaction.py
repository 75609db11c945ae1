"""Nest transactions: begin, commit, roll back, close."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from functools import wraps
from typing import Any, TypeVar, cast

from sqlalchemy import exc
from sqlalchemy.engine import Connection, Engine

from holdfast import errors
from holdfast.foundation.codegen import Choice
from holdfast.foundation.describe import public_call, warn
from holdfast.foundation.sqlalchemy_core import TransactionalContext
from holdfast.sessions.connections import Leases, lease_nested, lease_root
from holdfast.sessions.host import SessionHost
from holdfast.sessions.snapshot import Snapshot
from holdfast.states.changes import expire_everything

# ------------------------------------------------------------------------------
# Rule which methods of an object may run in which of its phases.
#
# A method that moves an object from one phase to another is declared with `moves`; the declaration
# refuses calls from a wrong phase, calls while another such method is running (a listener, or
# another thread), and methods that end in another phase than they promise.
#
# Rules kept here:
# 1. While a declared method runs, only declared methods that leave the phase alone may be called,
#    or
#    those that lead to the phase named by `expecting`.
# 2. When a declared method raises, the phase is whatever it has left behind.

F = TypeVar("F", bound=Callable[..., Any])


class Shift(Choice):
    """What a declaration says in place of a phase."""

    ANY = 1
    """The method may start in every phase."""

    NO_CHANGE = 2
    """The method leaves the phase alone."""

    IN_PROGRESS = 3
    """A method is running and expects no other to change the phase."""


class Phased:
    """An object with phases; `phase` is any value, compared with `is`."""

    phase: Any = Shift.NO_CHANGE
    # Where the next declared method must lead: NO_CHANGE when none is running, IN_PROGRESS while
    # one is, and a phase inside `expecting`.
    expected: Any = Shift.NO_CHANGE
    # Name of the declared method that is running.
    running: str | None = None

    def refuse(self, method: str, phase: Any) -> None:
        """Raise because `method` may not start in `phase`."""
        raise errors.StateChangeError.wrong_start(method, phase)

    def check_free(self, method: str, after: Any) -> None:
        """Raise if a method is running that does not let `method` lead to `after`."""
        expected = self.expected
        if expected is Shift.IN_PROGRESS:
            raise errors.StateChangeError.during(method, str(self.running), after)
        if expected is not Shift.NO_CHANGE and expected is not after:
            raise errors.StateChangeError.wrong_destination(method, after, expected)

    def occupy(self, method: str) -> None:
        """From now on `method` is running; it moves the object on inside `expecting` alone."""
        self.running, self.expected = method, Shift.IN_PROGRESS

    @contextmanager
    def expecting(self, phase: Any) -> Iterator[None]:
        """Let the running method call another declared one that leads to `phase`."""
        if self.expected is Shift.NO_CHANGE:
            raise AssertionError(
                "Unexpected call to _expect_state outside of state-changing method"
            )
        before, self.expected = self.expected, phase
        try:
            yield
        finally:
            self.expected = before


def moves(before: Iterable[Any] | Shift, after: Any, *, name: str = "") -> Callable[[F], F]:
    """Declare that a method starts in one of the phases `before` and ends in `after`.

    Args:
        before: The phases, or `Shift.ANY`.
        after: The phase, or `Shift.NO_CHANGE`.
        name: What users call, where that is not the method itself.
    """
    starts = None if before is Shift.ANY else frozenset(cast("Iterable[Any]", before))

    def declare(method: F) -> F:
        called = name or method.__name__

        @wraps(method)
        def guarded(self: Phased, *args: Any, **kw: Any) -> Any:
            found, expected, outer = self.phase, self.expected, self.running
            if after is not Shift.NO_CHANGE:
                self.check_free(called, after)
            if starts is not None and found not in starts:
                self.refuse(called, found)
            # A step of `commit()` goes by that name.
            self.running = outer if expected is after and outer else called
            self.expected = Shift.IN_PROGRESS
            try:
                answer = method(self, *args, **kw)
            finally:
                self.running, self.expected = outer, expected
            if self.phase is not (found if after is Shift.NO_CHANGE else after):
                _complain(called, outer, found, after, self.phase)
            return answer

        return cast("F", guarded)

    return declare


def _complain(name: str, outer: str | None, found: Any, after: Any, reached: Any) -> None:
    if reached is found:
        raise errors.StateChangeError.unmoved(name, after)
    start = f"While method '{outer}()' was running, method" if outer else "Method"
    raise errors.StateChangeError.moved_elsewhere(start, name, reached)


# ------------------------------------------------------------------------------
# Define `SessionTransaction`: one level of a session's transaction.
#
# Levels form a chain: the root, nested levels (SAVEPOINT) on it, and the internal level of a flush.
# A *boundary* is a level with a database transaction of its own: the root or a nested one.
#
# Rules kept here:
# 1. `session.innermost` is the last level of the chain; ending a level makes its parent the last.
# 2. Commit goes: before_commit, flush until nothing is left, COMMIT or RELEASE, after_commit,
#    expire,
#    end (EV-136). Rollback goes: ROLLBACK, after_rollback, objects, end, after_soft_rollback
#    (SM-23).
# 3. A failing flush rolls back up to the nearest boundary, which then waits for `rollback()`
#    (TX-39, TX-63).
# 4. The phases and the methods that may run in each are declared with `moves`.

MOST_FLUSHES = 100


class SessionTransactionOrigin(Enum):
    """What began a level (TX-3)."""

    AUTOBEGIN = 0
    BEGIN = 1
    BEGIN_NESTED = 2
    SUBTRANSACTION = 3


class Phase(Choice):
    """How far a level has come."""

    ACTIVE = "active"
    PREPARED = "prepared"
    COMMITTED = "committed"
    DEACTIVE = "inactive"
    CLOSED = "closed"
    PROVISIONING = "connecting"


ACTIVE, PREPARED, COMMITTED = Phase.ACTIVE, Phase.PREPARED, Phase.COMMITTED
DEACTIVE, CLOSED, PROVISIONING = Phase.DEACTIVE, Phase.CLOSED, Phase.PROVISIONING


class SessionTransaction(Phased, TransactionalContext):
    """One level of a session's transaction; use it as a context manager, or end it by method.

    Applications get one from `begin()`, `begin_nested()`, `get_transaction()` or an event.
    """

    phase: Any = ACTIVE
    # The exception of the flush that ended the level.
    failure: BaseException | None = None
    # Whether a rollback undoes what happened to objects.
    keeps_account: bool = True

    def __init__(
        self,
        session: SessionHost,
        origin: SessionTransactionOrigin,
        parent: SessionTransaction | None = None,
    ) -> None:
        subject: Any = session
        TransactionalContext._trans_ctx_check(subject)  # noqa: SLF001  Core's protocol
        nested = origin is SessionTransactionOrigin.BEGIN_NESTED
        if nested and parent is None:
            raise errors.SessionUseError.savepoint_alone()
        self.session: SessionHost = session
        self.origin = origin
        self.parent = parent
        self.nested = nested
        self.is_boundary: bool = nested or parent is None
        self.leases: Leases
        self.snapshot: Snapshot
        if parent is None or nested:
            self.leases, self.snapshot = Leases(), Snapshot()
        else:
            self.leases, self.snapshot = parent.leases, parent.snapshot
        self.outer_nested: Any = session.innermost_nested
        session.innermost = self
        if nested:
            session.innermost_nested = self
        if session.has_listeners:
            session.dispatch.after_transaction_create(session, self)

    # -- what it is ------------------------------------------------------------------------------

    @property
    def is_active(self) -> bool:
        """Whether SQL may be emitted in it."""
        return self.phase is ACTIVE

    @property
    def boundary(self) -> SessionTransaction:
        """This level or the nearest around it that has a database transaction of its own."""
        level = self
        while level.parent is not None and not level.nested:
            level = level.parent
        return level

    @property
    def connections(self) -> frozenset[Connection]:
        """The connections that this level has acquired so far (TX-85)."""
        return self.leases.connections()

    def bound_connection(self, bindkey: Any = None, **kw: Any) -> Connection:
        """The acquired connection of a bind.

        Args:
            bindkey: What the bind is found by, as the first argument of `Session.get_bind`.
            **kw: Further arguments of `Session.get_bind`.

        Raises:
            InvalidRequestError: This level has acquired none for that bind (TX-86).
        """
        bind = self.session.get_bind(bindkey, **kw)
        lease = self.leases.find(bind)
        if lease is None:
            raise errors.SessionUseError.no_connection_for(bind)
        return lease.connection

    def levels(self, upto: SessionTransaction | None = None) -> Iterator[SessionTransaction]:
        """This level and those around it, as far as `upto`, which is left out."""
        level: SessionTransaction | None = self
        while level is not None and level is not upto:
            # A level forgets nothing of its parent when it ends, but ends while we iterate.
            parent = level.parent
            yield level
            level = parent

    def levels_inside(self) -> Iterator[SessionTransaction]:
        """The levels begun inside this one and not ended, the innermost first."""
        innermost = self.session.innermost
        return iter(()) if innermost is None else innermost.levels(upto=self)

    # -- connections -----------------------------------------------------------------------------

    def connection(
        self,
        bindkey: Any,
        execution_options: Mapping[str, Any] | None = None,
        **kw: Any,
    ) -> Connection:
        """The connection for a bind, acquired when this is its first use."""
        bind = self.session.get_bind(bindkey, **kw)
        return self.connection_for_bind(bind, execution_options)

    def connection_for_bind(
        self, bind: Engine | Connection, options: Mapping[str, Any] | None = None
    ) -> Connection:
        """The connection for an engine, acquired when this is its first use."""
        lease = self.leases.by_bind.get(bind)
        if (
            lease is None
            or self.phase is not ACTIVE
            or not (self.is_boundary or self.boundary.phase is ACTIVE)
        ):
            return self.acquire(bind, options)
        if options:
            warn(errors.connection_established_warning())
        return lease.connection

    @moves((ACTIVE,), Shift.NO_CHANGE, name="connection")
    def acquire(self, bind: Engine | Connection, options: Mapping[str, Any] | None) -> Connection:
        """Take a connection into this level."""
        if not self.is_boundary:
            return self.boundary.connection_for_bind(bind, options)
        session = self.session
        self.phase = PROVISIONING
        try:
            if self.parent is not None:
                outer = self.parent.connection_for_bind(bind, options)
                lease = lease_nested(outer, given=isinstance(bind, Connection))
            else:
                # The session's own options apply to every connection; the call's come last.
                both = session.execution_options.union(options or {})
                lease = lease_root(
                    bind,
                    self.leases,
                    both,
                    join_mode=session.join_transaction_mode,
                    twophase=session.twophase,
                )
            self.leases.add(lease)
            if session.has_listeners:
                session.dispatch.after_begin(session, self, lease.connection)
        finally:
            self.phase = ACTIVE
        return lease.connection

    # -- beginning a level inside this one -------------------------------------------------------

    @moves((ACTIVE,), Shift.NO_CHANGE)
    def begin_nested(self) -> SessionTransaction:
        """Begin a SAVEPOINT level, after writing what is pending (TX-30)."""
        session = self.session
        if not session.is_flushing:
            session.flush()
        return SessionTransaction(session, SessionTransactionOrigin.BEGIN_NESTED, self)

    @moves((ACTIVE,), Shift.NO_CHANGE, name="flush")
    def begin_flush(self) -> SessionTransaction:
        """Begin the internal level of a flush (TX-5)."""
        return SessionTransaction(self.session, SessionTransactionOrigin.SUBTRANSACTION, self)

    # -- ending ----------------------------------------------------------------------------------

    @moves((ACTIVE,), PREPARED)
    def make_ready(self) -> None:
        """All of a commit that comes before the COMMIT."""
        session = self.session
        if self.parent is None and session.is_flushing:
            raise errors.StateChangeError.during("commit", "flush", PREPARED)
        if self.is_boundary and session.has_listeners:
            session.dispatch.before_commit(session)
        for level in self.levels_inside():
            level.commit()
        if not session.is_flushing:
            for _ in range(MOST_FLUSHES):
                if not session.members.has_changes:
                    break
                session.flush()
            else:
                raise errors.FlushError.endless()
        if self.parent is None and session.twophase:
            try:
                self.leases.prepare()
            except BaseException as error:
                try:
                    with self.expecting(CLOSED):
                        self.rollback()
                except exc.DBAPIError as trouble:
                    # A driver may believe that what it could not prepare is prepared.
                    errors.note_failed_rollback(error, trouble)
                raise
        self.phase = PREPARED

    @moves((ACTIVE,), PREPARED)
    def prepare(self) -> None:
        """Flush, and let every database promise that it can commit (TX-102).

        Raises:
            InvalidRequestError: The session is not two-phase, or this is no root level.
        """
        if self.parent is not None or not self.session.twophase:
            raise errors.SessionUseError.cannot_prepare()
        with self.expecting(PREPARED):
            self.make_ready()

    @moves((ACTIVE, PREPARED), CLOSED)
    def commit(self) -> None:
        """Flush and commit this level: COMMIT for the root, RELEASE for a nested one."""
        if self.phase is not PREPARED:
            with self.expecting(PREPARED):
                self.make_ready()
        session = self.session
        if self.is_boundary:
            self.leases.commit(is_prepared=self.parent is None and session.twophase)
            self.phase = COMMITTED
        try:
            if self.is_boundary and session.has_listeners:
                session.dispatch.after_commit(session)
        finally:
            # It is over, whatever a listener raises.
            self.settle_commit()
            with self.expecting(CLOSED):
                self.end()

    def settle_commit(self) -> None:
        """What the level did becomes the enclosing level's, or final."""
        session = self.session
        if not self.is_boundary:
            return
        if self.parent is not None:
            self.snapshot.hand_over(self.parent.snapshot)
        elif session.expire_on_commit:
            expire_everything(session.members)
            self.snapshot.detach_deleted(session.members)

    @moves((ACTIVE, DEACTIVE, PREPARED), CLOSED)
    def rollback(self, cause: BaseException | None = None) -> None:
        """Undo this level, in the database and in memory.

        Args:
            cause: The exception that a flush ended with; the enclosing level names it when it is
                used before it was rolled back too.
        """
        session = self.session
        for level in self.levels_inside():
            if level.parent is not None:
                level.snapshot.hand_over(level.parent.snapshot)
            level.end()
        boundary, trouble = self, None
        if self.phase is not DEACTIVE:
            boundary, trouble = self._roll_back_boundary()
        # Changed since a flush failed: those changes had no transaction to belong to (TX-62).
        discards = trouble is None and self.keeps_account and session.members.has_changes
        if discards:
            boundary.snapshot.undo(session.members, only_changed=boundary.nested)
        with self.expecting(CLOSED):
            self.end()
        if self.parent is not None and cause is not None:
            self.parent.failure = cause
        if trouble is not None:
            raise trouble
        if session.has_listeners:
            session.dispatch.after_soft_rollback(session, self)
        if discards:
            warn(errors.state_discarded_warning())

    def _roll_back_boundary(self) -> tuple[SessionTransaction, BaseException | None]:
        """Roll back the nearest boundary; every level up to it is over, though not ended."""
        boundary, session = self.boundary, self.session
        for level in self.levels(upto=boundary):
            level.phase = DEACTIVE
        trouble: BaseException | None = None
        try:
            boundary.leases.roll_back()
            boundary.phase = DEACTIVE
            if session.has_listeners:
                session.dispatch.after_rollback(session)
        except BaseException as caught:
            trouble = caught
        boundary.phase = DEACTIVE
        boundary.snapshot.undo(session.members, only_changed=boundary.nested)
        return boundary, trouble

    @moves(Shift.ANY, CLOSED)
    def close(self, invalidate: bool = False) -> None:  # noqa: FBT001, FBT002  public signature
        """End this level without committing it; the root releases its connections.

        Args:
            invalidate: Also make sure that no connection is used by anyone again.
        """
        if self.phase is CLOSED:
            return
        if self.is_boundary and self.phase in (ACTIVE, PREPARED):
            for level in self.levels_inside():
                level.close(invalidate)
            self.phase = DEACTIVE
            self.snapshot.undo(self.session.members, only_changed=self.nested)
        with self.expecting(CLOSED):
            self.end(invalidate=invalidate)

    @moves(Shift.ANY, CLOSED, name="close")
    def end(self, *, invalidate: bool = False) -> None:
        """Do what `close()` does, and leave the objects alone."""
        session = self.session
        if self.nested or self.parent is None:
            session.innermost_nested = self.outer_nested
        session.innermost = self.parent
        try:
            if self.is_boundary:
                self.leases.close(is_root=self.parent is None, invalidate=invalidate)
        finally:
            self.phase = CLOSED
            if session.has_listeners:
                session.dispatch.after_transaction_end(session, self)

    def refuse(self, method: str, phase: Any) -> None:
        """Say why the level's phase does not allow a method."""
        running = self.running
        when = running and f"while '{running}()' is in progress"
        if phase is DEACTIVE:
            if self.failure is not None:
                raise errors.RollbackRequiredError.after(self.failure) from self.failure
            when = when or "before that of the outer one"
            raise errors.RollbackRequiredError.inactive(public_call(method), when, running)
        if phase is CLOSED:
            raise errors.TransactionClosedError.closed(method)
        call = public_call(method)
        if phase is PROVISIONING:
            raise errors.SessionUseError.provisioning(call, str(running))
        raise errors.SessionUseError.no_sql_in(phase.value, call, when or "before its end", running)

    # -- what Core's context manager asks ----------------------------------------------------------

    def _get_subject(self) -> Any:
        return self.session

    def _transaction_is_active(self) -> bool:
        return self.phase is ACTIVE

    def _transaction_is_closed(self) -> bool:
        return self.phase is CLOSED

    def _rollback_can_be_called(self) -> bool:
        return self.phase not in (COMMITTED, CLOSED)

    @property
    def _rollback_exception(self) -> BaseException | None:  # type: ignore[override]
        return self.failure
