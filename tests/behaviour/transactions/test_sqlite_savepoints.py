"""SAVEPOINT with Python's driver of SQLite as it comes.

The driver begins a transaction with the first write, and not with a SAVEPOINT. Other tests have an
engine that begins by itself (see `databases.sqlite_engine`); these are about one that does not, and
so have a SQLite database whatever servers there are.
"""

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.pool import NullPool

from holdfast import Session
from models import library
from watching import author, names_in


@pytest.fixture(params=["", "IMMEDIATE", "EXCLUSIVE"], ids=["deferred", "immediate", "exclusive"])
def plain(request, tmp_path):
    """An engine with nothing done about SAVEPOINT."""
    engine = create_engine(
        f"sqlite:///{tmp_path}/library.db",
        poolclass=NullPool,
        connect_args={"isolation_level": request.param},
    )
    library.Base.metadata.create_all(engine)
    return engine


def seen_by_others(engine):
    with Session(engine) as other:
        return names_in(other)


@pytest.mark.rule("TX-33", "TX-36")
def test_released_savepoint_goes_with_its_transaction(plain):
    with Session(plain) as session:
        with session.begin_nested():
            session.add(author(1))

        session.rollback()

        assert names_in(session) == []


@pytest.mark.rule("TX-33")
@pytest.mark.parametrize("reads_first", [True, False])
def test_released_savepoint_waits_for_the_commit(plain, reads_first):
    with Session(plain) as session:
        if reads_first:
            session.execute(text("SELECT 1"))
        with session.begin_nested():
            session.add(author(1))
        connection = session.connection().connection.driver_connection
        assert connection.in_transaction

        session.commit()

    assert seen_by_others(plain) == ["author 1"]


@pytest.mark.rule("TX-34", "TX-38")
def test_rollback_to_a_savepoint_keeps_what_came_before_and_after(plain):
    with Session(plain) as session:
        session.add(author(1))
        session.flush()
        nested = session.begin_nested()
        session.add(author(2))
        session.flush()
        nested.rollback()
        session.add(author(3))
        session.commit()

    assert seen_by_others(plain) == ["author 1", "author 3"]


@pytest.mark.rule("TX-144")
def test_recipe_for_test_suites_undoes_what_was_committed(plain):
    with plain.connect() as connection:
        outside = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            session.add(author(1))
            session.commit()
            session.add(author(2))
            session.rollback()
            assert names_in(session) == ["author 1"]
        outside.rollback()

    assert seen_by_others(plain) == []


def test_beginning_for_a_savepoint_is_unseen(plain):
    statements = []
    event.listen(plain, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))

    with Session(plain) as session, session.begin_nested():
        session.execute(text("SELECT 1"))

    assert [each.split()[0] for each in statements] == ["SAVEPOINT", "SELECT", "RELEASE"]


def test_driver_that_commits_each_statement_is_left_alone(plain):
    engine = plain.execution_options(isolation_level="AUTOCOMMIT")

    with Session(engine) as session:
        with session.begin_nested():
            session.add(author(1))
        session.rollback()

    assert seen_by_others(plain) == ["author 1"]
