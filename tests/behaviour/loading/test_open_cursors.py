"""A result that cannot be read gives its cursor back at once, whoever keeps the exception."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, func, select, text

from holdfast import Session, joinedload, subqueryload
from models.library import Author, Book


def read_without_unique(session: Session) -> Any:
    return session.execute(select(Author).options(joinedload(Author.books))).all()


def read_portions_of_joined_rows(session: Session) -> Any:
    statement = select(Author).options(joinedload(Author.books))
    return session.execute(statement, execution_options={"yield_per": 1})


def read_portions_of_subquery_loads(session: Session) -> Any:
    statement = select(Author).options(subqueryload(Author.books))
    return session.execute(statement, execution_options={"yield_per": 1})


def read_unique_portions(session: Session) -> Any:
    result = session.execute(select(Author), execution_options={"yield_per": 1})
    return result.unique().all()


def read_columns_that_are_missing(session: Session) -> Any:
    return session.execute(select(Author).from_statement(text("SELECT 1 UNION SELECT 2"))).all()


def read_with_a_listener_that_raises(session: Session) -> Any:
    def refuse(*_: Any) -> None:
        raise RuntimeError("no")

    event.listen(Book, "load", refuse)
    try:
        return session.execute(select(Book), execution_options={"yield_per": 1}).all()
    finally:
        event.remove(Book, "load", refuse)


def read_two_where_one_is_expected(session: Session) -> Any:
    return session.scalars(select(func.upper(Author.name))).one()


READERS = [
    read_without_unique,
    read_portions_of_joined_rows,
    read_portions_of_subquery_loads,
    read_unique_portions,
    read_columns_that_are_missing,
    read_with_a_listener_that_raises,
    read_two_where_one_is_expected,
]


@pytest.mark.parametrize("read", READERS)
def test_cursor_is_closed(session: Session, read: Any) -> None:
    with pytest.raises(Exception) as kept:  # noqa: PT011
        read(session)

    # SQLite refuses while a SELECT of the connection has rows left.
    session.execute(text("DROP TABLE book_tag"))
    session.rollback()
    assert kept.value is not None
