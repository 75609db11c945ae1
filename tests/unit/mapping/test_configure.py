from __future__ import annotations

import threading

import pytest
from sqlalchemy import exc, inspect

from holdfast.mapping.declarative.registry import registry
from holdfast.mapping.registry import configure_mappers
from holdfast.mapping.relationship import Relationship


class Author:
    pass


class Book:
    pass


def test_construction_configures(model, author, book):
    mapper = model.map_imperatively(Author, author, properties={"books": Relationship("Book")})
    model.map_imperatively(Book, book)
    assert not mapper.configured

    Author()

    assert mapper.configured
    assert not mapper.needs_configure


def test_inspection_configures(model, author):
    mapper = model.map_imperatively(Author, author)

    inspect(Author).attrs.keys()

    assert mapper.configured


def test_new_mapper_makes_the_whole_registry_wait(model, author, book):
    first = model.map_imperatively(Author, author)
    model.configure()
    model.map_imperatively(Book, book)

    assert first.configured
    assert first.needs_configure
    assert first.class_manager.prepare is not None


def test_failure_is_raised_and_stops_later_passes(model, author, book):
    model.map_imperatively(Author, author, properties={"books": Relationship("Nope")})
    with pytest.raises(exc.InvalidRequestError, match="failed to locate a name"):
        model.configure()

    with pytest.raises(
        exc.InvalidRequestError,
        match=r"One or more mappers failed to initialize.*Triggering mapper: "
        r"'Mapper\[Author\(author\)\]'. Original exception was: .*failed to locate",
    ):
        Author()


def test_other_registries_are_not_touched_by_a_failure(model, author, book):
    other = registry(metadata=model.metadata)
    model.map_imperatively(Author, author, properties={"books": Relationship("Nope")})
    other.map_imperatively(Book, book)
    with pytest.raises(exc.InvalidRequestError):
        model.configure()

    Book()
    other.dispose()


def test_registry_depends_on_those_its_relationships_lead_to(model, author, book):
    other = registry(metadata=model.metadata)
    model.map_imperatively(Author, author)
    other.map_imperatively(Book, book, properties={"author": Relationship(Author)})
    other.configure(cascade=True)

    assert other.dependencies == {model}
    with pytest.raises(exc.InvalidRequestError, match="pass cascade=True"):
        model.dispose()
    model.dispose(cascade=True)
    assert model.mappers == other.mappers == frozenset()


def test_backref_into_another_registry(model, author, book):
    other = registry(metadata=model.metadata)
    model.map_imperatively(Author, author)
    model.configure()
    other.map_imperatively(Book, book, properties={"author": Relationship(Author, backref="books")})
    other.configure(cascade=True)

    assert Author().books == []


def test_hooks_of_classes_run_before_and_after(model, author):
    calls = []

    class Person:
        @classmethod
        def __declare_first__(cls):
            calls.append(("first", cls.__mapper__.configured))

        @classmethod
        def __declare_last__(cls):
            calls.append(("last", cls.__mapper__.configured))

    model.map_imperatively(Person, author)
    model.configure()
    model.configure()

    assert calls == [("first", False), ("last", True)]


def test_touching_classes_while_configuring_starts_no_second_pass(model, author, book):
    def target():
        Author.books
        inspect(Author).attrs.keys()
        return Book

    model.map_imperatively(Author, author, properties={"books": Relationship(target)})
    model.map_imperatively(Book, book)
    model.configure()

    assert Author.books.property.mapper.class_ is Book


def test_threads_configure_once(model, author, book):
    calls = []

    def target():
        calls.append(1)
        return Book

    model.map_imperatively(Author, author, properties={"books": Relationship(target)})
    model.map_imperatively(Book, book)
    gate = threading.Barrier(4)
    made = []

    def work():
        gate.wait()
        made.append(Author().books)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert made == [[], [], [], []]
    assert len(calls) == 1


def test_all_registries_are_configured(model, author):
    mapper = model.map_imperatively(Author, author)
    configure_mappers()

    assert mapper.configured
