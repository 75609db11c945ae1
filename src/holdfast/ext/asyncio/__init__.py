"""Offer sessions and engines that are awaited, as `sqlalchemy.ext.asyncio` does.

Importing it needs greenlet: install `holdfast[asyncio]`.

- `exc`: what they raise
"""

from holdfast.aio.factories import AsyncAttrs, async_scoped_session, async_sessionmaker
from holdfast.aio.greenlets import AsyncSessionTransaction
from holdfast.aio.session import (
    AsyncSession,
    async_object_session,
    async_session,
    close_all_sessions,
)
from holdfast.foundation.sqlalchemy_asyncio import (
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

__all__ = [
    "AsyncAttrs",
    "AsyncConnection",
    "AsyncEngine",
    "AsyncMappingResult",
    "AsyncResult",
    "AsyncScalarResult",
    "AsyncSession",
    "AsyncSessionTransaction",
    "AsyncTransaction",
    "AsyncTupleResult",
    "async_engine_from_config",
    "async_object_session",
    "async_scoped_session",
    "async_session",
    "async_sessionmaker",
    "close_all_sessions",
    "create_async_engine",
    "create_async_pool_from_url",
]
