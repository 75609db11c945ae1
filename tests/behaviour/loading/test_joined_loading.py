"""Joined loading: one SELECT for parents and members (LD-50 to LD-55)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import ForeignKey, func, select, text

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    joinedload,
    mapped_column,
    relationship,
    with_polymorphic,
)
from holdfast.errors.loading import LoadingError
from holdfast.errors.queries import LoaderConflictError
from models.company import Company, Engineer, Intern, Manager, Person
from models.library import Author, Book

SHELVES = [("ann", ["a", "b"]), ("bob", ["c"]), ("cy", [])]


def shelves(authors: Any) -> list[tuple[str, list[str]]]:
    return [(author.name, [book.title for book in author.books]) for author in authors]


def text_of(statement: Any) -> str:
    return " ".join(str(statement).split())


@pytest.mark.rule("LD-50", "LD-1 joined")
def test_target_is_joined_under_a_name_of_its_own(session: Session, sql: Any) -> None:
    statement = select(Author).join(Author.books).where(Book.title == "a")

    authors = session.scalars(statement.options(joinedload(Author.books))).unique().all()

    assert shelves(authors) == [("ann", ["a", "b"])]
    assert len(sql) == 1
    assert "LEFT OUTER JOIN book AS book_1 ON author.id = book_1.author_id" in sql.emitted[0]


@pytest.mark.rule("LD-50")
def test_word_in_order_by_does_not_mean_a_joined_column() -> None:
    statement = select(Author).join(Author.books).options(joinedload(Author.books))

    assert text_of(statement.order_by("title")).split("ORDER BY ")[1].startswith("book.title")


@pytest.mark.rule("LD-51")
@pytest.mark.parametrize(
    ("innerjoin", "expected"),
    [
        (False, "LEFT OUTER JOIN author AS author_1 ON author_1.id = book.author_id"),
        (True, "FROM book JOIN author AS author_1 ON author_1.id = book.author_id"),
    ],
)
def test_innerjoin_says_how_the_target_is_joined(innerjoin: Any, expected: str) -> None:
    assert expected in text_of(select(Book).options(joinedload(Book.author, innerjoin=innerjoin)))


@pytest.mark.rule("LD-51")
@pytest.mark.parametrize(
    ("innerjoin", "expected"),
    [
        (
            True,
            (
                "LEFT OUTER JOIN (book AS book_1 JOIN author AS author_1 "
                "ON author_1.id = book_1.author_id) ON author.id = book_1.author_id"
            ),
        ),
        (
            "unnested",
            (
                "LEFT OUTER JOIN book AS book_1 ON author.id = book_1.author_id "
                "LEFT OUTER JOIN author AS author_1 ON author_1.id = book_1.author_id"
            ),
        ),
    ],
)
def test_inner_join_below_an_outer_one_is_nested_or_becomes_outer(
    innerjoin: Any, expected: str
) -> None:
    option = joinedload(Author.books).joinedload(Book.author, innerjoin=innerjoin)

    assert expected in text_of(select(Author).options(option))


@pytest.mark.rule("LD-51")
def test_outer_join_below_a_nested_one_stands_beside_it(session: Session) -> None:
    option = joinedload(Author.books).joinedload(Book.author, innerjoin=True)
    statement = select(Author).options(option.joinedload(Author.books)).order_by(Author.id)

    assert shelves(session.scalars(statement).unique()) == SHELVES
    assert (
        "ON author.id = book_2.author_id "
        "LEFT OUTER JOIN book AS book_1 ON author_1.id = book_1.author_id"
    ) in text_of(statement)


@pytest.mark.rule("LD-52")
def test_joined_collection_needs_unique_but_not_in_a_query(session: Session) -> None:
    statement = select(Author).options(joinedload(Author.books)).order_by(Author.id)

    with pytest.raises(LoadingError, match=r"The unique\(\) method must be invoked on this Result"):
        session.scalars(statement).all()
    assert shelves(session.scalars(statement).unique()) == SHELVES
    session.expunge_all()
    query = session.query(Author).options(joinedload(Author.books)).order_by(Author.id)
    assert shelves(query.all()) == SHELVES


@pytest.mark.rule("LD-53")
@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda statement: statement.limit(2), SHELVES[:2]),
        (lambda statement: statement.offset(1).limit(5), SHELVES[1:]),
        (lambda statement: statement.distinct(), SHELVES),
        (lambda statement: statement.group_by(Author), SHELVES),
    ],
)
def test_statement_is_wrapped_where_joined_rows_would_change_it(
    session: Session, sql: Any, change: Any, found: Any
) -> None:
    statement = change(select(Author).options(joinedload(Author.books)).order_by(Author.id))

    assert shelves(session.scalars(statement).unique()) == found
    assert "FROM (SELECT" in sql.emitted[0]


@pytest.mark.rule("LD-53")
@pytest.mark.parametrize("ordering", [func.length(Author.name), Author.name.label("x")])
def test_wrapped_statement_keeps_its_order(session: Session, ordering: Any) -> None:
    statement = select(Author).options(joinedload(Author.books))
    statement = statement.order_by(ordering.desc(), Author.id).limit(3)

    names = [name for name, _ in shelves(session.scalars(statement).unique())]

    assert sorted(names) == ["ann", "bob", "cy"]
    assert names[-1 if "length" in str(ordering) else 0] == "cy"


@pytest.mark.rule("LD-53")
def test_limit_with_a_reference_alone_needs_no_wrapping(session: Session, sql: Any) -> None:
    statement = select(Book).options(joinedload(Book.author)).order_by(Book.id).limit(1)

    assert [book.author.name for book in session.scalars(statement)] == ["ann"]
    assert "FROM (SELECT" not in sql.emitted[0]


@pytest.mark.rule("LD-55")
def test_inner_join_on_a_nullable_reference_drops_parents(session: Session) -> None:
    statement = select(Book).options(joinedload(Book.author, innerjoin=True)).order_by(Book.id)

    assert [book.title for book in session.scalars(statement)] == ["a", "b", "c"]


@pytest.mark.rule("LD-2")
def test_columns_of_what_is_joined_last_come_first() -> None:
    statement = select(Author).options(joinedload(Author.books).joinedload(Book.tags))

    columns = text_of(statement).split(" FROM ")[0]

    assert columns.index("tag_1.name") < columns.index("book_1.title")
    assert text_of(statement).endswith("ORDER BY book_1.id")


@pytest.mark.rule("LD-183", "LD-89")
def test_subclasses_named_in_several_options_are_loaded_together() -> None:
    statement = select(Company).options(
        joinedload(Company.staff.of_type(Engineer)), joinedload(Company.staff.of_type(Manager))
    )

    found = text_of(statement)

    for table in ("engineer", "manager"):
        assert f"LEFT OUTER JOIN {table} AS {table}_1 ON" in found
    assert "LEFT OUTER JOIN (person AS person_1 " in found
    assert found.count("person AS") == 1


@pytest.mark.rule("LD-183", "LD-89")
def test_joined_subclass_has_a_name_of_its_own() -> None:
    statement = select(Company).join(Company.staff)

    found = text_of(statement.options(joinedload(Company.staff.of_type(Engineer))))

    assert "AS anon_1 ON company.id = anon_1.person_company_id" in found


@pytest.mark.rule("LD-89")
def test_joined_target_without_alias_is_refused() -> None:
    everyone = with_polymorphic(Person, [Engineer, Intern])

    with pytest.raises(LoaderConflictError, match="Detected unaliased columns"):
        str(select(Company).options(joinedload(Company.staff.of_type(everyone))))


@pytest.mark.rule("LD-80")
def test_joined_loading_goes_with_other_from_elements(session: Session) -> None:
    other = aliased(Author)
    statement = select(Author, other.name).where(Author.id == other.id, text("1 = 1"))

    rows = session.execute(statement.options(joinedload(Author.books))).unique().all()

    assert sorted((author.name, name) for author, name in rows) == [
        ("ann", "ann"),
        ("bob", "bob"),
        ("cy", "cy"),
    ]
    assert all("books" in author.__dict__ for author, _ in rows)


@pytest.mark.rule("LD-54")
@pytest.mark.parametrize(("depth", "joins"), [(None, 0), (1, 1), (3, 3)])
def test_mapped_joined_loading_of_its_own_kind_stops(depth: int | None, joins: int) -> None:
    class Base(DeclarativeBase):
        pass

    class Part(Base):
        __tablename__ = "part"

        id: Mapped[int] = mapped_column(primary_key=True)
        whole_id: Mapped[int | None] = mapped_column(ForeignKey("part.id"))
        parts = relationship("Part", lazy="joined", join_depth=depth)

    assert text_of(select(Part)).count("LEFT OUTER JOIN") == joins
