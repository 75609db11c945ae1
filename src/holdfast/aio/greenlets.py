"""Run a session inside a greenlet, and find the engines it awaits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Self, TypeAlias, TypeVar

from sqlalchemy.engine import Connection, Engine

from holdfast import errors
from holdfast.foundation.sqlalchemy_asyncio import (
    AsyncConnection,
    AsyncEngine,
    async_connection,
    greenlet_spawn,
)
from holdfast.sessions.execution import Bind
from holdfast.sessions.transaction import SessionTransaction

# ------------------------------------------------------------------------------
# Call functions where the driver may be awaited, and see things through that must not stop.
#
# Importing this file needs greenlet.

try:
    import greenlet  # type: ignore[import-untyped]  # noqa: F401  Core imports it when needed
except ImportError as _missing:
    raise errors.MissingLibraryError.greenlet() from _missing

T = TypeVar("T")


class OneTask:
    """Sees to it that one task at a time works with a session (VC-86)."""

    __slots__ = ("ended", "method", "task")

    def __init__(self) -> None:
        # The task that awaits the database, if one does, and the method that it has called.
        self.task: asyncio.Task[Any] | None = None
        self.method: str = ""
        # Done when that call has ended; made when somebody waits for it.
        self.ended: asyncio.Future[None] | None = None

    async def run(
        self, method: str, function: Callable[..., T], *arguments: Any, **keywords: Any
    ) -> T:
        """Call a synchronous function, and await what its SQL waits for.

        Args:
            method: What the application has called.
            function: Called with all further arguments.
            *arguments: See above.
            **keywords: See above.

        Raises:
            IllegalStateChangeError: Another task does so at this moment.
        """
        task, outer = asyncio.current_task(), (self.task, self.method)
        if self.task is not None and self.task is not task:
            raise errors.ConcurrentUseError.by(
                method, self.method, _name_of(task), _name_of(self.task)
            )
        self.task, self.method = task, method
        try:
            return await greenlet_spawn(function, *arguments, **keywords)
        finally:
            self.task, self.method = outer
            if self.task is None and self.ended is not None:
                self.ended.set_result(None)
                self.ended = None

    async def wait(self) -> None:
        """Wait until no other task works with the session: what cleans up must not fail."""
        while self.task is not None and self.task is not asyncio.current_task():
            if self.ended is None:
                self.ended = asyncio.get_running_loop().create_future()
            await asyncio.shield(self.ended)


def _name_of(task: asyncio.Task[Any] | None) -> str:
    return "?" if task is None else task.get_name()


async def run_to_completion(work: Coroutine[Any, Any, T]) -> T:
    """Await `work` to its end, also when the present task is cancelled meanwhile (XT-112).

    Raises:
        CancelledError: It was cancelled; now it may end.
    """
    inner = asyncio.ensure_future(work)
    cancellation: asyncio.CancelledError | None = None
    while not inner.done():
        try:
            await asyncio.wait((inner,))
        except asyncio.CancelledError as caught:
            cancellation = caught
    if cancellation is None:
        return inner.result()
    if not inner.cancelled() and inner.exception() is not None:
        cancellation.__context__ = inner.exception()
    raise cancellation


# ------------------------------------------------------------------------------
# Translate between engines and connections and their asyncio sides.

AsyncBind: TypeAlias = AsyncEngine | AsyncConnection


class KnownBinds:
    """The binds that one session was given, by their synchronous side."""

    __slots__ = ("by_sync",)

    def __init__(self) -> None:
        self.by_sync: dict[Bind, AsyncBind] = {}

    def enter(self, bind: AsyncBind) -> Bind:
        """The synchronous side of a bind, which is known from now on."""
        inner = sync_side(bind)
        self.by_sync[inner] = bind
        return inner

    def async_side(self, bind: Bind) -> AsyncBind:
        """The asyncio side of a known bind (XT-106).

        Raises:
            AsyncBindNotFound: The session was not given it.
        """
        try:
            return self.by_sync[bind]
        except KeyError:
            raise errors.AsyncBindError.unknown(bind) from None


def sync_side(bind: AsyncBind) -> Bind:
    """The engine or connection behind an asyncio one.

    Raises:
        ArgumentError: `bind` is something else.
        AsyncContextNotStarted: It is a connection that is not open yet.
    """
    if isinstance(bind, AsyncEngine):
        engine: Engine = bind.sync_engine
        return engine
    if isinstance(bind, AsyncConnection):
        connection: Connection | None = bind.sync_connection
        if connection is None:
            raise errors.AsyncNotStartedError.connection()
        return connection
    raise errors.AsyncArgumentError.engine_expected(bind)


# ------------------------------------------------------------------------------
# Define `AsyncSessionTransaction`: what `AsyncSession.begin()` returns.
#
# It is begun when it is awaited or entered, not when it is made (XT-110).

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
            raise errors.AsyncNotStartedError.transaction()
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
            raise errors.AsyncStartedError.transaction()
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
