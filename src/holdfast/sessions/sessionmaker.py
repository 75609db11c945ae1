"""This file defines `sessionmaker`, the factory of sessions that share arguments.

What it has in common with the factory of asyncio sessions is `SessionFactory`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import singledispatch
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from holdfast.sessions.binds import Bind
from holdfast.sessions.session import Session, SessionClassMethods

AnySession = TypeVar("AnySession")
S = TypeVar("S", bound=Session)


@singledispatch
@contextmanager
def in_one_transaction(session: Any) -> Iterator[Any]:
    """A block in a transaction of a session, which is closed at the end.

    The block of an asyncio session is an asyncio block.
    """
    with session, session.begin():
        yield session


class SessionFactory(SessionClassMethods, Generic[AnySession]):
    """Makes sessions of any kind with the same arguments."""

    def __init__(
        self, class_: type[Any], info: dict[Any, Any] | None, arguments: dict[str, Any]
    ) -> None:
        self.kw: dict[str, Any] = arguments
        if info is not None:
            self.kw["info"] = info
        self.class_: type[Any] = type(class_.__name__, (class_,), {})

    def __call__(self, **local_kw: Any) -> AnySession:
        """A new session; the arguments given here win over the stored ones."""
        arguments = {**self.kw, **local_kw}
        stored = self.kw.get("info")
        given = local_kw.get("info")
        if stored is not None and given is not None:
            arguments["info"] = {**stored, **given}
        session: AnySession = self.class_(**arguments)
        return session

    def configure(self, **new_kw: Any) -> None:
        """Change the stored arguments, for sessions made from now on (SB-33)."""
        self.kw.update(new_kw)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.kw.items())
        return f"{type(self).__name__}(class_={self.class_.__name__!r}, {arguments})"


class sessionmaker(SessionFactory[S]):  # noqa: N801  public name
    """Makes sessions with the same arguments.

    Example:
        >>> make = sessionmaker(engine, expire_on_commit=False)
        >>> with make.begin() as session:
        ...     session.add(Book(title="Ice"))
    """

    if TYPE_CHECKING:

        @overload
        def __init__(
            self, bind: Bind | None = None, *, class_: type[S], **arguments: Any
        ) -> None: ...

        @overload
        def __init__(
            self: sessionmaker[Session], bind: Bind | None = None, **arguments: Any
        ) -> None: ...

    def __init__(
        self,
        bind: Bind | None = None,
        *,
        class_: type[Any] = Session,
        autoflush: bool = True,
        expire_on_commit: bool = True,
        info: dict[Any, Any] | None = None,
        **kw: Any,
    ) -> None:
        """Store the arguments.

        Args:
            bind: Engine or connection of the sessions.
            class_: Their class; listeners of the factory get a subclass of their own (SB-37).
            autoflush: As in `Session`.
            expire_on_commit: As in `Session`.
            info: As in `Session`; merged with what a call gives.
            **kw: Further arguments of the class.
        """
        kw |= {"bind": bind, "autoflush": autoflush, "expire_on_commit": expire_on_commit}
        super().__init__(class_, info, kw)

    def begin(self) -> AbstractContextManager[S]:
        """A new session in a transaction: committed or rolled back, and closed, at the end."""
        found: AbstractContextManager[S] = in_one_transaction(self())
        return found
