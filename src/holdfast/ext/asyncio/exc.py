"""Offer the exceptions of asyncio sessions and engines, as `sqlalchemy.ext.asyncio.exc` does."""

from holdfast.foundation.sqlalchemy_asyncio import (
    AsyncBindNotFound,
    AsyncContextAlreadyStarted,
    AsyncContextNotStarted,
    AsyncMethodRequired,
)

__all__ = [
    "AsyncBindNotFound",
    "AsyncContextAlreadyStarted",
    "AsyncContextNotStarted",
    "AsyncMethodRequired",
]
