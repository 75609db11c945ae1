"""Define the errors of sessions and transactions: who belongs where, and what may happen when.

Those of sessions that are spread over several databases are here too.
"""

from __future__ import annotations

from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError, cause, wording
from holdfast.foundation.describe import describe_class


class MembershipError(HoldfastError, exc.InvalidRequestError):
    """An object is not in the session, or not in the state, that the call asks for."""

    not_persisted: cause = cause(
        "Instance '{state!i}' is not persisted. Only an object with a row can be deleted: leave a "
        "new one out with session.expunge(). [not-persisted]"
    )
    was_deleted: cause = cause(
        "Instance '{state!i}' has been deleted.  Use the make_transient() function to send this "
        "object back to the transient state; then session.add() makes a new row. [was-deleted]"
    )
    other_session: cause = cause(
        "Object '{state!i}' is already attached to session '{other}' (this is '{this}'). Take it "
        "out there with expunge() first, or copy it here with merge(). [other-session]"
    )
    identity_taken: cause = cause(
        "Can't attach instance {state!i}; another instance with key {key} is already present in "
        "this session. Use session.merge() to copy the values onto that one, or expunge it first. "
        "[identity-taken]",
        "key",
    )
    not_present: cause = cause(
        "Instance {state!i} is not present in this Session. Nothing is to be expunged: test with "
        "`obj in session` first. [not-present]"
    )
    not_persistent: cause = cause(
        "Instance '{state!i}' is not persistent within this Session. Add it and flush, or load it "
        "here with session.get(), before its values can be read anew. [not-persistent]"
    )
    not_refreshed: cause = cause(
        "Could not refresh instance '{state!i}'. Its row is gone, or not visible in this "
        "transaction. session.get() answers None for a missing row. [not-refreshed]"
    )
    not_transient: cause = cause(
        "Given object must be transient. Use make_transient() on it first. [not-transient]"
    )
    after_close: cause = cause(
        "Object {state!i} cannot be converted to 'persistent' state, as this identity map is no "
        "longer valid.  Has the owning Session been closed? Read the whole result, e.g. with "
        ".all(), before closing the session. [result-after-close]"
    )
    values_lost: cause = cause(
        "Instance {state!i} cannot be refreshed - it's not  persistent and does not contain a "
        "full primary key. It was expired before its INSERT was rolled back, so that {keys!j} "
        "went with its row. Set them anew before the flush. [values-lost]"
    )
    merge_without_load: cause = cause(
        "merge() with load=False option does not support objects {what}.  flush() all changes on "
        "mapped instances before merging with load=False. [merge-without-load]"
    )


class SessionUseError(HoldfastError, exc.InvalidRequestError):
    """The session or its transaction is not in a phase in which this is possible."""

    already_begun: cause = cause(
        "A transaction is already begun on this Session. Use begin_nested() for a SAVEPOINT "
        "inside it, or end it with commit() or rollback() first. [already-begun]"
    )
    autobegin_disabled: cause = cause(
        "Autobegin is disabled on this Session; please call session.begin() to start a new "
        "transaction. [autobegin-disabled]"
    )
    permanently_closed: cause = cause(
        "This Session has been permanently closed and is unable to handle any more transaction "
        "requests: method '{method}()' was called after '{running}()'. Make a new one, or leave "
        "close_resets_only at its default. [session-closed]",
        "method",
        "running",
    )
    no_sql_in: cause = cause(
        "This session is in '{phase}' state; no further SQL can be emitted within this "
        "transaction: method '{method}()' was called {when}. Do it before the commit begins, or "
        "in a transaction of its own. [no-sql-now]",
        "phase",
        "method",
        "running",
    )
    provisioning: cause = cause(
        "This session is provisioning a new connection; concurrent operations are not permitted: "
        "method '{method}()' was called while '{running}()' is in progress. Give each thread or "
        "task a Session of its own. [concurrent-use]",
        "method",
        "running",
    )
    flushing: cause = cause(
        "Session is already flushing: method '{method}()' was called while 'flush()' is in "
        "progress. Change objects in before_flush, not in the events that run while rows are "
        "written. [already-flushing]",
        "method",
        running="flush",
    )
    cannot_prepare: cause = cause(
        "'twophase' mode not enabled, or not root transaction; can't prepare. Make the session "
        "with twophase=True and call prepare() outside begin_nested(). [cannot-prepare]"
    )
    no_connection_for: cause = cause(
        "This transaction has not acquired a connection for bind {bind}. Run a statement on it "
        "first, or ask session.connection(). [no-connection]"
    )
    second_connection: cause = cause(
        "Session already has a Connection associated for the given Connection's Engine. Use one "
        "connection per engine in a transaction. [second-connection]"
    )
    savepoint_alone: cause = cause(
        "Can't start a SAVEPOINT transaction when no existing transaction is in progress. Call "
        "session.begin_nested(), which begins one. [savepoint-alone]"
    )
    scoped_present: cause = cause(
        "Scoped session is already present; no new arguments may be specified. Call remove() "
        "first, or configure the sessionmaker. [scoped-present]"
    )
    unflushed_key_change: cause = cause(
        "Please flush pending primary key changes on attributes {{{keys!q}}} for mapper {mapper} "
        "before proceeding with a refresh [key-change-pending]"
    )


