"""Paths of loading, and what options say along them."""

import pickle

import pytest
from sqlalchemy import inspect

from holdfast.queries.load_plan import (
    COLUMN,
    RELATIONSHIP,
    AttributeChoice,
    LoadPath,
    OptionTable,
)
from models.library import Author, Book


@pytest.fixture
def author() -> LoadPath:
    return LoadPath((inspect(Author),))


def test_a_path_is_equal_to_one_with_the_same_items(author):
    books = inspect(Author).relationships["books"]

    assert author.along(books) == author.down(books, inspect(Book))
    assert hash(author.along(books)) == hash(author.down(books, inspect(Book)))


def test_a_path_reads_as_words(author):
    assert str(author.along(inspect(Author).relationships["books"])) == "Author.books -> Book"


def test_a_path_counts_its_relationships(author):
    books = inspect(Author).relationships["books"]
    path = author.along(books)

    assert path.depth == 1
    assert path.times_along(books) == 1
    assert path.passes_mapper(inspect(Book))
    assert path.starts_with(author)
    assert path.parent.last is books


def test_a_path_survives_pickling(author):
    path = author.along(inspect(Author).relationships["books"])

    assert pickle.loads(pickle.dumps(path)) == path


def test_a_named_attribute_goes_before_a_wildcard(author):
    books = inspect(Author).relationships["books"]
    table = OptionTable()
    table.wildcards[LoadPath.ROOT, RELATIONSHIP] = AttributeChoice("raise", wildcard=True)
    table.choices[author.down(books)] = AttributeChoice("selectin")

    assert table.choice(author, books).strategy == "selectin"
    assert table.choice(LoadPath((inspect(Book),)), books).strategy == "raise"


def test_the_wildcard_of_an_entity_goes_before_the_general_one(author):
    name = inspect(Author).column_attrs["name"]
    table = OptionTable()
    table.wildcards[LoadPath.ROOT, COLUMN] = AttributeChoice("deferred", wildcard=True)
    table.wildcards[author, COLUMN] = AttributeChoice("column", wildcard=True)

    assert table.column_choice(author, name).strategy == "column"


def test_criteria_of_a_named_attribute_join_the_strategy_of_a_wildcard(author):
    books = inspect(Author).relationships["books"]
    criterion = Book.pages > 5
    table = OptionTable()
    table.wildcards[LoadPath.ROOT, RELATIONSHIP] = AttributeChoice("selectin", wildcard=True)
    table.choices[author.down(books)] = AttributeChoice(None, criteria=(criterion,))

    choice = table.choice(author, books)

    assert choice.strategy == "selectin"
    assert choice.criteria == (criterion,)


def test_an_empty_table_is_false():
    assert not OptionTable()
