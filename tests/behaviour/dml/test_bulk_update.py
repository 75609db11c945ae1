"""`update()` over a class with a list of dictionaries: UPDATE by primary key."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, delete, event, exc, func, inspect, literal, select, update

from holdfast import DeclarativeBase, Mapped, Session, mapped_column
from holdfast.errors.flush import StaleDataError
from models import company, shop
from models.team import Home, Player


def rows_of(session, *columns):
    return [tuple(row) for row in session.execute(select(*columns).order_by(columns[0]))]


@pytest.mark.rule("QY-160")
def test_rows_are_updated_by_their_keys_grouped_by_what_they_set(session, sql):
    rows = [
        {"id": 1, "name": "x"},
        {"id": 2, "name": None},
        {"id": 3, "score": 5, "name": "z"},
        {"id": 4, "home": Home("Oslo", None)},
    ]
    session.execute(update(Player), rows)

    assert sql.emitted == [
        "UPDATE player SET name=? WHERE player.id = ?",
        "UPDATE player SET name=?, points=? WHERE player.id = ?",
        "UPDATE player SET town=?, street=? WHERE player.id = ?",
    ]
    assert sql.parameters[0] == [("x", 1), (None, 2)]
    assert rows_of(session, Player.id, Player.name, Player.score, Player.town) == [
        (1, "x", 10, "Rom"),
        (2, None, 20, "Rom"),
        (3, "z", 5, "Rom"),
        (4, "dot", None, "Oslo"),
    ]


@pytest.mark.rule("QY-160")
def test_a_composite_key_is_needed_in_full(tables):
    with Session(tables(shop.Base.metadata)) as session:
        session.add(shop.Order(id=1, customer="c", lines=[shop.Line(number=2, product="p")]))
        session.flush()
        session.execute(update(shop.Line), [{"order_id": 1, "number": 2, "product": "q"}])

        assert session.scalar(select(shop.Line.product)) == "q"
        with pytest.raises(exc.InvalidRequestError, match=r"column\(s\) shop_line.number"):
            session.execute(update(shop.Line), [{"order_id": 1, "product": "r"}])


@pytest.mark.rule("QY-160")
@pytest.mark.parametrize("rows", [[{"name": "x"}], [{"id": 1, "name": "x"}, {"name": "y"}]])
def test_a_missing_key_is_refused_before_anything_is_sent(session, sql, rows):
    with pytest.raises(exc.InvalidRequestError, match=r"No primary key value supplied.*player\.id"):
        session.execute(update(Player), rows)
    assert not sql.emitted


@pytest.mark.rule("QY-160", "QY-180")
def test_a_single_dictionary_is_no_bulk_update_unless_it_is_forced(session):
    session.execute(update(Player).where(Player.score > 10), {"name": "x"})
    session.execute(
        update(Player), {"id": 1, "name": "y"}, execution_options={"dml_strategy": "bulk"}
    )

    assert rows_of(session, Player.id, Player.name)[:3] == [(1, "y"), (2, "x"), (3, "x")]


@pytest.mark.rule("QY-161")
@pytest.mark.parametrize("choice", ["auto", "evaluate"])
def test_objects_in_the_session_get_the_new_values(session, players, sql, choice):
    session.execute(
        update(Player),
        [{"id": 1, "name": "x"}, {"id": 2, "name": "y", "score": 0}],
        execution_options={"synchronize_session": choice},
    )
    sql.clear()

    assert [(each.name, each.score) for each in players[:2]] == [("x", 10), ("y", 0)]
    assert not sql.emitted
    assert not session.dirty
    session.rollback()
    assert players[0].name == "ann"


@pytest.mark.rule("QY-161")
@pytest.mark.parametrize("choice", [False, None])
def test_objects_stay_as_they_are_when_it_is_not_wanted(session, players, choice):
    session.execute(
        update(Player),
        [{"id": 1, "name": "x"}],
        execution_options={"synchronize_session": choice},
    )

    assert players[0].name == "ann"
    session.expire(players[0])
    assert players[0].name == "x"


@pytest.mark.rule("QY-161")
def test_fetch_is_refused(session):
    with pytest.raises(exc.InvalidRequestError, match="'fetch' synchronization strategy is not"):
        session.execute(
            update(Player),
            [{"id": 1, "name": "x"}],
            execution_options={"synchronize_session": "fetch"},
        )


@pytest.mark.rule("QY-161")
def test_values_of_the_statement_are_computed_or_expired(session, players, sql):
    statement = update(Player).values(
        score=Player.score + bindparam("more"), name=func.upper(Player.name)
    )
    session.execute(statement, [{"id": 1, "more": 5}, {"id": 2, "more": 6}])
    sql.clear()

    assert [each.score for each in players[:2]] == [15, 26]
    assert not sql.emitted
    assert [each.name for each in players[:3]] == ["ANN", "BEN", "cid"]
    assert len(sql) == 2


@pytest.mark.rule("QY-162")
def test_criteria_may_leave_rows_out(session):
    session.execute(
        update(Player).where(Player.score > bindparam("least")).values(bonus=bindparam("given")),
        [
            {"id": 1, "least": 15, "given": 7},
            {"id": 2, "least": 15, "given": 8},
            {"id": 3, "least": 15, "given": 9},
        ],
        execution_options={"synchronize_session": None},
    )

    assert rows_of(session, Player.id, Player.bonus) == [(1, 1), (2, 8), (3, 9), (4, 1)]


@pytest.mark.rule("QY-162")
@pytest.mark.parametrize("choice", ["auto", "evaluate"])
def test_criteria_need_objects_to_be_left_alone(session, choice):
    with pytest.raises(exc.InvalidRequestError, match="bulk synchronize of persistent objects"):
        session.execute(
            update(Player).where(Player.score > 1),
            [{"id": 1, "name": "x"}],
            execution_options={"synchronize_session": choice},
        )


@pytest.mark.rule("QY-163")
@pytest.mark.parametrize("statement", [update(Player), update(Player).values(bonus=literal(1) + 1)])
def test_a_row_that_is_not_there_is_an_error(session, engine, statement):
    if not engine.dialect.supports_sane_multi_rowcount:
        pytest.skip("no row counts of many rows")
    with pytest.raises(StaleDataError, match=r"2 row\(s\); 1 were matched"):
        session.execute(statement, [{"id": 1, "name": "x"}, {"id": 99, "name": "y"}])


@pytest.mark.rule(
    "QY-164",
    differs="Holdfast refuses RETURNING for any number of sets, before anything is sent.",
)
@pytest.mark.parametrize("count", [1, 2])
def test_returning_is_refused(session, sql, count):
    rows = [{"id": number, "name": "x"} for number in range(1, count + 1)]
    with pytest.raises(exc.InvalidRequestError, match="does not support RETURNING"):
        session.execute(update(Player).returning(Player), rows)
    assert not sql.emitted


@pytest.mark.rule("QY-165")
def test_joined_inheritance_updates_the_tables_whose_columns_are_given(tables, sql):
    with Session(tables(company.Base.metadata)) as session:
        boss = company.Boss(name="ann", level=1, car="Fiat")
        other = company.Boss(name="ben", level=2)
        session.add_all([boss, other])
        session.commit()
        assert (boss.car, other.name) == ("Fiat", "ben")
        sql.clear()
        session.execute(
            update(company.Boss),
            [{"id": boss.id, "name": "x", "car": "Audi"}, {"id": other.id, "name": "y"}],
        )

        assert sql.emitted == [
            "UPDATE person SET name=? WHERE person.id = ?",
            "UPDATE boss SET car=? WHERE boss.boss_id = ?",
        ]
        assert [(boss.name, boss.car), (other.name, other.car)] == [("x", "Audi"), ("y", None)]


@pytest.mark.rule("QY-165")
def test_joined_inheritance_takes_values_to_the_table_of_their_column(tables):
    with Session(tables(company.Base.metadata)) as session:
        engineer = company.Engineer(name="ann", language="c")
        session.add(engineer)
        session.commit()
        statement = update(company.Engineer).values(
            name=func.upper(company.Engineer.name), language=func.upper(company.Engineer.language)
        )
        session.execute(statement, [{"id": engineer.id}])

        assert (engineer.name, engineer.language) == ("ANN", "C")


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


@pytest.fixture
def documents(tables):
    """A session with one document in its first version."""
    with Session(tables(Base.metadata)) as session:
        session.add(Document(id=1, text="a"))
        session.commit()
        yield session


@pytest.mark.rule("QY-166")
def test_a_version_is_given_with_each_dictionary(documents):
    document = documents.get(Document, 1)
    documents.execute(update(Document), [{"id": 1, "text": "b", "version": 1}])

    assert (document.text, document.version) == ("b", 2)
    with pytest.raises(KeyError):
        documents.execute(update(Document), [{"id": 1, "text": "c"}])
    with pytest.raises(StaleDataError):
        documents.execute(update(Document), [{"id": 1, "text": "c", "version": 1}])


@pytest.mark.rule("QY-167")
def test_a_connection_runs_the_statement_as_core(session, players, sql):
    session.connection().execute(
        update(Player).where(Player.id == bindparam("which")),
        [{"which": 1, "points": 7}, {"which": 2, "points": 8}],
    )

    assert sql.emitted == ["UPDATE player SET points=? WHERE player.id = ?"]
    assert players[0].score == 10
    assert rows_of(session, Player.id, Player.score)[:2] == [(1, 7), (2, 8)]


@pytest.mark.rule("QY-168")
def test_a_bulk_delete_is_refused(session, sql):
    with pytest.raises(exc.InvalidRequestError, match="Bulk ORM DELETE not supported right now"):
        session.execute(delete(Player), [{"id": 1}, {"id": 2}])
    assert not sql.emitted


def test_ordered_values_are_refused(session):
    statement = update(Player).ordered_values(("name", "x"), ("score", 1))
    with pytest.raises(exc.InvalidRequestError, match="does not support ordered_values"):
        session.execute(statement, [{"id": 1}])


def test_another_strategy_is_refused(session):
    with pytest.raises(exc.ArgumentError, match="Valid strategies for ORM UPDATE"):
        session.execute(update(Player), [], execution_options={"dml_strategy": "fast"})


def test_strategy_core_only_takes_the_names_of_columns(session, players):
    session.execute(
        update(Player).where(Player.id == 1),
        {"points": 4},
        execution_options={"dml_strategy": "core_only"},
    )

    assert players[0].score == 10
    assert session.scalar(select(Player.score).where(Player.id == 1)) == 4


def test_strategy_orm_runs_the_statement_with_criteria_for_each_dictionary(session, players):
    statement = update(Player).where(Player.name == bindparam("who")).values(score=bindparam("to"))
    rows = [{"who": "ann", "to": 1}, {"who": "ben", "to": 2}]
    session.execute(statement, rows, execution_options={"dml_strategy": "orm"})

    assert [each.score for each in players] == [1, 2, 30, None]
    assert not session.dirty
    with pytest.raises(exc.InvalidRequestError, match="can't use multiple parameter sets"):
        session.execute(
            statement,
            rows,
            execution_options={"dml_strategy": "orm", "synchronize_session": "fetch"},
        )


def test_events_hear_nothing_but_a_refresh(session, players):
    heard = []

    def hear(name):
        def listener(*arguments):
            heard.append(name)

        event.listen(Player, name, listener)
        return listener

    listeners = {name: hear(name) for name in ("before_update", "after_update", "refresh")}
    try:
        session.execute(update(Player), [{"id": 1, "name": "x"}])
    finally:
        for name, listener in listeners.items():
            event.remove(Player, name, listener)

    assert heard == ["refresh"]
    assert inspect(players[0]).persistent