class TransactionClosedError(HoldfastError, exc.ResourceClosedError):
    """A transaction object is used after its end."""

    closed: cause = cause(
        "This transaction is closed, so that '{method}()' has nothing to act on. The session "
        "begins another one by itself at the next use. [transaction-closed]",
        "method",
    )


class RollbackRequiredError(HoldfastError, exc.PendingRollbackError):
    """A flush failed, and its transaction has not been rolled back by the user yet."""

    @classmethod
    def after(cls, cause: BaseException | None) -> Self:
        """The flush failed with `cause`, which is kept as `original`.

        `objects` are those that were being written.
        """
        was = "" if cause is None else f" Original exception was: {cause}"
        return cls.compose(
            "This Session's transaction has been rolled back due to a previous exception during "
            "flush. To begin a new transaction with this Session, first issue Session.rollback()."
            f"{was} [rollback-required]",
            original=cause,
            objects=getattr(cause, "objects", []),
        )

    by_nested: cause = cause(
        "This Session's transaction has been rolled back by a nested rollback() call. To begin a "
        "new transaction, issue Session.rollback() first. Call it once for each level that is "
        "open. [rollback-required]"
    )
    inactive: cause = cause(
        "This session is in 'inactive' state, due to the SQL transaction being rolled back; no "
        "further SQL can be emitted within this transaction: method '{method}()' was called "
        "{when}. Issue Session.rollback() first. [rollback-required]",
        "method",
        "running",
    )


class StateChangeError(HoldfastError, exc.IllegalStateChangeError):
    """A session method is called while another one is running."""

    during: cause = cause(
        "Method '{method}()' can't be called here; method '{running}()' is already in progress "
        "and this would cause an unexpected state change to {state!r}. Use one Session per thread "
        "or task. [concurrent-use]",
        "method",
        "running",
    )
    unmoved: cause = cause(
        "Method '{method}()' failed to change state to {expected!r} as expected. Use one Session "
        "per thread or task. [concurrent-use]",
        "method",
    )
    moved_elsewhere: cause = cause(
        "{start} '{method}()' caused an unexpected state change to {reached!r}. Use one Session "
        "per thread or task. [concurrent-use]",
        "method",
    )
    wrong_start: cause = cause(
        "Can't run operation '{method}()' when Session is in state {phase!r}. Use one Session per "
        "thread or task. [concurrent-use]",
        "method",
    )
    wrong_destination: cause = cause(
        "Can't run operation '{method}()' here; will move to state {target!r} where we are "
        "expecting {expected!r}. Use one Session per thread or task. [concurrent-use]",
        "method",
    )


class OutsideGreenletError(HoldfastError, exc.MissingGreenlet):
    """SQL would be awaited where nothing can be awaited."""

    # The text says it all; else a link would follow.
    code: str = ""

    unexpected_sql: cause = cause(
        "greenlet_spawn has not been called; can't call await_only() here. Was IO attempted in an "
        "unexpected place? An attribute was touched that is not loaded, or sync_session was used "
        "by itself. Load it beforehand, set expire_on_commit=False, await "
        "obj.awaitable_attrs.name, or use session.run_sync(). [missing-greenlet]"
    )


class AsyncListenerError(HoldfastError, NotImplementedError):
    """A listener cannot be called."""

    of_session: cause = cause(
        "asynchronous events are not implemented at this time.  Apply synchronous listeners to "
        "the AsyncSession.sync_session. [async-events]"
    )


