"""A trace names, for each statement, the line of the user's code and what the session did there."""

import pytest
from sqlalchemy import create_engine, event, exc, select, text
from sqlalchemy.engine import Engine

from holdfast import Session, joinedload, scoped_session, selectinload, sessionmaker
from holdfast.diagnostics import trace
from models import company
from models.library import Author, Base, Book


@pytest.fixture
def session(engine, tables):
    tables(Base.metadata)
    with Session(engine) as session:
        session.add_all([Author(name="a", books=[Book(title="t")]), Author(name="b")])
        session.commit()
        yield session


def doings(statements):
    """What the session did; the tests' own BEGIN on SQLite is left out."""
    return [each.doing for each in statements if each.sql != "BEGIN"]


def test_each_statement_has_its_line(session):
    with trace(session) as statements:
        session.scalars(
            select(Author)
        ).all()  # fmt: skip
        session.get(Author, 99)

    first, second = [each for each in statements if each.sql != "BEGIN"]
    assert first.place.file == second.place.file == __file__
    assert second.place.source == "session.get(Author, 99)"
    assert second.place.line - first.place.line in (1, 3)


def test_reads_are_named_by_what_was_called(session):
    with trace(session) as statements:
        authors = session.scalars(select(Author)).all()
        session.query(Author).all()
        session.get(Author, 99)
        session.execute(text("SELECT 1"))
        session.refresh(authors[0])

    assert doings(statements) == ["scalars()", "all()", "get()", "execute()", "refresh()"]


def test_loads_are_named_by_the_attribute(session):
    with trace(session) as statements:
        author = session.scalars(select(Author).options(selectinload(Author.books))).first()
        author.books[0].tags
        session.expire(author)
        author.name
        session.expire(author, ["email"])
        author.email

    assert doings(statements) == [
        "scalars()",
        "selectin load of Author.books in first()",
        "lazy load of Book.tags",
        "refresh of Author",
        "selectin load of Author.books",
        "refresh of Author.email",
    ]


def test_flushes_are_told_apart(session):
    with trace(session) as statements:
        session.add(Author(name="c"))
        session.flush()
        session.add(Author(name="d"))
        session.commit()
        session.add(Author(name="e"))
        session.scalars(select(Author)).all()

    assert doings(statements) == [
        "flush",
        "flush in commit()",
        "autoflush in scalars()",
        "scalars()",
    ]


def test_line_inside_of_a_listener_is_the_listeners(session):
    def before_flush(session, context, instances):
        session.scalar(select(Author.name).limit(1))

    event.listen(session, "before_flush", before_flush)
    session.add(Author(name="c"))
    with trace(session) as statements:
        session.commit()

    first = next(each for each in statements if each.sql != "BEGIN")
    assert (first.doing, first.place.source) == (
        "scalar()",
        "session.scalar(select(Author.name).limit(1))",
    )


def test_text_of_a_trace_has_line_action_and_sql(session):
    with trace(session) as statements:
        author = session.get(Author, 1)
        author.books

    text = str(statements)
    assert "author = session.get(Author, 1)" in text
    assert "lazy load of Author.books" in text
    assert "SELECT book.id" in text
    assert "1]" in text
    assert str(type(statements)()) == "no statements"


def test_rows_time_and_values_are_noted(session):
    session.add_all([Author(id=7, name="c"), Author(id=8, name="d")])
    with trace(session) as statements:
        session.flush()

    insert = statements[-1]
    assert insert.seconds > 0
    assert insert.rowcount in (2, None)
    assert insert.count >= 2
    assert "'c'" in str(insert)


def test_values_are_hidden_where_the_engine_hides_them(engine, session):
    engine.hide_parameters = True
    statement = select(Author).where(Author.name == "secret")
    with trace(session) as statements:
        session.scalars(statement).all()

    assert statements[-1].parameters is None
    assert statements[-1].count == 1
    assert "1 hidden" in str(statements)
    assert "secret" not in str(statements)


def test_values_of_the_users_types_are_not_asked_for_their_text(session):
    class Own(str):
        __slots__ = ()

        def __repr__(self):
            raise AssertionError("called")

    with trace(session) as statements:
        session.scalars(select(Author).where(Author.name == Own("x"))).all()

    assert "SELECT" in str(statements)


def test_failed_statement_says_so(session):
    with trace(session) as statements, pytest.raises(exc.DBAPIError):
        session.execute(text("SELECT nothing FROM nowhere"))

    assert statements[-1].seconds is None
    assert "failed" in str(statements[-1])


def test_engine_is_traced_with_the_statements_of_core(engine, session):
    with trace(engine) as statements:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        session.get(Author, 1)

    assert doings(statements) == ["execute()", "get()"]


@pytest.mark.parametrize(
    "make", [sessionmaker, lambda engine: scoped_session(sessionmaker(engine))]
)
def test_factories_and_scoped_sessions_are_traced(engine, session, make):
    session.close()
    target = make(engine)
    with trace(target) as statements:
        given = target() if isinstance(target, sessionmaker) else target
        given.get(Author, 1)
        given.close()

    assert doings(statements) == ["get()"]


def test_sql_is_that_of_an_untraced_session(session, sql):
    def work():
        session.scalars(select(Author).options(joinedload(Author.books))).unique().all()
        author = session.get(Author, 2)
        author.books.append(Book(title="n"))
        session.flush()
        session.rollback()

    sql.clear()
    work()
    untraced = list(sql.emitted)
    sql.clear()
    with trace(session) as statements:
        work()

    assert sql.emitted == untraced
    assert len(doings(statements)) >= len(untraced) - 1


def test_subclass_loads_are_named(engine, tables):
    tables(company.Base.metadata)
    with Session(engine) as session:
        session.add_all([company.Engineer(name=name, language="ada") for name in "ab"])
        session.commit()
        with trace(session) as statements:
            session.scalars(select(company.Person)).first().language

    assert doings(statements)[-1] == "subclass load of Engineer"


def test_short_ways_are_taken_again_after_the_block(engine, session):
    # Listeners of the tests' own would be in the way.
    session.close()
    heard = engine._has_events

    with trace(engine), trace(session):
        session.get(Author, 1)

    assert engine._has_events == heard
    assert session.has_listeners == Session.has_listeners


def test_listeners_of_all_engines_are_heard_after_a_trace():
    engine = create_engine("sqlite://")
    heard = []

    def listen(connection, cursor, sql, *more):
        heard.append(sql)

    with trace(engine):
        pass
    event.listen(Engine, "before_cursor_execute", listen)
    try:
        with engine.connect() as connection:
            connection.scalar(select(1))
    finally:
        event.remove(Engine, "before_cursor_execute", listen)

    assert heard == ["SELECT 1"]
