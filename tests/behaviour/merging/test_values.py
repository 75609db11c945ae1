"""What `merge` copies of values: set ones, as a user would set them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, exc, inspect

from holdfast import DeclarativeBase, Mapped, Session, defer, mapped_column
from holdfast.exc import StaleDataError
from models.library import Author, Book


class Base(DeclarativeBase):
    pass


class Page(Base):
    __tablename__ = "page"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column()
    text: Mapped[str | None]
    __mapper_args__ = {"version_id_col": version}


@pytest.mark.rule("SM-75")
def test_only_net_changes_are_updated(session: Session, detached: Any, sql: Any) -> None:
    source = detached(Book, 1)
    source.pages = 11
    target = session.merge(source)
    assert inspect(target).attrs.pages.history == ([11], (), [10])
    assert inspect(target).attrs.title.history == ((), ["a"], ())
    sql.clear()

    session.flush()

    assert sql.emitted == ["UPDATE book SET pages=? WHERE book.id = ?"]


@pytest.mark.rule("SM-75")
def test_equal_values_are_no_change(session: Session, detached: Any, sql: Any) -> None:
    target = session.merge(detached(Book, 1))
    sql.clear()

    assert target in session.dirty
    assert not session.is_modified(target)
    session.flush()
    assert not sql


@pytest.mark.rule("SM-75")
@pytest.mark.parametrize("is_present", [True, False])
def test_listeners_hear_of_each_value(session: Session, detached: Any, is_present: bool) -> None:
    heard = []

    def listen(target: Any, value: Any, old: Any, _event: Any) -> None:
        heard.append((target.id, old, value))

    source = detached(Book, 1)
    source.title = "new"
    held = session.get(Book, 1) if is_present else None
    event.listen(Book.title, "set", listen)
    try:
        target = session.merge(source)
    finally:
        event.remove(Book.title, "set", listen)

    assert heard == [(1, "a", "new")]
    assert held in (target, None)


@pytest.mark.rule("SM-76")
def test_value_absent_from_the_source_is_left_alone(session: Session) -> None:
    book = session.get_one(Book, 1)
    book.pages = 12

    session.merge(Book(id=1, title="new"))

    assert (book.title, book.__dict__["pages"]) == ("new", 12)


@pytest.mark.rule("SM-76")
def test_value_loaded_nowhere_stays_to_be_loaded(session: Session, sql: Any) -> None:
    book = session.get_one(Book, 1)
    session.expire(book, ["pages"])
    sql.clear()

    session.merge(Book(id=1, title="new"))
    assert "pages" not in book.__dict__
    assert not sql

    assert book.pages == 10


@pytest.mark.rule("SM-76", differs="a deletion that is not written yet is kept, not forgotten")
def test_value_deleted_on_the_target_stays_deleted(session: Session) -> None:
    book = session.get_one(Book, 1)
    del book.pages

    session.merge(Book(id=1, title="new"))

    assert book.pages is None


@pytest.mark.rule("SM-77")
@pytest.mark.parametrize("load", [True, False])
def test_none_is_copied_as_none(session: Session, detached: Any, load: bool) -> None:
    source = detached(Book, 2)
    assert source.__dict__["pages"] is None
    book = session.get_one(Book, 2)
    book.pages = 5

    session.merge(source, load=load)

    assert book.pages is None


@pytest.mark.rule("SM-82")
def test_autoflush_happens_once_and_before(session: Session, detached: Any) -> None:
    flushes = []
    event.listen(session, "before_flush", lambda *_: flushes.append(1))
    source = detached(Author, 1, "books")
    session.add(Author(name="gus"))

    target = session.merge(source)

    assert flushes == [1]
    assert {each.id for each in target.books} == {1, 2}
    assert session.autoflush


@pytest.mark.rule("SM-82")
def test_autoflush_is_restored_after_a_failure(session: Session) -> None:
    with pytest.raises(exc.InvalidRequestError):
        session.merge(Author(name="gus"), load=False)

    assert session.autoflush


@pytest.mark.rule("SM-83")
def test_transient_source_is_accepted(session: Session) -> None:
    source = Book(id=1, title="new")

    assert session.merge(source).title == "new"
    assert inspect(source).transient


@pytest.mark.rule("SM-83", "SM-76")
def test_expired_values_of_a_source_count_as_absent(session: Session) -> None:
    with Session(session.get_bind()) as other:
        source = other.get_one(Book, 1)
        source.title = "lost"
        other.expire(source)
    book = session.get_one(Book, 1)
    book.title = "kept"

    assert session.merge(source) is book
    assert book.title == "kept"


def test_column_deferred_by_the_query_stays_deferred(session: Session, sql: Any) -> None:
    with Session(session.get_bind()) as other:
        held = other.get_one(Book, 1)
        other.expire(held)
        source = other.query(Book).options(defer(Book.title)).filter_by(id=1).one()
        assert source is held
        other.expire(source, ["pages"])
    target = session.merge(source, load=False)
    sql.clear()

    assert target.pages == 10
    assert "title" not in target.__dict__
    assert target.title == "a"
    assert len(sql) == 2


def detached_page(engine: Any) -> Page:
    with Session(engine) as other, other.begin():
        other.add(Page(id=1, text="first"))
    with Session(engine) as other:
        return other.get_one(Page, 1)


@pytest.mark.rule("SM-89")
@pytest.mark.parametrize("is_present", [True, False])
def test_source_of_another_version_is_refused(tables: Any, is_present: bool) -> None:
    engine = tables(Base.metadata)
    source = detached_page(engine)
    with Session(engine) as session:
        held = session.get_one(Page, 1)
        held.text = "second"
        session.commit()
        held.text = "third"
        session.flush()
        if not is_present:
            session.expunge(held)

        with pytest.raises(StaleDataError, match="Version id '1' on merged state"):
            session.merge(source)


@pytest.mark.rule("SM-89")
def test_source_of_the_same_version_is_merged(tables: Any) -> None:
    engine = tables(Base.metadata)
    source = detached_page(engine)
    source.text = "second"
    with Session(engine) as session:
        target = session.merge(source)
        session.commit()

        assert (target.text, target.version) == ("second", 2)


@pytest.mark.rule("SM-89")
def test_version_that_is_not_set_is_not_compared(tables: Any) -> None:
    engine = tables(Base.metadata)
    detached_page(engine)
    with Session(engine) as session:
        target = session.merge(Page(id=1, text="second"))
        session.commit()

        assert (target.text, target.version) == ("second", 2)
