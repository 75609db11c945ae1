"""When a session begins its transaction by itself, when it does not, and when it writes first."""

import pytest
from sqlalchemy import exc, inspect, select, text

from holdfast import Session
from models import library
from watching import author, listening, names_in


@pytest.fixture
def ann(session):
    """A persistent object, in a session that has no transaction."""
    ann = session.get(library.Author, 1)
    session.expire_on_commit = False
    session.commit()
    return ann


BEGINNING = {
    "add": lambda session, ann: session.add(author(2)),
    "delete": lambda session, ann: session.delete(ann),
    "merge": lambda session, ann: session.merge(author(2)),
    "execute": lambda session, ann: session.execute(text("SELECT 1")),
    "scalars": lambda session, ann: session.scalars(select(library.Author)).all(),
    "query": lambda session, ann: session.query(library.Author).all(),
    "get": lambda session, ann: session.get(library.Author, 77),
    "connection": lambda session, ann: session.connection(),
    "load": lambda session, ann: ann.books,
    "refresh": lambda session, ann: session.refresh(ann),
    "assign": lambda session, ann: setattr(ann, "name", "Anna"),
    "append": lambda session, ann: ann.books.append(library.Book(title="x")),
}


@pytest.mark.parametrize("use", BEGINNING)
@pytest.mark.rule("SB-140", "SB-142")
def test_use_of_a_session_begins_a_transaction(session, ann, use):
    assert not session.in_transaction()

    BEGINNING[use](session, ann)

    assert session.get_transaction().origin.name == "AUTOBEGIN"


@pytest.mark.rule("SB-140", "SB-151")
def test_commit_begins_a_transaction_and_ends_it(session, ann):
    began = []
    with listening(session, "after_transaction_create", lambda _, level: began.append(level)):
        session.commit()

    assert [level.origin.name for level in began] == ["AUTOBEGIN"]
    assert not session.in_transaction()


@pytest.mark.rule("SB-100")
def test_flush_without_work_emits_nothing(session, ann, sql):
    sql.clear()

    session.flush()

    assert sql.emitted == []
    assert not session.in_transaction()


NOT_BEGINNING = {
    "construct a query": lambda session, ann: session.query(library.Author).filter_by(id=1),
    "read a loaded attribute": lambda session, ann: (ann.name, ann.id),
    "expire_all": lambda session, ann: session.expire_all(),
    "expire": lambda session, ann: session.expire(ann),
    "rollback": lambda session, ann: session.rollback(),
    "close": lambda session, ann: session.close(),
    "get of a present object": lambda session, ann: session.get(library.Author, 1),
    "flush without work": lambda session, ann: session.flush(),
    "ask": lambda session, ann: (ann in session, list(session), session.is_modified(ann)),
}


@pytest.mark.parametrize("use", NOT_BEGINNING)
@pytest.mark.parametrize("autobegin", [True, False])
@pytest.mark.rule("SB-141", "SB-143")
def test_what_needs_no_database_begins_nothing(session, ann, use, autobegin):
    session.autobegins = autobegin

    NOT_BEGINNING[use](session, ann)

    assert not session.in_transaction()


@pytest.mark.rule("SB-160")
def test_rollback_without_transaction_is_silent_and_expires_nothing(session, ann, sql):
    sql.clear()

    with listening(session, "after_soft_rollback", lambda *_: pytest.fail("heard")):
        session.rollback()

    assert not session.in_transaction()
    assert not inspect(ann).expired
    assert sql.emitted == []


@pytest.fixture
def strict(bound):
    """A session that must not begin by itself, with a persistent object that is loaded."""
    with Session(bound, autobegin=False, expire_on_commit=False) as session:
        session.ann = author(1, name="Ann")
        with session.begin():
            session.add(session.ann)
        yield session


@pytest.mark.parametrize("use", [*BEGINNING, "commit"])
@pytest.mark.parametrize("ending", [None, "commit", "rollback", "close"])
@pytest.mark.rule("SB-143")
def test_use_without_begin_is_refused_where_autobegin_is_off(strict, use, ending):
    if ending is not None:
        strict.begin()
        getattr(strict, ending)()
        if ending == "close":
            with strict.begin():
                strict.add(strict.ann)
    calls = {**BEGINNING, "commit": lambda session, ann: session.commit()}

    with pytest.raises(exc.InvalidRequestError, match="Autobegin is disabled"):
        calls[use](strict, strict.ann)

    assert not strict.in_transaction()
    with strict.begin():
        assert names_in(strict) == ["Ann"]


@pytest.mark.rule("SB-145")
def test_assignment_that_may_not_begin_is_not_stored(strict):
    with pytest.raises(exc.InvalidRequestError, match="Autobegin is disabled"):
        strict.ann.name = "Anna"

    assert strict.ann.name == "Ann"
    assert strict.ann in strict.dirty
    with strict.begin():
        strict.ann.name = "Anna"
    with strict.begin():
        assert names_in(strict) == ["Anna"]


@pytest.mark.parametrize("call", ["commit", "begin_nested", "prepare"])
@pytest.mark.rule("SB-104", "TX-30")
def test_pending_changes_are_written_first_though_autoflush_is_off(bound, sql, call, database):
    if call == "prepare" and database is None:
        pytest.skip("SQLite knows no PREPARE")
    with Session(bound, autoflush=False, twophase=call == "prepare") as session:
        session.add(author(2))
        assert session.scalars(select(library.Author.id)).all() == []
        sql.clear()

        getattr(session, call)()

        assert [each for each in sql.emitted if each.startswith("INSERT INTO author")]
        session.rollback()


@pytest.mark.rule("SB-108")
@pytest.mark.parametrize(
    "read",
    [
        lambda session: session.scalars(select(library.Author)).all(),
        lambda session: session.query(library.Author).all(),
        lambda session: session.get(library.Author, 77),
        lambda session: session.merge(author(77)),
    ],
)
def test_error_of_an_autoflush_says_so(session, read):
    session.add(library.Author(id=2, name=None))

    with pytest.raises(exc.IntegrityError, match="raised as a result of Query-invoked autoflush"):
        read(session)
