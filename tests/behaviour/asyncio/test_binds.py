"""Engines and connections of asyncio sessions, and their ordinary sides."""

import pytest
from sqlalchemy import create_engine, exc, select

from holdfast import Session
from holdfast.ext.asyncio import (
    AsyncSession,
    create_async_engine,
)
from holdfast.ext.asyncio.exc import AsyncBindNotFound, AsyncContextNotStarted
from models.library import Author, Base, Book


@pytest.fixture
def engines(runner):
    made = [create_async_engine("sqlite+aiosqlite://") for _ in range(3)]
    yield made
    for engine in made:
        runner.run(engine.dispose())


@pytest.mark.rule("XT-106")
def test_binds_are_those_of_asyncio(engines):
    one, two, three = engines

    session = AsyncSession(one, binds={Author: two})

    assert session.bind is one
    assert session.sync_session.bind is one.sync_engine
    assert session.binds == {Author: two, Author.__table__: two}
    assert session.sync_session.binds[Author] is two.sync_engine
    session.bind = three
    assert session.bind is three
    assert session.sync_session.bind is three.sync_engine


@pytest.mark.rule("XT-106")
def test_bind_is_found_on_both_sides(engines):
    one, two, three = engines
    session = AsyncSession(one)

    session.bind_mapper(Author, two)
    session.bind_table(Book.__table__, three)

    assert session.get_bind(Author) is two.sync_engine
    assert session.get_async_bind(Author) is two
    assert session.get_async_bind(clause=select(Book)) is three
    assert session.get_async_bind() is one
    assert session.get_bind(bind=two.sync_engine) is two.sync_engine


@pytest.mark.rule("XT-106")
def test_bind_that_is_given_is_given_back(engines):
    one, two, _ = engines

    assert AsyncSession(one).get_async_bind(bind=two) is two


@pytest.mark.rule("XT-106")
def test_bind_unknown_on_the_asyncio_side_raises(engines):
    one, two, _ = engines
    session = AsyncSession(one)
    session.sync_session.bind = two.sync_engine

    with pytest.raises(AsyncBindNotFound, match=r"Can't translate bind Engine.*\[async-bind\]"):
        session.bind
    with pytest.raises(AsyncBindNotFound):
        session.get_async_bind(Author)


@pytest.mark.rule("XT-106")
def test_bind_that_the_ordinary_session_chooses_is_translated(engines):
    one, two, _ = engines

    class Routing(Session):
        def get_bind(self, mapper=None, **kw):
            return two.sync_engine

    assert AsyncSession(one, binds={Book: two}, sync_session_class=Routing).get_async_bind() is two
    with pytest.raises(AsyncBindNotFound):
        AsyncSession(one, sync_session_class=Routing).get_async_bind()


@pytest.mark.rule("XT-106")
def test_ordinary_engine_is_refused():
    with pytest.raises(exc.ArgumentError, match=r"AsyncEngine expected, got Engine.*\[async-eng"):
        AsyncSession(create_engine("sqlite://"))


@pytest.mark.rule("XT-106")
async def test_connection_is_a_bind_once_it_is_open(async_engine):
    with pytest.raises(AsyncContextNotStarted, match=r"\[async-not-started\]"):
        AsyncSession(async_engine.connect())

    async with async_engine.connect() as connection, AsyncSession(connection) as session:
        assert session.bind is connection
        assert await session.connection() is connection
        assert session.get_async_bind() is connection


@pytest.fixture
def make(tables):
    return tables(Base.metadata)


async def test_session_joins_a_transaction_begun_outside(make, async_engine):
    async with async_engine.connect() as connection:
        outer = await connection.begin()
        async with make(bind=connection) as session:
            session.add(Author(id=1, name="Ann"))
            await session.commit()
        assert connection.in_transaction()
        await outer.rollback()

    async with make() as session:
        assert await session.get(Author, 1) is None
