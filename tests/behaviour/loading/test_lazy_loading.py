from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from holdfast import Session, joinedload, lazyload, raiseload, selectinload
from holdfast.errors.loading import DetachedInstanceError, LoadRefusedError, ObjectDeletedError
from models.library import Author, Book


@pytest.mark.rule("LD-10", "LD-191", "LD-2", "LD-1 select")
def test_collection_is_loaded_once_in_its_order(session: Session, sql: Any) -> None:
    author = session.get(Author, 1)
    sql.clear()

    titles = [book.title for book in author.books]
    again = [book.title for book in author.books]

    assert titles == again == ["a", "b"]
    assert len(sql) == 1


@pytest.mark.rule("LD-11")
def test_reference_is_taken_from_the_identity_map(session: Session, sql: Any) -> None:
    author = session.get(Author, 1)
    book = session.get(Book, 1)
    sql.clear()

    assert book.author is author
    assert len(sql) == 0


@pytest.mark.rule("LD-11")
def test_reference_is_loaded_when_absent_and_none_without_key(session: Session, sql: Any) -> None:
    book, orphan = session.get(Book, 1), session.get(Book, 4)
    sql.clear()

    assert book.author.name == "ann"
    assert orphan.author is None
    assert len(sql) == 1


def test_many_to_many_is_loaded(session: Session) -> None:
    assert {tag.name for tag in session.get(Book, 1).tags} == {"x", "y"}


@pytest.mark.rule("LD-15", "LD-12")
def test_unflushed_foreign_key_is_followed(session: Session) -> None:
    book = session.get(Book, 1)
    book.author_id = 2

    assert book.author.name == "bob"


@pytest.mark.rule("LD-13")
def test_detached_object_does_not_load(session: Session) -> None:
    author = session.get(Author, 1)
    session.expunge(author)

    with pytest.raises(DetachedInstanceError, match="lazy load operation of attribute 'books'"):
        author.books


@pytest.mark.rule("LD-17", "LD-1 defaultload")
def test_options_below_a_lazy_attribute_apply_when_it_loads(session: Session, sql: Any) -> None:
    statement = select(Book).where(Book.id == 1)
    book = session.scalars(
        statement.options(lazyload(Book.author).selectinload(Author.books))
    ).one()
    sql.clear()

    author = book.author

    assert "books" in author.__dict__
    assert len(sql) == 2


def test_raiseload_refuses(session: Session) -> None:
    author = session.scalars(select(Author).options(raiseload(Author.books)).limit(1)).one()

    with pytest.raises(LoadRefusedError, match="lazy='raise'"):
        author.books


def test_raiseload_on_sql_allows_what_is_in_memory(session: Session) -> None:
    author = session.get(Author, 1)
    options = raiseload(Book.author, sql_only=True)
    first, third = session.scalars(
        select(Book).where(Book.id.in_([1, 3])).options(options).order_by(Book.id)
    )

    assert first.author is author
    with pytest.raises(LoadRefusedError, match="raise_on_sql"):
        third.author


def test_expired_object_whose_row_is_gone_raises_and_stays(session: Session) -> None:
    author = session.get(Author, 3)
    session.expire(author)
    session.connection().exec_driver_sql("DELETE FROM author WHERE id = 3")

    with pytest.raises(ObjectDeletedError):
        author.name

    assert author in session


def test_expired_object_is_read_in_one_select(session: Session, sql: Any) -> None:
    author = session.get(Author, 1)
    session.expire(author)
    sql.clear()

    assert (author.name, author.email) == ("ann", None)
    assert len(sql) == 1


def test_only_expired_columns_are_read(session: Session, sql: Any) -> None:
    author = session.get(Author, 1)
    session.expire(author, ["name"])
    sql.clear()

    assert author.name == "ann"
    assert sql.emitted == ["SELECT author.name FROM author WHERE author.id = ?"]


@pytest.mark.rule("LD-151")
def test_eager_options_fill_unloaded_attributes_of_present_objects(session: Session) -> None:
    author = session.get(Author, 1)

    session.scalars(select(Author).options(joinedload(Author.books))).unique().all()

    assert [book.id for book in author.__dict__["books"]] == [1, 2]


def test_loaded_collection_is_left_alone(session: Session) -> None:
    author = session.get(Author, 1)
    books = author.books
    author.books.append(Book(id=9, title="new"))

    with session.no_autoflush:
        session.scalars(select(Author).options(selectinload(Author.books))).all()

    assert author.books is books
    assert len(books) == 3
