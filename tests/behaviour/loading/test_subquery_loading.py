"""Subquery loading: one SELECT over the original statement (LD-60 to LD-62)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import bindparam, select

from holdfast import Session, aliased, joinedload, selectinload, subqueryload
from holdfast.errors.loading import LoadingError
from models import company
from models.library import Author, Book


def shelves(authors: Any) -> list[tuple[str, list[str]]]:
    return [(author.name, [book.title for book in author.books]) for author in authors]


@pytest.mark.rule("LD-60", "LD-1 subquery")
def test_the_second_select_embeds_the_first(session: Session, sql: Any) -> None:
    statement = select(Author).where(Author.name != "bob").options(subqueryload(Author.books))

    authors = session.scalars(statement).all()

    assert shelves(authors) == [("ann", ["a", "b"]), ("cy", [])]
    assert len(sql) == 2
    assert (
        "FROM (SELECT author.id AS author_id FROM author WHERE author.name != ?)" in sql.emitted[1]
    )


def test_references_and_association_tables(session: Session, sql: Any) -> None:
    statement = select(Book).options(subqueryload(Book.author), subqueryload(Book.tags))

    books = session.scalars(statement.order_by(Book.id)).all()
    sql.clear()

    assert [book.author and book.author.name for book in books] == ["ann", "ann", "bob", None]
    assert [sorted(tag.name for tag in book.tags) for book in books] == [["x", "y"], [], [], []]
    assert len(sql) == 0


@pytest.mark.rule("LD-61")
def test_limit_stays_in_the_embedded_statement(session: Session, sql: Any) -> None:
    statement = select(Author).order_by(Author.id.desc()).limit(2)

    authors = session.scalars(statement.options(subqueryload(Author.books))).all()

    assert shelves(authors) == [("cy", []), ("bob", ["c"])]
    assert "LIMIT" in sql.emitted[1]


def test_parameters_of_the_statement_are_given_again(session: Session) -> None:
    statement = select(Author).where(Author.name == bindparam("who"))
    statement = statement.options(subqueryload(Author.books))

    assert shelves(session.scalars(statement, {"who": "ann"})) == [("ann", ["a", "b"])]
    session.expunge_all()
    assert shelves(session.scalars(statement, {"who": "bob"})) == [("bob", ["c"])]


@pytest.mark.parametrize("first", [subqueryload, selectinload, joinedload])
def test_it_goes_on_below_other_loads(session: Session, sql: Any, first: Any) -> None:
    option = first(Author.books).subqueryload(Book.tags)

    authors = session.scalars(select(Author).options(option).order_by(Author.id)).unique().all()
    emitted = len(sql)

    tags = [sorted(tag.name for tag in book.tags) for author in authors for book in author.books]
    assert tags == [["x", "y"], [], []]
    assert len(sql) == emitted


def test_it_starts_at_an_alias_and_from_a_join(session: Session) -> None:
    writer = aliased(Author)
    statement = select(writer).join(writer.books).options(subqueryload(writer.books))

    authors = session.scalars(statement.order_by(writer.id)).unique().all()

    assert shelves(authors) == [("ann", ["a", "b"]), ("bob", ["c"])]


def test_get_and_from_statement_load_as_well(session: Session) -> None:
    author = session.get(Author, 1, options=[subqueryload(Author.books)])
    assert author is not None
    assert [book.title for book in author.__dict__["books"]] == ["a", "b"]
    session.expunge_all()
    statement = select(Author).from_statement(select(Author.__table__))

    authors = session.scalars(statement.options(subqueryload(Author.books))).all()

    assert [len(author.__dict__["books"]) for author in authors] == [2, 1, 0]


@pytest.mark.rule("LD-62", "LD-171")
def test_yield_per_is_refused(session: Session) -> None:
    statement = select(Author).options(subqueryload(Author.books))

    with pytest.raises(LoadingError, match="yield_per"):
        session.execute(statement, execution_options={"yield_per": 1}).all()


@pytest.mark.rule("LD-60", "LD-89", "LD-184")
def test_way_leads_through_a_subclass(engine: Any, sql: Any) -> None:
    company.Base.metadata.create_all(engine)
    with Session(engine) as session:
        manager = company.Manager(id=1, name="max")
        engineers = [company.Engineer(id=n, name="e", manager=manager) for n in (2, 3)]
        other = company.Company(id=2, name="b", staff=[company.Person(id=4, name="pam")])
        session.add_all([company.Company(id=1, name="a", staff=[manager, *engineers]), other])
        session.commit()
        session.expunge_all()
        statement = select(company.Company).options(
            subqueryload(company.Company.staff.of_type(company.Manager)).subqueryload(
                company.Manager.engineers
            )
        )

        first, _ = session.scalars(statement.order_by(company.Company.id)).all()
        sql.clear()

        boss = next(each for each in first.staff if isinstance(each, company.Manager))
        assert [each.id for each in boss.engineers] == [2, 3]
        assert len(sql) == 0
