"""Collections of related objects: classes of the user's own, repeated members, deletion."""

from __future__ import annotations

import pytest
from sqlalchemy import ForeignKey, event, inspect, select

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, relationship
from holdfast.collections import collection
from models import library


class Base(DeclarativeBase):
    pass


class Shelf:
    """Like a dictionary in what it takes, and nothing more."""

    def __init__(self):
        self.places = {}

    @collection.appender
    @collection.replaces(1)
    def put(self, book):
        former = self.places.get(book.title)
        self.places[book.title] = book
        return former

    @collection.remover
    def take(self, book):
        del self.places[book.title]

    @collection.iterator
    def books(self):
        return iter(self.places.values())

    def __setitem__(self, title, book):
        self.places[title] = book

    def __getitem__(self, title):
        return self.places[title]

    def __delitem__(self, title):
        del self.places[title]

    def values(self):
        return list(self.places.values())

    def __contains__(self, title):
        return title in self.places


class Room(Base):
    __tablename__ = "room"
    id: Mapped[int] = mapped_column(primary_key=True)
    shelf = relationship("Volume", collection_class=Shelf)
    seen = relationship("Volume", viewonly=True)


class Volume(Base):
    __tablename__ = "volume"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    room_id: Mapped[int | None] = mapped_column(ForeignKey("room.id"))


@pytest.fixture
def session(engine, tables):
    for each in (Base, library.Base):
        tables(each.metadata)
    with Session(engine) as session:
        yield session


def test_dictionary_of_ones_own_is_assigned_without_keys(session):
    room = Room()
    full = Shelf()
    full["a"] = Volume(title="a")

    room.shelf = full
    session.add(room)
    session.commit()

    assert [volume.title for volume in room.shelf.values()] == ["a"]
    assert room.shelf is not full


def test_replaced_and_removed_members_of_ones_own_class_are_known(session):
    room = Room()
    first, second = Volume(title="a"), Volume(title="a")
    room.shelf.put(first)
    room.shelf.put(second)
    session.add(room)
    session.flush()
    room.shelf.take(second)

    assert first not in session
    assert inspect(room).attrs.shelf.history.deleted == [second]


def test_repeated_member_is_repeated_in_history(session):
    hi, there = library.Tag(name="hi"), library.Tag(name="there")
    book = library.Book(title="x")
    session.add_all([book, hi, there])
    session.flush()
    session.refresh(hi, ["books"])
    hi.books = [book]
    session.flush()
    list.append(hi.books, book)
    hi.books = []

    assert inspect(hi).attrs.books.history.deleted == [book, book]
    session.flush()
    assert session.scalars(select(library.Book).where(library.Book.tags.any())).all() == []


@pytest.mark.parametrize("is_loaded", [True, False])
def test_deleting_a_collection_removes_the_members(session, is_loaded):
    author = library.Author(name="Ann", books=[library.Book(title="a"), library.Book(title="b")])
    session.add(author)
    session.commit()
    books = session.scalars(select(library.Book)).all()
    if is_loaded:
        assert len(author.books) == 2

    del author.books

    assert author.books == []
    assert inspect(author).attrs.books.history.deleted == books
    assert [book.author for book in books] == [None, None]
    session.commit()
    assert author.books == []
    del author.books


def test_deleting_an_unset_collection_changes_nothing():
    author = library.Author()

    del author.books

    assert not inspect(author).modified
    assert author.books == []


def test_listener_may_make_the_member_of_what_is_added(session):
    def made(target, value, initiator):
        return library.Book(title=value)

    event.listen(library.Author.books, "append", made, retval=True)
    try:
        author = library.Author(name="Ann")
        author.books.append("one")
        author.books.append("two")
        author.books = [*author.books]
    finally:
        event.remove(library.Author.books, "append", made)

    assert [book.title for book in author.books] == ["one", "two"]


def test_listener_may_make_the_object_that_is_assigned():
    def made(target, value, old, initiator):
        return library.Author(name=value) if isinstance(value, str) else value

    event.listen(library.Book.author, "set", made, retval=True)
    try:
        book = library.Book(author="Ann")
    finally:
        event.remove(library.Book.author, "set", made)

    assert book.author.name == "Ann"
    assert book.author.books == [book]


def test_failing_assignment_leaves_claims_as_they_were(session):
    book = library.Book(title="x", author=library.Author(name="Ann"))

    with pytest.raises(AttributeError):
        book.author = "nobody"

    assert book.author.name == "Ann"


class Alike(Base):
    __tablename__ = "alike"
    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("group.id"))
    group: Mapped[Group | None] = relationship(back_populates="members")

    def __eq__(self, other):
        return isinstance(other, Alike)

    __hash__ = None


class Group(Base):
    __tablename__ = "group"
    id: Mapped[int] = mapped_column(primary_key=True)
    members: Mapped[list[Alike]] = relationship(back_populates="group")


def test_of_equal_members_the_one_that_was_meant_goes():
    first, second, third = Alike(), Alike(), Alike()
    old, new = Group(members=[first, second, third]), Group()

    second.group = new
    old.members.remove(third)

    assert [each is first for each in old.members] == [True]
    assert [each is second for each in new.members] == [True]
    assert third.group is None
    with pytest.raises(ValueError, match="not in list"):
        Group().members.remove(first)


def test_view_only_relationship_records_no_change(session):
    room = Room(shelf=Shelf())
    session.add(room)
    session.commit()

    room.seen.append(Volume(title="a"))
    room.seen = [*room.seen, Volume(title="b")]

    assert room not in session.dirty
    assert not inspect(room).attrs.seen.history.has_changes()
    assert len(room.seen) == 2
    assert len(session.new) == 0
    session.commit()
    assert room.seen == []
