"""Random statements over classes give the rows of the same statements in plain Core."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from sqlalchemy import insert

import databases
from holdfast import Session
from machines.runs import STATEMENTS, examples
from machines.statements import (
    COLUMNS,
    OPERATORS,
    RELATIONSHIPS,
    Combined,
    Compare,
    Described,
    JoinOf,
    Related,
    rows_over_classes,
    rows_over_tables,
)
from models import library, tree
from models.library import Author, Book, Tag, book_tag
from models.tree import Node

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "id": st.integers(0, 7),
    "author_id": st.integers(0, 5),
    "parent_id": st.integers(0, 7),
    "pages": st.sampled_from([0, 10, 20, 30]),
    "name": st.sampled_from(["a", "b", "c"]),
    "email": st.sampled_from(["a@x", "b@x"]),
    "title": st.sampled_from(["a", "b", "c"]),
}


@pytest.fixture(scope="module")
def engine() -> Iterator[Any]:
    """Rows with gaps: no email, no author, no title, no tags, no parent."""
    engine = databases.sqlite_engine()
    library.Base.metadata.create_all(engine)
    tree.Base.metadata.create_all(engine)
    rows: dict[Any, list[dict[str, Any]]] = {
        Author.__table__: [
            {"id": 1, "name": "a", "email": "a@x"},
            {"id": 2, "name": "b", "email": None},
            {"id": 3, "name": "a", "email": "b@x"},
            {"id": 4, "name": "c", "email": None},
        ],
        Book.__table__: [
            {"id": 1, "title": "a", "pages": 10, "author_id": 1},
            {"id": 2, "title": "b", "pages": 20, "author_id": 1},
            {"id": 3, "title": None, "pages": None, "author_id": 2},
            {"id": 4, "title": "a", "pages": 30, "author_id": 3},
            {"id": 5, "title": "c", "pages": 10, "author_id": None},
        ],
        Tag.__table__: [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": 3, "name": "c"}],
        book_tag: [{"book_id": b, "tag_id": t} for b, t in [(1, 1), (1, 2), (2, 2), (5, 1)]],
        Node.__table__: [
            {"id": 1, "name": "a", "parent_id": None},
            {"id": 2, "name": "b", "parent_id": 1},
            {"id": 3, "name": "b", "parent_id": 1},
            {"id": 4, "name": "c", "parent_id": 2},
            {"id": 5, "name": "a", "parent_id": None},
        ],
    }
    with engine.begin() as connection:
        for table, values in rows.items():
            connection.execute(insert(table), values)
    yield engine
    engine.dispose()


def comparisons(classes: list[type]) -> st.SearchStrategy[Compare]:
    @st.composite
    def compare(draw: Any) -> Compare:
        source = draw(st.integers(0, len(classes) - 1))
        column = draw(st.sampled_from(COLUMNS[classes[source]]))
        return Compare(source, column, draw(st.sampled_from([*OPERATORS])), draw(VALUES[column]))

    return compare()


def related(classes: list[type]) -> st.SearchStrategy[Related]:
    @st.composite
    def exists(draw: Any) -> Related:
        source = draw(st.integers(0, len(classes) - 1))
        relationship = draw(st.sampled_from([*RELATIONSHIPS[classes[source]]]))
        target = RELATIONSHIPS[classes[source]][relationship][0]
        column = draw(st.sampled_from(COLUMNS[target]))
        operator = draw(st.sampled_from([*OPERATORS]))
        return Related(
            source, relationship, column, operator, draw(VALUES[column]), draw(st.booleans())
        )

    return exists()


def criteria(classes: list[type]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Up to three criteria, each a tree."""
    leaf = st.one_of(comparisons(classes), related(classes))

    def combined(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        pair = st.tuples(part, part)
        return st.one_of(
            st.builds(Combined, st.sampled_from(["and", "or"]), pair),
            st.builds(Combined, st.just("not"), st.tuples(part)),
        )

    tree_of = st.recursive(leaf, combined, max_leaves=3)
    return st.lists(tree_of, max_size=3).map(tuple)


@st.composite
def joins(draw: Any, classes: list[type]) -> tuple[JoinOf, ...]:
    """Up to three joins; `classes` learns what they lead to."""
    made = []
    for _ in range(draw(st.integers(0, 3))):
        source = draw(st.integers(0, len(classes) - 1))
        relationship = draw(st.sampled_from([*RELATIONSHIPS[classes[source]]]))
        form = draw(st.sampled_from(["plain", "target", "of_type"]))
        made.append(JoinOf(source, relationship, form, draw(st.booleans())))
        classes.append(RELATIONSHIPS[classes[source]][relationship][0])
    return tuple(made)


@st.composite
def unions(draw: Any) -> Described:
    root = draw(st.sampled_from([*RELATIONSHIPS]))
    return Described(
        root,
        criteria=draw(criteria([root])),
        other=draw(criteria([root])),
        orders=(draw(st.booleans()),),
        loader=draw(loaders(root)),
        is_query=draw(st.booleans()),
    )


def loaders(root: type) -> st.SearchStrategy[tuple[str, str] | None]:
    names = st.sampled_from([*RELATIONSHIPS[root]])
    return st.none() | st.tuples(st.sampled_from(["joined", "selectin", "subquery"]), names)


@st.composite
def selects(draw: Any) -> Described:
    root = draw(st.sampled_from([*RELATIONSHIPS]))
    classes = [root]
    joined = draw(joins(classes))
    elements = []
    for _ in range(draw(st.integers(1, 3))):
        source = draw(st.integers(0, len(classes) - 1))
        elements.append((source, draw(st.none() | st.sampled_from(COLUMNS[classes[source]]))))
    is_distinct = draw(st.booleans())
    if is_distinct:
        # What is ordered by must be selected.
        given = {source for source, name in elements if name in (None, "id")}
        elements += [(source, "id") for source in range(len(classes)) if source not in given]
    has_root = (0, None) in elements
    limit = draw(st.none() | st.tuples(st.integers(0, 5), st.integers(0, 3)))
    return Described(
        root,
        is_aliased=draw(st.booleans()),
        joins=joined,
        elements=tuple(elements),
        criteria=draw(criteria(classes)),
        orders=tuple(draw(st.lists(st.booleans(), min_size=len(classes), max_size=len(classes)))),
        limit=limit,
        is_distinct=is_distinct,
        loader=draw(loaders(root)) if has_root else None,
        is_query=draw(st.booleans()),
    )


@examples(STATEMENTS)
@given(described=st.one_of(selects(), selects(), unions()))
def test_statements_over_classes_give_the_rows_of_plain_core(
    engine: Any, described: Described
) -> None:
    with Session(engine) as session:
        found = rows_over_classes(session, described)
        assert found == rows_over_tables(session.connection(), described)
