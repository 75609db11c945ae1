"""The second door to Core: what it offers for asyncio, which `import holdfast` does not import.

SQLAlchemy keeps its asynchronous engine and results in `sqlalchemy.ext.asyncio`, whose `__init__`
imports `sqlalchemy.orm` too. Their own modules do not, so these are imported past it. They stay in
`sys.modules`: a program that imports the package by itself gets the same classes.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection
from sqlalchemy.util.concurrency import greenlet_spawn

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import (  # for the type checker alone
        AsyncConnection,
        AsyncEngine,
        AsyncMappingResult,
        AsyncResult,
        AsyncScalarResult,
        AsyncTransaction,
        AsyncTupleResult,
        async_engine_from_config,
        create_async_engine,
        create_async_pool_from_url,
    )
    from sqlalchemy.ext.asyncio.exc import (
        AsyncBindNotFound,
        AsyncContextAlreadyStarted,
        AsyncContextNotStarted,
        AsyncMethodRequired,
    )

__all__ = [
    "AsyncBindNotFound",
    "AsyncConnection",
    "AsyncContextAlreadyStarted",
    "AsyncContextNotStarted",
    "AsyncEngine",
    "AsyncMappingResult",
    "AsyncMethodRequired",
    "AsyncResult",
    "AsyncScalarResult",
    "AsyncTransaction",
    "AsyncTupleResult",
    "async_connection",
    "async_engine_from_config",
    "create_async_engine",
    "create_async_pool_from_url",
    "greenlet_spawn",
    "reads_from_server",
]

PACKAGE = "sqlalchemy.ext.asyncio"


def _import_past_the_package(*names: str) -> dict[str, Any]:
    """What is in some modules of the package, whose `__init__` does not run."""
    is_imported = PACKAGE in sys.modules
    if not is_imported:
        spec: Any = find_spec(PACKAGE)
        sys.modules[PACKAGE] = module_from_spec(spec)
    found: dict[str, Any] = {}
    try:
        for name in names:
            found.update(vars(import_module(f"{PACKAGE}.{name}")))
    finally:
        if not is_imported:
            del sys.modules[PACKAGE]
    return found


if not TYPE_CHECKING:
    _found = _import_past_the_package("engine", "result", "exc")
    globals().update((name, _found[name]) for name in __all__ if name in _found)


def async_connection(connection: Connection) -> AsyncConnection:
    """The asyncio side of a connection; the same one each time, as long as somebody holds it."""
    found: AsyncConnection = AsyncConnection._retrieve_proxy_for_target(connection)
    return found


def reads_from_server(result: Any) -> bool:
    """Whether the rows of a result, of cursors or of objects, come in portions from the server."""
    context = getattr(getattr(result, "raw", None) or result, "context", None)
    return context is not None and bool(context._is_server_side)
