"""What updates and deletes with criteria are tried on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, select

from holdfast import Session
from models.team import Base, Player

NAMES = ("ann", "ben", "cid", "dot")


@pytest.fixture
def session(tables: Callable[[Any], Engine], sql: Any) -> Iterator[Session]:
    """Ann has 10 points, Ben 20, Cid 30 and Dot none."""
    with Session(tables(Base.metadata)) as session:
        for number, (name, score) in enumerate(zip(NAMES, (10, 20, 30, None), strict=True), 1):
            player = Player(id=number, name=name, score=score, bonus=1, town="Rom")
            player.is_captain = (number == 1) if number < 4 else None
            session.add(player)
        session.commit()
        sql.clear()
        yield session


@pytest.fixture
def players(session: Session, sql: Any) -> list[Player]:
    """All players, loaded, by id."""
    found = list(session.scalars(select(Player).order_by(Player.id)))
    sql.clear()
    return found
