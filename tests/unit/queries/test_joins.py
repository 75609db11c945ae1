"""FROM and ON of joins along relationships."""

import pytest
from sqlalchemy import exc, func, select

from holdfast import aliased, join, outerjoin
from models.library import Author, Book, Tag
from models.tree import Node


def sql_from(statement):
    """FROM clause and what follows, on one line."""
    text = " ".join(str(statement).split())
    return text[text.index("FROM ") :]


def test_a_relationship_gives_the_on_clause():
    assert sql_from(select(Author).join(Author.books)) == (
        "FROM author JOIN book ON author.id = book.author_id"
    )


def test_a_target_is_joined_by_its_foreign_key():
    assert sql_from(select(Author).join(Book)) == (
        "FROM author JOIN book ON author.id = book.author_id"
    )


def test_an_outer_join_along_a_many_to_many_keeps_both_tables_together():
    assert sql_from(select(Book).outerjoin(Book.tags)) == (
        "FROM book LEFT OUTER JOIN (book_tag AS book_tag_1 JOIN tag ON tag.id = book_tag_1.tag_id)"
        " ON book.id = book_tag_1.book_id"
    )


def test_a_many_to_many_joins_both_tables():
    assert sql_from(select(Book).join(Book.tags)) == (
        "FROM book JOIN book_tag AS book_tag_1 ON book.id = book_tag_1.book_id"
        " JOIN tag ON tag.id = book_tag_1.tag_id"
    )


@pytest.mark.parametrize("form", ["of_type", "target"])
def test_an_alias_is_joined_along_the_relationship(form):
    child = aliased(Node)
    if form == "of_type":
        statement = select(Node.id).join(Node.children.of_type(child))
    else:
        statement = select(Node.id).join(child, Node.children)

    assert sql_from(statement) == "FROM node JOIN node AS node_1 ON node.id = node_1.parent_id"


def test_the_left_side_may_be_an_alias():
    parent, child = aliased(Node), aliased(Node)

    assert sql_from(select(parent.id).join(parent.children.of_type(child))) == (
        "FROM node AS node_1 JOIN node AS node_2 ON node_1.id = node_2.parent_id"
    )


def test_criteria_are_added_to_the_on_clause_and_adapted_to_the_alias():
    book = aliased(Book)
    statement = select(Author.id).join(Author.books.of_type(book).and_(Book.pages > 100))

    assert sql_from(statement) == (
        "FROM author JOIN book AS book_1 ON author.id = book_1.author_id"
        " AND book_1.pages > :pages_1"
    )


def test_the_same_relationship_is_joined_once():
    statement = select(Author.id).join(Author.books).join(Author.books)

    assert sql_from(statement) == "FROM author JOIN book ON author.id = book.author_id"


def test_a_chain_of_joins_extends_one_from_element():
    assert sql_from(select(Author.id).join(Author.books).join(Book.tags)) == (
        "FROM author JOIN book ON author.id = book.author_id"
        " JOIN book_tag AS book_tag_1 ON book.id = book_tag_1.book_id"
        " JOIN tag ON tag.id = book_tag_1.tag_id"
    )


def test_a_function_of_a_column_is_a_left_side():
    assert sql_from(select(func.count(Author.id)).join(Author.books)) == (
        "FROM author JOIN book ON author.id = book.author_id"
    )


def test_join_from_states_both_sides():
    assert sql_from(select(Tag.id).join_from(Author, Book)) == (
        "FROM author JOIN book ON author.id = book.author_id, tag"
    )


def test_join_as_a_from_element():
    joined = join(Author, Book, Author.books)

    assert sql_from(select(Author.id).select_from(joined)) == (
        "FROM author JOIN book ON author.id = book.author_id"
    )


def test_outerjoin_as_a_from_element_can_be_joined_further():
    joined = outerjoin(Author, Book, Author.books).join(Tag, Book.tags)

    assert sql_from(select(Author.id).select_from(joined)) == (
        "FROM author LEFT OUTER JOIN book ON author.id = book.author_id"
        " JOIN book_tag AS book_tag_1 ON book.id = book_tag_1.book_id"
        " JOIN tag ON tag.id = book_tag_1.tag_id"
    )


def test_a_table_cannot_be_joined_to_itself():
    with pytest.raises(exc.InvalidRequestError, match="Can't construct a join from"):
        str(select(Node).join(Node.children))


def test_an_unrelated_target_is_refused():
    with pytest.raises(exc.InvalidRequestError, match="Don't know how to join to"):
        str(select(Author).join(Tag))


def test_two_possible_left_sides_are_refused():
    with pytest.raises(exc.InvalidRequestError, match="Can't determine which FROM clause"):
        str(select(Author, Tag).join(Book, Author.id == Tag.id))


def test_a_condition_beside_a_relationship_target_is_refused():
    with pytest.raises(exc.InvalidRequestError, match="No 'on clause' argument may be passed"):
        str(select(Author).join(Author.books, Author.id == Book.author_id))


def test_a_string_is_no_target():
    with pytest.raises(exc.ArgumentError, match="Join target"):
        select(Author).join("books")


def test_a_selectable_that_does_not_hold_the_related_table_is_refused():
    tags = select(Tag).subquery()

    with pytest.raises(exc.InvalidRequestError, match="is not derived from"):
        str(select(Author).join(tags, Author.books))
