"""`Query.update()` and `Query.delete()`."""

import pytest
from sqlalchemy import event, exc, inspect, select, text

from holdfast import Query
from models.library import Author
from models.team import Player


@pytest.fixture
def listen():
    """Add listeners that are taken away after the test."""
    added = []

    def add(target, name, listener, **options):
        event.listen(target, name, listener, **options)
        added.append((target, name, listener))

    yield add
    for each in added:
        event.remove(*each)


def test_update_of_a_query_tells_its_rows_and_changes_objects(session, players, sql):
    count = session.query(Player).filter(Player.score > 10).update({"score": Player.score + 1})

    assert count == 2
    assert [each.score for each in players] == [10, 21, 31, None]
    assert sql.emitted == ["UPDATE player SET points=(player.points + ?) WHERE player.points > ?"]


@pytest.mark.parametrize("choice", ["evaluate", "fetch", False])
def test_update_of_a_query_synchronizes_as_asked(session, players, choice):
    count = session.query(Player).filter_by(name="ann").update({Player.score: 5}, choice)

    assert count == 1
    assert players[0].score == (10 if choice is False else 5)


def test_delete_of_a_query_tells_its_rows_and_deletes_objects(session, players):
    assert session.query(Player).filter(Player.score > 10).delete() == 2
    assert [inspect(each).deleted for each in players] == [False, True, True, False]


def test_parameters_of_a_query_reach_the_statement(session, players):
    query = session.query(Player).filter(text("points > :least")).params(least=10)

    assert query.update({"bonus": 7}, synchronize_session="fetch") == 2
    assert [each.bonus for each in players] == [1, 7, 7, 1]


def test_query_of_a_table_writes_to_it(session):
    table = Player.__table__

    assert session.query(table).update({table.c.points: 1}, synchronize_session=False) == 4
    assert session.query(table).filter(table.c.id < 3).delete(synchronize_session=False) == 2


def test_pairs_keep_their_order_on_demand(session, sql):
    session.query(Player).update(
        [("score", 1), ("name", "x")], update_args={"preserve_parameter_order": True}
    )

    assert sql.emitted == ["UPDATE player SET points=?, name=?"]


def test_arguments_of_a_dialect_reach_the_statement(session, listen):
    seen = []
    for name in ("after_bulk_update", "after_bulk_delete"):
        listen(session, name, lambda change: seen.append(change))

    session.query(Player).update({"score": 1}, update_args={"mysql_limit": 2})
    session.query(Player).delete(delete_args={"mysql_limit": 3})

    statements = [each.result.context.compiled.statement for each in seen]
    assert [each.dialect_kwargs["mysql_limit"] for each in statements] == [2, 3]


@pytest.mark.parametrize(
    ("query", "method"),
    [
        (Query(Player).limit(1), "limit"),
        (Query(Player).offset(1), "offset"),
        (Query(Player).order_by(Player.id), "order_by"),
        (Query(Player).group_by(Player.id), "group_by"),
        (Query(Player).distinct(), "distinct"),
        (Query(Player).join(Author, Author.id == Player.id), "join"),
        (Query(Player).select_from(Author), "join"),
        (Query(Player).union(Query(Player)), "join"),
        (Query(Player).from_statement(select(Player)), "from_statement"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_query_with_more_than_criteria_does_not_write(session, query, method):
    pattern = rf"Can't call Query.update\(\) or Query.delete\(\) when {method}\(\)"

    with pytest.raises(exc.InvalidRequestError, match=pattern):
        query.with_session(session).update({"score": 1})
    with pytest.raises(exc.InvalidRequestError, match=pattern):
        query.with_session(session).delete()


def test_query_without_one_class_does_not_write(session):
    with pytest.raises(exc.InvalidRequestError, match="single mapped class"):
        session.query(Player, Player.id).delete()
    with pytest.raises(exc.ArgumentError):
        session.query(Player.name == "x").update({"score": 1})


def test_query_without_session_does_not_write():
    with pytest.raises(exc.InvalidRequestError, match="not bound to a session"):
        Query(Player).delete()


@pytest.mark.rule("EV-152")
def test_listeners_of_the_session_hear_of_queries_that_write(session, listen):
    seen = []
    for name in ("after_bulk_update", "after_bulk_delete"):
        listen(session, name, lambda change: seen.append(change))
    query = session.query(Player).filter(Player.score > 10)

    query.update({"score": 11})
    query.delete()

    update, delete = seen
    assert update.session is delete.session is session
    assert update.query is delete.query is query
    assert (update.result.rowcount, delete.result.rowcount) == (2, 2)
    assert update.values == {"score": 11}


@pytest.mark.rule("EV-152")
def test_listeners_do_not_hear_of_statements(session, listen):
    seen = []
    listen(session, "after_bulk_delete", seen.append)

    session.execute(Player.__table__.delete())
    session.query(Player).delete()

    assert len(seen) == 1


@pytest.mark.rule("EV-153")
def test_listeners_may_change_a_query_before_it_writes(session, listen):
    def only_ann(query, change):
        if change.values is not None:
            change.values["bonus"] = 50
        return query.filter(Player.name == "ann")

    for name in ("before_compile_update", "before_compile_delete"):
        listen(Query, name, only_ann, retval=True)

    assert session.query(Player).update({"score": 1}) == 1
    assert session.execute(select(Player.score, Player.bonus).where(Player.id == 1)).one() == (
        1,
        50,
    )
    assert session.query(Player).delete() == 1


@pytest.mark.rule("EV-153")
def test_what_listeners_return_counts_on_demand_only(session, listen):
    listen(Query, "before_compile_delete", lambda query, _: query.filter(Player.id == 1))

    assert session.query(Player).delete() == 4
