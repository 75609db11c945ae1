"""How objects in the session learn of an UPDATE or DELETE: `synchronize_session`."""

import pytest
from sqlalchemy import FetchedValue, delete, exc, func, inspect, literal, select, update

from holdfast import DeclarativeBase, Mapped, Session, mapped_column
from holdfast.exc import ObjectDeletedError
from models import company
from models.team import Player

EVALUABLE = Player.name == "ann"
NOT_EVALUABLE = func.lower(Player.name) == "ann"


def run(session, statement, choice):
    return session.execute(statement, execution_options={"synchronize_session": choice})


def kinds(sql):
    return [each.split()[0] for each in sql.emitted]


# -- which objects ---------------------------------------------------------------------------------


@pytest.mark.rule("QY-200")
@pytest.mark.parametrize("choice", ["auto", "evaluate"])
def test_evaluation_finds_objects_without_further_sql(session, players, sql, choice):
    run(session, update(Player).where(EVALUABLE).values(score=5), choice)
    run(session, delete(Player).where(Player.name == "ben"), choice)

    assert [players[0].score, players[1] in session, players[2] in session] == [5, False, True]
    assert kinds(sql) == ["UPDATE", "DELETE"]
    assert not any("RETURNING" in each for each in sql.emitted)


@pytest.mark.rule("QY-200")
@pytest.mark.parametrize("choice", ["auto", "fetch"])
def test_fetch_asks_the_database_for_keys(session, players, engine, sql, choice):
    run(session, update(Player).where(NOT_EVALUABLE).values(score=5), choice)

    if engine.dialect.update_returning:
        assert kinds(sql) == ["UPDATE"]
        assert "RETURNING" in sql.emitted[0]
    else:
        assert kinds(sql) == ["SELECT", "UPDATE"]
    sql.clear()
    assert [each.score for each in players] == [5, 20, 30, None]
    assert not sql.emitted


@pytest.mark.rule("QY-200")
@pytest.mark.parametrize("choice", ["auto", "fetch"])
def test_fetch_finds_what_a_delete_removes(session, players, choice):
    result = run(session, delete(Player).where(NOT_EVALUABLE), choice)

    assert result.rowcount == 1
    assert [inspect(each).deleted for each in players] == [True, False, False, False]


class Unreturned(DeclarativeBase):
    pass


class Token(Unreturned):
    __tablename__ = "token"
    __table_args__ = {"implicit_returning": False}

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    count: Mapped[int] = mapped_column(default=0)


@pytest.mark.rule("QY-200")
def test_object_whose_key_is_fetched_twice_is_updated_once(tables):
    with Session(tables(Unreturned.metadata)) as session:
        tokens = [Token(id=number, text="a") for number in (1, 2, 3)]
        session.add_all(tokens)
        session.flush()
        other = Token.__table__.alias()

        run(
            session,
            update(Token).where(Token.id < other.c.id).values(count=Token.count + 1),
            "fetch",
        )

        assert [each.count for each in tokens] == [1, 1, 0]
        session.expire_all()
        assert [each.count for each in tokens] == [1, 1, 0]


@pytest.mark.rule("QY-200")
def test_fetch_selects_keys_before_where_nothing_is_returned(tables, sql):
    with Session(tables(Unreturned.metadata)) as session:
        tokens = [Token(id=1, text="a"), Token(id=2, text="b")]
        session.add_all(tokens)
        session.flush()
        sql.clear()

        run(session, update(Token).where(Token.id > 1).values(text="c"), "fetch")
        run(session, delete(Token).where(Token.id > 1), "fetch")

        assert sql.emitted == [
            "SELECT token.id FROM token WHERE token.id > ?",
            "UPDATE token SET text=? WHERE token.id > ?",
            "SELECT token.id FROM token WHERE token.id > ?",
            "DELETE FROM token WHERE token.id > ?",
        ]
        assert [inspect(each).deleted for each in tokens] == [False, True]
        assert [each.text for each in tokens] == ["a", "c"]


