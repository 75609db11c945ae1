"""Attributes that are awaited, and cascades that load."""

import pytest
from sqlalchemy import ForeignKey, func, inspect, select

from holdfast import DeclarativeBase, Mapped, mapped_column, relationship
from holdfast.ext.asyncio import AsyncAttrs


class Base(AsyncAttrs, DeclarativeBase):
    pass


class Ship(Base):
    __tablename__ = "ship"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(deferred=True)
    masts: Mapped[list["Mast"]] = relationship(
        cascade="all, delete-orphan", back_populates="ship", order_by="Mast.id"
    )


class Mast(Base):
    __tablename__ = "mast"
    id: Mapped[int] = mapped_column(primary_key=True)
    ship_id: Mapped[int] = mapped_column(ForeignKey("ship.id"))
    ship: Mapped[Ship] = relationship(back_populates="masts")


@pytest.fixture
def sessions(tables, runner):
    make = tables(Base.metadata)

    async def fill():
        async with make.begin() as session:
            session.add(Ship(id=1, name="Erebus", masts=[Mast(id=1), Mast(id=2)]))

    runner.run(fill())
    return make


@pytest.mark.rule("XT-105")
async def test_awaited_attribute_loads(sessions, sql):
    async with sessions() as session:
        ship = await session.get(Ship, 1)
        sql.clear()

        assert await ship.awaitable_attrs.name == "Erebus"
        masts = await ship.awaitable_attrs.masts
        assert [mast.id for mast in masts] == [1, 2]
        assert await masts[0].awaitable_attrs.ship is ship
        assert len(sql) == 2

        assert ship.masts is masts
        assert await ship.awaitable_attrs.masts is masts
        assert len(sql) == 2


@pytest.mark.rule("XT-105")
async def test_awaited_attribute_loads_what_expired(sessions):
    async with sessions() as session:
        ship = await session.get(Ship, 1)
        await session.commit()
        assert inspect(ship).expired

        assert await ship.awaitable_attrs.id == 1


@pytest.mark.rule("XT-105")
async def test_awaited_attribute_of_a_new_object_is_there():
    ship = Ship(name="Terror")

    assert await ship.awaitable_attrs.name == "Terror"
    assert await ship.awaitable_attrs.masts == []


@pytest.mark.rule("XT-105")
async def test_awaited_attribute_that_does_not_exist_raises(sessions):
    async with sessions() as session:
        ship = await session.get(Ship, 1)

        with pytest.raises(AttributeError, match="sails"):
            await ship.awaitable_attrs.sails


@pytest.mark.rule("XT-109")
async def test_delete_is_awaited_as_cascades_may_load(sessions, sql):
    async with sessions.begin() as session:
        ship = await session.get(Ship, 1)
        sql.clear()

        await session.delete(ship)

        assert "FROM mast" in sql.emitted[0]
        assert len(session.deleted) == 3
    async with sessions() as session:
        assert await session.scalar(select(func.count(Mast.id))) == 0


@pytest.mark.rule("XT-109")
async def test_delete_all_is_awaited_too(sessions):
    async with sessions.begin() as session:
        await session.delete_all(await session.scalars(select(Ship)))
    async with sessions() as session:
        assert await session.scalar(select(func.count(Ship.id))) == 0
