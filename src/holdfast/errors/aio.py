"""Define the errors of asyncio sessions.

`holdfast.errors` does not import this file, since its bases come from Core's asyncio modules;
`holdfast.ext.asyncio` offers them.
"""

from __future__ import annotations

from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError
from holdfast.foundation.sqlalchemy_asyncio import (
    AsyncBindNotFound,
    AsyncContextAlreadyStarted,
    AsyncContextNotStarted,
    AsyncMethodRequired,
)


class MissingLibraryError(HoldfastError, ImportError):
    """A library is not installed that this part of Holdfast needs."""

    @classmethod
    def greenlet(cls) -> Self:
        """`holdfast.ext.asyncio` is imported without the library greenlet (XT-100)."""
        return cls.compose(
            "Asyncio sessions cannot be imported: they need the library 'greenlet', which is not "
            "installed. Install holdfast[asyncio]. [needs-greenlet]"
        )


class ConcurrentUseError(HoldfastError, exc.IllegalStateChangeError):
    """Two tasks use one session at the same time."""

    @classmethod
    def by(cls, method: str, task: str, running: str, other: str) -> Self:
        """A task calls an asyncio session that awaits the database for another task (VC-86)."""
        return cls.compose(
            f"Method '{method}()' can't be called here; method '{running}()' is already in "
            f"progress. Task {task!r} uses the AsyncSession that awaits the database for task "
            f"{other!r}. Give each task an AsyncSession of its own. [async-concurrent-use]",
            method=method,
            running=running,
        )


class AsyncBindError(HoldfastError, AsyncBindNotFound):
    """An engine or connection has no asyncio side that the session knows of."""

    @classmethod
    def unknown(cls, bind: Any) -> Self:
        """The synchronous session names a bind that the asyncio session was not given (XT-106)."""
        return cls.compose(
            f"Can't translate bind {bind}: this AsyncSession was not given its asyncio side. Pass "
            "it as bind or in binds. [async-bind]",
            bind=bind,
        )


class AsyncArgumentError(HoldfastError, exc.ArgumentError):
    """An asyncio session was given something of the synchronous kind."""

    @classmethod
    def engine_expected(cls, given: Any) -> Self:
        """A synchronous engine or connection."""
        return cls.compose(
            f"AsyncEngine expected, got {given}. Make the engine with create_async_engine(). "
            "[async-engine]"
        )


class AsyncMethodError(HoldfastError, AsyncMethodRequired):
    """A result would have to be awaited while it is read."""

    @classmethod
    def server_side(cls, method: str) -> Self:
        """`execute()` with a server-side cursor."""
        return cls.compose(
            f"Can't use the AsyncSession.{method}() method with a server-side cursor. Use the "
            "AsyncSession.stream() method for an async streaming result set. [async-stream]"
        )


class AsyncNotStartedError(HoldfastError, AsyncContextNotStarted):
    """Something is used before it was awaited or entered."""

    @classmethod
    def transaction(cls) -> Self:
        """A transaction that was not begun (XT-110)."""
        return cls.compose(
            "AsyncSessionTransaction context has not been started and object has not been "
            "awaited. Write `await session.begin()` or `async with session.begin():`. "
            "[async-not-started]"
        )

    @classmethod
    def connection(cls) -> Self:
        """A connection that was not opened is given to a session."""
        return cls.compose(
            "AsyncConnection context has not been started and object has not been awaited. Write "
            "`await engine.connect()` or `async with engine.connect() as connection:`. "
            "[async-not-started]"
        )


class AsyncStartedError(HoldfastError, AsyncContextAlreadyStarted):
    """Something is awaited or entered for a second time."""

    @classmethod
    def transaction(cls) -> Self:
        """A transaction that is begun already."""
        return cls.compose(
            "This AsyncSessionTransaction is started already. Call session.begin() for another "
            "one. [async-started]"
        )
