"""An asyncio session: what is awaited, what comes back, and how it begins and ends."""

import asyncio
import sys
from importlib import import_module

import pytest
from sqlalchemy import event, exc, func, inspect, select, text
from sqlalchemy.util import await_only

from holdfast import Session, joinedload, selectinload, sessionmaker
from holdfast.errors import OutsideGreenletError
from holdfast.errors.aio import ConcurrentUseError
from holdfast.ext.asyncio import (
    AsyncResult,
    AsyncSession,
    async_object_session,
    async_session,
    close_all_sessions,
)
from holdfast.ext.asyncio.exc import (
    AsyncContextAlreadyStarted,
    AsyncContextNotStarted,
    AsyncMethodRequired,
)
from models.library import Author, Base, Book, Tag


@pytest.fixture
def sessions(tables, runner):
    make = tables(Base.metadata)

    async def fill():
        async with make.begin() as session:
            tags = {Tag(id=1, name="sea"), Tag(id=2, name="ice")}
            session.add(Author(id=1, name="Ann", books=[Book(id=1, title="Fog", tags=tags)]))
            session.add(Author(id=2, name="Bob"))

    runner.run(fill())
    return make


# -- what it is made of ----------------------------------------------------------------------------


@pytest.mark.rule("XT-100")
async def test_session_runs_an_ordinary_one(sessions, sql):
    async with sessions() as session:
        assert type(session.sync_session) is Session
        ann = await session.get(Author, 1)

        assert ann in session
        assert ann in session.sync_session
        assert list(session) == [ann]
        assert session.identity_map is session.sync_session.identity_map
    assert len(sql) == 1


