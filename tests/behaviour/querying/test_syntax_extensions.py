"""Core's syntax extensions, made of attributes of classes and given to statements over classes."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import (
    ColumnElement,
    Delete,
    Engine,
    Insert,
    Select,
    Update,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.ext.compiler import compiles  # noqa: TID251  how Core is taught elements
from sqlalchemy.sql import ClauseElement, SyntaxExtension
from sqlalchemy.sql.visitors import InternalTraversal

from holdfast import Session, aliased, joinedload, selectinload, with_loader_criteria
from holdfast.foundation.sqlalchemy_core import coercions, roles
from models.library import Author, Base, Book


class Grouped(SyntaxExtension, ClauseElement):
    """GROUP BY, as something that Core knows nothing of."""

    _traverse_internals = [("columns", InternalTraversal.dp_clauseelement_tuple)]

    def __init__(self, *columns: Any) -> None:
        self.columns = tuple(
            coercions.expect(roles.ByOfRole, each, apply_propagate_attrs=self) for each in columns
        )

    def apply_to_select(self, statement: Select[Any]) -> None:
        statement.apply_syntax_extension_point(self.append_replacing_same_type, "post_criteria")


class Remark(SyntaxExtension, ClauseElement):
    """A comment in the SQL."""

    _traverse_internals: Any = []
    inherit_cache = True

    def apply_to_select(self, statement: Select[Any]) -> None:
        statement.apply_syntax_extension_point(lambda known: [*known, self], "post_select")

    def apply_to_insert(self, statement: Insert) -> None:
        statement.apply_syntax_extension_point(lambda known: [*known, self], "post_values")

    def apply_to_update(self, statement: Update) -> None:
        statement.apply_syntax_extension_point(lambda known: [*known, self], "post_criteria")

    def apply_to_delete(self, statement: Delete) -> None:
        statement.apply_syntax_extension_point(lambda known: [*known, self], "post_criteria")


@compiles(Grouped)
def render_grouped(element: Grouped, compiler: Any, **how: Any) -> str:
    return f"GROUP BY {', '.join(compiler.process(each, **how) for each in element.columns)}"


@compiles(Remark)
def render_remark(_element: Remark, _compiler: Any, **_how: Any) -> str:
    return "/* remark */"


@pytest.fixture
def session(engine: Engine, tables: Any, sql: Any) -> Any:
    """Ann has two books of ten pages, Bob one of twenty."""
    tables(Base.metadata)
    with Session(engine) as session:
        session.add(Author(id=1, name="Ann", books=[Book(id=n, pages=10) for n in (1, 2)]))
        session.add(Author(id=2, name="Bob", books=[Book(id=3, pages=20)]))
        session.commit()
        sql.clear()
        yield session


def test_extension_speaks_of_attributes(session, sql):
    statement = select(Book.author_id).ext(Grouped(Book.author_id)).order_by(Book.author_id)

    assert session.scalars(statement).all() == [1, 2]
    assert "FROM book GROUP BY book.author_id" in sql.emitted[0]


def test_extension_speaks_of_an_alias(session):
    book = aliased(Book)

    statement = select(book.pages).ext(Grouped(book.pages)).order_by(book.pages)

    assert session.scalars(statement).all() == [10, 20]


def test_extension_of_attributes_makes_a_statement_one_over_classes(session):
    statement = select(1).ext(Grouped(Book.author_id)).select_from(Book.__table__)
    option = with_loader_criteria(Book, Book.pages > 10)

    assert statement.get_execution_options() == {}
    assert len(session.execute(statement).all()) == 2
    joined = select(Book.author_id).ext(Grouped(Book.author_id)).options(option)
    assert session.scalars(joined).all() == [2]


def test_extension_stays_in_the_subquery_that_joined_loading_wraps(session, sql):
    statement = (
        select(Author)
        .options(joinedload(Author.books))
        .ext(Grouped(Author.id))
        .order_by(Author.id)
        .limit(1)
    )

    found = session.scalars(statement).unique().all()

    assert [(each.name, len(each.books)) for each in found] == [("Ann", 2)]
    assert sql.emitted[0].count("GROUP BY") == 1
    assert "FROM author GROUP BY author.id ORDER BY" in sql.emitted[0]


def test_extension_does_not_go_on_to_what_loads_later(session, sql):
    statement = select(Author).options(selectinload(Author.books)).ext(Remark())

    found = session.scalars(statement.order_by(Author.id)).all()

    assert [len(each.books) for each in found] == [2, 1]
    assert ["/* remark */" in each for each in sql.emitted] == [True, False]


def test_extension_is_part_of_the_cache_key(session):
    by_author = select(Book.pages).ext(Grouped(Book.author_id, Book.pages)).order_by(Book.pages)
    by_pages = select(Book.pages).ext(Grouped(Book.pages)).order_by(Book.pages)

    for _ in range(2):
        assert session.scalars(by_author).all() == [10, 20]
        assert session.scalars(by_pages).all() == [10, 20]
        assert len(session.scalars(select(Book.pages)).all()) == 3


def test_extension_of_a_statement_that_writes(session, sql):
    session.execute(insert(Author).values(id=3, name="Cid").ext(Remark()))
    session.execute(update(Author).where(Author.id == 3).values(name="Dot").ext(Remark()))
    session.execute(delete(Author).where(Author.id == 3).ext(Remark()))

    assert [each.endswith("/* remark */") for each in sql.emitted] == [True] * 3


def test_construct_compiles_an_attribute_as_its_column(session):
    class Doubled(ColumnElement[int]):
        inherit_cache = False

    @compiles(Doubled)
    def render(element, compiler, **how):
        return f"2 * {compiler.process(Book.pages, **how)}"

    statement = select(Doubled()).select_from(Book).order_by(Book.id)

    assert session.scalars(statement).all() == [20, 20, 40]
