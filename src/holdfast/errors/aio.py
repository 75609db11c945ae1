"""Define the errors of asyncio sessions.

`holdfast.errors` asks this file last, since its bases come from Core's asyncio modules;
`holdfast.ext.asyncio` offers the classes.
"""

from __future__ import annotations

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError, cause
from holdfast.foundation.sqlalchemy_asyncio import (
    AsyncBindNotFound,
    AsyncContextAlreadyStarted,
    AsyncContextNotStarted,
    AsyncMethodRequired,
)


class MissingLibraryError(HoldfastError, ImportError):
    """A library is not installed that this part of Holdfast needs."""

    greenlet: cause = cause(
        "Asyncio sessions cannot be imported: they need the library 'greenlet', which is not "
        "installed. Install holdfast[asyncio]. [needs-greenlet]"
    )


class ConcurrentUseError(HoldfastError, exc.IllegalStateChangeError):
    """Two tasks use one session at the same time."""

    by: cause = cause(
        "Method '{method}()' can't be called here; method '{running}()' is already in progress. "
        "Task {task!r} uses the AsyncSession that awaits the database for task {other!r}. Give "
        "each task an AsyncSession of its own. [async-concurrent-use]",
        "method",
        "running",
    )


class AsyncBindError(HoldfastError, AsyncBindNotFound):
    """An engine or connection has no asyncio side that the session knows of."""

    unknown: cause = cause(
        "Can't translate bind {bind}: this AsyncSession was not given its asyncio side. Pass it "
        "as bind or in binds. [async-bind]",
        "bind",
    )


class AsyncArgumentError(HoldfastError, exc.ArgumentError):
    """An asyncio session was given something of the synchronous kind."""

    engine_expected: cause = cause(
        "AsyncEngine expected, got {given}. Make the engine with create_async_engine(). "
        "[async-engine]"
    )


class AsyncMethodError(HoldfastError, AsyncMethodRequired):
    """A result would have to be awaited while it is read."""

    server_side: cause = cause(
        "Can't use the AsyncSession.{method}() method with a server-side cursor. Use the "
        "AsyncSession.stream() method for an async streaming result set. [async-stream]"
    )


class AsyncNotStartedError(HoldfastError, AsyncContextNotStarted):
    """Something is used before it was awaited or entered."""

    transaction: cause = cause(
        "AsyncSessionTransaction context has not been started and object has not been awaited. "
        "Write `await session.begin()` or `async with session.begin():`. [async-not-started]"
    )
    connection: cause = cause(
        "AsyncConnection context has not been started and object has not been awaited. Write "
        "`await engine.connect()` or `async with engine.connect() as connection:`. "
        "[async-not-started]"
    )


class AsyncStartedError(HoldfastError, AsyncContextAlreadyStarted):
    """Something is awaited or entered for a second time."""

    transaction: cause = cause(
        "This AsyncSessionTransaction is started already. Call session.begin() for another one. "
        "[async-started]"
    )
