"""Books have tags: many-to-many, changed from both ends."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import rule
from sqlalchemy import Column, ForeignKey, Table

from holdfast import DeclarativeBase, Mapped, mapped_column, relationship
from machines.rows import Key
from machines.runs import as_test
from machines.session_machine import NUMBERS, SessionMachine


class Base(DeclarativeBase):
    pass


book_tag = Table(
    "book_tag",
    Base.metadata,
    Column("book_id", ForeignKey("book.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    tags: Mapped[set[Tag]] = relationship(secondary=book_tag, back_populates="books")


class Tag(Base):
    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    books: Mapped[list[Book]] = relationship(secondary=book_tag, back_populates="tags")


class ManyToManyMachine(SessionMachine):
    metadata = Base.metadata
    classes = (Book, Tag)
    associations = (book_tag,)

    def pairs_with(self, key: Key) -> list[Key]:
        place = self.classes.index(key[0])
        return [
            each for each in self.rows.memory if each[0] is book_tag and each[1][place] == key[1]
        ]

    def let_go(self, key: Key) -> None:
        for each in self.pairs_with(key):
            del self.rows.memory[each]

    def members_of(self, key: Key) -> dict[str, tuple[Any, set[Any]]]:
        if key[0] is Book:
            return {"tags": (Tag, {each[1][1] for each in self.pairs_with(key)})}
        return {"books": (Book, {each[1][0] for each in self.pairs_with(key)})}

    def is_linked(self, key: Key) -> bool:
        return bool(self.pairs_with(key))

    @rule(number=NUMBERS, tag_number=NUMBERS, from_the_tag=st.booleans())
    def tag(self, number: int, tag_number: int, from_the_tag: bool) -> None:
        book, tag = self.find(Book, number), self.find(Tag, tag_number)
        if book is None or tag is None or (book_tag, (number, tag_number)) in self.rows.memory:
            return
        if from_the_tag:
            tag.books.append(book)
        else:
            book.tags.add(tag)
        self.rows.memory[book_tag, (number, tag_number)] = {}

    @rule(number=NUMBERS, tag_number=NUMBERS, from_the_tag=st.booleans())
    def untag(self, number: int, tag_number: int, from_the_tag: bool) -> None:
        book, tag = self.find(Book, number), self.find(Tag, tag_number)
        if book is None or tag is None or (book_tag, (number, tag_number)) not in self.rows.memory:
            return
        if from_the_tag:
            tag.books.remove(book)
        else:
            book.tags.remove(tag)
        del self.rows.memory[book_tag, (number, tag_number)]

    @rule(number=NUMBERS, tag_numbers=st.sets(NUMBERS))
    def tag_only(self, number: int, tag_numbers: set[int]) -> None:
        """Replace the collection."""
        book = self.find(Book, number)
        tags = {each: self.find(Tag, each) for each in tag_numbers}
        if book is None or None in tags.values():
            return
        book.tags = set(tags.values())
        for each in self.pairs_with((Book, number)):
            if each[1][1] in self.rows.keys_of(Tag):
                del self.rows.memory[each]
        self.rows.memory.update({(book_tag, (number, each)): {} for each in tags})


TestManyToMany = as_test(ManyToManyMachine)
