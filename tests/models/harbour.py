"""Ports with piers, and ships that call at them: every port belongs to a sea."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table

from holdfast import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


port_ship = Table(
    "port_ship",
    Base.metadata,
    Column("port_id", ForeignKey("port.id"), primary_key=True),
    Column("ship_id", ForeignKey("ship.id"), primary_key=True),
)


class Port(Base):
    __tablename__ = "port"
    id: Mapped[int] = mapped_column(primary_key=True)
    sea: Mapped[str]
    name: Mapped[str]
    depth: Mapped[int | None] = mapped_column(deferred=True)
    piers: Mapped[list[Pier]] = relationship(back_populates="port", order_by="Pier.id")
    ships: Mapped[list[Ship]] = relationship(secondary=port_ship)


class Pier(Base):
    __tablename__ = "pier"
    id: Mapped[int] = mapped_column(primary_key=True)
    port_id: Mapped[int | None] = mapped_column(ForeignKey("port.id"))
    port: Mapped[Port | None] = relationship(back_populates="piers")


class Ship(Base):
    __tablename__ = "ship"
    id: Mapped[int] = mapped_column(primary_key=True)
    sea: Mapped[str]
