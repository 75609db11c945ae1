"""Two-phase commit: prepared on every engine before the first is committed.

On SQLite, which knows no PREPARE, the order of the calls is shown with a dialect that pretends; on
servers they are real.
"""

import pytest
from sqlalchemy import create_engine, event, exc, inspect, select, text

from holdfast import Session
from models import library
from watching import author, names_in, record_control


def pretend(engine):
    """Let a dialect without two phases do in one what it is asked to."""
    dialect = engine.dialect

    def begin(connection, _xid):
        connection.connection.cursor().execute("BEGIN")

    def commit(connection, _xid, _is_prepared):
        connection.connection.commit()

    def rollback(connection, _xid, _is_prepared):
        connection.connection.rollback()

    dialect.do_begin_twophase = begin
    dialect.do_prepare_twophase = lambda *_: None
    dialect.do_commit_twophase = commit
    dialect.do_rollback_twophase = rollback


@pytest.fixture
def engines(database, bound, apart):
    """Two engines: two databases of SQLite, or two pools on one server."""
    if database is not None:
        second = create_engine(database)
        yield bound, second
        second.dispose()
        return
    made = apart(), apart()
    for engine in made:
        pretend(engine)
    yield made


@pytest.fixture
def log(engines):
    """The transaction control of both, each with the number of its engine."""
    entries = []
    for number, engine in enumerate(engines, 1):
        record_control(engine, entries, lambda word, number=number: f"{word} {number}")
    return entries


@pytest.fixture
def session(engines):
    binds = {library.Author: engines[0], library.Tag: engines[1]}
    with Session(binds=binds, twophase=True) as session:
        yield session


def work(session):
    """A new row on each engine; gives the objects."""
    new, tag = author(1), library.Tag(id=1, name="tag")
    session.add_all([new, tag])
    return new, tag


def rows(engines):
    """How many authors there are on the first, and tags on the second engine."""
    found = []
    for engine, table in zip(engines, ("author", "tag"), strict=True):
        with engine.connect() as connection:
            found.append(connection.scalar(text(f"SELECT count(*) FROM {table}")))
    return found


@pytest.mark.rule("TX-100", "TX-101", "PT-113", "TX-160", "VC-63")
def test_commit_prepares_every_connection_before_it_commits_one(session, engines, log):
    work(session)

    session.commit()

    assert log == [
        "BEGIN TWOPHASE 1",
        "BEGIN TWOPHASE 2",
        "PREPARE 1",
        "PREPARE 2",
        "COMMIT PREPARED 1",
        "COMMIT PREPARED 2",
    ]
    assert rows(engines) == [1, 1]


@pytest.mark.rule("TX-100")
def test_backend_without_two_phases_is_refused_with_the_first_connection(apart):
    session = Session(apart(), twophase=True)
    session.begin()

    with pytest.raises(NotImplementedError):
        session.connection()

    session.rollback()
    assert session.is_active


@pytest.mark.rule("TX-101", "PT-113")
@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize("method", ["commit", "prepare"])
def test_failure_in_a_prepare_rolls_back_all(session, engines, log, method, failing):
    new, tag = work(session)

    def fail(*_):
        raise ConnectionError

    event.listen(engines[failing], "prepare_twophase", fail)
    with pytest.raises(ConnectionError):
        getattr(session, method)()
    event.remove(engines[failing], "prepare_twophase", fail)

    assert not any(word.startswith("COMMIT") for word in log)
    assert sum(word.startswith("ROLLBACK") for word in log) == 2
    assert inspect(new).transient
    assert inspect(tag).transient
    assert session.is_active
    assert not session.in_transaction()
    assert rows(engines) == [0, 0]
    session.add_all([new, tag])
    session.commit()
    assert rows(engines) == [1, 1]


