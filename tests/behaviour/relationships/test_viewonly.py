"""Relationships that are read and never written."""

import pytest
from sqlalchemy import ForeignKey, and_, func, select

from holdfast import Mapped, Session, foreign, mapped_column, relationship, remote


@pytest.fixture
def model(base, engine):
    class Player(base):
        __tablename__ = "player"
        id: Mapped[int] = mapped_column(primary_key=True)
        goals: Mapped[int] = mapped_column(default=0)
        team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))

    class Team(base):
        __tablename__ = "team"
        id: Mapped[int] = mapped_column(primary_key=True)
        players: Mapped[list[Player]] = relationship(order_by=Player.id)
        scorers: Mapped[list[Player]] = relationship(
            primaryjoin=lambda: and_(Team.id == Player.team_id, Player.goals > 0),
            viewonly=True,
            order_by=Player.id,
        )
        others: Mapped[list[Player]] = relationship(
            primaryjoin=lambda: func.coalesce(remote(foreign(Player.team_id)), 0) != Team.id,
            viewonly=True,
            order_by=Player.id,
        )

    base.metadata.create_all(engine)
    return Team, Player


@pytest.fixture
def session(model, engine):
    with Session(engine) as session:
        yield session


@pytest.mark.rule("RL-140", "RL-66", "RL-20 viewonly")
def test_it_is_loaded_and_changes_to_it_are_not_written(model, session):
    team_class, player_class = model
    team = team_class(id=1, players=[player_class(id=1, goals=3), player_class(id=2)])
    session.add(team)
    session.commit()
    assert [player.id for player in team.scorers] == [1]

    team.scorers.append(player_class(id=9, goals=1))
    team.scorers.remove(team.players[0])
    session.commit()

    assert [player.id for player in team.scorers] == [1]
    assert session.get(player_class, 9) is None
    assert team.players[0].team_id == 1


@pytest.mark.rule("RL-140")
def test_a_change_to_it_does_not_make_the_object_dirty_for_the_flush(model, session, sql):
    team_class, player_class = model
    session.add_all([team_class(id=1), player_class(id=1)])
    session.commit()
    team, player = session.get(team_class, 1), session.get(player_class, 1)
    assert team.scorers == []
    team.scorers.append(player)
    sql.clear()
    session.flush()

    assert not any(each.startswith(("UPDATE", "INSERT")) for each in sql.emitted)


@pytest.mark.rule("RL-142")
def test_its_contents_are_stale_until_expired(model, session):
    team_class, player_class = model
    team = team_class(id=1)
    session.add(team)
    session.commit()
    assert team.scorers == []

    team.players.append(player_class(id=1, goals=2))
    session.flush()
    assert team.scorers == []

    session.expire(team, ["scorers"])
    assert team.scorers == team.players


@pytest.mark.rule("RL-143")
def test_it_takes_a_condition_that_could_not_be_written(model, session):
    team_class, player_class = model
    session.add(team_class(id=1, players=[player_class(id=1)]))
    session.flush()
    session.add_all([team_class(id=2, players=[player_class(id=2)]), player_class(id=3)])
    session.commit()

    team = session.scalars(select(team_class).where(team_class.id == 1)).one()

    assert [player.id for player in team.others] == [2, 3]
