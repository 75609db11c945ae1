from __future__ import annotations

import sys

import pytest
from sqlalchemy import inspect

from holdfast.mapping.cascades import reachable
from holdfast.mapping.relationship import Relationship


class Author:
    pass


class Book:
    pass


class Node:
    pass


@pytest.fixture
def classes(model, author, book):
    model.map_imperatively(
        Author,
        author,
        properties={"books": Relationship("Book", backref="author", cascade="all")},
    )
    model.map_imperatively(Book, book)
    model.configure()


def objects(start, rule, **kw):
    return [state.object for state in reachable(inspect(start), rule, **kw)]


def test_present_members_are_reached_once_and_the_start_never(classes):
    book = Book()
    author = Author(books=[book, book])

    assert objects(author, "save-update") == [book]
    assert objects(book, "save-update") == [author]


@pytest.mark.parametrize("rule", ["expunge", "refresh-expire", "delete"])
def test_rule_without_cascade_reaches_nothing(classes, rule):
    book = Book(author=Author())

    assert objects(book, rule) == []
    assert objects(book.author, rule) == [book]


def test_attributes_that_are_not_set_are_left_alone(classes):
    author = Author()

    assert objects(author, "save-update") == []
    assert "books" not in author.__dict__


def test_only_saving_reaches_former_members(classes):
    book = Book()
    author = Author()
    Author.books.slot.set_committed(inspect(author), author.__dict__, [book])
    author.books.remove(book)

    assert objects(author, "save-update") == [book]
    assert objects(author, "delete") == []
    assert objects(author, "expunge") == []


def test_walk_halts_where_it_is_told(classes):
    one, other = Book(), Book()
    author = Author(books=[one, other])

    found = objects(author, "save-update", halt_on=lambda state: state.object is one)
    assert found == [other]


def test_long_chains_do_not_exhaust_the_stack(model, node):
    model.map_imperatively(Node, node, properties={"children": Relationship("Node")})
    model.configure()
    start = last = Node()
    length = sys.getrecursionlimit() + 100
    for _ in range(length):
        child = Node()
        last.children = [child]
        last = child

    assert len(objects(start, "save-update")) == length


def test_object_of_another_class_is_refused(classes):
    author = Author()
    Author.books.slot.set_committed(inspect(author), author.__dict__, [Author()])

    with pytest.raises(AssertionError, match="doesn't handle objects of type"):
        objects(author, "save-update")


def test_mapper_yields_what_the_documented_method_yields(classes):
    book = Book()
    author = Author(books=[book])
    mapper = inspect(Author)

    assert list(mapper.cascade_iterator("save-update", inspect(author))) == [
        (book, inspect(Book), inspect(book), book.__dict__)
    ]
