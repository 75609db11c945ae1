# ruff: noqa: UP045 - annotations as users write them
"""What attributes are on classes and on objects."""

from __future__ import annotations

from typing import Any, Optional, assert_type

from authors import Address, Author, Base, Book, Letter, Note, Tag, Visit
from sqlalchemy import Delete, Insert, MetaData, Select, Update, func

from holdfast import (
    AppenderQuery,
    InstrumentedAttribute,
    Mapped,
    Mapper,
    WriteOnlyCollection,
    composite,
    mapped_column,
    relationship,
)


def columns_on_the_class() -> None:
    assert_type(Author.id, InstrumentedAttribute[int])
    assert_type(Author.email, InstrumentedAttribute[Optional[str]])
    assert_type(Author.shout, InstrumentedAttribute[str])
    assert_type(Book.owner_id, InstrumentedAttribute[int])


def columns_on_an_object(author: Author, book: Book) -> None:
    assert_type(author.id, int)
    assert_type(author.email, Optional[str])
    assert_type(author.biography, str)
    assert_type(author.shout, str)
    assert_type(author.title, str)
    assert_type(book.owner_id, int)
    author.name = "x"
    author.name = func.lower("x")
    author.name = 5  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]


def composites(author: Author) -> None:
    assert_type(Author.home, InstrumentedAttribute[Address])
    assert_type(author.home, Address)
    assert_type(author.work, Address | None)
    assert_type(composite(Address, "street", "city"), Mapped[Address])


def relationships(author: Author, book: Book) -> None:
    assert_type(Author.books, InstrumentedAttribute[list[Book]])
    assert_type(Book.author, InstrumentedAttribute[Author | None])
    assert_type(author.books, list[Book])
    assert_type(author.tags, set[Tag])
    assert_type(book.author, Author | None)
    author.books.append(book)
    author.tags.add(Tag())
    author.books.append(author)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def write_only_collections(author: Author) -> None:
    assert_type(Author.letters, InstrumentedAttribute[Letter])
    assert_type(author.letters, WriteOnlyCollection[Letter])
    assert_type(author.letters.select(), Select[Letter])
    assert_type(author.letters.insert(), Insert)
    assert_type(author.letters.update(), Update)
    assert_type(author.letters.delete(), Delete)
    author.letters.add(Letter())
    author.letters.add_all([Letter()])
    author.letters = [Letter(), Letter()]
    author.letters.add(author)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def dynamic_collections(author: Author) -> None:
    assert_type(author.visits, AppenderQuery[Visit])
    assert_type(author.visits.all(), list[Visit])
    assert_type(author.visits.first(), Visit | None)
    author.visits.append(Visit())
    author.visits.remove(Visit())
    for visit in author.visits:
        assert_type(visit, Visit)


def constructors() -> None:
    assert_type(Author(name="x"), Author)
    assert_type(Note(text="x"), Note)
    assert_type(Note(text="x", length=5), Note)
    Note(text=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Note("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Note(text="x", id=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


class Wrong(Base):
    __tablename__ = "wrong"

    id: Mapped[int] = mapped_column(primary_key=True)
    way: Mapped[list[Note]] = relationship(lazy="later")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def tables_and_mappers() -> None:
    assert_type(Author.metadata, MetaData)
    assert_type(Author.__mapper__, Mapper[Any])
    Author.metadata.tables["author"].create
    assert_type({Author.id: "x"}, dict[InstrumentedAttribute[int], str])
