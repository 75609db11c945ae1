"""What `inspect(obj)` says of an object's attributes."""

import pytest
from sqlalchemy import inspect

from holdfast.attributes import NO_VALUE
from models.library import Author, Book


@pytest.mark.rule("AH-40")
def test_inspected_attribute_shows_value_and_history(author, sql):
    found = inspect(author).attrs.name
    sql.clear()

    assert (found.key, found.state) == ("name", inspect(author))
    assert found.loaded_value is NO_VALUE
    assert not found.history
    assert len(sql) == 0
    assert found.value == "Ann"
    assert found.loaded_value == "Ann"
    assert found.history == ((), ["Ann"], ())
    assert inspect(author).attrs.books.load_history().unchanged == author.books


@pytest.mark.rule("AH-41")
def test_inspected_attributes_are_an_ordered_collection(author):
    attrs = inspect(author).attrs

    assert list(attrs.keys()) == [each.key for each in attrs] == list(inspect(Author).attrs.keys())
    assert {"id", "name", "email", "books"} == set(attrs.keys())
    assert attrs["name"].key == attrs.name.key == "name"
    with pytest.raises(KeyError):
        attrs["nothing"]
    with pytest.raises(AttributeError):
        attrs.nothing


@pytest.mark.rule("AH-42")
def test_names_without_change(author):
    state = inspect(author)
    assert state.unmodified == {"id", "name", "email", "books"}

    author.name = "Bea"

    assert state.unmodified == {"id", "email", "books"}
    assert state.unmodified_intersection(["name", "email", "nothing"]) == {"email"}


@pytest.mark.rule("AH-43")
def test_object_is_modified_while_changes_wait_for_a_flush(session, author):
    state = inspect(author)
    assert not state.modified

    author.name = "Bea"
    assert state.modified
    session.flush()
    assert not state.modified

    author.books.append(Book())
    assert state.modified
    session.rollback()
    assert not state.modified


@pytest.mark.rule("AH-44")
def test_dictionary_of_a_state_is_that_of_the_object(author):
    assert inspect(author).dict is vars(author)


@pytest.mark.rule("AH-45")
def test_notes_of_the_application_live_with_the_object(session, author):
    inspect(author).info["seen"] = 1

    session.commit()
    session.expunge(author)

    assert inspect(author).info == {"seen": 1}
    assert inspect(Author()).info == {}
