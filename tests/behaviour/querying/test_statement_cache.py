"""Core's statement cache serves statements over classes, and generated code shows in tracebacks."""

import traceback

import pytest
from sqlalchemy import func, lambda_stmt, select, text

from holdfast import (
    Bundle,
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    joinedload,
    mapped_column,
    selectinload,
)
from models.library import Author, Base, Book


@pytest.fixture
def session(tables):
    with Session(tables(Base.metadata)) as session:
        session.add_all([Author(name=name, books=[Book(title=name)]) for name in "abc"])
        session.commit()
        yield session


STATEMENTS = {
    "class": lambda value: select(Author).where(Author.name == value),
    "attribute": lambda value: select(Author.id).where(Author.name == value),
    "alias": lambda value: select(other := aliased(Author)).where(other.name == value),
    "join": lambda value: select(Author).join(Author.books).where(Book.title == value),
    "joined": lambda value: (
        select(Author).options(joinedload(Author.books)).where(Author.name == value)
    ),
    "selectin": lambda value: (
        select(Author).options(selectinload(Author.books)).where(Author.name == value)
    ),
    "any": lambda value: select(Author).where(Author.books.any(Book.title == value)),
    "has": lambda value: select(Book).where(Book.author.has(Author.name == value)),
    "object": lambda value: select(Book).where(Book.author == Author(id="abc".index(value) + 1)),
    "subquery": lambda value: select(
        aliased(Author, select(Author).where(Author.name == value).subquery())
    ),
    "cte": lambda value: select(aliased(Author, select(Author).where(Author.name == value).cte())),
    "in": lambda value: select(Author).where(
        Author.id.in_(select(Book.author_id).where(Book.title == value))
    ),
    "exists": lambda value: select(Author).where(
        select(Book.id).where(Book.author_id == Author.id, Book.title == value).exists()
    ),
    "union": lambda value: select(
        aliased(
            Author,
            select(Author)
            .where(Author.name == value)
            .union(select(Author).where(Author.email == value))
            .subquery(),
        )
    ),
    "from statement": lambda value: select(Author).from_statement(
        select(Author.__table__).where(Author.__table__.c.name == value)
    ),
    "text": lambda value: (
        select(Author)
        .from_statement(text("SELECT id, name, email FROM author WHERE name = :name"))
        .params(name=value)
    ),
    "lambda": lambda value: lambda_stmt(lambda: select(Author).where(Author.name == value)),
    "bundle": lambda value: select(Bundle("who", Author.id, Author.name)).where(
        Author.name == value
    ),
    "wrapped": lambda value: (
        select(Author).options(joinedload(Author.books)).where(Author.name == value).limit(2)
    ),
    "outer join": lambda value: (
        select(Author, func.count(Book.id))
        .outerjoin(Author.books.of_type(Book))
        .where(Author.name == value)
        .group_by(Author)
    ),
    "lock": lambda value: select(Author).where(Author.name == value).with_for_update(of=Author),
}


@pytest.mark.parametrize("kind", STATEMENTS)
def test_statement_built_anew_is_compiled_once(session, kind):
    cache = {}
    session.connection(execution_options={"compiled_cache": cache})
    session.execute(STATEMENTS[kind]("a")).unique().all()
    after_first = len(cache)

    found = [session.execute(STATEMENTS[kind](value)).unique().all() for value in "bc"]

    assert after_first > 0
    assert len(cache) == after_first
    assert [len(rows) for rows in found] == [1, 1]
    assert found[0] != found[1]


def test_criteria_of_an_option_are_part_of_the_cache_key(session):
    def titles(pattern):
        option = selectinload(Author.books.and_(Book.title == pattern))
        session.expunge_all()
        return [
            book.title
            for author in session.scalars(select(Author).options(option))
            for book in author.books
        ]

    assert titles("a") == ["a"]
    assert titles("b") == ["b"]


def test_line_of_the_generated_row_loader_shows_in_the_traceback(session):
    class Own(DeclarativeBase):
        pass

    class Broken(Own):
        __tablename__ = "author"

        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str | None]

        def __new__(cls):
            raise ValueError("not made")

    with pytest.raises(ValueError, match="not made") as caught:
        session.scalars(select(Broken)).all()

    shown = "".join(traceback.format_exception(caught.value))
    assert "<holdfast row loader of Broken" in shown
    assert "new(class_)" in shown
