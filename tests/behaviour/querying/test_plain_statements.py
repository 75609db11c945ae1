"""Statements that are not over classes, run by a session (PT-20 to PT-26)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, exc, insert, inspect, select, text, update

from holdfast import Session
from models.library import Author, Base, Book

authors = Author.__table__


@pytest.fixture
def session(engine: Engine, tables: Any, sql: Any) -> Any:
    tables(Base.metadata)
    with Session(engine) as session:
        session.add(Author(id=1, name="Ann"))
        session.commit()
        sql.clear()
        yield session


@pytest.mark.rule("PT-20")
def test_text_and_core_selects_give_plain_rows_in_the_transaction(session, engine):
    session.execute(insert(authors).values(id=2, name="Bob"))

    by_text = session.execute(
        text("SELECT id, name FROM author WHERE id > :least ORDER BY id"), {"least": 0}
    )
    by_core = session.execute(select(authors.c.id, authors.c.name).order_by(authors.c.id))

    assert by_text.all() == by_core.all() == [(1, "Ann"), (2, "Bob")]
    assert not session.identity_map
    session.rollback()
    assert session.execute(select(authors.c.id)).all() == [(1,)]


@pytest.mark.rule("PT-21")
def test_connection_is_that_of_the_transaction(session):
    session.add(Author(id=2, name="Bob"))
    session.flush()

    connection = session.connection()

    assert connection.scalar(text("SELECT count(*) FROM author")) == 2
    assert session.connection() is connection
    connection.execute(update(authors).values(name="x"))
    session.rollback()
    assert session.scalars(select(authors.c.name)).all() == ["Ann"]


@pytest.mark.rule("PT-22")
@pytest.mark.parametrize("by", ["mapper", "clause", "bind"])
def test_bind_arguments_choose_the_engine(engine, session, by):
    arguments = {"mapper": Author, "clause": authors, "bind": engine}
    with Session(binds={Author: engine}) as unbound:
        found = unbound.execute(
            text("SELECT name FROM author"), bind_arguments={by: arguments[by]}
        ).scalars()
        assert found.all() == ["Ann"]


@pytest.mark.rule("PT-22")
def test_statement_without_a_bind_is_refused(engine, tables):
    tables(Base.metadata)
    with (
        Session(binds={Author: engine}) as unbound,
        pytest.raises(exc.UnboundExecutionError, match="Could not locate a bind"),
    ):
        unbound.execute(text("SELECT 1"))
    with Session() as unbound, pytest.raises(exc.UnboundExecutionError):
        unbound.execute(select(Author))


@pytest.mark.rule("PT-23")
def test_statements_over_classes_find_their_bind(engine, session):
    with Session(binds={Author: engine, Book: engine}) as unbound:
        assert unbound.scalars(select(Author.name)).all() == ["Ann"]
        unbound.execute(update(Author).values(name="x"))
        assert unbound.scalars(select(Author)).one().name == "x"
        assert unbound.scalars(select(authors.c.name)).all() == ["x"]


@pytest.mark.rule("PT-24")
@pytest.mark.parametrize("argument", ["mapper", "bind"])
def test_former_arguments_are_refused(session, argument):
    with pytest.raises(TypeError, match=argument):
        session.execute(text("SELECT 1"), **{argument: None})


@pytest.mark.rule("PT-25")
@pytest.mark.parametrize(
    "statement",
    [text("SELECT count(*) FROM author"), select(authors.c.id).where(authors.c.id > 1)],
    ids=["text", "core"],
)
def test_plain_statements_flush_first(session, sql, statement):
    session.add(Author(id=2, name="Bob"))

    assert session.scalar(statement) == 2
    assert sql.emitted[0].startswith("INSERT INTO author")


@pytest.mark.rule("PT-26")
def test_plain_statements_expire_nothing(session, sql):
    ann = session.get_one(Author, 1)
    session.execute(update(authors).values(name="x"))
    session.execute(text("UPDATE author SET email = 'y'"))
    sql.clear()

    assert (ann.name, ann.email) == ("Ann", None)
    assert not len(sql)
    assert not inspect(ann).expired_attributes
    session.refresh(ann)
    assert (ann.name, ann.email) == ("x", "y")
