"""Define the errors of sessions and transactions: who belongs where, and what may happen when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError
from holdfast.foundation.callers import public_call
from holdfast.foundation.describe import describe_class, state_text


class MembershipError(HoldfastError, exc.InvalidRequestError):
    """An object is not in the session, or not in the state, that the call asks for."""

    @classmethod
    def not_persisted(cls, state: Any) -> Self:
        """`delete()` of an object that has no row."""
        return cls.compose(
            f"Instance '{state_text(state)}' is not persisted. Only an object with a row can be "
            "deleted: leave a new one out with session.expunge(). [not-persisted]"
        )

    @classmethod
    def was_deleted(cls, state: Any) -> Self:
        """`add()` of an object whose row was deleted."""
        return cls.compose(
            f"Instance '{state_text(state)}' has been deleted.  Use the make_transient() function "
            "to send this object back to the transient state; then session.add() makes a new row. "
            "[was-deleted]"
        )

    @classmethod
    def other_session(cls, state: Any, other: Any, this: Any) -> Self:
        """The object is in another session; `other` and `this` are the sessions' numbers."""
        return cls.compose(
            f"Object '{state_text(state)}' is already attached to session '{other}' (this is "
            f"'{this}'). Take it out there with expunge() first, or copy it here with merge(). "
            "[other-session]"
        )

    @classmethod
    def identity_taken(cls, state: Any, key: Any) -> Self:
        """Another object with the same identity is present already."""
        return cls.compose(
            f"Can't attach instance {state_text(state)}; another instance with key {key} is "
            "already present in this session. Use session.merge() to copy the values onto that "
            "one, or expunge it first. [identity-taken]",
            key=key,
        )

    @classmethod
    def not_present(cls, state: Any) -> Self:
        """`expunge()` of an outsider."""
        return cls.compose(
            f"Instance {state_text(state)} is not present in this Session. Nothing is to be "
            "expunged: test with `obj in session` first. [not-present]"
        )

    @classmethod
    def not_persistent(cls, state: Any) -> Self:
        """`expire()` or `refresh()` of an outsider."""
        return cls.compose(
            f"Instance '{state_text(state)}' is not persistent within this Session. Add it and "
            "flush, or load it here with session.get(), before its values can be read anew. "
            "[not-persistent]"
        )

    @classmethod
    def not_refreshed(cls, state: Any) -> Self:
        """`refresh()` found no row."""
        return cls.compose(
            f"Could not refresh instance '{state_text(state)}'. Its row is gone, or not visible in "
            "this transaction. session.get() answers None for a missing row. [not-refreshed]"
        )

    @classmethod
    def not_transient(cls) -> Self:
        """`make_transient_to_detached()` of anything but a transient object."""
        return cls.compose(
            "Given object must be transient. Use make_transient() on it first. [not-transient]"
        )

    @classmethod
    def after_close(cls, state: Any) -> Self:
        """Rows arrived after their session let go of everything."""
        return cls.compose(
            f"Object {state_text(state)} cannot be converted to 'persistent' state, as this "
            "identity map is no longer valid.  Has the owning Session been closed? Read the whole "
            "result, e.g. with .all(), before closing the session. [result-after-close]"
        )

    @classmethod
    def values_lost(cls, state: Any, keys: Iterable[str]) -> Self:
        """A new object had a row, and was expired, before a rollback took the row."""
        return cls.compose(
            f"Instance {state_text(state)} cannot be refreshed - it's not  persistent and does not "
            f"contain a full primary key. It was expired before its INSERT was rolled back, so "
            f"that {', '.join(keys)} went with its row. Set them anew before the flush. "
            "[values-lost]"
        )

    @classmethod
    def merge_without_load(cls, what: str) -> Self:
        """`merge(load=False)` of an object without a key, or with unsaved changes."""
        return cls.compose(
            f"merge() with load=False option does not support objects {what}.  flush() all changes "
            "on mapped instances before merging with load=False. [merge-without-load]"
        )


