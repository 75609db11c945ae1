"""What a flush makes of the changes of attributes."""

import pytest
from sqlalchemy import event, inspect, select

from models.library import Author, Book


@pytest.mark.rule("AH-100")
def test_only_changed_columns_are_written_in_one_update(session, author, sql):
    assert author.name == "Ann"
    sql.clear()

    author.name = "Bea"
    author.name = "Ann"
    author.email = "a"
    session.flush()
    assert sql.emitted == ["UPDATE author SET email=? WHERE author.id = ?"]
    sql.clear()

    author.name, author.email = "Cleo", "c"
    session.flush()
    assert sql.emitted == ["UPDATE author SET name=?, email=? WHERE author.id = ?"]


@pytest.mark.rule("AH-101")
def test_rows_with_the_same_changed_columns_go_in_one_batch(session, engine):
    books = [Book(title=str(number), pages=number) for number in range(6)]
    session.add_all(books)
    session.commit()
    for book in session.scalars(select(Book)).all():
        book.title = "new"
        if book.pages >= 4:
            book.pages = 100
    batches = []

    @event.listens_for(engine, "before_cursor_execute")
    def record(_c, _cursor, statement, parameters, _context, executemany):
        if statement.startswith("UPDATE"):
            batches.append((len(parameters) if executemany else 1, "pages=" in statement))

    session.flush()

    assert batches == [(4, False), (2, True)]


@pytest.mark.rule("AH-102")
def test_where_has_the_committed_key(session, sql):
    author = Author(id=1, name="Ann")
    session.add(author)
    session.flush()
    sql.clear()

    author.id = 5
    author.name = "Bea"
    session.flush()

    assert sql.emitted == ["UPDATE author SET id=?, name=? WHERE author.id = ?"]
    assert sql.parameters == [(5, "Bea", 1)]


@pytest.mark.rule("AH-103")
def test_assigned_reference_sets_the_key_at_flush(session, author):
    other = Author(name="Bea")
    session.add(other)
    session.flush()
    book = author.books[0]
    assert book.author_id == author.id

    book.author = other

    assert book.author_id == author.id
    session.flush()
    assert book.author_id == other.id


@pytest.mark.rule("AH-104")
def test_key_set_by_hand_moves_no_object_until_expiry(session, author):
    other = Author(name="Bea")
    session.add(other)
    session.flush()
    book = author.books[0]
    assert book.author is author

    book.author_id = other.id
    session.flush()

    assert book.author is author
    assert session.scalar(select(Book.author_id).where(Book.id == book.id)) == other.id
    session.expire(book)
    assert book.author is other


@pytest.mark.rule("AH-105")
def test_modification_is_asked_without_loading(session, author, sql):
    book = author.books[0]
    assert author.name
    assert book.author is author
    session.expire(author, ["email"])
    sql.clear()
    assert not session.is_modified(author)

    author.name = "Bea"
    assert session.is_modified(author)
    author.name = "Ann"
    assert not session.is_modified(author)

    book.author = None
    assert session.is_modified(book)
    assert session.is_modified(author)
    assert not session.is_modified(author, include_collections=False)
    book.author = author
    assert not session.is_modified(book)
    assert len(sql) == 0
    assert "email" in inspect(author).unloaded
