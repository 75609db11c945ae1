"""Isolation levels and AUTOCOMMIT: per engine, per session and per transaction."""

import pytest
from sqlalchemy import create_engine, exc, inspect, select, text

from holdfast import Session
from models import library
from watching import author, names_in, record_events

LEVELS = {
    "sqlite": "READ UNCOMMITTED",
    "postgresql": "REPEATABLE READ",
    "mariadb": "READ COMMITTED",
    "mysql": "READ COMMITTED",
}


@pytest.fixture
def engine_of_levels(database, bound, tmp_path):
    """The engine; on SQLite one with a file, since its levels need connections of their own."""
    if database is not None:
        yield bound
        return
    engine = create_engine(f"sqlite:///{tmp_path}/library.db")
    library.Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def level(engine_of_levels):
    """A level that is not the default."""
    return LEVELS[engine_of_levels.dialect.name]


def level_of(session):
    return session.connection().get_isolation_level()


@pytest.mark.rule("TX-120", "TX-121")
def test_level_set_with_the_first_use_lasts_for_the_transaction(engine_of_levels, level):
    session = Session(engine_of_levels)
    default = level_of(session)
    assert default != level
    session.commit()

    session.connection(execution_options={"isolation_level": level})
    session.add(author(2))
    session.flush()
    assert level_of(session) == level
    session.commit()

    assert level_of(session) == default
    session.close()


@pytest.mark.rule("TX-120")
def test_level_of_the_engine_or_of_a_copy_is_the_sessions(engine_of_levels, level):
    copy = engine_of_levels.execution_options(isolation_level=level)

    with Session(copy) as session:
        assert level_of(session) == level
        session.commit()
        assert level_of(session) == level


@pytest.mark.rule("TX-120", "TX-84")
def test_level_of_the_session_holds_for_each_transaction(engine_of_levels, level):
    with Session(engine_of_levels, execution_options={"isolation_level": level}) as session:
        assert level_of(session) == level
        session.commit()
        assert level_of(session) == level


@pytest.mark.rule("TX-122")
def test_level_comes_too_late_for_a_begun_transaction(engine_of_levels, level):
    with engine_of_levels.connect() as connection:
        connection.begin()
        session = Session(connection)

        with pytest.raises(exc.InvalidRequestError, match=r"already (begun|initialized)"):
            session.connection(execution_options={"isolation_level": level})

        assert session.is_active
    with Session(engine_of_levels) as session:
        session.connection()
        with pytest.warns(exc.SAWarning, match="already established"):
            session.connection(execution_options={"isolation_level": level})


@pytest.mark.rule("TX-123")
def test_autocommit_leaves_states_and_events_as_they_are(engine_of_levels):
    session = Session(engine_of_levels.execution_options(isolation_level="AUTOCOMMIT"))
    heard = []
    record_events(session, heard, ("after_rollback", "after_commit", "after_transaction_end"))
    new = author(2)
    session.add(new)
    session.flush()

    session.rollback()

    assert inspect(new).transient
    assert heard[-2:] == ["after_rollback", "after_transaction_end"]
    assert names_in(session) == ["author 2"]
    again = session.get(library.Author, 2)
    again.name = "changed"
    session.commit()
    assert inspect(again).expired
    assert "after_commit" in heard
    session.close()


@pytest.mark.rule("TX-124", "TX-87")
def test_copies_of_an_engine_route_to_another_level_and_share_the_pool(engine_of_levels):
    copy = engine_of_levels.execution_options(isolation_level="AUTOCOMMIT")
    session = Session(engine_of_levels)
    session.bind_mapper(library.Author, copy)
    session.bind_table(library.Tag.__table__, copy)
    assert copy.pool is engine_of_levels.pool

    assert session.get_bind(library.Author) is copy
    assert session.get_bind(clause=select(library.Tag.__table__)) is copy
    assert session.get_bind(library.Book) is engine_of_levels
    connection = session.connection(bind_arguments={"mapper": library.Author})

    assert connection.get_execution_options()["isolation_level"] == "AUTOCOMMIT"
    assert session.connection(bind_arguments={"mapper": library.Book}) is not connection
    session.close()


@pytest.mark.rule("TX-125")
def test_level_set_in_a_block_holds_for_the_block(engine_of_levels, level):
    session = Session(engine_of_levels)
    with session.begin():
        session.connection(execution_options={"isolation_level": level})
        session.execute(text("SELECT 1"))
        assert level_of(session) == level

    assert level_of(session) != level
    session.close()
