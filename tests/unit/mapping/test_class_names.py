from __future__ import annotations

import gc

import pytest
from sqlalchemy import BLANK_SCHEMA, Column, Integer, MetaData, Table, exc
from sqlalchemy.exc import SAWarning

from holdfast.mapping.class_names import classes_of, evaluate, find_class, find_table


def make(name, module):
    return type(name, (), {"__module__": module})


@pytest.fixture
def owner(model, author):
    class Author:
        pass

    return model.map_imperatively(Author, author)


def test_class_is_found_by_name_and_by_path(model, owner):
    cls = make("Book", "shop.models.books")
    model.add_class("Book", cls)

    assert find_class("Book", owner) is cls
    assert find_class("shop.models.books.Book", owner) is cls
    assert find_class("books.Book", owner) is cls


def test_name_of_two_classes_needs_a_path(model, owner):
    one, other = make("Book", "shop.one"), make("Book", "shop.other")
    model.add_class("Book", one)
    model.add_class("Book", other)

    with pytest.raises(exc.InvalidRequestError, match='Multiple classes found for path "Book"'):
        find_class("Book", owner)
    assert find_class("other.Book", owner) is other
    assert find_class("shop.one.Book", owner) is one


def test_same_name_in_one_module_replaces_with_a_warning(model, owner):
    one, other = make("Book", "shop"), make("Book", "shop")
    model.add_class("Book", one)
    with pytest.warns(SAWarning, match="already contains a class with the same class name"):
        model.add_class("Book", other)

    assert find_class("Book", owner) is other


def test_removed_class_leaves_the_other(model, owner):
    one, other = make("Book", "shop.one"), make("Book", "shop.other")
    model.add_class("Book", one)
    model.add_class("Book", other)
    model.remove_class("Book", one)

    assert classes_of(model.class_registry, "Book") == [other]
    assert find_class("Book", owner) is other


def test_vanished_class_leaves_no_trace(model, owner):
    model.add_class("Book", make("Book", "shop"))
    gc.collect()

    with pytest.raises(exc.InvalidRequestError, match="failed to locate a name"):
        find_class("Book", owner)


def test_expressions_see_columns_tables_schemas_and_constructs(model, owner):
    Table("thing", model.metadata, Column("id", Integer, primary_key=True), schema="far")

    text = "and_(Author.id == far.thing.c.id, func.lower(author.c.name) == 'x')"
    assert str(evaluate(text, owner)) == (
        "author.id = far.thing.id AND lower(author.name) = :lower_1"
    )


def test_unknown_names_are_named(owner):
    with pytest.raises(
        exc.InvalidRequestError, match=r"'Nope\.id' failed to locate a name \('Nope'\)"
    ):
        evaluate("Nope.id", owner)


def test_unknown_table_of_a_schema_is_named(model, owner):
    Table("thing", model.metadata, Column("id", Integer, primary_key=True), schema="far")

    with pytest.raises(exc.InvalidRequestError, match=r"failed to locate a name \('thin'\)"):
        evaluate("far.thin.c.id == Author.id", owner)


def test_unknown_column_and_bad_syntax_come_through(owner):
    with pytest.raises(AttributeError, match="does not have a mapped column named 'nope'"):
        evaluate("Author.nope", owner)
    with pytest.raises(SyntaxError):
        evaluate("Author.id ==", owner)


def test_underscored_names_of_sqlalchemy_are_out_of_reach(owner):
    with pytest.raises(exc.InvalidRequestError):
        evaluate("__version__", owner)


def test_table_is_found_by_name(model, owner, author):
    assert find_table("author", owner) is author
    with pytest.raises(exc.InvalidRequestError, match="failed to locate a name"):
        find_table("nothing", owner)


def test_table_is_looked_for_in_the_schema_of_the_metadata(owner):
    metadata = MetaData(schema="near")
    near = Table("thing", metadata, Column("id", Integer))
    plain = Table("plain", metadata, Column("id", Integer), schema=BLANK_SCHEMA)
    owner.class_.metadata = metadata

    assert find_table("thing", owner) is near
    assert find_table("near.thing", owner) is near
    with pytest.warns(exc.SADeprecationWarning, match="resolved to a table without schema"):
        assert find_table("plain", owner) is plain
