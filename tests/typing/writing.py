"""What insert(), update() and delete() over classes give, and the methods that write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_type

from authors import Author
from sqlalchemy import CursorResult, Result, delete, insert, update

from holdfast import Session, make_transient


def returning(session: Session) -> None:
    assert_type(session.execute(insert(Author).returning(Author)), Result[Author])
    assert_type(
        session.execute(insert(Author).returning(Author.id, Author.name), [{"name": "x"}]),
        Result[int, str],
    )
    assert_type(session.scalars(insert(Author).returning(Author.id)).all(), Sequence[int])
    assert_type(
        session.scalars(update(Author).values(name="x").returning(Author)).all(), Sequence[Author]
    )
    assert_type(session.scalar(delete(Author).returning(Author.name)), str | None)


def without_rows(session: Session) -> None:
    result = session.execute(update(Author).where(Author.id == 5).values({Author.name: "x"}))
    assert_type(result, CursorResult[*tuple[Any, ...]])
    assert_type(result.rowcount, int)


def members(session: Session, author: Author) -> None:
    session.add(author)
    session.add_all([author])
    session.delete(author)
    assert_type(session.merge(author), Author)
    assert_type(session.merge_all([author]), list[Author])
    session.refresh(author, ["name"])
    make_transient(author)
