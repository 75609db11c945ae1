"""LoadPlans, as they print."""

from __future__ import annotations

from typing import Any

import pytest
from inline_snapshot import snapshot
from sqlalchemy import exc, func, select, text

from holdfast import Session, aliased, defer, joinedload, selectinload
from holdfast.diagnostics import explain_select
from models.library import Author, Book


def plan_of(statement: Any) -> str:
    return str(explain_select(statement))


def test_plan_of_one_class() -> None:
    assert plan_of(select(Author)) == snapshot("""\
entity Author by column 0, if any
  id <- 0, name <- 1, email <- 2\
""")


def test_plan_of_columns_and_classes() -> None:
    other = aliased(Author, name="other")

    assert plan_of(select(Author.id, other, func.count().label("n"))) == snapshot("""\
id <- column 0
entity Author by column 1, if any
  id <- 1, name <- 2, email <- 3
n <- column 4\
""")


def test_plan_of_joined_and_later_loads() -> None:
    options = joinedload(Author.books).options(selectinload(Book.tags), defer(Book.pages))

    assert plan_of(select(Author).options(options)) == snapshot("""\
entity Author by column 0, if any
  id <- 0, name <- 1, email <- 2
  joined Author.books -> Book by column 3, if any
    id <- 3, title <- 4, author_id <- 5
    deferred: pages
    then selectin: Author.books -> Book.tags
rows repeat objects: unique() is needed\
""")


def test_equal_statements_have_equal_plans() -> None:
    assert plan_of(select(Author)) == plan_of(select(Author).where(Author.id == 3))


def test_plan_of_a_query_and_of_text() -> None:
    statement = select(Author.name).from_statement(text("SELECT name FROM author"))

    assert plan_of(Session().query(Author.name)) == snapshot("name <- column 0")
    assert plan_of(statement) == snapshot("name <- column 0")


def test_statement_over_tables_has_no_plan() -> None:
    with pytest.raises(exc.ArgumentError, match="Expected mapped class"):
        explain_select(select(Author.__table__))