class SessionUseError(HoldfastError, exc.InvalidRequestError):
    """The session or its transaction is not in a phase in which this is possible."""

    @classmethod
    def already_begun(cls) -> Self:
        """`begin()` while a transaction is open."""
        return cls.compose(
            "A transaction is already begun on this Session. Use begin_nested() for a SAVEPOINT "
            "inside it, or end it with commit() or rollback() first. [already-begun]"
        )

    @classmethod
    def autobegin_disabled(cls) -> Self:
        """SQL or a change outside begin(), where autobegin is off."""
        return cls.compose(
            "Autobegin is disabled on this Session; please call session.begin() to start a new "
            "transaction. [autobegin-disabled]"
        )

    @classmethod
    def permanently_closed(cls, closing: str) -> Self:
        """Use after `close()` of a session made with close_resets_only=False."""
        method = public_call("begin")
        return cls.compose(
            "This Session has been permanently closed and is unable to handle any more transaction "
            f"requests: method '{method}()' was called after '{closing}()'. Make a new one, or "
            "leave close_resets_only at its default. [session-closed]",
            method=method,
            running=closing,
        )

    @classmethod
    def no_sql_in(cls, phase: str, method: str, running: str | None) -> Self:
        """SQL while the transaction is in a phase that allows none, e.g. "committed"."""
        method = public_call(method)
        when = f"while '{running}()' is in progress" if running else "before its end"
        return cls.compose(
            f"This session is in '{phase}' state; no further SQL can be emitted within this "
            f"transaction: method '{method}()' was called {when}. Do it before the commit begins, "
            "or in a transaction of its own. [no-sql-now]",
            phase=phase,
            method=method,
            running=running,
        )

    @classmethod
    def provisioning(cls, method: str, running: str) -> Self:
        """A second use of the session while it is connecting."""
        method = public_call(method)
        return cls.compose(
            "This session is provisioning a new connection; concurrent operations are not "
            f"permitted: method '{method}()' was called while '{running}()' is in progress. Give "
            "each thread or task a Session of its own. [concurrent-use]",
            method=method,
            running=running,
        )

    @classmethod
    def flushing(cls) -> Self:
        """`flush()` from within a flush."""
        method = public_call("flush")
        return cls.compose(
            f"Session is already flushing: method '{method}()' was called while 'flush()' is in "
            "progress. Change objects in before_flush, not in the events that run while rows are "
            "written. [already-flushing]",
            method=method,
            running="flush",
        )

    @classmethod
    def cannot_prepare(cls) -> Self:
        """`prepare()` where there is nothing to prepare."""
        return cls.compose(
            "'twophase' mode not enabled, or not root transaction; can't prepare. Make the session "
            "with twophase=True and call prepare() outside begin_nested(). [cannot-prepare]"
        )

    @classmethod
    def no_connection_for(cls, bind: Any) -> Self:
        """The transaction never connected to this engine."""
        return cls.compose(
            f"This transaction has not acquired a connection for bind {bind}. Run a statement on "
            "it first, or ask session.connection(). [no-connection]"
        )

    @classmethod
    def second_connection(cls) -> Self:
        """A connection was given whose engine has another one in this transaction."""
        return cls.compose(
            "Session already has a Connection associated for the given Connection's Engine. Use "
            "one connection per engine in a transaction. [second-connection]"
        )

    @classmethod
    def savepoint_alone(cls) -> Self:
        """A nested level without one around it."""
        return cls.compose(
            "Can't start a SAVEPOINT transaction when no existing transaction is in progress. Call "
            "session.begin_nested(), which begins one. [savepoint-alone]"
        )

    @classmethod
    def scoped_present(cls) -> Self:
        """`scoped_session(...)` called with arguments when its session exists."""
        return cls.compose(
            "Scoped session is already present; no new arguments may be specified. Call remove() "
            "first, or configure the sessionmaker. [scoped-present]"
        )

    @classmethod
    def unflushed_key_change(cls, keys: Iterable[str], mapper: Any) -> Self:
        """A refresh while the primary key has an unsaved change."""
        names = "{" + ", ".join(repr(key) for key in keys) + "}"
        return cls.compose(
            f"Please flush pending primary key changes on attributes {names} for mapper {mapper} "
            "before proceeding with a refresh [key-change-pending]"
        )


class TransactionClosedError(HoldfastError, exc.ResourceClosedError):
    """A transaction object is used after its end."""

    @classmethod
    def closed(cls, method: str) -> Self:
        """Any use of it."""
        return cls.compose(
            f"This transaction is closed, so that '{method}()' has nothing to act on. The session "
            "begins another one by itself at the next use. [transaction-closed]",
            method=method,
        )


class RollbackRequiredError(HoldfastError, exc.PendingRollbackError):
    """A flush failed, and its transaction has not been rolled back by the user yet."""

    @classmethod
    def after(cls, cause: BaseException | None) -> Self:
        """The flush failed with `cause`, which is kept as `original`.

        `objects` are those that were being written.
        """
        text = (
            "This Session's transaction has been rolled back due to a previous exception during "
            "flush. To begin a new transaction with this Session, first issue Session.rollback()."
        )
        if cause is not None:
            text += f" Original exception was: {cause}"
        objects = getattr(cause, "objects", [])
        return cls.compose(f"{text} [rollback-required]", original=cause, objects=objects)

    @classmethod
    def inactive(cls, method: str, running: str | None) -> Self:
        """It is being rolled back, or an inner one was, and the outer one must be as well."""
        method = public_call(method)
        when = f"while '{running}()' is in progress" if running else "before that of the outer one"
        return cls.compose(
            "This session is in 'inactive' state, due to the SQL transaction being rolled back; no "
            f"further SQL can be emitted within this transaction: method '{method}()' was called "
            f"{when}. Issue Session.rollback() first. [rollback-required]",
            method=method,
            running=running,
        )


