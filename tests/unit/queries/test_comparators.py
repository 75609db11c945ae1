"""Criteria over relationships."""

import pytest
from sqlalchemy import exc

from holdfast import PropComparator, aliased, with_parent
from models.library import Author, Book, Tag
from models.tree import Node


def text_of(criterion):
    return " ".join(str(criterion).split())


def test_a_reference_compared_with_an_object():
    assert text_of(Book.author == Author(id=7)) == ":param_1 = book.author_id"


def test_a_reference_compared_with_none():
    assert text_of(Book.author == None) == "book.author_id IS NULL"  # noqa: E711
    assert text_of(Book.author != None) == "book.author_id IS NOT NULL"  # noqa: E711


def test_a_reference_that_differs_from_an_object():
    assert text_of(Book.author != Author(id=7)) == (
        "book.author_id != :author_id_1 OR book.author_id IS NULL"
    )


def test_a_reference_of_an_alias():
    other = aliased(Book)

    assert text_of(other.author == Author(id=7)) == ":param_1 = book_1.author_id"


def test_a_collection_compared_with_none_is_empty():
    assert text_of(Author.books == None) == (  # noqa: E711
        "NOT (EXISTS (SELECT 1 FROM book, author WHERE author.id = book.author_id))"
    )


def test_the_value_is_read_when_the_statement_is_executed():
    author = Author()
    criterion = Book.author == author
    author.id = 12

    assert criterion.compile().params == {"param_1": 12}


def test_an_object_without_a_key_cannot_be_compared():
    criterion = Book.author == Author()

    with pytest.raises(exc.InvalidRequestError, match="no value has been set for this column"):
        criterion.compile().params


def test_any_is_an_exists():
    assert text_of(Author.books.any(Book.title == "x")) == (
        "EXISTS (SELECT 1 FROM book, author WHERE author.id = book.author_id"
        " AND book.title = :title_1)"
    )


def test_any_over_a_many_to_many():
    assert text_of(Book.tags.any(name="x")) == (
        "EXISTS (SELECT 1 FROM tag, book_tag, book WHERE book.id = book_tag.book_id"
        " AND tag.id = book_tag.tag_id AND tag.name = :name_1)"
    )


def test_any_over_a_self_reference_has_an_alias():
    assert "FROM node AS node_1" in text_of(Node.children.any(Node.name == "x"))
    assert "node_1.name = :name_1" in text_of(Node.children.any(Node.name == "x"))


def test_has_is_for_references():
    assert "author.name = :name_1" in text_of(Book.author.has(name="x"))


def test_contains_is_a_comparison_of_keys():
    assert text_of(Author.books.contains(Book(id=1, author_id=3))) == "author.id = :param_1"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Author.books == Book(), "use contains\\(\\) to test for membership"),
        (lambda: Author.books != Book(), "use contains\\(\\) to test for membership"),
        (lambda: Book.author.any(), "'any\\(\\)' not implemented for scalar attributes"),
        (lambda: Author.books.has(), "'has\\(\\)' not implemented for collections"),
        (lambda: Book.author.contains(Author()), "'contains' not implemented for scalar"),
        (lambda: Author.books < 5, "Operator"),
    ],
)
def test_comparisons_without_a_meaning_are_refused(make, message):
    with pytest.raises(exc.InvalidRequestError, match=message):
        make()


def test_in_is_refused():
    with pytest.raises(NotImplementedError, match="not yet supported for relationships"):
        Book.author.in_([Author()])


def test_a_comparison_with_what_is_not_mapped_is_refused():
    with pytest.raises(exc.ArgumentError, match="Mapped instance expected"):
        Book.author == 5  # noqa: B015


def test_with_parent_is_about_the_members():
    assert text_of(with_parent(Author(id=7), Author.books)) == ":param_1 = book.author_id"


def test_with_parent_may_be_about_an_alias():
    other = aliased(Book)

    criterion = with_parent(Author(id=7), Author.books.of_type(other))

    assert text_of(criterion) == ":param_1 = book_1.author_id"


def test_with_parent_of_a_column_is_refused():
    with pytest.raises(exc.ArgumentError, match="Expected relationship property for with_parent"):
        with_parent(Tag(), Tag.name)


def test_comparator_without_expression_says_what_to_define():
    class Rounded(PropComparator):
        pass

    with pytest.raises(exc.InvalidRequestError, match="Rounded gives no SQL expression"):
        Rounded(None, None).__clause_element__()