@pytest.mark.rule("XT-100")
def test_import_without_greenlet_names_it(monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("holdfast.aio", "holdfast.ext"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "greenlet", None)

    with pytest.raises(ImportError, match=r"'greenlet'.*holdfast\[asyncio\]"):
        import_module("holdfast.ext.asyncio")


@pytest.mark.rule("XT-100")
async def test_session_takes_a_class_of_its_own_for_the_ordinary_one(async_engine):
    class MySession(Session):
        pass

    class MyAsyncSession(AsyncSession):
        sync_session_class = MySession

    assert type(MyAsyncSession(async_engine).sync_session) is MySession
    given = AsyncSession(async_engine, sync_session_class=sessionmaker(class_=MySession))
    assert isinstance(given.sync_session, MySession)


async def test_arguments_reach_the_ordinary_session(async_engine):
    session = AsyncSession(async_engine, autoflush=False, info={"a": 1}, expire_on_commit=False)

    session.autoflush = True

    assert session.sync_session.autoflush
    assert session.info == {"a": 1}
    assert not session.sync_session.expire_on_commit
    assert session.execution_options == {}
    with session.no_autoflush:
        assert not session.autoflush


# -- attributes ------------------------------------------------------------------------------------


@pytest.mark.rule("XT-101")
async def test_touching_what_is_not_loaded_raises(sessions, sql):
    async with sessions() as session:
        ann = await session.get(Author, 1)
        sql.clear()

        with pytest.raises(exc.MissingGreenlet, match=r"awaitable_attrs.*\[missing-greenlet\]"):
            ann.books
        assert len(sql) == 0

        await session.refresh(ann, ["books"])
        assert [book.title for book in ann.books] == ["Fog"]


@pytest.mark.rule("XT-101")
async def test_expired_attribute_raises_unless_commit_does_not_expire(sessions):
    async with sessions() as session:
        ann = await session.get(Author, 1)
        await session.commit()
        with pytest.raises(OutsideGreenletError):
            ann.name

    async with sessions(expire_on_commit=False) as session:
        ann = await session.get(Author, 1)
        await session.commit()
        assert ann.name == "Ann"


@pytest.mark.rule("XT-101")
@pytest.mark.parametrize("load", [selectinload, joinedload])
async def test_eager_loading_avoids_loads_on_touch(sessions, load):
    async with sessions() as session:
        statement = select(Author).options(load(Author.books)).order_by(Author.id)
        ann, bob = (await session.scalars(statement)).unique().all()

        assert [book.title for book in ann.books] == ["Fog"]
        assert bob.books == []


@pytest.mark.rule("XT-101")
async def test_attribute_that_would_flush_first_raises_and_spoils_nothing(sessions):
    async with sessions.begin() as session:
        ann = await session.get(Author, 1)
        session.add(Author(id=3, name="Cid"))

        with pytest.raises(OutsideGreenletError):
            ann.books

        assert session.is_active
        await session.flush()
        await session.refresh(ann, ["books"])
        assert len(ann.books) == 1


@pytest.mark.rule("XT-101")
async def test_ordinary_session_gives_the_connection_that_it_has(sessions):
    async with sessions() as session:
        connection = await session.connection()

        assert session.sync_session.connection() is connection.sync_connection
        with pytest.raises(OutsideGreenletError):
            session.sync_session.scalar(select(1))


@pytest.mark.rule("XT-104")
async def test_run_sync_calls_a_function_where_attributes_load(sessions):
    def titles(session, *, of):
        assert isinstance(session, Session)
        return [book.title for book in session.get(Author, of).books]

    async with sessions() as session:
        assert await session.run_sync(titles, of=1) == ["Fog"]


@pytest.mark.rule("XT-104")
async def test_run_sync_hands_on_what_the_function_raises(sessions):
    def fail(session):
        session.scalar(select(1))
        raise LookupError("gone")

    async with sessions() as session:
        with pytest.raises(LookupError, match="gone"):
            await session.run_sync(fail)


# -- results ---------------------------------------------------------------------------------------


@pytest.mark.rule("XT-102")
async def test_execute_gives_a_result_that_is_fetched_already(sessions, sql):
    async with sessions() as session:
        result = await session.execute(select(Author.name, Author).order_by(Author.id))
        sql.clear()
        await session.close()

        assert [name for name, author in result] == ["Ann", "Bob"]
        assert len(sql) == 0


@pytest.mark.rule("XT-102")
async def test_scalars_scalar_and_parameters_work_as_in_an_ordinary_session(sessions):
    async with sessions() as session:
        names = await session.scalars(select(Author.name).order_by(Author.id))
        assert names.all() == ["Ann", "Bob"]
        assert await session.scalar(select(func.count(Author.id))) == 2
        found = await session.execute(text("SELECT name FROM author WHERE id = :id"), {"id": 2})
        assert found.scalar_one() == "Bob"


@pytest.mark.rule("XT-102")
async def test_stream_gives_a_result_whose_rows_are_awaited(sessions):
    async with sessions() as session:
        result = await session.stream(select(Author).order_by(Author.id))
        assert isinstance(result, AsyncResult)
        assert [author.name async for author in result.scalars()] == ["Ann", "Bob"]

        result = await session.stream_scalars(select(Author.name).order_by(Author.id))
        assert await result.all() == ["Ann", "Bob"]


@pytest.mark.rule("XT-102")
async def test_stream_is_read_in_portions(sessions):
    async with sessions() as session, session.begin():
        session.add_all(Author(id=number, name=f"author {number}") for number in range(3, 9))
        await session.flush()
        session.expunge_all()

        result = await session.stream_scalars(select(Author).order_by(Author.id).limit(7))
        portions = [[each.id for each in portion] async for portion in result.partitions(3)]
        assert portions == [[1, 2, 3], [4, 5, 6], [7]]

        result = await session.stream(
            select(Author).order_by(Author.id), execution_options={"yield_per": 2}
        )
        assert [len(portion) async for portion in result.partitions()] == [2, 2, 2, 2]


@pytest.mark.rule("XT-102")
async def test_streamed_collections_of_joins_are_made_unique(sessions):
    async with sessions() as session:
        result = await session.stream(select(Book).options(joinedload(Book.tags)))

        (fog,) = await result.unique().scalars().all()

        assert {tag.name for tag in fog.tags} == {"sea", "ice"}


@pytest.mark.rule("XT-102")
async def test_execute_refuses_rows_that_come_in_portions(sessions):
    async with sessions() as session:
        with pytest.raises(AsyncMethodRequired, match=r"AsyncSession.execute\(\).*\[async-stream"):
            await session.execute(select(Author), execution_options={"stream_results": True})
        with pytest.raises(AsyncMethodRequired):
            await session.scalars(select(Author.id).execution_options(stream_results=True))

        assert await session.scalar(select(func.count(Author.id))) == 2


@pytest.mark.rule("XT-102")
async def test_scalars_are_those_of_the_subclass_that_executes(sessions):
    class Narrow(AsyncSession):
        async def execute(self, statement, *args, **how):
            return await super().execute(statement.where(Author.id == 1), *args, **how)

    async with Narrow(sessions.kw["bind"]) as session:
        assert (await session.scalars(select(Author.id))).all() == [1]


# -- opening and closing ---------------------------------------------------------------------------


@pytest.mark.rule("XT-103")
async def test_block_of_a_session_closes_it(sessions):
    async with sessions() as session:
        ann = await session.get(Author, 1)
        session.add(Author(name="Cid"))
        await session.flush()

    assert inspect(ann).detached
    assert not session.in_transaction()
    async with sessions() as session:
        assert await session.scalar(select(func.count(Author.id))) == 2


@pytest.mark.rule("XT-103")
async def test_block_of_a_transaction_commits_or_rolls_back(sessions):
    async def add(session, name):
        async with session.begin():
            session.add(Author(name=name))
            await session.flush()
            if name == "Dot":
                raise LookupError

    async with sessions() as session:
        await add(session, "Cid")
        with pytest.raises(LookupError):
            await add(session, "Dot")

        names = await session.scalars(select(Author.name).order_by(Author.id))
        assert names.all() == ["Ann", "Bob", "Cid"]


@pytest.mark.rule("XT-103")
@pytest.mark.parametrize("kind", ["async_sessionmaker", "sessionmaker"])
async def test_block_of_a_factory_commits_and_closes(sessions, async_engine, kind):
    make = sessions if kind != "sessionmaker" else sessionmaker(async_engine, class_=AsyncSession)

    async with make.begin() as session:
        session.add(Author(id=3, name="Cid"))

    assert not session.in_transaction()
    assert list(session) == []
    async with make() as session:
        assert (await session.get_one(Author, 3)).name == "Cid"


@pytest.mark.rule("XT-103")
async def test_savepoint_is_released_or_rolled_back(sessions):
    async with sessions.begin() as session:
        async with session.begin_nested():
            session.add(Author(id=3, name="Cid"))
        inner = await session.begin_nested()
        session.add(Author(id=4, name="Dot"))
        await session.flush()
        assert session.in_nested_transaction()
        await inner.rollback()

        assert (await session.scalars(select(Author.id).order_by(Author.id))).all() == [1, 2, 3]


async def test_reset_leaves_a_session_usable_and_close_may_not(sessions):
    session = sessions(close_resets_only=False)
    await session.scalar(select(1))
    await session.reset()
    assert await session.scalar(select(1)) == 1
    await session.aclose()

    with pytest.raises(exc.InvalidRequestError, match="closed"):
        await session.scalar(select(1))


async def test_invalidate_gives_connections_up(sessions):
    session = sessions()
    connection = await session.connection()

    await session.invalidate()

    assert connection.sync_connection.closed
    assert not session.in_transaction()


async def test_close_all_sessions_closes_those_of_asyncio_too(sessions):
    session = sessions()
    ann = await session.get(Author, 1)

    await close_all_sessions()

    assert ann not in session
    with pytest.warns(exc.SADeprecationWarning, match=r"AsyncSession.close_all\(\)"):
        await AsyncSession.close_all()


@pytest.mark.rule("XT-112")
async def test_closing_is_shielded_from_cancellation(sessions, async_engine):
    closing, may_end = asyncio.Event(), asyncio.Event()

    class SlowlyClosed(AsyncSession):
        async def close(self):
            closing.set()
            await may_end.wait()
            await super().close()

    async def work():
        async with SlowlyClosed(async_engine) as session:
            await session.scalar(select(1))
            seen.append(session)

    seen = []
    task = asyncio.create_task(work())
    await closing.wait()
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not seen[0].in_transaction()


# -- transactions ----------------------------------------------------------------------------------


@pytest.mark.rule("XT-110")
async def test_transaction_cannot_be_used_before_it_is_begun(sessions):
    async with sessions() as session:
        level = session.begin()

        assert not level.is_active
        for use in (level.commit, level.rollback):
            with pytest.raises(AsyncContextNotStarted, match=r"\[async-not-started\]"):
                await use()
        with pytest.raises(AsyncContextNotStarted):
            level.connections
        assert not session.in_transaction()

        assert await level is level
        assert level.is_active
        with pytest.raises(AsyncContextAlreadyStarted, match=r"\[async-started\]"):
            await level


async def test_transaction_is_the_same_object_while_it_is_held(sessions):
    async with sessions() as session:
        assert (session.get_transaction(), session.get_nested_transaction()) == (None, None)

        root = await session.begin()
        nested = await session.begin_nested()

        assert session.get_transaction() is root
        assert session.get_nested_transaction() is nested
        assert (root.nested, nested.nested) == (False, True)
        assert root.sync_transaction is session.sync_session.get_transaction()
        await nested.commit()
        await root.commit()
        assert session.get_transaction() is None


async def test_transaction_begun_by_itself_has_an_asyncio_side(sessions):
    async with sessions() as session:
        await session.scalar(select(1))

        root = session.get_transaction()

        assert root.session is session
        assert root.is_active
        await root.rollback()
        assert not session.in_transaction()


async def test_connections_of_a_transaction_are_those_of_asyncio(sessions, async_engine):
    async with sessions() as session, session.begin() as root:
        assert root.connections == frozenset()
        with pytest.raises(exc.InvalidRequestError, match="has not acquired a connection"):
            root.bound_connection()

        connection = await session.connection()

        assert connection is await session.connection()
        assert root.connections == {connection}
        assert root.bound_connection() is connection
        assert root.bound_connection(Author, bind=async_engine) is connection


async def test_options_of_the_connection_are_given_when_it_is_acquired(sessions):
    async with sessions() as session:
        connection = await session.connection(execution_options={"logging_token": "x"})

        assert connection.sync_connection.get_execution_options()["logging_token"] == "x"


# -- tasks -----------------------------------------------------------------------------------------


@pytest.mark.rule("VC-86")
async def test_second_task_is_refused_while_one_awaits_the_database(sessions):
    async with sessions() as session:
        found = await asyncio.gather(
            session.execute(select(Author)),
            session.get(Author, 1),
            return_exceptions=True,
        )

    assert len(found[0].all()) == 2
    error = found[1]
    assert isinstance(error, ConcurrentUseError)
    assert isinstance(error, exc.IllegalStateChangeError)
    assert (error.method, error.running) == ("get", "execute")
    assert "an AsyncSession of its own. [async-concurrent-use]" in str(error)


@pytest.mark.rule("VC-86")
async def test_tasks_may_use_a_session_one_after_the_other(sessions):
    async with sessions() as session:
        for number in (1, 2):
            assert await asyncio.create_task(session.get(Author, number)) is not None


@pytest.mark.rule("VC-86")
async def test_block_that_fails_waits_for_the_other_task_before_it_cleans_up(sessions):
    async with sessions() as session:
        with pytest.raises(ConcurrentUseError) as caught:
            async with session.begin():
                await asyncio.gather(session.get(Author, 1), session.get(Author, 2))
        assert caught.value.__context__ is None
        assert not session.in_transaction()


@pytest.mark.rule("VC-86")
async def test_block_that_is_cancelled_while_it_waits_ends_and_closes_later(sessions):
    may_end = asyncio.Event()

    def hold(_session):
        await_only(may_end.wait())

    async def work():
        async with sessions() as session:
            await session.scalar(select(1))
            found.append((session, asyncio.create_task(session.run_sync(hold))))
            await asyncio.sleep(0)
            raise LookupError

    found = []
    task = asyncio.create_task(work())
    while not found:
        await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    session, other = found[0]
    assert session.in_transaction()

    may_end.set()
    await other
    await session.closing

    assert not session.in_transaction()


# -- objects ---------------------------------------------------------------------------------------


@pytest.mark.rule("XT-108")
async def test_object_tells_its_asyncio_session(sessions):
    async with sessions() as session:
        ann = await session.get(Author, 1)

        assert async_object_session(ann) is session
        assert inspect(ann).async_session is session
        assert async_session(session.sync_session) is session
        assert session.object_session(ann) is session.sync_session
    assert async_object_session(ann) is None


@pytest.mark.rule("XT-108")
def test_object_of_an_ordinary_session_has_no_asyncio_session():
    with Session() as session:
        ann = Author()
        session.add(ann)

        assert async_object_session(ann) is None
        assert inspect(ann).async_session is None
        assert async_session(session) is None


@pytest.mark.rule("XT-109")
async def test_add_is_not_awaited(sessions):
    async with sessions.begin() as session:
        cid, dot = Author(id=3, name="Cid"), Author(id=4, name="Dot")

        assert session.add(cid) is None
        assert session.add_all([dot]) is None

        assert {*session.new} == {cid, dot}
        session.expunge(dot)
        await session.flush()
        assert cid in session
        assert dot not in session


async def test_merge_copies_onto_the_members(sessions):
    async with sessions.begin() as session:
        ann = await session.merge(Author(id=1, name="Anna"))
        assert session.is_modified(ann)
        (bob,) = await session.merge_all([Author(id=2, name="Rob")])

        assert {*session.dirty} == {bob}
    async with sessions() as session:
        names = await session.scalars(select(Author.name).order_by(Author.id))
        assert names.all() == ["Anna", "Rob"]


async def test_get_one_raises_where_there_is_no_row(sessions):
    async with sessions() as session:
        assert await session.get(Author, 9) is None
        with pytest.raises(exc.NoResultFound):
            await session.get_one(Author, 9)


async def test_expire_forgets_what_refresh_reads_again(sessions):
    async with sessions() as session:
        ann = await session.get(Author, 1)
        session.expire(ann, ["name"])
        await session.refresh(ann)
        assert ann.name == "Ann"
        session.expire_all()
        assert inspect(ann).expired
        session.expunge_all()
        assert ann not in session


# -- events ----------------------------------------------------------------------------------------


@pytest.mark.rule("XT-107")
async def test_listeners_belong_to_the_ordinary_session(sessions):
    heard = []
    async with sessions() as session:
        event.listen(session.sync_session, "before_commit", heard.append)
        session.add(Author(name="Cid"))
        await session.commit()

        assert heard == [session.sync_session]


@pytest.mark.rule("XT-107")
async def test_listeners_of_a_factory_belong_to_an_ordinary_factory(sessions):
    heard = []
    sync_maker = sessionmaker()
    event.listen(sync_maker, "before_commit", heard.append)
    async with sessions(sync_session_class=sync_maker) as session:
        await session.commit()

        assert heard == [session.sync_session]


@pytest.mark.rule("XT-107")
def test_listener_may_emit_sql(sessions, runner):
    heard = []

    async def work():
        async with sessions() as session:

            @event.listens_for(session.sync_session, "before_commit")
            def count(sync_session):
                heard.append(sync_session.scalar(select(func.count(Author.id))))

            await session.commit()

    runner.run(work())
    assert heard == [2]


@pytest.mark.rule("XT-107")
def test_asyncio_sessions_and_factories_take_no_listeners(async_engine, sessions):
    for target in (AsyncSession(async_engine), AsyncSession, sessions):
        with pytest.raises(NotImplementedError, match=r"sync_session. \[async-events\]"):
            event.listen(target, "before_commit", print)
