"""`merge(load=False)`: what a cache held becomes the state of objects, without SQL."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from sqlalchemy import event, exc, inspect

from holdfast import Session, make_transient
from models.library import Author, Book
from models.shop import Order


@pytest.mark.rule("SM-85")
def test_target_is_persistent_and_clean_without_sql(
    session: Session, detached: Any, sql: Any
) -> None:
    source = detached(Author, 1, "books")
    sql.clear()

    target = session.merge(source, load=False)

    assert not sql
    assert inspect(target).persistent
    assert [book.title for book in target.books] == ["a", "b"]
    assert target.books[0].author is target
    assert not session.dirty
    assert not session.new
    assert not sql


@pytest.mark.rule("SM-85")
def test_no_attribute_events_fire(session: Session, detached: Any) -> None:
    heard = []

    def listen(*arguments: Any) -> None:
        heard.append(arguments)

    source = detached(Author, 1, "books")
    for attribute, name in ((Author.name, "set"), (Author.books, "append")):
        event.listen(attribute, name, listen)
    try:
        session.merge(source, load=False)
    finally:
        for attribute, name in ((Author.name, "set"), (Author.books, "append")):
            event.remove(attribute, name, listen)

    assert heard == []


@pytest.mark.rule("SM-85")
def test_present_target_takes_the_state_and_is_clean(session: Session, detached: Any) -> None:
    source = detached(Book, 1)
    book = session.get_one(Book, 1)
    book.title = "changed"

    assert session.merge(source, load=False) is book
    assert book.title == "a"
    assert book not in session.dirty


@pytest.mark.rule("SM-85")
def test_state_from_a_cache_is_merged(session: Session, detached: Any, sql: Any) -> None:
    cached = pickle.loads(pickle.dumps(detached(Order, 1, "lines", "notes")))
    sql.clear()

    target = session.merge(cached, load=False)

    assert [line.product for line in target.lines] == ["ink", "pen"]
    assert target.notes["gift"].text == "wrap"
    assert not sql


@pytest.mark.rule("SM-86")
@pytest.mark.parametrize("method", ["merge", "merge_all"])
def test_transient_source_is_refused(session: Session, method: str) -> None:
    source: Any = Author(id=1)

    with pytest.raises(exc.InvalidRequestError, match="does not support objects transient"):
        getattr(session, method)(source if method == "merge" else [source], load=False)


@pytest.mark.rule("SM-86")
def test_source_made_transient_is_refused(session: Session, detached: Any) -> None:
    source = detached(Author, 1)
    make_transient(source)

    with pytest.raises(exc.InvalidRequestError, match="does not support objects transient"):
        session.merge(source, load=False)


@pytest.mark.rule("SM-87")
def test_changed_source_is_refused(session: Session, detached: Any) -> None:
    source = detached(Author, 1)
    source.name = "anna"

    with pytest.raises(exc.InvalidRequestError, match="marked as 'dirty'"):
        session.merge(source, load=False)


@pytest.mark.rule("SM-87")
def test_changed_related_source_is_refused(session: Session, detached: Any) -> None:
    source = detached(Author, 1, "books")
    source.books[1].title = "changed"

    with pytest.raises(exc.InvalidRequestError, match="marked as 'dirty'"):
        session.merge(source, load=False)


@pytest.mark.rule("SM-87", "SM-85")
def test_changed_source_is_stamped_on_a_present_target(session: Session, detached: Any) -> None:
    author = session.get_one(Author, 1)
    source = detached(Author, 1)
    source.name = "anna"

    session.merge(source, load=False)

    assert (author.name, session.is_modified(author)) == ("anna", False)


@pytest.mark.rule("SM-88")
def test_expired_values_are_expired_on_a_new_target(session: Session, sql: Any) -> None:
    with Session(session.get_bind()) as other:
        source = other.get_one(Book, 1)
        other.expire(source, ["title"])
    target = session.merge(source, load=False)
    sql.clear()

    assert "title" not in target.__dict__
    assert (target.title, target.pages) == ("a", 10)
    assert len(sql) == 1


@pytest.mark.rule("SM-88")
def test_expired_values_leave_those_of_a_present_target_alone(session: Session, sql: Any) -> None:
    with Session(session.get_bind()) as other:
        source = other.get_one(Book, 1)
        other.expire(source)
    book = session.get_one(Book, 1)
    sql.clear()

    session.merge(source, load=False)

    assert (book.title, book.pages) == ("a", 10)
    assert not sql


@pytest.mark.rule("SM-88")
def test_unloaded_relationships_load_when_touched(
    session: Session, detached: Any, sql: Any
) -> None:
    target = session.merge(detached(Author, 1), load=False)
    sql.clear()

    assert "books" not in target.__dict__
    assert [book.id for book in target.books] == [1, 2]
    assert len(sql) == 1
