"""Let attributes of objects be awaited, so that they may load."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from holdfast.aio.session import async_object_session
from holdfast.foundation.sqlalchemy_asyncio import greenlet_spawn


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
