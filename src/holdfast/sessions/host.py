"""This file describes a session as the files of this folder see it that `Session` is made of.

They are called by `Session` and call back, so they know it by this protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy.engine import Connection, Result
from sqlalchemy.sql import Executable

from holdfast.states.ports import SessionPort


class SessionHost(SessionPort, Protocol):
    """What the parts of a session may ask of it, and lower layers may not."""

    # The last `SessionTransaction` of the chain, and the last nested one.
    innermost: Any
    innermost_nested: Any
    is_flushing: bool
    is_writing: bool
    autoflush: bool
    expire_on_commit: bool
    twophase: bool
    join_transaction_mode: Any
    execution_options: Any
    # Gives the connection for a mapper and one object; None where one serves all of a mapper.
    connection_callable: Any
    # Set where an asyncio session works through this one.
    async_reference: Any

    def add(self, instance: object) -> None:
        """Bring an object into the session."""

    def autobegin(self, *, explicitly: bool = False) -> Any:
        """The innermost level of the transaction, begun when there is none."""

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what is new, changed and deleted."""

    @property
    def no_autoflush(self) -> AbstractContextManager[Any]:
        """A block without autoflush."""

    @property
    def get(self) -> Callable[..., Any]:
        """The object with a primary key, or None."""

    def get_bind(self, mapper: Any = None, *, clause: Any = None, **kw: Any) -> Any:
        """The engine or connection for a mapper or statement."""

    def connection_for_bind(
        self, bind: Any, execution_options: Mapping[str, Any] | None = None
    ) -> Connection:
        """The connection of the current transaction to an engine."""

    def execute_past(
        self,
        statement: Executable,
        params: Any,
        execution_options: Mapping[str, Any],
        bind_arguments: Mapping[str, Any],
        listeners: Sequence[Any],
    ) -> Result[Any]:
        """Run a statement past the listeners that saw it already."""

    def check_awaitable(self) -> None:
        """Raise where SQL would have to be awaited and nothing can be."""

    def remember_space(self, mapper: Any) -> None:
        """Let `get` find objects of a mapper without detours from now on."""