@pytest.mark.rule("QY-200")
@pytest.mark.parametrize("choice", [False, None])
def test_objects_are_left_alone_on_demand(session, players, sql, choice):
    run(session, update(Player).where(EVALUABLE).values(score=5), choice)
    run(session, delete(Player).where(Player.name == "ben"), choice)

    assert kinds(sql) == ["UPDATE", "DELETE"]
    assert players[0].score == 10
    assert inspect(players[1]).persistent


@pytest.mark.rule("QY-200")
@pytest.mark.parametrize("statement", [update(Player).values(score=1), delete(Player)])
def test_other_choices_are_refused(session, sql, statement):
    with pytest.raises(exc.ArgumentError, match="Valid strategies for session synchronization"):
        run(session, statement, "fake")

    assert not sql.emitted


@pytest.mark.rule("QY-200")
def test_choice_may_be_an_option_of_the_statement(session, players):
    statement = update(Player).values(score=5).execution_options(synchronize_session=False)

    session.execute(statement)

    assert players[0].score == 10


@pytest.mark.rule("QY-201")
@pytest.mark.parametrize("statement", [update(Player).values(score=1), delete(Player)])
def test_criteria_that_python_cannot_evaluate_are_refused(session, sql, statement):
    with pytest.raises(
        exc.InvalidRequestError, match="Could not evaluate current criteria in Python"
    ):
        run(session, statement.where(NOT_EVALUABLE), "evaluate")

    assert not sql.emitted


def test_objects_of_other_tokens_are_left_alone(session):
    here = session.get(Player, 1, identity_token="here")
    there = session.get(Player, 1, identity_token="there")

    for choice in ("evaluate", "fetch"):
        session.execute(
            update(Player).values(score=Player.score + 1),
            execution_options={"identity_token": "here", "synchronize_session": choice},
        )

    assert (here.score, there.score) == (12, 10)


# -- which values ----------------------------------------------------------------------------------


@pytest.mark.rule("QY-200", "QY-202")
@pytest.mark.parametrize("choice", ["evaluate", "fetch"])
def test_values_that_python_can_compute_are_set_as_loaded(session, players, sql, choice):
    run(session, update(Player).values(score=Player.score + 1, name="x"), choice)

    sql.clear()
    assert [(each.name, each.score) for each in players[:2]] == [("x", 11), ("x", 21)]
    assert players[3].score is None
    assert not sql.emitted
    assert not session.dirty
    session.flush()
    assert not sql.emitted


@pytest.mark.rule("QY-200")
@pytest.mark.parametrize("choice", ["evaluate", "fetch"])
def test_values_that_only_the_database_computes_expire(session, players, choice):
    run(session, update(Player).where(Player.id == 1).values(name=func.upper(Player.name)), choice)

    assert inspect(players[0]).expired_attributes == {"name"}
    assert players[0].name == "ANN"


def test_attribute_that_is_not_loaded_stays_so(session):
    ann = session.get(Player, 1)
    session.expire(ann, ["score"])

    session.execute(update(Player).values(score=5))

    assert inspect(ann).expired_attributes == {"score"}
    assert ann.score == 5


@pytest.mark.rule("QY-203")
@pytest.mark.parametrize("choice", ["evaluate", "fetch"])
def test_unflushed_change_of_an_updated_attribute_is_lost(session, players, choice):
    ann = players[0]
    with session.no_autoflush:
        ann.score = 50
        run(session, update(Player).where(Player.id == 1).values(score=60), choice)

        assert "score" not in vars(ann)
        assert not session.is_modified(ann)
    assert ann.score == 60


@pytest.mark.rule("QY-204")
def test_expired_objects_are_not_loaded_to_be_updated(session, players, sql):
    session.expire(players[0])
    session.expire(players[1], ["name"])

    run(session, update(Player).where(Player.name != "x").values(score=Player.id), "evaluate")

    assert kinds(sql) == ["UPDATE"]
    assert inspect(players[0]).expired
    assert "score" not in vars(players[1])
    assert [each.score for each in players] == [1, 2, 3, 4]


