"""What options of a query leave with its objects ends when these expire as a whole (LD-90)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import inspect, select

from holdfast import Session, defer, joinedload, lazyload, load_only, noload, raiseload
from holdfast.errors.loading import LoadRefusedError
from models.library import Author, Book


def load_author(session: Session, *options: Any) -> Author:
    return session.scalars(select(Author).where(Author.id == 1).options(*options)).unique().one()


@pytest.mark.rule("LD-90")
@pytest.mark.parametrize("raises", [False, True])
def test_deferral_ends(session: Session, raises: bool) -> None:
    author = load_author(session, defer(Author.name, raiseload=raises))
    session.expire(author)

    assert author.id == 1
    assert author.__dict__["name"] == "ann"


def test_deferral_of_one_expired_column_ends(session: Session) -> None:
    author = load_author(session, defer(Author.name, raiseload=True))
    session.expire(author, ["name"])

    assert author.name == "ann"


def test_load_only_ends(session: Session) -> None:
    author = load_author(session, load_only(Author.id, raiseload=True))
    session.expire(author)

    assert author.name == "ann"


@pytest.mark.parametrize("option", [raiseload, noload])
@pytest.mark.filterwarnings("ignore:The ``noload``")
def test_refusal_to_load_a_relationship_ends(session: Session, option: Any) -> None:
    author = load_author(session, option(Author.books))
    session.expire(author)

    assert [book.title for book in author.books] == ["a", "b"]


def test_refusal_stays_with_a_single_expired_column(session: Session) -> None:
    author = load_author(session, raiseload(Author.books))
    session.expire(author, ["name"])

    with pytest.raises(LoadRefusedError):
        _ = author.books


def test_a_query_with_the_option_refuses_again(session: Session) -> None:
    author = load_author(session, raiseload(Author.books))
    session.expire(author)
    load_author(session, raiseload(Author.books))

    with pytest.raises(LoadRefusedError):
        _ = author.books


def test_eager_loads_and_options_below_go_on(session: Session, sql: Any) -> None:
    author = load_author(session, joinedload(Author.books).raiseload(Book.tags))
    session.expire(author)
    sql.clear()

    assert author.name == "ann"
    assert len(sql) == 1
    assert "books" in author.__dict__
    with pytest.raises(LoadRefusedError):
        _ = author.books[0].tags


def test_criteria_of_a_lazy_load_end(session: Session) -> None:
    author = load_author(session, lazyload(Author.books.and_(Book.id == 1)))
    assert [book.id for book in author.books] == [1]
    session.expire(author)

    assert [book.id for book in author.books] == [1, 2]


def test_nothing_is_unloaded_for_good(session: Session) -> None:
    author = load_author(session, load_only(Author.id))
    session.expire(author)
    _ = author.id

    assert inspect(author).unloaded == {"books"}


def test_deferred_columns_of_an_expired_object_count_as_expired(session: Session) -> None:
    author = load_author(session, defer(Author.name))
    assert inspect(author).expired_attributes == set()
    session.expire(author)

    assert inspect(author).expired_attributes == {"id", "name", "email"}


@pytest.mark.rule("SM-120", "SM-126", "LD-90")
@pytest.mark.parametrize(
    ("option", "present"),
    [
        (defer(Author.name), {"id", "email"}),
        (load_only(Author.name), {"id", "name"}),
        (load_only(Author.name, raiseload=True), {"id", "name"}),
    ],
)
@pytest.mark.parametrize("is_locked", [False, True])
def test_refresh_loads_what_the_options_of_the_query_load(
    session: Session, option: Any, present: set[str], is_locked: bool
) -> None:
    author = load_author(session, option)
    _ = author.id
    for _ in range(2):
        session.refresh(author, with_for_update=is_locked)
        assert author.__dict__.keys() & {"id", "name", "email"} == present

    session.refresh(author, ["name", "email"])
    assert (author.name, author.__dict__["email"]) == ("ann", None)


@pytest.mark.rule("SM-120", "LD-90")
def test_refresh_of_a_related_object_heeds_what_options_say_of_its_columns(
    session: Session,
) -> None:
    author = load_author(session, joinedload(Author.books).defer(Book.title))
    book = author.books[0]
    assert book.title == "a"
    session.refresh(book)

    assert "title" not in book.__dict__
    assert book.title == "a"
