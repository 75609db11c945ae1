"""Asyncio sessions."""

from __future__ import annotations

from typing import assert_type

from authors import Author
from sqlalchemy import Result, ScalarResult, select

from holdfast import Session
from holdfast.ext.asyncio import (
    AsyncConnection,
    AsyncResult,
    AsyncScalarResult,
    AsyncSession,
    AsyncSessionTransaction,
    async_object_session,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)


class Ours(AsyncSession):
    pass


def count(session: Session, start: int) -> int:
    return start


async def makers() -> None:
    engine = create_async_engine("sqlite+aiosqlite://")
    make = async_sessionmaker(engine, expire_on_commit=False)
    assert_type(make, async_sessionmaker[AsyncSession])
    assert_type(async_sessionmaker(engine, class_=Ours)(), Ours)
    async with make() as session, session.begin() as transaction:
        assert_type(session, AsyncSession)
        assert_type(transaction, AsyncSessionTransaction)
    async with make.begin() as session:
        assert_type(session, AsyncSession)


async def reading(session: AsyncSession, author: Author) -> None:
    assert_type(await session.get(Author, 1), Author | None)
    assert_type(await session.get_one(Author, 1), Author)
    assert_type(await session.execute(select(Author.id, Author.name)), Result[int, str])
    assert_type(await session.scalars(select(Author)), ScalarResult[Author])
    assert_type(await session.scalar(select(Author.name)), str | None)
    assert_type(await session.stream(select(Author.id, Author.name)), AsyncResult[int, str])
    assert_type(await session.stream_scalars(select(Author)), AsyncScalarResult[Author])
    assert_type(await session.merge(author), Author)
    assert_type(await session.run_sync(count, 3), int)
    assert_type(await session.connection(), AsyncConnection)
    assert_type(async_object_session(author), AsyncSession | None)


async def scopes(make: async_sessionmaker[AsyncSession]) -> None:
    scope = async_scoped_session(make, scopefunc=lambda: 1)
    assert_type(scope(), AsyncSession)
    assert_type(await scope.scalars(select(Author)), ScalarResult[Author])
    await scope.remove()
