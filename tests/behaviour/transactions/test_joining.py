"""A session on a connection: what becomes of a transaction that was begun outside."""

import pytest
from sqlalchemy import exc, inspect, text

from holdfast import Session
from models import library
from watching import author, names_in

# Mode, what was begun outside, and for commit, rollback and close: what is left of that, and
# whether a row that the session has flushed is there.
#   "kept": still active; "ended": committed or rolled back
TABLE = [
    ("conditional_savepoint", "trans", ("kept", True), ("ended", False), ("kept", True)),
    ("conditional_savepoint", "savepoint", ("kept", True), ("kept", False), ("kept", False)),
    ("create_savepoint", "trans", ("kept", True), ("kept", False), ("kept", False)),
    ("create_savepoint", "savepoint", ("kept", True), ("kept", False), ("kept", False)),
    ("control_fully", "trans", ("ended", True), ("ended", False), ("ended", False)),
    ("control_fully", "savepoint", ("ended", True), ("ended", False), ("ended", False)),
    ("rollback_only", "trans", ("kept", True), ("ended", False), ("kept", True)),
    ("rollback_only", "savepoint", ("kept", True), ("ended", False), ("kept", True)),
]
CELLS = [
    pytest.param(mode, begun, method, *cell, id=f"{mode}-{begun}-{method}")
    for mode, begun, *cells in TABLE
    for method, cell in zip(("commit", "rollback", "close"), cells, strict=True)
]
MODES = ("conditional_savepoint", "create_savepoint", "control_fully", "rollback_only")


@pytest.fixture
def connection(bound):
    with bound.connect() as connection:
        yield connection


def count(connection):
    return connection.scalar(text("SELECT count(*) FROM author"))


@pytest.mark.rule("TX-140", "TX-142", "SB-155")
@pytest.mark.parametrize(("mode", "begun", "method", "left", "has_row"), CELLS)
def test_what_was_begun_outside_ends_as_the_mode_says(
    connection, control, mode, begun, method, left, has_row
):
    root = connection.begin()
    joined = connection.begin_nested() if begun == "savepoint" else root
    session = Session(connection, join_transaction_mode=mode)
    session.add(author(1))
    session.flush()

    getattr(session, method)()

    assert not connection.closed
    assert joined.is_active is (left == "kept")
    # A SAVEPOINT is all that a session ever ends where one was begun outside.
    assert root.is_active is (left == "kept" or begun == "savepoint")
    assert count(connection) == has_row
    connection.rollback()
    is_committed = (mode, begun, method) == ("control_fully", "trans", "commit")
    assert count(connection) == is_committed
    session.close()


@pytest.mark.rule("TX-140 any")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", ["commit", "rollback", "close"])
def test_transaction_of_the_sessions_own_ends_with_it(connection, mode, method):
    session = Session(connection, join_transaction_mode=mode)
    session.add(author(1))
    session.flush()
    assert connection.in_transaction()

    getattr(session, method)()

    assert not connection.in_transaction()
    assert not connection.closed
    assert count(connection) == (method == "commit")


@pytest.mark.rule("TX-141")
def test_unknown_mode_is_refused(bound):
    with pytest.raises(exc.ArgumentError, match="invalid selection for join_transaction_mode"):
        Session(bound, join_transaction_mode="no such mode")


@pytest.mark.rule("TX-143")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", ["commit", "rollback", "close"])
def test_mode_acts_only_when_the_connection_is_used(connection, control, mode, method):
    outside = connection.begin()
    control.clear()
    session = Session(connection, join_transaction_mode=mode)
    session.begin()

    getattr(session, method)()

    assert outside.is_active
    assert control == []


@pytest.mark.rule("TX-145")
def test_rollback_keeps_what_was_committed_within_the_outer_transaction(connection):
    outside = connection.begin()
    session = Session(connection, join_transaction_mode="create_savepoint")
    session.add(author(1))
    session.commit()
    new = author(2)
    session.add(new)
    session.flush()

    session.rollback()

    assert inspect(new).transient
    assert names_in(session) == ["author 1"]
    session.close()
    assert count(connection) == 1
    outside.rollback()
    assert count(connection) == 0


# -- the recipe for test suites ------------------------------------------------------------------


@pytest.fixture
def isolated(bound):
    """A session whose work is undone after the test, whatever the test commits."""
    with bound.connect() as connection:
        outside = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session
        outside.rollback()
    with bound.connect() as connection:
        assert count(connection) == 0


@pytest.mark.rule("TX-144")
@pytest.mark.parametrize("turn", [1, 2])
def test_recipe_undoes_what_a_test_has_committed(isolated, turn):
    assert names_in(isolated) == []
    isolated.add(author(1))
    isolated.commit()
    isolated.add(author(2))
    isolated.rollback()
    isolated.add(author(3))
    with isolated.begin_nested():
        isolated.add(author(4))
    isolated.commit()

    with pytest.raises(exc.IntegrityError):
        isolated.execute(library.Author.__table__.insert().values(id=1, name="again"))
    isolated.rollback()

    assert names_in(isolated) == ["author 1", "author 3", "author 4"]


@pytest.mark.rule("TX-144")
def test_recipe_survives_a_flush_that_fails(isolated):
    isolated.add(author(1))
    isolated.commit()
    isolated.add(library.Author(id=2, name=None))
    with pytest.raises(exc.IntegrityError):
        isolated.commit()
    isolated.rollback()

    isolated.add(author(3))
    isolated.commit()

    assert names_in(isolated) == ["author 1", "author 3"]