class StateChangeError(HoldfastError, exc.IllegalStateChangeError):
    """A session method is called while another one is running."""

    @classmethod
    def during(cls, method: str, running: str, state: Any = None) -> Self:
        """`method` was called while `running` has not returned."""
        return cls.compose(
            f"Method '{method}()' can't be called here; method '{running}()' is already in "
            f"progress and this would cause an unexpected state change to {state!r}. Use one "
            "Session per thread or task. [concurrent-use]",
            method=method,
            running=running,
        )

    @classmethod
    def unmoved(cls, method: str, expected: Any) -> Self:
        """A method of a transaction left it in the phase in which it was."""
        return cls.compose(
            f"Method '{method}()' failed to change state to {expected!r} as expected. Use one "
            "Session per thread or task. [concurrent-use]",
            method=method,
        )

    @classmethod
    def moved_elsewhere(cls, method: str, outer: str | None, reached: Any) -> Self:
        """A method of a transaction left it in another phase than it should."""
        start = f"While method '{outer}()' was running, method" if outer else "Method"
        return cls.compose(
            f"{start} '{method}()' caused an unexpected state change to {reached!r}. Use one "
            "Session per thread or task. [concurrent-use]",
            method=method,
        )

    @classmethod
    def wrong_start(cls, method: str, phase: Any) -> Self:
        """A method of a transaction that its phase rules out."""
        return cls.compose(
            f"Can't run operation '{method}()' when Session is in state {phase!r}. Use one Session "
            "per thread or task. [concurrent-use]",
            method=method,
        )

    @classmethod
    def wrong_destination(cls, method: str, target: Any, expected: Any) -> Self:
        """A method that leads elsewhere than the running one expects."""
        return cls.compose(
            f"Can't run operation '{method}()' here; will move to state {target!r} where we are "
            f"expecting {expected!r}. Use one Session per thread or task. [concurrent-use]",
            method=method,
        )


class OutsideGreenletError(HoldfastError, exc.MissingGreenlet):
    """SQL would be awaited where nothing can be awaited."""

    # The text says it all; else a link would follow.
    code: str = ""

    @classmethod
    def unexpected_sql(cls) -> Self:
        """The session of an asyncio one needs the database outside of an awaited call (XT-101)."""
        return cls.compose(
            "greenlet_spawn has not been called; can't call await_only() here. Was IO attempted in "
            "an unexpected place? An attribute was touched that is not loaded, or sync_session was "
            "used by itself. Load it beforehand, set expire_on_commit=False, await "
            "obj.awaitable_attrs.name, or use session.run_sync(). [missing-greenlet]"
        )


class AsyncListenerError(HoldfastError, NotImplementedError):
    """A listener cannot be called."""

    @classmethod
    def of_session(cls) -> Self:
        """The target of a listener is an asyncio session, or a factory of such (XT-107)."""
        return cls.compose(
            "asynchronous events are not implemented at this time.  Apply synchronous listeners to "
            "the AsyncSession.sync_session. [async-events]"
        )


class BindError(HoldfastError, exc.UnboundExecutionError):
    """No engine is known for what is to be done."""

    @classmethod
    def nothing_known(cls) -> Self:
        """No bind, and nothing to find one by."""
        return cls.compose(
            "This session is not bound to a single Engine or Connection, and no context was "
            "provided to locate a binding. Give it one: Session(engine). [no-bind]"
        )

    @classmethod
    def not_found(cls, *clues: str) -> Self:
        """No bind for the given mapper or expression, which `clues` name."""
        wanted = ", ".join(clues)
        return cls.compose(
            f"Could not locate a bind configured on {wanted} or this Session. Give it one: "
            "Session(engine), or Session(binds={...}). [no-bind]"
        )


