"""This file defines `AsyncSessionTransaction`: what `AsyncSession.begin()` returns.

It is begun when it is awaited or entered, not when it is made (XT-110).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Self

from holdfast.aio.binds import AsyncBind, sync_side
from holdfast.errors.aio import AsyncNotStartedError, AsyncStartedError
from holdfast.foundation.sqlalchemy_asyncio import AsyncConnection, async_connection
from holdfast.sessions.transactions.transaction import SessionTransaction

# The session stands above this file in the layer's own order.
AsyncSession = Any


class AsyncSessionTransaction:
    """One level of the transaction of an `AsyncSession`.

    Example:
        >>> async with session.begin():
        ...     session.add(Book(title="Ice"))
    """

    __slots__ = ("__weakref__", "nested", "session", "started")

    def __init__(
        self,
        session: AsyncSession,
        *,
        nested: bool = False,
        started: SessionTransaction | None = None,
    ) -> None:
        """Describe a level.

        Args:
            session: The asyncio session.
            nested: Whether it will be a SAVEPOINT.
            started: The level itself, where it is begun already.
        """
        self.session: AsyncSession = session
        self.nested: bool = nested
        # The level of the synchronous session, once it is begun.
        self.started: SessionTransaction | None = started

    @property
    def sync_transaction(self) -> SessionTransaction:
        """The level of the synchronous session.

        Raises:
            AsyncContextNotStarted: It is not begun yet.
        """
        if self.started is None:
            raise AsyncNotStartedError.transaction()
        return self.started

    @property
    def is_active(self) -> bool:
        """Whether it is begun, and SQL may be emitted in it."""
        return self.started is not None and self.started.is_active

    async def start(self) -> Self:
        """Begin it.

        Raises:
            AsyncContextAlreadyStarted: It is begun.
        """
        if self.started is not None:
            raise AsyncStartedError.transaction()
        method = "begin_nested" if self.nested else "begin"
        begin = getattr(self.session.sync_session, method)
        self.started = await self.session.one_task.run(method, begin)
        self.session.transactions[id(self.started)] = self
        return self

    def __await__(self) -> Generator[Any, Any, Self]:
        return self.start().__await__()

    async def __aenter__(self) -> Self:
        await self.start()
        self.sync_transaction.__enter__()
        return self

    async def __aexit__(self, type_: Any, value: Any, traceback: Any) -> None:
        leave = self.sync_transaction.__exit__
        method = "commit" if type_ is None else "rollback"
        if type_ is not None:
            await self.session.one_task.wait()
        await self.session.one_task.run(method, leave, type_, value, traceback)

    async def commit(self) -> None:
        """Flush and commit this level."""
        await self.session.one_task.run("commit", self.sync_transaction.commit)

    async def rollback(self) -> None:
        """Undo this level."""
        await self.session.one_task.run("rollback", self.sync_transaction.rollback)

    @property
    def connections(self) -> frozenset[AsyncConnection]:
        """The connections that this level has acquired so far (TX-85)."""
        return frozenset(map(async_connection, self.sync_transaction.connections))

    def bound_connection(
        self, bindkey: Any = None, *, bind: AsyncBind | None = None, **kw: Any
    ) -> AsyncConnection:
        """The acquired connection of a bind.

        Args:
            bindkey: What the bind is found by, as the first argument of `AsyncSession.get_bind`.
            bind: The bind itself.
            **kw: Further arguments of `AsyncSession.get_bind`.

        Raises:
            InvalidRequestError: This level has acquired none for that bind (TX-86).
        """
        if bind is not None:
            kw["bind"] = sync_side(bind)
        return async_connection(self.sync_transaction.bound_connection(bindkey, **kw))
