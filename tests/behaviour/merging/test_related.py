"""How `merge` follows relationships."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import ForeignKey, inspect, select

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, relationship
from models import tree
from models.library import Author, Book, Tag
from models.shop import Line, Note, Order
from models.tree import Node


class Base(DeclarativeBase):
    pass


class Desk(Base):
    __tablename__ = "desk"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    lamp_id: Mapped[int | None] = mapped_column(ForeignKey("lamp.id"))
    lamp: Mapped[Lamp | None] = relationship(cascade="save-update")
    lamp_again: Mapped[Lamp | None] = relationship(viewonly=True, cascade="expunge")


class Lamp(Base):
    __tablename__ = "lamp"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]


@pytest.mark.rule("SM-78")
def test_related_objects_are_merged(session: Session, detached: Any) -> None:
    source = detached(Book, 1, "author", "tags")
    source.author.name = "anna"
    next(iter(source.tags)).name = "blue"

    target = session.merge(source)
    session.commit()

    assert session.get_one(Author, 1).name == "anna"
    assert session.get_one(Tag, 1).name == "blue"
    assert target.author is session.get_one(Author, 1)
    assert all(each in session for each in target.tags)


@pytest.mark.rule("SM-78")
def test_new_related_objects_are_made(session: Session) -> None:
    source = Author(id=1, books=[Book(id=1), Book(title="new", tags={Tag(name="blue")})])

    target = session.merge(source)
    session.commit()

    assert [book.title for book in target.books] == ["a", "new"]
    assert [tag.name for tag in target.books[1].tags] == ["blue"]


@pytest.mark.rule("SM-78")
def test_cycle_is_merged_once(session: Session, tables: Any) -> None:
    tables(tree.Base.metadata)
    top = Node(id=1, name="top")
    top.parent = Node(id=2, name="loop", parent=top)

    target = session.merge(top)

    assert target.parent.parent is target
    assert target in target.parent.children
    assert len(session.new) == 2


@pytest.mark.rule("SM-78")
def test_self_that_is_its_own_parent_is_merged_once(session: Session, tables: Any) -> None:
    tables(tree.Base.metadata)
    source = Node(id=1, name="self")
    source.parent = source

    target = session.merge(source)

    assert target.parent is target
    assert target.children == [target]


@pytest.mark.rule("SM-79")
def test_collection_is_replaced_and_missing_members_are_let_go(session: Session) -> None:
    target = session.merge(Author(id=1, books=[Book(id=2)]))
    session.commit()

    assert [book.id for book in target.books] == [2]
    assert session.get_one(Book, 1).author_id is None


@pytest.mark.rule("SM-79")
def test_missing_orphans_are_deleted(session: Session, detached: Any) -> None:
    source = detached(Order, 1, "lines", "notes")
    del source.lines[0]
    source.notes["card"] = Note(kind="card", text="hi")
    del source.notes["gift"]

    target = session.merge(source)
    session.commit()

    assert session.scalars(select(Line.number)).all() == [2]
    assert [note.text for note in session.scalars(select(Note))] == ["hi"]
    assert target.notes["card"].text == "hi"


@pytest.mark.rule("SM-79")
def test_collection_with_the_same_members_is_no_change(
    session: Session, detached: Any, sql: Any
) -> None:
    source = detached(Author, 1, "books")
    author = session.get_one(Author, 1)
    assert len(author.books) == 2
    session.merge(source)
    sql.clear()

    assert inspect(author).attrs.books.history.has_changes() is False
    assert [book.id for book in author.books] == [1, 2]
    session.flush()
    assert not sql


@pytest.mark.rule("SM-79")
def test_order_of_the_source_is_taken_over(session: Session) -> None:
    author = session.get_one(Author, 1)
    assert [book.id for book in author.books] == [1, 2]

    session.merge(Author(id=1, books=[Book(id=2), Book(id=1)]))

    assert [book.id for book in author.books] == [2, 1]


@pytest.mark.rule("SM-79")
def test_empty_collection_empties_the_targets(session: Session) -> None:
    target = session.merge(Book(id=1, tags=set()))

    assert target.tags == set()
    session.commit()
    assert session.get_one(Tag, 1).books == []


@pytest.mark.rule("SM-80")
@pytest.mark.parametrize("load", [True, False])
def test_relationship_not_loaded_on_the_source_is_not_touched(
    session: Session, detached: Any, sql: Any, load: bool
) -> None:
    author = session.get_one(Author, 1)
    books = author.books
    source = detached(Author, 1)
    sql.clear()

    session.merge(source, load=load)

    assert author.books is books
    assert not sql


@pytest.mark.rule("SM-80")
def test_relationship_loaded_nowhere_stays_to_be_loaded(session: Session, sql: Any) -> None:
    target = session.merge(Author(id=1, name="anna"))

    assert len(sql) == 1
    assert "books" not in target.__dict__
    assert len(target.books) == 2


@pytest.mark.rule("SM-81")
def test_relationships_without_merge_cascade_are_not_followed(tables: Any) -> None:
    with Session(tables(Base.metadata)) as session:
        lamp = Lamp(id=1, name="bright")
        source = Desk(id=1, name="desk", lamp=lamp)
        source.__dict__["lamp_again"] = lamp

        target = session.merge(source)

        assert list(session.new) == [target]
        assert "lamp" not in target.__dict__
        assert "lamp_again" not in target.__dict__


@pytest.mark.rule("SM-94")
def test_back_reference_alone_does_not_bring_the_source_in(session: Session) -> None:
    author = session.get_one(Author, 1)
    source = Book(id=1, title="new")
    source.author = author
    assert source not in session

    with session.no_autoflush:
        target = session.merge(source)

    assert target is not source
    assert (inspect(target).persistent, target.title) == (True, "new")
    assert target.author is author


@pytest.mark.rule("SM-95")
def test_reference_set_to_none_wins_over_the_foreign_key(session: Session) -> None:
    source = Book(id=1, author_id=1)
    source.author = None

    target = session.merge(source)
    session.commit()

    assert target.author_id is None
