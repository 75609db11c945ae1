"""`merge_frozen_result()`: rows that a cache kept, with the objects of a session."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from holdfast import Session, merge_frozen_result
from models.library import Author, Base, Book


@pytest.fixture
def library(engine: Any, tables: Any) -> Any:
    tables(Base.metadata)
    with Session(engine) as session:
        session.add(Author(id=1, name="ann", books=[Book(id=1, title="a")]))
        session.add(Author(id=2, name="bob"))
        session.commit()
    return engine


@pytest.mark.parametrize("load", [True, False])
def test_frozen_rows_hold_the_objects_of_the_session(library: Any, load: bool) -> None:
    statement = select(Author, Book.title, Book).outerjoin(Author.books).order_by(Author.id)
    with Session(library) as first:
        frozen = first.execute(statement).freeze()
    with Session(library) as second:
        ann = second.get(Author, 1)

        rows = merge_frozen_result(second, statement, frozen, load=load)().all()

        assert rows[0].Author is ann
        assert rows[0].title == "a"
        assert rows[0].Book is second.get(Book, 1)
        assert (rows[1].Author in second, rows[1][1:]) == (True, (None, None))


def test_frozen_result_of_single_objects_stays_one(library: Any) -> None:
    statement = select(Author).order_by(Author.id)
    with Session(library) as first:
        frozen = first.execute(statement).freeze()
    with Session(library) as second:
        found = merge_frozen_result(second, statement, frozen)().scalars().all()

        assert found == [second.get(Author, 1), second.get(Author, 2)]
