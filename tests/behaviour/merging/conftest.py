"""A library and a shop in one database, and a way to get objects out of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from holdfast import Session
from models import library, shop
from models.library import Author, Book, Tag
from models.shop import Line, Note, Order


@pytest.fixture
def session(tables: Any, sql: Any) -> Iterator[Session]:
    """One author with two books, one of them tagged; one order with two lines and a note."""
    tables(library.Base.metadata)
    engine = tables(shop.Base.metadata)
    with Session(engine) as first, first.begin():
        tagged = Book(id=1, title="a", pages=10, tags={Tag(id=1, name="red")})
        first.add(Author(id=1, name="ann", books=[tagged, Book(id=2, title="b")]))
        lines = [Line(number=1, product="ink"), Line(number=2, product="pen")]
        notes = {"gift": Note(id=1, kind="gift", text="wrap")}
        first.add(Order(id=1, customer="carl", lines=lines, notes=notes))
    sql.clear()
    with Session(engine) as session:
        yield session


@pytest.fixture
def detached(session: Session) -> Callable[..., Any]:
    """Load an object in another session on the same connection, with the named relationships."""

    def load(class_: type[Any], key: Any, *names: str) -> Any:
        with Session(session.connection()) as other:
            found = other.get(class_, key)
            for name in names:
                getattr(found, name)
        return found

    return load
