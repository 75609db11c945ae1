from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from holdfast import (
    Session,
    aliased,
    contains_eager,
    immediateload,
    joinedload,
    selectinload,
)
from holdfast.errors.loading import LoadingError
from models.library import Author, Book

SHELVES = [("ann", ["a", "b"]), ("bob", ["c"]), ("cy", [])]


def shelves(authors: Any) -> list[tuple[str, list[str]]]:
    return [(author.name, [book.title for book in author.books]) for author in authors]


@pytest.mark.rule("LD-1", "LD-2", "LD-190")
@pytest.mark.parametrize(
    ("option", "statements"), [(joinedload, 1), (selectinload, 2), (immediateload, 4)]
)
def test_strategies_differ_in_statements_only(
    session: Session, sql: Any, option: Any, statements: int
) -> None:
    statement = select(Author).options(option(Author.books)).order_by(Author.id)

    authors = session.scalars(statement).unique().all()

    assert shelves(authors) == SHELVES
    assert len(sql) == statements


@pytest.mark.rule("LD-1 joined", "LD-1 selectin", "LD-1 immediate")
@pytest.mark.parametrize("option", [joinedload, selectinload, immediateload])
def test_references_are_loaded(session: Session, sql: Any, option: Any) -> None:
    books = session.scalars(select(Book).options(option(Book.author)).order_by(Book.id)).all()
    sql.clear()

    assert [book.author and book.author.name for book in books] == ["ann", "ann", "bob", None]
    assert len(sql) == 0


@pytest.mark.parametrize("option", [joinedload, selectinload])
def test_many_to_many_is_loaded(session: Session, option: Any) -> None:
    statement = select(Book).options(option(Book.tags)).order_by(Book.id)

    books = session.scalars(statement).unique().all()

    assert [sorted(tag.name for tag in book.__dict__["tags"]) for book in books] == [
        ["x", "y"],
        [],
        [],
        [],
    ]


@pytest.mark.rule("LD-82")
def test_chains_go_down(session: Session, sql: Any) -> None:
    statement = select(Author).options(selectinload(Author.books).joinedload(Book.tags))

    authors = session.scalars(statement).all()
    sql.clear()

    assert {tag.name for tag in authors[0].books[0].tags} == {"x", "y"}
    assert len(sql) == 0


def test_joined_collection_needs_unique(session: Session) -> None:
    result = session.scalars(select(Author).options(joinedload(Author.books)))

    with pytest.raises(LoadingError, match=r"The unique\(\) method must be invoked"):
        result.all()


def test_limit_counts_parents(session: Session) -> None:
    statement = select(Author).options(joinedload(Author.books)).order_by(Author.id).limit(2)

    assert shelves(session.scalars(statement).unique()) == SHELVES[:2]


def test_limit_with_a_reference_needs_no_subquery(session: Session, sql: Any) -> None:
    statement = select(Book).options(joinedload(Book.author)).order_by(Book.id).limit(1)

    session.scalars(statement).all()

    assert "FROM (SELECT" not in sql.emitted[0]


def test_inner_join_below_an_outer_one_keeps_parents(session: Session) -> None:
    option = joinedload(Author.books).joinedload(Book.author, innerjoin=True)

    assert shelves(
        session.scalars(select(Author).options(option).order_by(Author.id)).unique()
    ) == (SHELVES)


@pytest.mark.rule("LD-94")
def test_contains_eager_takes_what_the_rows_hold(session: Session) -> None:
    statement = select(Author).join(Author.books).where(Book.title == "b")

    authors = session.scalars(statement.options(contains_eager(Author.books))).unique().all()

    assert shelves(authors) == [("ann", ["b"])]


@pytest.mark.rule("LD-88")
def test_criteria_of_a_cached_statement_are_those_of_the_execution(session: Session) -> None:
    found = []
    for title in ("a", "b"):
        option = selectinload(Author.books.and_(Book.title == title))
        statement = select(Author).where(Author.id == 1).options(option)
        options = {"populate_existing": True}
        found += shelves(session.scalars(statement, execution_options=options))

    assert found == [("ann", ["a"]), ("ann", ["b"])]


def test_options_of_an_equal_alias_apply_to_a_cached_plan(session: Session, sql: Any) -> None:
    for _ in range(2):
        session.expunge_all()
        other = aliased(Author)
        option = selectinload(other.books).selectinload(Book.tags)
        authors = session.scalars(select(other).options(option)).all()
    sql.clear()

    assert {tag.name for tag in authors[0].books[0].tags} == {"x", "y"}
    assert len(sql) == 0


@pytest.mark.rule("LD-35")
def test_chunks_of_select_in(session: Session, sql: Any) -> None:
    session.scalars(select(Author).options(selectinload(Author.books, chunksize=2))).all()

    assert len(sql) == 3


@pytest.mark.rule("LD-38", "LD-170")
def test_yield_per_loads_in_portions(session: Session, sql: Any) -> None:
    statement = select(Author).options(selectinload(Author.books)).order_by(Author.id)

    result = session.scalars(statement, execution_options={"yield_per": 2})
    portions = [shelves(portion) for portion in result.partitions()]

    assert portions == [SHELVES[:2], SHELVES[2:]]
    assert len(sql) == 3


@pytest.mark.rule("LD-171")
def test_yield_per_refuses_joined_collections(session: Session) -> None:
    statement = select(Author).options(joinedload(Author.books))

    with pytest.raises(LoadingError, match="Can't use yield_per with eager loaders"):
        session.execute(statement, execution_options={"yield_per": 2})
