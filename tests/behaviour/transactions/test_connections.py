"""The connections of a transaction: acquired, listed, given options, invalidated, closed."""

import pytest
from sqlalchemy import event, exc, select, text

from holdfast import Session, sessionmaker
from models import library
from watching import author, names_in, record_control

ONE = text("SELECT 1")


@pytest.mark.rule("TX-80")
def test_connection_is_the_same_for_the_whole_transaction(session):
    first = session.connection()

    assert session.connection() is first
    assert first.engine is session.get_bind()
    session.commit()
    assert session.connection() is not first


@pytest.mark.rule("TX-50", "TX-52")
def test_begin_acquires_no_connection(session, control):
    transaction = session.begin()
    assert transaction.connections == frozenset()
    assert control == []

    connection = session.connection()

    assert transaction.connections == {connection}
    assert control == ["BEGIN"]


@pytest.mark.rule("TX-81", "TX-88", "SB-161")
@pytest.mark.parametrize("ending", ["commit", "rollback", "close", "reset", "invalidate"])
def test_connection_from_an_engine_is_closed_at_the_end(session, ending):
    connection = session.connection()

    getattr(session, ending)()

    assert connection.closed


@pytest.mark.rule("TX-81", "TX-142", "SB-155")
@pytest.mark.parametrize("ending", ["commit", "rollback", "close", "reset"])
def test_connection_that_was_given_is_left_open(bound, ending):
    with bound.connect() as connection:
        session = Session(connection)
        assert session.connection() is connection

        getattr(session, ending)()

        assert not connection.closed


@pytest.mark.rule("TX-88")
def test_invalidate_makes_sure_that_the_connection_is_not_used_again(apart):
    engine = apart()
    invalidated = []
    event.listen(engine, "invalidate", lambda *_: invalidated.append(1))
    session = Session(engine)
    new = author(2)
    session.add(new)
    session.flush()

    session.invalidate()

    assert invalidated == [1]
    assert new not in session
    assert not session.in_transaction()


@pytest.mark.rule("TX-82", "TX-84")
def test_options_are_applied_when_the_connection_is_acquired(bound):
    session = Session(bound, execution_options={"marker": "session", "other": 1})

    connection = session.connection(execution_options={"marker": "call"})

    assert dict(connection.get_execution_options()) == {"marker": "call", "other": 1}
    with pytest.warns(exc.SAWarning, match="already established"):
        assert session.connection(execution_options={"marker": "late"}) is connection
    assert connection.get_execution_options()["marker"] == "call"
    session.commit()
    assert session.connection().get_execution_options()["marker"] == "session"


@pytest.mark.rule("TX-84")
def test_options_of_call_statement_and_session_in_this_order(bound):
    session = Session(bound, execution_options={"a": "session", "b": "session", "c": "session"})
    seen = []
    event.listen(
        bound,
        "before_cursor_execute",
        lambda *arguments: seen.append(dict(arguments[4].execution_options)),
    )
    statement = select(library.Author.id).execution_options(b="statement", c="statement")

    session.execute(statement, execution_options={"c": "call"}).all()

    assert {"a": "session", "b": "statement", "c": "call"}.items() <= seen[-1].items()


@pytest.mark.rule("TX-84")
def test_flush_sees_the_options_of_the_connection(apart):
    engine = apart()
    with engine.connect() as connection:
        connection.exec_driver_sql("ATTACH DATABASE ':memory:' AS other")
        connection.commit()
    session = Session(engine, execution_options={"schema_translate_map": {None: "other"}})
    library.Base.metadata.create_all(session.connection())
    new = author(2)
    session.add(new)
    session.commit()
    new.name = "changed"
    session.commit()

    with engine.connect() as connection:
        found = connection.scalars(text("SELECT name FROM other.author")).all()
        assert found == ["changed"]
        assert connection.scalars(text("SELECT name FROM main.author")).all() == []
    session.delete(new)
    session.commit()
    with engine.connect() as connection:
        assert connection.scalars(text("SELECT name FROM other.author")).all() == []


@pytest.mark.rule("TX-83")
def test_connection_is_chosen_by_bind_arguments(apart):
    authors, tags = apart(), apart()
    session = Session(binds={library.Author: authors, library.Tag: tags})

    assert session.connection(bind_arguments={"mapper": library.Tag}).engine is tags
    assert session.connection({"clause": select(library.Author)}).engine is authors
    assert session.connection(bind_arguments={"bind": authors}).engine is authors
    with pytest.raises(AttributeError):
        session.connection(library.Author)
    with pytest.raises(TypeError):
        session.connection(mapper=library.Author)


@pytest.mark.rule("TX-85")
def test_nested_transaction_lists_the_connections_that_it_used(session):
    root = session.begin()
    outer = session.connection()
    nested = session.begin_nested()

    assert nested.connections == frozenset()
    inner = session.connection()
    assert nested.connections == {inner}
    nested.commit()
    session.commit()
    assert root.connections == {outer}
    assert nested.connections == {inner}


