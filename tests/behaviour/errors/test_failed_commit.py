"""A COMMIT that fails: the session waits for `rollback()` and is usable afterwards."""

import pytest
from sqlalchemy import create_engine, event, exc, inspect, select, text

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


@pytest.fixture
def dying(tmp_path):
    """A session on a database file, with a row in it."""
    engine = create_engine(f"sqlite:///{tmp_path / 'library.db'}")
    library.Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(library.Author(id=1, name="Ann"))
        session.commit()
        yield session
    engine.dispose()


def kill(session):
    """Close the connection under the session, as a server that goes away does."""
    session.connection().connection.dbapi_connection.close()


def test_commit_on_a_connection_that_died_before_the_flush(dying):
    bo = library.Author(name="Bo")
    dying.get(library.Author, 1).name = "Anna"
    dying.add(bo)
    kill(dying)

    with pytest.raises(exc.ProgrammingError, match="closed database"):
        dying.commit()
    with pytest.raises(exc.PendingRollbackError, match="closed database"):
        dying.scalars(select(library.Author))
    dying.invalidate()

    assert dying.is_active
    assert bo.name == "Bo"
    assert inspect(bo).transient
    dying.add(bo)
    dying.commit()
    assert [author.name for author in dying.scalars(select(library.Author))] == ["Ann", "Bo"]


def test_commit_on_a_connection_that_died_after_the_flush(dying):
    bo = library.Author(name="Bo")
    dying.add(bo)
    dying.flush()
    kill(dying)

    with pytest.raises(exc.ProgrammingError, match="closed database"):
        dying.commit()
    dying.invalidate()

    assert bo.name == "Bo"
    dying.add(library.Author(name="Cy"))
    dying.commit()
    assert [author.name for author in dying.scalars(select(library.Author))] == ["Ann", "Cy"]