@pytest.mark.rule("TX-101", "TX-68")
@pytest.mark.parametrize("failing", [0, 1])
def test_commit_that_fails_leaves_a_transaction_to_be_recovered_and_commits_the_other(
    session, engines, log, database, failing
):
    if database is not None and database.get_backend_name() != "postgresql":
        pytest.skip("MariaDB lets no other connection finish what one has prepared")
    work(session)
    prepared = []

    def fail(_connection, xid, _is_prepared):
        prepared.append(xid)
        raise ConnectionError

    event.listen(engines[failing], "commit_twophase", fail)
    with pytest.raises(ConnectionError):
        session.commit()
    event.remove(engines[failing], "commit_twophase", fail)
    assert not session.is_active

    session.rollback()

    assert session.is_active
    assert f"COMMIT PREPARED {2 - failing}" in log
    assert rows(engines) == [failing, 1 - failing]
    if database is not None:
        with engines[failing].connect() as connection:
            connection.commit_prepared(prepared[0], recover=True)
        assert rows(engines) == [1, 1]


@pytest.mark.rule("TX-102", "TX-105", "TX-60 prepared")
@pytest.mark.parametrize(("method", "expected"), [("commit", 1), ("rollback", 0), ("close", 0)])
def test_prepared_transaction_waits_for_its_end(session, engines, log, method, expected):
    new, _ = work(session)

    session.prepare()

    assert inspect(new).persistent
    assert log[2:] == ["PREPARE 1", "PREPARE 2"]
    assert not session.is_active
    assert session.in_transaction()
    with pytest.raises(exc.InvalidRequestError, match="in 'prepared' state"):
        session.execute(select(library.Author))
    getattr(session, method)()
    assert session.is_active
    assert not session.in_transaction()
    assert rows(engines) == [expected] * 2


@pytest.mark.rule("TX-103")
def test_prepare_needs_two_phases_and_the_root(session, bound):
    with pytest.raises(exc.InvalidRequestError, match="'twophase' mode not enabled"):
        Session(bound).prepare()
    nested = session.begin_nested()
    with pytest.raises(exc.InvalidRequestError, match="not root transaction; can't prepare"):
        session.prepare()
    assert nested.is_active


@pytest.mark.rule("TX-104")
def test_prepare_without_transaction_begins_one_and_prepares_nothing(session, log):
    session.prepare()

    assert session.in_transaction()
    assert log == []
    session.rollback()


@pytest.mark.rule("TX-106")
def test_savepoint_in_two_phases_is_an_ordinary_one(session, engines, log):
    new, tag = work(session)
    session.flush()
    nested = session.begin_nested()
    session.add(author(2))
    session.flush()
    nested.rollback()
    session.commit()

    assert [word for word in log if "SAVEPOINT" in word or "TO" in word.split()] == [
        "SAVEPOINT 1",
        "ROLLBACK TO 1",
    ]
    assert rows(engines) == [1, 1]
    assert (new.name, tag.name) == ("author 1", "tag")


def test_flush_that_fails_in_two_phases_rolls_back_all(session, engines, log):
    work(session)
    session.flush()
    session.add(library.Tag(id=2, name=None))

    with pytest.raises(exc.IntegrityError):
        session.commit()

    assert not session.is_active
    session.rollback()
    assert rows(engines) == [0, 0]
    assert not any(word.startswith("PREPARE") for word in log)


def test_row_that_cannot_be_prepared_rolls_back_the_other_engine(session, engines, database):
    """PostgreSQL refuses to prepare a transaction that has used a temporary table."""
    if database is None or database.get_backend_name() != "postgresql":
        pytest.skip("only PostgreSQL refuses a PREPARE by itself")
    new, tag = work(session)
    session.flush()
    session.connection(bind_arguments={"mapper": library.Tag}).execute(
        text("CREATE TEMPORARY TABLE passing (id INTEGER)")
    )

    with pytest.raises(exc.DBAPIError, match="temporary"):
        session.commit()

    assert inspect(new).transient
    assert inspect(tag).transient
    assert rows(engines) == [0, 0]
    with engines[0].connect() as connection:
        prepared = "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()"
        assert connection.scalar(text(prepared)) == 0
    session.add_all([new, tag])
    session.commit()
    assert rows(engines) == [1, 1]
    assert names_in(session) == ["author 1"]
