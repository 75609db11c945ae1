"""Loader options: what they speak of, how they combine, and what they refuse (LD-80 to LD-94)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import exc, select

from holdfast import (
    Load,
    Session,
    contains_eager,
    defaultload,
    defer,
    immediateload,
    joinedload,
    lazyload,
    load_only,
    raiseload,
    selectinload,
    subqueryload,
    undefer,
)
from holdfast.exc import LoaderStrategyException
from models.company import Company, Engineer
from models.library import Author, Book, Tag


def loaded(instance: Any) -> set[str]:
    """Names of the relationships that are loaded."""
    return instance.__dict__.keys() & {"author", "books", "tags"}


@pytest.mark.rule("LD-80")
def test_options_are_taken_by_statements_queries_and_get(session: Session) -> None:
    option = selectinload(Author.books)

    first = session.scalars(select(Author).options(option)).first()
    assert loaded(first) == {"books"}
    session.expunge_all()
    assert loaded(session.query(Author).options(option).first()) == {"books"}
    session.expunge_all()
    assert loaded(session.get(Author, 1, options=[option])) == {"books"}
    session.expunge_all()
    copy = session.merge(Author(id=1, name="ann"), options=[option])
    assert "books" in copy.__dict__


@pytest.mark.rule("LD-81")
@pytest.mark.parametrize("option", [joinedload, selectinload, lazyload, defer, load_only])
def test_strings_are_refused(option: Any) -> None:
    with pytest.raises(exc.ArgumentError, match="Strings are not accepted"):
        option("books")


@pytest.mark.rule("LD-82")
@pytest.mark.parametrize("option", [joinedload, selectinload, subqueryload, immediateload])
def test_chained_option_applies_below_the_first(session: Session, option: Any) -> None:
    statement = select(Author).options(option(Author.books).selectinload(Book.tags))

    authors = session.scalars(statement.order_by(Author.id)).unique().all()

    assert [loaded(book) & {"tags"} for book in authors[0].books] == [{"tags"}, {"tags"}]


@pytest.mark.rule("LD-82")
def test_link_that_does_not_fit_is_refused() -> None:
    with pytest.raises(exc.ArgumentError, match="does not link from"):
        joinedload(Author.books).joinedload(Tag.books)


@pytest.mark.rule("LD-83")
@pytest.mark.parametrize(
    "option",
    [
        Load(Author).selectinload(Author.books).selectinload(Book.tags),
        selectinload(Author.books).options(selectinload(Book.tags), defer(Book.pages)),
        defaultload(Author.books).options(selectinload(Book.tags)),
        Load(Author).options(selectinload(Author.books).selectinload(Book.tags)),
    ],
)
def test_sub_options_speak_of_one_entity(session: Session, option: Any) -> None:
    ann = session.scalars(select(Author).where(Author.id == 1).options(option)).one()

    assert [book.__dict__.get("tags") is None for book in ann.books] == [False, False]


@pytest.mark.rule("LD-84")
def test_option_for_an_entity_that_is_not_selected_is_refused(session: Session) -> None:
    with pytest.raises(exc.ArgumentError, match="does not apply to any of the root entities"):
        session.scalars(select(Author).options(joinedload(Book.tags)))
    with pytest.raises(exc.ArgumentError, match="Query has only expression-based entities"):
        session.execute(select(Author.name).options(joinedload(Author.books)))


@pytest.mark.rule("LD-85")
@pytest.mark.parametrize(
    ("option", "named"),
    [
        (joinedload(Author.name), "Author.name"),
        (selectinload(Author.name), "Author.name"),
        (defer(Author.books), "Author.books"),
        (undefer(Author.books), "Author.books"),
    ],
)
def test_option_for_the_other_kind_of_attribute_is_refused(
    session: Session, option: Any, named: str
) -> None:
    with pytest.raises(LoaderStrategyException, match=f'to property "{named}"'):
        session.scalars(select(Author).options(option))


@pytest.mark.rule("LD-86")
def test_two_strategies_for_one_path_are_refused(session: Session) -> None:
    statement = select(Author).options(joinedload(Author.books), selectinload(Author.books))

    with pytest.raises(exc.InvalidRequestError, match="is in conflict with existing strategy"):
        session.scalars(statement)


@pytest.mark.rule("LD-86")
def test_the_same_strategy_twice_is_one(session: Session, sql: Any) -> None:
    statement = select(Author).options(selectinload(Author.books), selectinload(Author.books))

    session.scalars(statement).all()

    assert len(sql) == 2


@pytest.mark.rule("LD-87")
@pytest.mark.parametrize(
    "options",
    [
        [selectinload(Book.tags), raiseload("*")],
        [raiseload("*"), selectinload(Book.tags)],
        [lazyload("*"), Load(Book).raiseload("*"), selectinload(Book.tags)],
        [immediateload("*"), raiseload("*"), selectinload(Book.tags)],
    ],
)
def test_wildcard_is_for_what_is_not_named(session: Session, options: list[Any]) -> None:
    book = session.scalars(select(Book).where(Book.id == 1).options(*options)).one()

    assert loaded(book) == {"tags"}
    with pytest.raises(exc.InvalidRequestError, match=r"'Book\.author' is not available"):
        _ = book.author


@pytest.mark.rule("LD-87")
def test_wildcard_of_an_entity_leaves_others_alone(session: Session) -> None:
    statement = select(Author, Book).join(Author.books).options(Load(Author).raiseload("*"))

    author, book = session.execute(statement).first()  # type: ignore[misc]

    assert book.tags is not None
    with pytest.raises(exc.InvalidRequestError, match=r"'Author\.books' is not available"):
        _ = author.books


@pytest.mark.rule("LD-87", "LD-84")
def test_wildcard_means_nothing_to_a_statement_of_columns(session: Session) -> None:
    statement = select(Author.name).options(Load(Author).lazyload("*")).order_by(Author.id)

    assert session.scalars(statement).all() == ["ann", "bob", "cy"]


@pytest.mark.rule("LD-88")
@pytest.mark.parametrize("option", [joinedload, selectinload, subqueryload, lazyload])
def test_criteria_limit_the_members(session: Session, option: Any) -> None:
    statement = select(Author).options(option(Author.books.and_(Book.title != "a")))
    statement = statement.where(Author.id == 1)

    ann = session.scalars(statement).unique().one()
    assert [book.title for book in ann.books] == ["b"]
    again = select(Author).options(option(Author.books.and_(Book.title != "b")))
    session.scalars(again).unique().all()
    assert [book.title for book in ann.books] == ["b"]
    session.scalars(again, execution_options={"populate_existing": True}).unique().all()
    assert [book.title for book in ann.books] == ["a"]


@pytest.mark.rule("LD-90", "LD-17")
def test_options_stay_with_the_object_until_they_are_replaced(session: Session, sql: Any) -> None:
    option = lazyload(Author.books).selectinload(Book.tags)
    ann = session.scalars(select(Author).where(Author.id == 1).options(option)).one()
    sql.clear()

    assert "tags" in ann.books[0].__dict__
    assert len(sql) == 2
    session.expunge_all()
    ann = session.scalars(select(Author).where(Author.id == 1).options(option)).one()
    other = select(Author).where(Author.id == 1).options(lazyload(Author.books))
    session.scalars(other, execution_options={"populate_existing": True}).one()
    assert "tags" not in ann.books[0].__dict__


@pytest.mark.rule("LD-91")
def test_options_of_the_shallowest_path_stay(session: Session) -> None:
    option = joinedload(Book.author).selectinload(Author.books).raiseload(Book.tags)
    statement = select(Book).order_by(Book.id).options(option)

    books = session.scalars(statement).all()

    assert {tag.name for tag in books[0].tags} == {"x", "y"}


@pytest.mark.rule("LD-92")
@pytest.mark.parametrize("thing", [Author.books, "books", 7])
def test_anything_else_is_refused(thing: Any) -> None:
    with pytest.raises(exc.ArgumentError):
        select(Author).options(thing)


@pytest.mark.rule("LD-94")
def test_contained_collection_is_ordinary_afterwards(session: Session) -> None:
    statement = select(Author).join(Author.books).where(Book.title == "b")
    option = contains_eager(Author.books)

    ann = session.scalars(statement.options(option)).unique().one()

    assert [book.title for book in ann.books] == ["b"]
    session.expire(ann)
    assert [book.title for book in ann.books] == ["a", "b"]


@pytest.mark.rule("LD-94")
def test_contained_collection_of_a_given_statement_needs_no_unique(session: Session) -> None:
    columns = [*Author.__table__.c, *Book.__table__.c]
    inner = select(*columns).join_from(Author.__table__, Book.__table__)
    inner = inner.where(Author.__table__.c.id == 2)
    statement = select(Author).options(contains_eager(Author.books)).from_statement(inner)

    authors = session.scalars(statement).all()

    assert [[book.title for book in author.books] for author in authors] == [["c"]]


@pytest.mark.rule("LD-110")
def test_key_and_discriminator_are_loaded_whatever_is_left_out() -> None:
    columns = str(select(Engineer).options(load_only(Engineer.language))).split("FROM")[0]

    assert " ".join(columns.split()) == (
        "SELECT engineer.id, person.id AS id_1, person.kind, engineer.language"
    )


@pytest.mark.rule("LD-84")
def test_messages_name_what_is_selected() -> None:
    everyone = Company.staff.of_type(Engineer)

    with pytest.raises(exc.ArgumentError, match=r"Company\.staff\.of_type\(Engineer\)"):
        selectinload(everyone).selectinload(Author.books)
