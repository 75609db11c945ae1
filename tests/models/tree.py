"""Nodes that refer to their own kind, and two classes that refer to each other."""

from __future__ import annotations

from sqlalchemy import ForeignKey

from holdfast import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Node(Base):
    __tablename__ = "node"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("node.id"))
    children: Mapped[list[Node]] = relationship(back_populates="parent")
    parent: Mapped[Node | None] = relationship(back_populates="children", remote_side=[id])


class Team(Base):
    __tablename__ = "team"

    id: Mapped[int] = mapped_column(primary_key=True)
    captain_id: Mapped[int | None] = mapped_column(ForeignKey("player.id", use_alter=True))
    captain: Mapped[Player | None] = relationship(foreign_keys=[captain_id], post_update=True)
    players: Mapped[list[Player]] = relationship(
        foreign_keys="Player.team_id", back_populates="team"
    )


class Player(Base):
    __tablename__ = "player"

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    team: Mapped[Team | None] = relationship(foreign_keys=[team_id], back_populates="players")
