"""One asyncio session per task."""

import asyncio

import pytest
from sqlalchemy import event, exc, func, select

from holdfast.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
from models.library import Author, Base


@pytest.fixture
def sessions(tables):
    return async_scoped_session(tables(Base.metadata), scopefunc=asyncio.current_task)


@pytest.mark.rule("XT-111", "SC-120")
def test_scope_function_is_required(async_engine):
    with pytest.raises(TypeError, match="scopefunc"):
        async_scoped_session(async_sessionmaker(async_engine))


@pytest.mark.rule("SC-121")
async def test_each_task_has_a_session_of_its_own(sessions):
    async def work():
        found = sessions()
        assert sessions() is found
        await sessions.remove()
        return found

    first, second = await asyncio.gather(work(), work())

    assert first is not second
    assert isinstance(first, AsyncSession)
    assert sessions.registry.registry == {}


@pytest.mark.rule("SC-121")
async def test_session_of_a_task_that_ended_is_held_until_it_is_removed(sessions):
    async def work():
        return sessions()

    task = asyncio.create_task(work())
    found = await task

    assert sessions.registry.registry == {task: found}


@pytest.mark.rule("SC-120")
async def test_registry_stands_for_its_session(sessions, async_engine):
    ann = Author(id=1, name="Ann")
    async with sessions.begin():
        sessions.add(ann)
        assert ann in sessions
        assert {*sessions.new} == {ann}
        await sessions.flush()
        assert await sessions.scalar(select(func.count(Author.id))) == 1

    assert await sessions.get(Author, 1) is ann
    assert [each async for each in await sessions.stream_scalars(select(Author))] == [ann]
    assert sessions.bind is async_engine
    assert sessions.get_async_bind() is async_engine
    sessions.autoflush = False
    assert not sessions().autoflush
    await sessions.delete(ann)
    await sessions.rollback()
    await sessions.close()
    assert list(sessions) == []


@pytest.mark.rule("SC-120")
async def test_remove_is_awaited_and_rolls_back(sessions):
    session = sessions()
    session.add(Author(id=1, name="Ann"))
    await session.flush()

    await sessions.remove()
    await sessions.remove()

    assert not session.in_transaction()
    assert sessions() is not session
    assert await sessions.get(Author, 1) is None


@pytest.mark.rule("SC-120")
async def test_arguments_are_for_making_the_session(sessions):
    session = sessions(autoflush=False)
    assert not session.autoflush

    with pytest.raises(exc.InvalidRequestError, match="already present"):
        sessions(autoflush=True)
    with pytest.warns(exc.SAWarning, match="already present"):
        sessions.configure(autoflush=True)


@pytest.mark.rule("SC-120")
def test_registry_has_every_method_and_attribute_of_its_sessions():
    elsewhere = {
        "bind_mapper",
        "bind_table",
        "get_nested_transaction",
        "get_transaction",
        "in_nested_transaction",
        "in_transaction",
        "run_sync",
        "sync_session_class",
    }
    public = {name for name in dir(AsyncSession) if not name.startswith("_")}

    assert {name for name in public if not hasattr(async_scoped_session, name)} == elsewhere


def test_registry_takes_no_listeners(sessions):
    with pytest.raises(NotImplementedError, match="async-events"):
        event.listen(sessions, "before_commit", print)
