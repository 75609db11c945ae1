"""This file defines `async_scoped_session`: one asyncio session per task, or per another scope.

Its methods and attributes are made from those of `AsyncSession`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

from holdfast.aio.session import AsyncSession
from holdfast.foundation.sqlalchemy_core import ScopedRegistry
from holdfast.sessions.scoped import SessionRegistry, forward_attributes, forward_methods

S = TypeVar("S", bound=AsyncSession)

OBJECTS = ("add", "add_all", "delete", "delete_all", "expunge", "expunge_all", "is_modified")
VALUES = ("expire", "expire_all", "flush", "merge", "merge_all", "refresh")
READS = ("execute", "get", "get_one", "scalar", "scalars", "stream", "stream_scalars")
LEVELS = ("begin", "begin_nested", "commit", "connection", "rollback")
ENDS = ("aclose", "close", "invalidate", "reset")
BINDS = ("get_async_bind", "get_bind")
METHODS = (*OBJECTS, *VALUES, *READS, *LEVELS, *ENDS, *BINDS)
"""Methods of `AsyncSession` that the registry has too (SC-120)."""

SETS = ("deleted", "dirty", "identity_map", "new")
SETTINGS = ("binds", "execution_options", "info", "is_active", "no_autoflush")
ASSIGNABLE = ("autoflush", "bind")
ATTRIBUTES = (*SETS, *SETTINGS, *ASSIGNABLE)


if TYPE_CHECKING:
    # Type checkers see the methods that are generated below as those of the session.
    Forwarded: TypeAlias = AsyncSession
else:
    Forwarded = object


class async_scoped_session(SessionRegistry[S], Forwarded):  # noqa: N801  public name
    """A registry that makes one asyncio session per scope and stands for it.

    Example:
        >>> sessions = async_scoped_session(async_sessionmaker(engine), asyncio.current_task)
        >>> sessions.add(Book(title="Ice"))
        >>> await sessions.commit()
        >>> await sessions.remove()
    """

    _support_async: ClassVar[bool] = True

    def __init__(self, session_factory: Callable[..., S], scopefunc: Callable[[], Any]) -> None:
        """Make an empty registry.

        Args:
            session_factory: Makes the sessions, mostly an `async_sessionmaker`.
            scopefunc: Names the present scope, mostly `asyncio.current_task` (XT-111). A scope is
                held until `remove()` is called in it (SC-121).
        """
        super().__init__(session_factory, ScopedRegistry(session_factory, scopefunc))

    async def remove(self) -> None:
        """Close the scope's session, if any, and forget it (SC-120)."""
        if self.registry.has():
            await self.registry().close()
        self.registry.clear()

    @classmethod
    async def close_all(cls) -> None:
        """Deprecated: use `close_all_sessions()`."""
        await AsyncSession.close_all()


forward_methods(async_scoped_session, AsyncSession, METHODS)
forward_attributes(async_scoped_session, ATTRIBUTES, assignable=ASSIGNABLE)
