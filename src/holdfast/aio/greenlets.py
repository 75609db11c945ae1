"""Call functions where the driver may be awaited, and see things through that must not stop.

Importing this file needs greenlet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from holdfast.errors.aio import ConcurrentUseError, MissingLibraryError
from holdfast.foundation.sqlalchemy_asyncio import greenlet_spawn

try:
    import greenlet  # type: ignore[import-untyped]  # noqa: F401  Core imports it when needed
except ImportError as _missing:
    raise MissingLibraryError.greenlet() from _missing

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
            raise ConcurrentUseError.by(method, self.method, _name_of(task), _name_of(self.task))
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
