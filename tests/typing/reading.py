"""What statements, sessions and queries give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_type

from authors import Author, Book, Employee, Manager
from sqlalchemy import Result, Row, ScalarResult, Select, func, inspect, select, text

from holdfast import (
    InstanceState,
    Mapper,
    Query,
    Session,
    aliased,
    class_mapper,
    contains_eager,
    joinedload,
    load_only,
    object_mapper,
    selectinload,
    with_polymorphic,
)


def statements() -> None:
    assert_type(select(Author), Select[Author])
    assert_type(select(Author.id, Author.name), Select[int, str])
    assert_type(select(Author, Book.id).join(Author.books), Select[Author, int])
    select(Author).where(Author.id == 5, Author.name.like("x%")).order_by(Author.name.desc())
    select(Author).where(Author.books.any(Book.id > 5), Author.email.is_not(None))
    select(Book).join(Book.author).where(Book.author.has(Author.name == "x"))
    select(Author).options(
        selectinload(Author.books).joinedload(Book.author),
        joinedload(Author.books.and_(Book.id > 5)),
        load_only(Author.name, Author.email),
        contains_eager(Author.books),
    )


def by_key(session: Session, mapper: Mapper[Author]) -> None:
    assert_type(session.get(Author, 5), Author | None)
    assert_type(session.get(mapper, 5), Author | None)
    assert_type(session.get_one(Author, 5, options=[selectinload(Author.books)]), Author)


def executed(session: Session) -> None:
    assert_type(session.execute(select(Author)), Result[Author])
    assert_type(session.execute(select(Author.id, Author.name)), Result[int, str])
    for row in session.execute(select(Author.id, Author.name)):
        assert_type(row[1], str)
    for number, name in session.execute(select(Author.id, Author.name)).tuples():
        assert_type(number, int)
        assert_type(name, str)
    session.execute(text("SELECT 1"), {"x": 5}, execution_options={"yield_per": 5})


def scalars(session: Session) -> None:
    assert_type(session.scalars(select(Author)), ScalarResult[Author])
    assert_type(session.scalars(select(Author)).all(), Sequence[Author])
    assert_type(session.scalars(select(Author)).unique().one_or_none(), Author | None)
    assert_type(session.scalar(select(Author.name)), str | None)
    assert_type(session.scalar(select(func.count(Author.id))), int | None)
    assert_type(session.scalars(text("SELECT 1")), ScalarResult[Any])


def queries(session: Session) -> None:
    query = session.query(Author)
    assert_type(query, Query[Author])
    assert_type(query.filter(Author.id > 5).order_by(Author.name).limit(3).all(), list[Author])
    assert_type(query.first(), Author | None)
    assert_type(query.one(), Author)
    assert_type(query.get(5), Author | None)
    assert_type(query.count(), int)
    for author in query:
        assert_type(author, Author)
    assert_type(session.query(Author.name), Query[Row[str]])
    assert_type(session.query(Author, Book.id).all(), list[Row[Author, int]])


def aliases(session: Session) -> None:
    other = aliased(Author)
    assert_type(other, type[Author])
    assert_type(select(other), Select[Author])
    assert_type(session.scalars(select(other).where(other.name == "x")).one(), Author)
    select(Author, other).join(other, other.id > Author.id)
    select(Book).join(Book.author.of_type(other))


def polymorphic_aliases(session: Session) -> None:
    staff = with_polymorphic(Employee, [Manager])
    assert_type(session.scalars(select(staff)).all(), Sequence[Employee])
    select(staff).where(staff.Manager.budget > 5)


def inspection(author: Author) -> None:
    assert_type(inspect(Author), Mapper[Author])
    assert_type(inspect(author), InstanceState[Author])
    assert_type(inspect(author).object, Author | None)
    assert_type(inspect(author).persistent, bool)
    assert_type(class_mapper(Author), Mapper[Author])
    assert_type(object_mapper(author), Mapper[Author])
    assert_type(class_mapper(Author).class_, type[Author])
