"""`delete()` over a class."""

import pytest
from sqlalchemy import delete, event, exc, func, inspect, select

from holdfast import Session, with_loader_criteria
from models import company, library
from models.team import Player


def names(session):
    return list(session.scalars(select(Player.name).order_by(Player.id)))


@pytest.mark.rule("QY-180", "QY-187")
def test_delete_emits_one_statement_and_tells_its_rows(session, sql):
    result = session.execute(delete(Player).where(Player.score > 10))

    assert result.rowcount == 2
    assert sql.emitted == ["DELETE FROM player WHERE player.points > ?"]


@pytest.mark.rule("QY-182")
def test_pending_objects_are_flushed_before_a_delete(session):
    new = Player(id=9, name="new")
    session.add(new)

    session.execute(delete(Player).where(Player.name == "new"))

    assert inspect(new).deleted
    assert names(session) == ["ann", "ben", "cid", "dot"]


@pytest.mark.rule("QY-183")
def test_delete_does_not_cascade_in_python(tables, sql):
    with Session(tables(library.Base.metadata)) as session:
        ann = library.Author(name="Ann", books=[library.Book(title="A")])
        session.add_all([ann, library.Author(name="Ben")])
        session.commit()
        (book,) = ann.books
        sql.clear()

        session.execute(delete(library.Author).where(library.Author.name == "Ben"))
        session.execute(delete(library.Book))

        assert [each.split(" WHERE")[0] for each in sql.emitted] == [
            "DELETE FROM author",
            "DELETE FROM book",
        ]
        assert ann.books == [book]


@pytest.mark.rule("QY-183")
def test_delete_fires_no_events_of_mappers(session, players):
    heard = []
    event.listen(Player, "after_delete", lambda *_: heard.append("called"))

    session.execute(delete(Player))

    assert inspect(players[0]).deleted
    assert not heard


@pytest.mark.rule("QY-184")
def test_single_table_subclass_deletes_its_own_rows(tables):
    with Session(tables(company.Base.metadata)) as session:
        person, intern = company.Person(name="p"), company.Intern(name="i")
        session.add_all([person, intern])
        session.commit()

        session.execute(delete(company.Intern))

        assert person in session
        assert inspect(intern).deleted
        assert session.scalars(select(company.Person.name)).all() == ["p"]


@pytest.mark.rule("QY-184")
def test_joined_subclass_deletes_from_its_own_table(tables, sql):
    with Session(tables(company.Base.metadata)) as session:
        session.add(company.Engineer(name="ada"))
        session.commit()
        sql.clear()

        session.execute(delete(company.Engineer))

        assert sql.emitted == ["DELETE FROM engineer"]


@pytest.mark.rule("QY-185")
@pytest.mark.parametrize("choice", ["evaluate", "fetch"])
def test_loader_criteria_apply_to_a_delete(session, players, choice):
    session.execute(
        delete(Player)
        .options(with_loader_criteria(Player, Player.name != "cid"))
        .where(Player.score > 10),
        execution_options={"synchronize_session": choice},
    )

    assert [inspect(each).deleted for each in players] == [False, True, False, False]
    assert names(session) == ["ann", "cid", "dot"]


@pytest.mark.rule("QY-186")
@pytest.mark.parametrize("choice", ["auto", "evaluate", "fetch"])
def test_objects_that_a_delete_returns_are_deleted(session, engine, choice):
    if not engine.dialect.delete_returning:
        pytest.skip("no DELETE ... RETURNING")
    known = session.get(Player, 1)

    rows = session.execute(
        delete(Player).where(Player.id < 3).returning(Player, Player.name),
        execution_options={"synchronize_session": choice},
    ).all()

    assert sorted(name for _, name in rows) == ["ann", "ben"]
    assert known in [player for player, _ in rows]
    assert all(inspect(player).deleted for player, _ in rows)


def test_delete_with_several_sets_of_parameters_is_refused(session):
    with pytest.raises(exc.InvalidRequestError, match="Bulk ORM DELETE not supported"):
        session.execute(delete(Player), [{"id": 1}, {"id": 2}])


@pytest.mark.rule("QY-205")
@pytest.mark.parametrize("choice", ["evaluate", "fetch"])
def test_deleted_objects_return_on_rollback(session, players, choice):
    heard = []
    event.listen(session, "persistent_to_deleted", lambda _, each: heard.append(each))

    session.execute(
        delete(Player).where(Player.id == 1), execution_options={"synchronize_session": choice}
    )
    assert heard == [players[0]]
    assert inspect(players[0]).deleted
    assert players[0] not in session

    session.rollback()
    assert inspect(players[0]).persistent
    assert players[0].name == "ann"


@pytest.mark.rule("QY-205")
def test_deleted_objects_return_when_a_savepoint_is_rolled_back(session, players):
    with session.begin_nested() as savepoint:
        session.execute(delete(Player).where(Player.id < 3))
        assert [each in session for each in players] == [False, False, True, True]
        savepoint.rollback()

    assert all(inspect(each).persistent for each in players)
    assert players[0].score == 10


def test_deleted_objects_are_detached_by_commit(session, players):
    session.execute(delete(Player).where(func.abs(Player.id) == 1))

    session.commit()

    assert inspect(players[0]).detached
    assert session.get(Player, 1) is None
