# ruff: noqa: UP045 - annotations as users write them
"""What type checkers see of mapped classes; checked by mypy, never run."""

from __future__ import annotations

from typing import Any, Optional, assert_type

from sqlalchemy import ForeignKey, String, func, select

from holdfast.instrument.descriptor import InstrumentedAttribute
from holdfast.mapping.declarative.constructs import (
    column_property,
    deferred,
    mapped_column,
    relationship,
    synonym,
)
from holdfast.mapping.declarative.dataclasses import MappedAsDataclass
from holdfast.mapping.declarative.declarative_base import DeclarativeBase
from holdfast.mapping.declarative.mixins import declared_attr
from holdfast.mapping.mapped import Mapped, WriteOnlyMapped


class Base(DeclarativeBase):
    pass


class HasOwner:
    @declared_attr
    def owner_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("author.id"))

    @declared_attr.directive
    def __tablename__(cls) -> str:
        return "owned"


class Author(Base):
    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None] = mapped_column(String(50), unique=True)
    biography: Mapped[str] = deferred(mapped_column())
    shout: Mapped[str] = column_property(func.upper(email))
    title: Mapped[str] = synonym("name")
    books: Mapped[list[Book]] = relationship(back_populates="author")
    letters: WriteOnlyMapped[Book] = relationship(lazy="write_only")
    notes: Mapped[list[Note]] = relationship(lazy="later")  # type: ignore[arg-type]


class Book(HasOwner, Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author | None] = relationship(
        back_populates="books", primaryjoin=author_id == Author.id
    )


class Note(MappedAsDataclass, Base, kw_only=True):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    text: Mapped[str]
    length: Mapped[int | None] = mapped_column(default=None)


def on_the_class() -> None:
    assert_type(Author.id, InstrumentedAttribute[int])
    assert_type(Author.email, InstrumentedAttribute[Optional[str]])
    assert_type(Author.books, InstrumentedAttribute[list[Book]])
    assert_type(Book.author, InstrumentedAttribute[Author | None])
    assert_type(Book.owner_id, InstrumentedAttribute[int])


def on_an_object(author: Author, book: Book) -> None:
    assert_type(author.id, int)
    assert_type(author.email, Optional[str])
    assert_type(author.biography, str)
    assert_type(author.books, list[Book])
    assert_type(book.author, Author | None)
    author.name = "x"
    author.name = func.lower("x")
    author.books.append(book)
    author.name = 5  # type: ignore[assignment]


def in_statements() -> None:
    statement = select(Author.id, Author.name).where(Author.id == 5).order_by(Author.name.desc())
    assert_type(Author(name="x"), Author)
    assert_type(Note(text="x"), Note)
    Note(text=5)  # type: ignore[arg-type]
    Note("x")  # type: ignore[call-arg]
    found: Any = statement
    assert found is not None