@pytest.mark.rule("QY-204")
def test_expired_objects_stay_persistent_although_their_row_may_be_gone(session, players, sql):
    session.expire(players[0])
    session.expire(players[1], ["score"])
    session.expire(players[3])

    run(session, delete(Player).where(Player.score > 5), "evaluate")

    assert kinds(sql) == ["DELETE"]
    assert [inspect(each).deleted for each in players] == [False, False, True, False]
    assert inspect(players[1]).expired
    assert players[3].name == "dot"
    with pytest.raises(ObjectDeletedError):
        _ = players[0].name


@pytest.mark.rule("QY-206")
@pytest.mark.parametrize("choice", ["evaluate", "fetch"])
def test_updated_primary_key_leaves_the_identity_key(session, players, choice):
    before = inspect(players[0]).identity_key

    run(session, update(Player).where(Player.name == "ann").values(id=77), choice)

    assert players[0].id == 77
    assert inspect(players[0]).identity_key == before


def test_other_changes_of_an_updated_object_are_kept(session, players):
    ann = players[0]
    with session.no_autoflush:
        ann.name = "zoe"
        session.execute(update(Player).values(score=5))

    assert (ann.name, ann.score) == ("zoe", 5)
    assert session.is_modified(ann)
    session.commit()
    assert (ann.name, ann.score) == ("zoe", 5)


@pytest.mark.parametrize("value", ["Ulm", func.upper("Ulm")], ids=["value", "function"])
def test_composite_follows_its_columns(session, players, value):
    assert players[0].home.town == "Rom"

    session.execute(update(Player).values(town=value))

    assert players[0].home.town.lower() == "ulm"


def test_rolled_back_update_is_forgotten(session, players):
    with session.begin_nested() as savepoint:
        session.execute(update(Player).values(score=5))
        assert players[0].score == 5
        savepoint.rollback()

    assert players[0].score == 10


def test_deleted_objects_have_nothing_left_to_flush(session, players, sql):
    with session.no_autoflush:
        session.delete(players[0])
        players[1].name = "zoe"
        session.execute(delete(Player))

    sql.clear()
    assert not session.deleted
    assert not session.dirty
    session.flush()
    assert not sql.emitted


def test_criteria_over_several_tables_are_fetched(tables, engine):
    if engine.dialect.name == "sqlite":
        pytest.skip("no DELETE ... USING")
    with Session(tables(company.Base.metadata)) as session:
        ada, bob = (company.Engineer(name=name) for name in ("ada", "bob"))
        session.add_all([ada, bob])
        session.commit()

        session.execute(
            delete(company.Engineer).where(
                company.Engineer.id == company.Person.id, company.Person.name == "ada"
            )
        )

        assert (inspect(ada).deleted, inspect(bob).deleted) == (True, False)


# -- values of the database ------------------------------------------------------------------------


class Stamped(DeclarativeBase):
    pass


class Page(Stamped):
    __tablename__ = "page"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    by_python: Mapped[str] = mapped_column(default="new", onupdate=lambda: "python")
    by_sql: Mapped[str] = mapped_column(default="new", onupdate=literal("sql"))
    by_server: Mapped[str] = mapped_column(default="new", server_onupdate=FetchedValue())


@pytest.mark.rule("PT-45")
@pytest.mark.parametrize("choice", ["auto", "fetch"])
def test_what_an_update_changes_besides_is_known_or_expires(tables, sql, choice):
    with Session(tables(Stamped.metadata)) as session:
        page = Page(id=1, text="a")
        session.add(page)
        session.flush()
        assert page.by_server == "new"

        run(session, update(Page).where(Page.id == 1).values(text="b"), choice)

        sql.clear()
        assert (page.text, page.by_python) == ("b", "python")
        assert not sql.emitted
        assert inspect(page).expired_attributes == {"by_sql", "by_server"}
        assert page.by_sql == "sql"


def test_row_that_is_not_in_memory_needs_nothing(session):
    session.execute(update(Player).where(NOT_EVALUABLE).values(score=5))
    session.execute(delete(Player).where(Player.id == 2))

    assert session.scalars(select(Player.score).order_by(Player.id)).all() == [5, 30, None]