@pytest.mark.rule("TX-86")
def test_bound_connection_is_the_acquired_one_of_a_bind(apart):
    authors, tags = apart(), apart()
    session = Session(binds={library.Author: authors, library.Tag: tags})
    transaction = session.begin()
    with pytest.raises(exc.InvalidRequestError, match="has not acquired a connection for bind"):
        transaction.bound_connection(library.Tag)

    connection = session.connection(bind_arguments={"mapper": library.Tag})

    assert transaction.bound_connection(library.Tag) is connection
    with pytest.raises(exc.InvalidRequestError, match="has not acquired a connection for bind"):
        transaction.bound_connection(library.Author)


@pytest.mark.rule("TX-87")
def test_binds_to_one_engine_share_a_connection(apart, bound):
    engine = apart()
    session = Session(bind=engine, binds={library.Author: engine, library.Tag: engine})

    found = {
        session.connection(bind_arguments={"mapper": mapper})
        for mapper in (library.Author, library.Tag, library.Book)
    }

    assert len(found) == 1


@pytest.mark.rule("TX-87")
def test_second_connection_to_one_engine_is_refused(apart):
    engine = apart()
    with engine.connect() as one, engine.connect() as other:
        session = Session(binds={library.Author: one, library.Tag: other})
        session.connection(bind_arguments={"mapper": library.Author})

        with pytest.raises(exc.InvalidRequestError, match="already has a Connection associated"):
            session.connection(bind_arguments={"mapper": library.Tag})
        session.close()


@pytest.mark.rule("TX-89")
@pytest.mark.parametrize("mode", ["conditional_savepoint", "rollback_only", "create_savepoint"])
def test_join_mode_does_not_matter_for_a_connection_of_the_session_itself(bound, mode):
    @event.listens_for(bound, "engine_connect")
    def begin_at_once(connection):
        connection.begin()

    log = []
    record_control(bound, log)
    session = Session(bound, join_transaction_mode=mode)
    session.add(author(2))
    session.commit()

    assert log == ["BEGIN", "COMMIT"]
    assert names_in(session) == ["author 2"]
    session.close()


@pytest.mark.rule("TX-2", "TX-1", "TX-4", "TX-7")
def test_transaction_says_what_it_is(session):
    assert session.get_transaction() is None
    root = session.begin()
    nested = session.begin_nested()

    assert session.get_transaction() is root
    assert (root.session, root.parent, root.nested) == (session, None, False)
    assert (nested.session, nested.parent, nested.nested) == (session, root, True)
    assert root.is_active
    assert nested.is_active
    for name in ("commit", "rollback", "prepare", "close", "__enter__", "__exit__"):
        assert callable(getattr(root, name))


@pytest.mark.rule("TX-8")
def test_block_whose_commit_fails_rolls_back_and_raises(session):
    def fail(_):
        raise ConnectionError

    event.listen(session, "before_commit", fail)

    with pytest.raises(ConnectionError), session.begin():
        session.add(author(2))

    assert not session.in_transaction()
    assert names_in(session) == ["Ann"]


@pytest.mark.rule("TX-9")
@pytest.mark.parametrize("begin", ["begin", "begin_nested"])
def test_block_that_was_rolled_back_inside_closes_silently(session, begin):
    with getattr(session, begin)() as transaction:
        session.add(author(2))
        session.flush()
        transaction.rollback()

    assert not session.in_nested_transaction()
    assert names_in(session) == ["Ann"]


def by_core(engine):
    """Each way of Core to run a transaction."""
    with engine.connect() as connection:
        connection.execute(ONE)
        connection.commit()
        connection.execute(ONE)
    with engine.begin() as connection:
        connection.execute(ONE)
        with connection.begin_nested():
            connection.execute(ONE)


def by_session(engine):
    """The same by sessions."""
    maker = sessionmaker(engine)
    with maker() as session:
        session.execute(ONE)
        session.commit()
        session.execute(ONE)
    with maker.begin() as session:
        session.execute(ONE)
        with session.begin_nested():
            session.execute(ONE)


@pytest.mark.rule("TX-20")
def test_session_controls_transactions_as_a_connection_does(bound, control):
    by_core(bound)
    core = list(control)
    control.clear()

    by_session(bound)

    assert control == core
    assert core == [
        "BEGIN",
        "COMMIT",
        "BEGIN",
        "ROLLBACK",
        "BEGIN",
        "SAVEPOINT",
        "RELEASE",
        "COMMIT",
    ]


@pytest.mark.rule("TX-9")
def test_block_whose_session_was_rolled_back_inside_closes_silently(session):
    with session.begin():
        session.rollback()
    assert not session.in_transaction()


@pytest.mark.rule("TX-160", "SB-161")
def test_rollback_reaches_every_connection_though_one_fails(apart):
    first, second, third = apart(), apart(), apart()
    binds = {library.Author: first, library.Tag: second, library.Book: third}
    session = Session(binds=binds)
    connections = [session.connection(bind_arguments={"mapper": cls}) for cls in binds]
    log = []
    for number, engine in enumerate((first, second, third)):
        record_control(engine, log, lambda word, number=number: (number, word))

    def fail(_):
        raise ConnectionError

    event.listen(first, "rollback", fail)
    with pytest.raises(ConnectionError):
        session.rollback()

    assert [entry for entry in log if entry[0]] == [(1, "ROLLBACK"), (2, "ROLLBACK")]
    assert all(connection.closed for connection in connections)
    assert not session.in_transaction()
