"""A registry of its own for every test, and the tables that most of them map."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Column, ForeignKey, Integer, String, Table

import holdfast._wiring  # noqa: F401 - fills the sockets
from holdfast.mapping.declarative.registry import registry


@pytest.fixture
def model() -> Iterator[registry]:
    made = registry()
    yield made
    made.dispose(cascade=True)


@pytest.fixture
def author(model: registry) -> Table:
    return Table(
        "author", model.metadata, Column("id", Integer, primary_key=True), Column("name", String)
    )


@pytest.fixture
def book(model: registry, author: Table) -> Table:
    return Table(
        "book",
        model.metadata,
        Column("id", Integer, primary_key=True),
        Column("title", String),
        Column("author_id", ForeignKey("author.id")),
    )


@pytest.fixture
def tag(model: registry) -> Table:
    return Table("tag", model.metadata, Column("id", Integer, primary_key=True))


@pytest.fixture
def book_tag(model: registry, book: Table, tag: Table) -> Table:
    return Table(
        "book_tag",
        model.metadata,
        Column("book_id", ForeignKey("book.id"), primary_key=True),
        Column("tag_id", ForeignKey("tag.id"), primary_key=True),
    )


@pytest.fixture
def node(model: registry) -> Table:
    return Table(
        "node",
        model.metadata,
        Column("id", Integer, primary_key=True),
        Column("parent_id", ForeignKey("node.id")),
    )
