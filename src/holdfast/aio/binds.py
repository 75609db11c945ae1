"""Translate between engines and connections and their asyncio sides."""

from __future__ import annotations

from typing import TypeAlias

from sqlalchemy.engine import Connection, Engine

from holdfast.errors.aio import AsyncArgumentError, AsyncBindError, AsyncNotStartedError
from holdfast.foundation.sqlalchemy_asyncio import AsyncConnection, AsyncEngine
from holdfast.sessions.binds import Bind

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
            raise AsyncBindError.unknown(bind) from None


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
            raise AsyncNotStartedError.connection()
        return connection
    raise AsyncArgumentError.engine_expected(bind)
