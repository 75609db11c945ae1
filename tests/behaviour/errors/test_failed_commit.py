"""A COMMIT that fails: the session waits for `rollback()` and is usable afterwards."""

import pytest
from sqlalchemy import event, exc, inspect, select, text

from holdfast import Session
from models import library


class ConnectionDied(Exception):
    """What a driver raises when the server is gone."""


@pytest.fixture
def failing(engine, tables):
    """An engine whose next COMMIT fails."""
    tables(library.Base.metadata)
    failures = [ConnectionDied("server has gone away")]

    @event.listens_for(engine, "commit")
    def commit(_connection):
        if failures:
            raise failures.pop()

    return engine


def test_commit_whose_connection_died_propagates_and_waits_for_rollback(failing):
    session = Session(failing)
    author = library.Author(name="Ann")
    session.add(author)

    with pytest.raises(ConnectionDied):
        session.commit()

    assert not session.is_active
    assert session.in_transaction()
    with pytest.raises(exc.InvalidRequestError, match="in 'prepared' state"):
        session.execute(text("SELECT 1"))

    session.rollback()

    assert session.is_active
    assert inspect(author).transient
    assert author.name == "Ann"
    session.add(author)
    session.commit()
    assert session.scalars(select(library.Author)).all() == [author]


def test_block_whose_commit_fails_rolls_back_by_itself(failing):
    session = Session(failing)

    with pytest.raises(ConnectionDied), session.begin():
        session.add(library.Author(name="Ann"))

    assert session.is_active
    assert not session.in_transaction()
    assert session.scalars(select(library.Author)).all() == []


def test_invalidate_lets_go_of_a_dead_connection(failing):
    session = Session(failing)
    author = library.Author(name="Ann")
    session.add(author)
    with pytest.raises(ConnectionDied):
        session.commit()

    session.invalidate()

    assert not session.in_transaction()
    assert author not in session
