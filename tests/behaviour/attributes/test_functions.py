"""Attribute access as functions, and flags."""

import pytest
from sqlalchemy import event, exc, inspect

from holdfast.attributes import (
    OP_REPLACE,
    del_attribute,
    flag_dirty,
    flag_modified,
    get_attribute,
    get_history,
    init_collection,
    instance_dict,
    instance_state,
    is_instrumented,
    manager_of_class,
    set_attribute,
    set_committed_value,
)
from holdfast.exc import UnmappedClassError
from holdfast.instrumentation import ClassManager
from models.library import Author, Book


@pytest.fixture
def heard():
    """What listeners of `Author` hear while the test runs."""
    heard = []
    listeners = []

    def listen(attribute, name):
        def call(target, *rest):
            heard.append((name, *rest))

        event.listen(attribute, name, call)
        listeners.append((attribute, name, call))

    for attribute, name in (
        (Author.name, "set"),
        (Author.name, "modified"),
        (Author.books, "append"),
        (Author.books, "remove"),
        (Author.books, "bulk_replace"),
        (Author.books, "modified"),
    ):
        listen(attribute, name)
    yield heard
    for listener in listeners:
        event.remove(*listener)


@pytest.mark.rule("AH-60")
def test_flagged_attribute_is_written_again(session, author, sql, heard):
    assert author.name == "Ann"

    flag_modified(author, "name")

    assert session.is_modified(author)
    assert author in session.dirty
    assert [each[0] for each in heard] == ["modified"]
    sql.clear()
    session.flush()
    assert sql.emitted == ["UPDATE author SET name=? WHERE author.id = ?"]


@pytest.mark.rule("AH-61")
def test_attribute_without_value_cannot_be_flagged(author):
    with pytest.raises(exc.InvalidRequestError, match="Can't flag attribute 'name' modified; it's"):
        flag_modified(author, "name")
    with pytest.raises(KeyError):
        flag_modified(author, "nothing")

    assert not inspect(author).modified


@pytest.mark.rule("AH-62")
def test_dirty_object_is_seen_by_flush_events_and_not_written(session, author, sql):
    seen = []
    event.listen(session, "before_flush", lambda session, *_: seen.extend(session.dirty))

    flag_dirty(author)

    assert author in session.dirty
    assert not session.is_modified(author)
    sql.clear()
    session.flush()
    assert seen == [author]
    assert len(sql) == 0
    assert author not in session.dirty


@pytest.mark.rule("AH-63")
def test_committed_value_is_as_if_loaded(session, author, heard, sql):
    book, other = Book(title="Three"), Author(name="Bea")
    sql.clear()
    heard.clear()

    set_committed_value(author, "name", "Bea")
    set_committed_value(author, "books", (each for each in [book]))
    set_committed_value(book, "author", other)

    assert (author.name, author.books, book.author) == ("Bea", [book], other)
    assert other.books == []
    assert get_history(author, "name") == ((), ["Bea"], ())
    assert get_history(author, "books") == ((), [book], ())
    assert heard == []
    assert author not in session.dirty
    assert book not in session
    session.flush()
    assert len(sql) == 0


@pytest.mark.rule("AH-64")
def test_collection_is_filled_as_if_loaded(session, author, heard):
    former = author.books
    book = Book(title="Three")

    adapter = init_collection(author, "books")
    assert author.books == []
    adapter.append_without_event(book)

    assert author.books == [book]
    assert author.books is adapter.data
    assert author.books is not former
    assert get_history(author, "books") == ((), [book], ())
    assert heard == []
    assert book.author is None
    assert author not in session.dirty


@pytest.mark.rule("AH-65")
def test_functions_do_what_attribute_access_does(author, heard):
    books = [Book(title="Three")]

    assert get_attribute(author, "name") == "Ann"
    set_attribute(author, "name", "Bea")
    set_attribute(author, "books", books)
    assert (author.name, author.books) == ("Bea", books)
    assert books[0].author is author
    del_attribute(author, "name")
    assert author.name is None

    assert [each[0] for each in heard] == ["set", "bulk_replace", "append", "remove", "remove"]


@pytest.mark.rule("AH-65")
def test_functions_need_no_descriptor():
    class Hidden(Author):
        name = "hides the attribute"

    author = Hidden()
    assert author.name == "hides the attribute"

    set_attribute(author, "email", "x")

    assert get_attribute(author, "email") == "x"


@pytest.mark.rule("AH-65", "AH-82")
def test_initiator_is_passed_to_listeners(heard):
    token = Book.author.impl.replace_token

    set_attribute(Author(), "name", "Ann", initiator=token)
    set_attribute(Author(), "name", "Ann")

    assert heard[0][-1] is token
    assert heard[1][-1].op is OP_REPLACE
    assert heard[1][-1].key == "name"


@pytest.mark.rule("AH-66")
@pytest.mark.parametrize(
    "call",
    [
        lambda author: get_attribute(author, "nothing"),
        lambda author: set_attribute(author, "nothing", 1),
        lambda author: del_attribute(author, "nothing"),
        lambda author: get_history(author, "nothing"),
        lambda author: set_committed_value(author, "nothing", 1),
        lambda author: init_collection(author, "nothing"),
        lambda author: flag_modified(author, "nothing"),
    ],
)
def test_unknown_name_raises(call):
    with pytest.raises(KeyError, match="nothing"):
        call(Author())


@pytest.mark.rule("AH-67")
def test_mapped_attributes_are_instrumented():
    author = Author()
    author.mood = "good"

    assert is_instrumented(author, "name")
    assert is_instrumented(author, "books")
    assert not is_instrumented(author, "mood")


@pytest.mark.rule("AH-68")
def test_managers_states_and_dictionaries_are_found():
    author = Author()

    assert isinstance(manager_of_class(Author), ClassManager)
    assert manager_of_class(Author).class_ is Author
    assert instance_state(author) is inspect(author)
    assert instance_dict(author) is vars(author)
    with pytest.raises(UnmappedClassError, match=r"instrumentation manager for class .*int"):
        manager_of_class(int)