class BindError(HoldfastError, exc.UnboundExecutionError):
    """No engine is known for what is to be done."""

    nothing_known: cause = cause(
        "This session is not bound to a single Engine or Connection, and no context was provided "
        "to locate a binding. Give it one: Session(engine). [no-bind]"
    )
    not_found: cause = cause(
        "Could not locate a bind configured on {clues!j} or this Session. Give it one: "
        "Session(engine), or Session(binds={{...}}). [no-bind]"
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

    autocommit: cause = cause(
        "autocommit=True is no longer supported. Leave it out and commit explicitly. "
        "[autocommit-gone]"
    )
    not_future: cause = cause(
        "The 'future' parameter passed to Session() may only be set to True. Leave it out. "
        "[future-only]"
    )
    bad_join_mode: cause = cause(
        'invalid selection for join_transaction_mode: "{mode}". Choose "conditional_savepoint", '
        '"rollback_only", "control_fully" or "create_savepoint". [bad-join-mode]'
    )
    bad_for_update: cause = cause(
        "with_for_update should be the boolean value True, or a dictionary with options.  A blank "
        "dictionary is ambiguous. Write with_for_update=True. [bad-for-update]"
    )
    not_watched: cause = cause(
        "Cannot hear the statements of {given!c}: it is no session, class of sessions, "
        "sessionmaker, engine or connection. For an async_sessionmaker, pass its engine. "
        "[not-watched]"
    )
    scope_without_class: cause = cause(
        "Session event listen on a scoped_session requires that its creation callable is "
        "associated with the Session class. Make it from a sessionmaker or a Session class. "
        "[scoped-event]"
    )
    identity_key_needs_subject: cause = cause(
        "class or instance is required, as in identity_key(User, 5), identity_key(instance=u). "
        "[identity-key-arguments]"
    )
    identity_key_needs_key: cause = cause(
        "ident or row is required. Call identity_key(User, 5) or identity_key(User, row=row). "
        "[identity-key-arguments]"
    )


class IdentifierError(HoldfastError, exc.InvalidRequestError):
    """The values given to `get()` do not make up a primary key."""

    wrong_count: cause = cause(
        "Incorrect number of values in identifier to formulate primary key for session.get(); "
        "primary key columns are {columns}. Pass one value for each, as a tuple. [get-values]"
    )
    wrong_names: cause = cause(
        "Incorrect names of values in identifier to formulate primary key for session.get(); "
        "primary key attribute names are {names}. Synonyms count as other names. [get-values]"
    )


class NoRowError(HoldfastError, exc.NoResultFound):
    """`get_one()` and `one()` found nothing."""

    required: cause = cause(
        "No row was found when one was required. Use get() or one_or_none() where a missing row "
        "is no error. [no-row]"
    )


class ShardError(HoldfastError, exc.InvalidRequestError):
    """A shard does not exist, or none was chosen."""

    unknown: cause = cause(
        "There is no shard {shard_id!r}: this session has {known}. Return or pass a key of "
        "`shards`. [unknown-shard]"
    )
    none_chosen: cause = cause(
        "The statement goes nowhere: execute_chooser returned no shard for it. Return at least "
        "one. [no-shard-chosen]"
    )


class ShardArgumentError(HoldfastError, exc.ArgumentError):
    """A `ShardedSession` was given choosers that do not fit together."""

    choosers: cause = cause(
        "ShardedSession needs {new}, and takes the old form {old} in its place only. Pass {new} "
        "alone. [shard-choosers]"
    )


state_discarded_warning: wording = wording(
    "Session's state has been changed on a non-active transaction - this state will be discarded. "
    "Call rollback() first. [change-discarded]"
)


use_in_flush_warning: wording = wording(
    "Usage of the '{method}' operation is not currently supported within the execution stage of "
    "the flush process. Results may not be consistent.  Consider using alternative event "
    "listeners or connection-level operations instead. [session-in-flush]"
)


connection_established_warning: wording = wording(
    "Connection is already established for the given bind; execution_options ignored. Pass them "
    "with the first session.connection() call. [connection-established]"
)


late_changes_warning: wording = wording(
    "Attribute history events accumulated on {count} previously clean instances within "
    "inner-flush event handlers have been reset, and will not result in database updates. Change "
    "objects in before_flush, or use set_committed_value(). [late-change]"
)


null_identity_warning: wording = wording(
    "fully NULL primary key identity cannot load any object.  This condition may raise an error "
    "in a future release. No row has such a key; leave the call out. [null-identity]"
)


merge_pending_warning: wording = wording(
    "Instance {state!i} is already pending in this Session yet is being merged again; this is "
    "probably not what you want to do. Use the object as it is. [merge-pending]"
)


scope_configured_warning: wording = wording(
    "At least one scoped session is already present.  configure() can not affect sessions that "
    "have already been created. Call remove() first. [scope-configured]"
)