class SessionArgumentError(HoldfastError, exc.ArgumentError):
    """An argument to a session, or to one of its methods, is of no use."""

    @classmethod
    def bad_bind_key(cls, key: Any) -> Self:
        """A key in `binds` that is neither class, mapper nor table."""
        shown = key if isinstance(key, str) else describe_class(key)
        if not isinstance(key, str | type):
            shown = f"{type(key).__name__}()"
        return cls.compose(
            f"Not an acceptable bind target: {shown}. Use a class, a mapper or a table. "
            "[bad-bind-key]"
        )

    @classmethod
    def autocommit(cls) -> Self:
        """`autocommit=True`."""
        return cls.compose(
            "autocommit=True is no longer supported. Leave it out and commit explicitly. "
            "[autocommit-gone]"
        )

    @classmethod
    def not_future(cls) -> Self:
        """`future=False`."""
        return cls.compose(
            "The 'future' parameter passed to Session() may only be set to True. Leave it out. "
            "[future-only]"
        )

    @classmethod
    def bad_join_mode(cls, mode: Any) -> Self:
        """An unknown `join_transaction_mode`."""
        return cls.compose(
            f'invalid selection for join_transaction_mode: "{mode}". Choose '
            '"conditional_savepoint", "rollback_only", "control_fully" or "create_savepoint". '
            "[bad-join-mode]"
        )

    @classmethod
    def bad_for_update(cls) -> Self:
        """`with_for_update` of the wrong kind."""
        return cls.compose(
            "with_for_update should be the boolean value True, or a dictionary with options.  A "
            "blank dictionary is ambiguous. Write with_for_update=True. [bad-for-update]"
        )

    @classmethod
    def scope_without_class(cls) -> Self:
        """An event on a scoped session whose factory makes who knows what."""
        return cls.compose(
            "Session event listen on a scoped_session requires that its creation callable is "
            "associated with the Session class. Make it from a sessionmaker or a Session class. "
            "[scoped-event]"
        )

    @classmethod
    def identity_key_needs_subject(cls) -> Self:
        """`identity_key()` without class and object."""
        return cls.compose(
            "class or instance is required, as in identity_key(User, 5), identity_key(instance=u). "
            "[identity-key-arguments]"
        )

    @classmethod
    def identity_key_needs_key(cls) -> Self:
        """`identity_key(User)` without key."""
        return cls.compose(
            "ident or row is required. Call identity_key(User, 5) or identity_key(User, row=row). "
            "[identity-key-arguments]"
        )


class IdentifierError(HoldfastError, exc.InvalidRequestError):
    """The values given to `get()` do not make up a primary key."""

    @classmethod
    def wrong_count(cls, columns: Iterable[Any], place: str = "session.get()") -> Self:
        """Too few or too many values."""
        names = ",".join(f"'{column}'" for column in columns)
        return cls.compose(
            f"Incorrect number of values in identifier to formulate primary key for {place}; "
            f"primary key columns are {names}. Pass one value for each, as a tuple. [get-values]"
        )

    @classmethod
    def wrong_names(cls, names: Iterable[str], place: str = "session.get()") -> Self:
        """A dictionary with other keys than the primary key attributes."""
        wanted = ",".join(f"'{name}'" for name in names)
        return cls.compose(
            f"Incorrect names of values in identifier to formulate primary key for {place}; "
            f"primary key attribute names are {wanted}. Synonyms count as other names. [get-values]"
        )


class NoRowError(HoldfastError, exc.NoResultFound):
    """`get_one()` and `one()` found nothing."""

    @classmethod
    def required(cls) -> Self:
        """There is no row."""
        return cls.compose(
            "No row was found when one was required. Use get() or one_or_none() where a missing "
            "row is no error. [no-row]"
        )


def state_discarded_warning() -> str:
    """An object changed hands while the transaction cannot keep track of it."""
    return (
        "Session's state has been changed on a non-active transaction - this state will be "
        "discarded. Call rollback() first. [change-discarded]"
    )


def use_in_flush_warning(method: str) -> str:
    """`session.add()` or similar in an event that runs while rows are written."""
    return (
        f"Usage of the '{method}' operation is not currently supported within the execution stage "
        "of the flush process. Results may not be consistent.  Consider using alternative event "
        "listeners or connection-level operations instead. [session-in-flush]"
    )


def connection_established_warning() -> str:
    """Options were given for a connection that the transaction has already."""
    return (
        "Connection is already established for the given bind; execution_options ignored. Pass "
        "them with the first session.connection() call. [connection-established]"
    )


def late_changes_warning(count: int) -> str:
    """Listeners changed `count` objects while the rows of a flush were written."""
    return (
        f"Attribute history events accumulated on {count} previously clean instances within "
        "inner-flush event handlers have been reset, and will not result in database updates. "
        "Change objects in before_flush, or use set_committed_value(). [late-change]"
    )


def null_identity_warning() -> str:
    """A primary key was given that is NULL in every column."""
    return (
        "fully NULL primary key identity cannot load any object.  This condition may raise an "
        "error in a future release. No row has such a key; leave the call out. [null-identity]"
    )


def merge_pending_warning(state: Any) -> str:
    """`merge()` of an object that is pending in the same session."""
    return (
        f"Instance {state_text(state)} is already pending in this Session yet is being merged "
        "again; this is probably not what you want to do. Use the object as it is. [merge-pending]"
    )


def scope_configured_warning() -> str:
    """`scoped_session.configure()` when the scope's session exists."""
    return (
        "At least one scoped session is already present.  configure() can not affect sessions "
        "that have already been created. Call remove() first. [scope-configured]"
    )
