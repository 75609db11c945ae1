"""What sessions of asyncio give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_type

from authors import Author
from sqlalchemy import CursorResult, Result, ScalarResult, insert, select, update

from holdfast import Session
from holdfast.ext.asyncio import (
    AsyncEngine,
    AsyncResult,
    AsyncScalarResult,
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
)


async def reading(session: AsyncSession) -> None:
    assert_type(await session.get(Author, 5), Author | None)
    assert_type(await session.get_one(Author, 5), Author)
    assert_type(await session.execute(select(Author.id, Author.name)), Result[int, str])
    assert_type(await session.scalars(select(Author)), ScalarResult[Author])
    assert_type((await session.scalars(select(Author))).all(), Sequence[Author])
    assert_type(await session.scalar(select(Author.name)), str | None)
    assert_type(await session.stream(select(Author)), AsyncResult[Author])
    assert_type(await session.stream_scalars(select(Author.id)), AsyncScalarResult[int])
    async for author in await session.stream_scalars(select(Author)):
        assert_type(author, Author)


async def writing(session: AsyncSession, author: Author) -> None:
    session.add(author)
    assert_type(await session.merge(author), Author)
    changed = await session.execute(update(Author).values(name="x"))
    assert_type(changed, CursorResult[*tuple[Any, ...]])
    assert_type(await session.scalar(insert(Author).returning(Author.id)), int | None)
    async with session.begin_nested():
        await session.flush()
    await session.commit()


async def run_in_a_thread_of_calls(session: AsyncSession) -> None:
    def load(sync: Session, name: str) -> Author | None:
        return sync.scalars(select(Author).where(Author.name == name)).first()

    assert_type(await session.run_sync(load, "x"), Author | None)


async def makers(engine: AsyncEngine) -> None:
    make = async_sessionmaker(engine, expire_on_commit=False)
    assert_type(make, async_sessionmaker[AsyncSession])
    async with make() as session:
        assert_type(session, AsyncSession)
    async with make.begin() as begun:
        assert_type(begun, AsyncSession)
    scope = async_scoped_session(make, scopefunc=lambda: 5)
    assert_type(scope(), AsyncSession)
    assert_type(await scope.get(Author, 5), Author | None)
    assert_type((await scope.scalars(select(Author))).one(), Author)
