"""A child that is given another parent leaves the collection of the former one, at once."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import ForeignKey, event, inspect

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, relationship
from models import library
from models.library import Author, Book


class Base(DeclarativeBase):
    pass


class Crate(Base):
    __tablename__ = "crate"

    id: Mapped[int] = mapped_column(primary_key=True)
    fruits: Mapped[list[Fruit]] = relationship(back_populates="crate")


class Fruit(Base):
    """One fruit equals another."""

    __tablename__ = "fruit"

    id: Mapped[int] = mapped_column(primary_key=True)
    crate_id: Mapped[int | None] = mapped_column(ForeignKey("crate.id"))
    crate: Mapped[Crate | None] = relationship(back_populates="fruits")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fruit)

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("to", [Author(), None])
def test_child_leaves_the_former_collection(to: Author | None) -> None:
    book = Book()
    former = Author(books=[Book(), book, Book()])

    book.author = to

    assert book not in former.books
    assert len(former.books) == 2
    assert to is None or to.books == [book]


def test_child_itself_leaves_and_not_an_equal_one() -> None:
    first, second = Fruit(), Fruit()
    former, other = Crate(fruits=[first, second]), Crate()

    second.crate = other

    assert former.fruits[0] is first
    assert [id(each) for each in other.fruits] == [id(second)]
    assert len(former.fruits) == 1


def test_child_that_the_former_collection_lacks_is_moved_all_the_same() -> None:
    book = Book()
    former, other = Author(books=[book]), Author()
    list.remove(former.books, book)

    book.author = other

    assert (former.books, other.books) == ([], [book])


def test_former_members_are_recorded(tables: Any) -> None:
    with Session(tables(library.Base.metadata)) as session:
        book = Book(id=1)
        former, other = Author(id=1, name="a", books=[book]), Author(id=2, name="b")
        session.add_all([former, other])
        session.flush()

        book.author = other

        assert inspect(former).attrs.books.history.deleted == [book]
        assert former in session.dirty


def test_listeners_of_the_former_collection_hear_of_it() -> None:
    heard = []

    def listen(target: Any, value: Any, _event: Any) -> None:
        heard.append((target, value))

    book = Book()
    former = Author(books=[book])
    event.listen(Author.books, "remove", listen)
    try:
        book.author = None
    finally:
        event.remove(Author.books, "remove", listen)

    assert heard == [(former, book)]


def test_collection_that_is_not_loaded_stays_so(tables: Any, sql: Any) -> None:
    with Session(tables(library.Base.metadata)) as session:
        session.add(Author(id=1, name="a", books=[Book(id=1), Book(id=2)]))
        session.commit()
        former, book = session.get_one(Author, 1), session.get_one(Book, 1)
        sql.clear()

        book.author = None

        assert not sql
        assert "books" not in former.__dict__
        assert [each.id for each in former.books] == [2]
