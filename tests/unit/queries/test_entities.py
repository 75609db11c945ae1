"""What stands in a select list."""

import pytest
from sqlalchemy import exc, func, inspect, select

from holdfast import Bundle, aliased
from holdfast.queries.entities import (
    SelectedBundle,
    SelectedColumn,
    SelectedEntity,
    parse_elements,
    root_entities,
)
from models.library import Author, Book


def parsed(*given):
    return parse_elements(select(*given)._raw_columns)


def test_classes_columns_and_bundles_are_told_apart():
    kinds = [type(each) for each in parsed(Author, Book.title, Bundle("b", Book.id), func.now())]

    assert kinds == [SelectedEntity, SelectedColumn, SelectedBundle, SelectedColumn]


def test_elements_have_the_names_of_their_attributes():
    elements = parsed(Author, Book.title, Book.id.label("number"), func.count(Book.id))

    assert [each.name for each in elements] == ["Author", "title", "number", "count"]


def test_an_alias_is_an_entity_of_its_own():
    writer = aliased(Author, name="writer")

    (element,) = parsed(writer)

    assert element.entity is inspect(writer)
    assert element.entity.mapper is inspect(Author)
    assert element.name == "writer"


def test_a_plain_table_is_its_columns():
    assert [each.name for each in parsed(Author.__table__)] == ["id", "name", "email"]


def test_root_entities_come_once_and_in_order():
    assert root_entities(parsed(Book, Author, Book)) == [inspect(Book), inspect(Author)]


def test_column_descriptions_tell_of_every_element():
    writer = aliased(Author)

    found = select(Author, writer, Book.title, func.count()).column_descriptions

    assert [each["type"] for each in found[:2]] == [Author, Author]
    assert [each["aliased"] for each in found] == [False, True, False, False]
    assert [each["entity"] for each in found] == [Author, writer, Book, None]


def test_an_alias_of_a_plain_table_is_cores():
    assert aliased(Author.__table__, name="x").name == "x"
    with pytest.raises(exc.ArgumentError, match="adapt_on_names"):
        aliased(Author.__table__, adapt_on_names=True)


def test_an_alias_answers_for_everything_that_the_class_has():
    writer = aliased(Author)

    assert str(writer.name == "x") == "author_1.name = :name_1"
    assert writer.name.parent is inspect(writer)
    assert writer.name is writer.name
    with pytest.raises(AttributeError):
        writer.nothing


def test_an_alias_on_a_subquery_reads_its_columns():
    sub = select(Author).where(Author.id > 5).subquery()
    writer = aliased(Author, sub)

    assert str(writer.name == "x") == "anon_1.name = :name_1"
    assert inspect(writer).selectable is sub
