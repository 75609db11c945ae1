"""What sessions of asyncio do is traced, watched, explained and viewed like that of others."""

import asyncio

import pytest
from sqlalchemy import select

from holdfast.diagnostics import explain, trace, view, watch_loads
from holdfast.errors import RepeatedLoadError, SessionArgumentError
from models.library import Author, Base, Book


@pytest.fixture
def sessions(tables, runner):
    make = tables(Base.metadata)

    async def fill():
        async with make.begin() as session:
            session.add_all([Author(name=name, books=[Book(title=name)]) for name in "abc"])

    runner.run(fill())
    return make


def steps(statements):
    """What was done, and for which line of this file."""
    return [(each.doing, each.place.source) for each in statements if each.sql != "BEGIN"]


async def test_lines_that_await_are_found(sessions, async_engine):
    async with sessions() as session:
        for target in (session, async_engine):
            with trace(target) as statements:
                authors = (await session.scalars(select(Author))).all()
                await session.refresh(authors[0], ["books"])
                authors[0].name += "x"
                await session.flush()

            refresh = 'await session.refresh(authors[0], ["books"])'
            assert steps(statements) == [
                ("scalars()", "authors = (await session.scalars(select(Author))).all()"),
                ("refresh()", refresh),
                ("lazy load of Author.books in refresh()", refresh),
                ("flush", "await session.flush()"),
            ]
            assert statements[-1].place.file == __file__


async def test_loads_that_repeat_are_found(sessions, async_engine):
    async def load(session):
        async for author in await session.stream_scalars(select(Author).order_by(Author.id)):
            await session.run_sync(lambda _, author=author: author.books)

    async with sessions() as session:
        with watch_loads(session) as loads:
            await load(session)
        (found,) = loads.repeated
        assert (found.attribute, found.times, found.place.file) == ("Author.books", 3, __file__)
        session.expunge_all()
        with pytest.raises(RepeatedLoadError), watch_loads(async_engine, limit=1):
            await load(session)


async def test_statement_that_nobody_waits_for_in_person_has_no_line(sessions):
    async with sessions() as session:
        with trace(session) as statements:
            await asyncio.create_task(session.scalars(select(Author)))

    assert statements[-1].place.file == ""
    assert str(statements[-1]).startswith("? ")


async def test_session_is_explained_and_viewed(sessions):
    async with sessions() as session:
        session.add(Author(name="new"))

        assert str(explain(session)) == "1. INSERT Author: <Author #1>"
        assert "new: <Author at" in view(session)


async def test_factory_is_refused_for_its_engine(sessions):
    with pytest.raises(SessionArgumentError, match="pass its engine"):
        watch_loads(sessions).__enter__()
