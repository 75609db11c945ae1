"""This file holds the connections of one level of a session's transaction, and how each is ended.

Called by `transaction` when SQL is about to run; asks the engine for a connection, begins what is
to be begun on it, and remembers what of it is the session's to end.

Rules kept here:
1. One connection serves one engine within a transaction (TX-87).
2. A connection that the session was given stays open; one that it opened is closed (TX-81).
3. What was begun outside is ended only as far as `join_transaction_mode` allows (TX-140).
4. A SAVEPOINT is always inside a transaction, also where the driver would not have begun one yet.
5. A connection that fails keeps none of the others from being rolled back and released, nor from
   being committed once all are prepared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, get_args

from sqlalchemy.engine import Connection, Engine

from holdfast import errors
from holdfast.foundation.codegen import FieldTuple

JoinMode = Literal["conditional_savepoint", "rollback_only", "control_fully", "create_savepoint"]
# What Python 3.12 calls the way in which older ones control transactions of SQLite.
LEGACY_CONTROL = -1
JOIN_MODES: tuple[str, ...] = get_args(JoinMode)


class Lease(FieldTuple):
    """One connection, as one level of a transaction uses it."""

    connection: Connection
    # What Core began for this level, or found begun.
    transaction: Any
    # Whether commit and close at this level reach `transaction`.
    ends_transaction: bool
    # Whether the session opened the connection.
    closes_connection: bool


class Leases:
    """The connections of one level, in the order in which they were acquired."""

    __slots__ = ("by_bind",)

    def __init__(self) -> None:
        # Connection and engine -> lease: each lease stands under both.
        self.by_bind: dict[Any, Lease] = {}

    def __iter__(self) -> Iterator[Lease]:
        return (lease for bind, lease in list(self.by_bind.items()) if bind is lease.connection)

    def find(self, bind: Any) -> Lease | None:
        """The lease of an engine or connection, or None."""
        return self.by_bind.get(bind)

    def add(self, lease: Lease) -> None:
        """Enter a lease under its connection and its engine."""
        self.by_bind[lease.connection] = lease
        self.by_bind[lease.connection.engine] = lease

    def connections(self) -> frozenset[Connection]:
        """The connections of this level (TX-85)."""
        return frozenset(lease.connection for lease in self)

    def roll_back(self) -> None:
        """Roll back on every connection, also what was begun outside."""

        def end(lease: Lease) -> None:
            # Where the COMMIT of another connection failed, this one may be committed already.
            if lease.transaction.is_active or lease.connection.get_transaction() is not None:
                lease.transaction.rollback()

        self._end_each(end)

    def commit(self, *, is_prepared: bool) -> None:
        """Commit what is this level's to commit.

        Args:
            is_prepared: Every database has promised that it can. So it is decided: one that fails
                must not keep the others from it.
        """

        def end(lease: Lease) -> None:
            if lease.ends_transaction:
                lease.transaction.commit()

        if is_prepared:
            self._end_each(end)
            return
        for lease in self:
            end(lease)

    def prepare(self) -> None:
        """Prepare the two-phase transaction of every connection."""
        for lease in self:
            lease.transaction.prepare()

    def close(self, *, is_root: bool, invalidate: bool) -> None:
        """End the level: roll back what is still open; the root releases its connections."""

        def end(lease: Lease) -> None:
            if invalidate and is_root:
                lease.connection.invalidate()
            try:
                if lease.ends_transaction:
                    # Also when COMMIT failed: else the pool takes the connection for clean.
                    lease.transaction.close()
            finally:
                if lease.closes_connection and is_root:
                    lease.connection.close()

        self._end_each(end)

    def _end_each(self, end: Callable[[Lease], None]) -> None:
        """Call `end` for every lease, and raise afterwards what the first that failed raised."""
        trouble: BaseException | None = None
        for lease in self:
            try:
                end(lease)
            except BaseException as caught:
                trouble = trouble or caught
        if trouble is not None:
            raise trouble


def lease_root(
    bind: Engine | Connection,
    leases: Leases,
    options: Mapping[str, Any] | None,
    *,
    join_mode: str,
    twophase: bool,
) -> Lease:
    """Acquire a connection for the root of a transaction, and begin on it."""
    given = isinstance(bind, Connection)
    connection: Any
    if isinstance(bind, Connection):
        if bind.engine in leases.by_bind:
            raise errors.SessionUseError.second_connection()
        connection = bind
    else:
        connection = bind.connect()
    try:
        if options:
            connection = connection.execution_options(**options)
        # On a connection of the session's own, whatever was begun is the session's (TX-89).
        mode = join_mode if given else "control_fully"
        transaction, ends = _begin_on(connection, mode, twophase=twophase)
    except BaseException:
        if not given:
            connection.close()
        raise
    return Lease(connection, transaction, ends, not given)


def lease_nested(connection: Connection, *, given: bool) -> Lease:
    """Emit SAVEPOINT on a connection of the enclosing level, now that it is first used (TX-31)."""
    return Lease(connection, begin_savepoint(connection), True, not given)


def begin_savepoint(connection: Connection) -> Any:
    """Emit SAVEPOINT.

    Python's driver of SQLite begins no transaction before the first write, and a SAVEPOINT without
    one ends with a COMMIT: so it is begun here, as the driver would, unseen by listeners.
    """
    driver: Any = connection.connection.driver_connection
    if (
        connection.dialect.name == "sqlite"
        and getattr(driver, "isolation_level", None) is not None
        and getattr(driver, "autocommit", LEGACY_CONTROL) == LEGACY_CONTROL
        and not driver.in_transaction
    ):
        cursor = connection.connection.cursor()
        cursor.execute(f"BEGIN {driver.isolation_level}")
        cursor.close()
    return connection.begin_nested()


def _begin_on(connection: Any, join_mode: str, *, twophase: bool) -> tuple[Any, bool]:
    """What the session uses as its transaction on the connection, and whether it may end it."""
    if twophase:
        return connection.begin_twophase(), True
    if not connection.in_transaction():
        return connection.begin(), True
    is_nested = connection.in_nested_transaction()
    if join_mode == "conditional_savepoint":
        join_mode = "create_savepoint" if is_nested else "rollback_only"
    if join_mode == "create_savepoint":
        return begin_savepoint(connection), True
    if is_nested:
        return connection.get_nested_transaction(), join_mode == "control_fully"
    return connection.get_transaction(), join_mode == "control_fully"
