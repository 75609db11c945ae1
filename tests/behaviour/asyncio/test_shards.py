"""An asyncio session over several databases."""

import pytest
from sqlalchemy import func, select

import databases
from holdfast.ext.asyncio import AsyncSession, create_async_engine
from holdfast.ext.horizontal_shard import ShardedSession
from models.harbour import Base, Pier, Port


@pytest.fixture
def other(runner):
    engine = create_async_engine("sqlite+aiosqlite://")
    databases.prepare_sqlite(engine.sync_engine)
    yield engine
    runner.run(engine.dispose())


@pytest.mark.rule("XT-80", "XT-100")
async def test_asyncio_session_works_with_shards(async_engine, other):
    shards = {"north": async_engine.sync_engine, "south": other.sync_engine}
    for engine in (async_engine, other):
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)

    async with AsyncSession(
        sync_session_class=ShardedSession,
        shards=shards,
        shard_chooser=lambda mapper, instance, **_: getattr(instance, "sea", "south"),
        identity_chooser=lambda *_, **__: ["north", "south"],
        execute_chooser=lambda _: ["north", "south"],
    ) as session:
        session.add_all(
            [Port(id=1, sea="north", name="Bodo"), Port(id=1, sea="south", name="Bari")]
        )
        session.add(Pier(id=1, port_id=1))
        await session.commit()

        names = await session.scalars(select(Port.name))
        assert names.all() == ["Bodo", "Bari"]
        stream = await session.stream_scalars(select(func.count(Pier.id)))
        assert await stream.all() == [0, 1]
        assert (await session.get(Port, 1, identity_token="south")).name == "Bari"
