"""Make asyncio sessions, and attributes that can be awaited."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar, overload

from holdfast.aio.greenlets import AsyncBind
from holdfast.aio.session import AsyncSession, async_object_session
from holdfast.foundation.sqlalchemy_asyncio import greenlet_spawn
from holdfast.foundation.sqlalchemy_core import ScopedRegistry
from holdfast.sessions.factories import (
    SessionFactory,
    SessionRegistry,
    forward_attributes,
    forward_methods,
    in_one_transaction,
)

# ------------------------------------------------------------------------------
# Define `async_sessionmaker`, the factory of asyncio sessions that share arguments.

S = TypeVar("S", bound=AsyncSession)


@in_one_transaction.register(AsyncSession)
@asynccontextmanager
async def in_one_async_transaction(session: AsyncSession) -> AsyncIterator[AsyncSession]:
    """A block in a transaction of an asyncio session, which is closed at the end."""
    async with session, session.begin():
        yield session


class async_sessionmaker(SessionFactory[S]):  # noqa: N801  public name
    """Makes asyncio sessions with the same arguments.

    Example:
        >>> make = async_sessionmaker(engine, expire_on_commit=False)
        >>> async with make.begin() as session:
        ...     session.add(Book(title="Ice"))
    """

    if TYPE_CHECKING:

        @overload
        def __init__(
            self, bind: AsyncBind | None = None, *, class_: type[S], **arguments: Any
        ) -> None: ...

        @overload
        def __init__(
            self: async_sessionmaker[AsyncSession],
            bind: AsyncBind | None = None,
            **arguments: Any,
        ) -> None: ...

    def __init__(
        self,
        bind: AsyncBind | None = None,
        *,
        class_: type[Any] = AsyncSession,
        autoflush: bool = True,
        expire_on_commit: bool = True,
        info: dict[Any, Any] | None = None,
        **kw: Any,
    ) -> None:
        """Store the arguments.

        Args:
            bind: Asyncio engine or connection of the sessions.
            class_: Their class.
            autoflush: As in `Session`.
            expire_on_commit: As in `Session`.
            info: As in `Session`; merged with what a call gives.
            **kw: Further arguments of the class.
        """
        kw |= {"bind": bind, "autoflush": autoflush, "expire_on_commit": expire_on_commit}
        super().__init__(class_, info, kw)

    def begin(self) -> AbstractAsyncContextManager[S]:
        """A new session in a transaction: committed or rolled back, and closed, at the end."""
        block: Any = in_one_transaction(self())
        found: AbstractAsyncContextManager[S] = block
        return found


# ------------------------------------------------------------------------------
# Define `async_scoped_session`: one asyncio session per task, or per another scope.
#
# Its methods and attributes are made from those of `AsyncSession`.

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


# ------------------------------------------------------------------------------
# Let attributes of objects be awaited, so that they may load.


class AwaitableAttributes:
    """The attributes of one object, each as an awaitable."""

    __slots__ = ("_instance",)

    def __init__(self, instance: object) -> None:
        self._instance: Any = instance

    def __getattr__(self, name: str) -> Awaitable[Any]:
        session = async_object_session(self._instance)
        if session is None:
            return greenlet_spawn(getattr, self._instance, name)
        return session.one_task.run(f"awaitable_attrs.{name}", getattr, self._instance, name)


class AsyncAttrs:
    """Mixed into mapped classes: `await obj.awaitable_attrs.name` may load (XT-105).

    Example:
        >>> class Base(AsyncAttrs, DeclarativeBase): ...
        >>> books = await author.awaitable_attrs.books
    """

    @property
    def awaitable_attrs(self) -> AwaitableAttributes:
        """The attributes of this object, to be awaited."""
        return AwaitableAttributes(self)
