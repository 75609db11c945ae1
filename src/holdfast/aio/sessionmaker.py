"""This file defines `async_sessionmaker`, the factory of asyncio sessions that share arguments."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar, overload

from holdfast.aio.binds import AsyncBind
from holdfast.aio.session import AsyncSession
from holdfast.sessions.sessionmaker import SessionFactory, in_one_transaction

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
