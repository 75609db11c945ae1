from __future__ import annotations

import pytest
from sqlalchemy import Column, ForeignKey, Integer, String, Table, exc, func, inspect, join, select

from holdfast.mapping.properties import ColumnProperty, SynonymProperty
from holdfast.mapping.relationship import Relationship


class Author:
    pass


class Book:
    pass


def test_mapper_knows_class_table_and_key(model, author):
    mapper = model.map_imperatively(Author, author)

    assert inspect(Author) is mapper
    assert inspect(mapper) is mapper
    assert mapper.class_ is Author
    assert mapper.local_table is mapper.persist_selectable is mapper.selectable is author
    assert mapper.tables == [author]
    assert mapper.primary_key == (author.c.id,)
    assert mapper.primary_key_keys == ("id",)
    assert mapper.single_pk_key == "id"
    assert str(mapper) == "Mapper[Author(author)]"


def test_attributes_are_ordered_and_keyed(model, author):
    mapper = model.map_imperatively(Author, author)

    assert mapper.attrs.keys() == ["id", "name"]
    assert mapper.attrs.name is mapper.attrs["name"]
    assert mapper.column_attrs.name.columns == [author.c.name]
    assert mapper.columns.name is mapper.c["name"] is author.c.name
    assert [prop.key for prop in mapper.iterate_properties] == ["id", "name"]
    assert mapper.column_keys == ("id", "name")
    assert mapper.expirable_keys == {"id", "name", "_sa_instance_state"}


def test_columns_lead_to_attributes_and_back(model, author):
    mapper = model.map_imperatively(Author, author, properties={"title": author.c.name})
    model.configure()

    assert mapper.key_of(author.c.name) == "title"
    assert mapper.get_property_by_column(author.c.name).key == "title"
    assert mapper.column_of_key["title"] is author.c.name
    assert mapper.columns_of_table == {author: (("id", author.c.id), ("title", author.c.name))}
    with pytest.raises(exc.InvalidRequestError, match="No column"):
        mapper.key_of(Column("other", Integer))


def test_unknown_property_is_an_error_that_names_it(model, author):
    mapper = model.map_imperatively(Author, author)

    assert not mapper.has_property("zzz")
    with pytest.raises(
        exc.InvalidRequestError, match=r"'Mapper\[Author\(author\)\]' has no property"
    ):
        mapper.get_property("zzz")


def test_class_is_mapped_once(model, author):
    model.map_imperatively(Author, author)

    with pytest.raises(exc.ArgumentError, match="already has a primary mapper defined"):
        model.map_imperatively(Author, author)


def test_table_without_primary_key_is_refused(model):
    table = Table("bare", model.metadata, Column("x", Integer))

    with pytest.raises(exc.ArgumentError, match="could not assemble any primary key columns"):
        model.map_imperatively(Author, table)
    assert "_sa_class_manager" not in Author.__dict__


def test_select_is_refused_and_its_subquery_mapped(model, author):
    with pytest.raises(exc.ArgumentError, match="subquery"):
        model.map_imperatively(Author, select(author))
    mapper = model.map_imperatively(Author, select(author).subquery("s"))

    assert [column.name for column in mapper.primary_key] == ["id"]
    assert mapper.tables == [author]


def test_aggregate_that_a_class_is_mapped_to_is_not_written(model, author):
    counts = select(author.c.id, func.count().label("count")).group_by(author.c.id)
    mapper = model.map_imperatively(Author, counts.subquery("counts"), primary_key=["id"])

    assert mapper.tables == []


def test_primary_key_option_takes_columns_and_names(model, author):
    mapper = model.map_imperatively(Author, author, primary_key=[author.c.name])
    assert mapper.primary_key_keys == ("name",)
    model.dispose()

    mapper = model.map_imperatively(Author, author, primary_key=["name", "id"])
    assert mapper.primary_key_keys == ("name", "id")
    model.dispose()

    with pytest.raises(exc.ArgumentError, match="'nope'"):
        model.map_imperatively(Author, author, primary_key=["nope"])


@pytest.mark.parametrize(
    ("allow", "values", "expected"),
    [
        (True, {"a": 1, "b": 2}, (1, 2)),
        (True, {"a": 1}, (1, None)),
        (True, {}, None),
        (False, {"a": 1}, None),
        (False, {"a": 1, "b": 2}, (1, 2)),
    ],
)
def test_read_pk_of_composite_key(model, allow, values, expected):
    table = Table(
        "pair",
        model.metadata,
        Column("a", Integer, primary_key=True),
        Column("b", Integer, primary_key=True),
    )
    mapper = model.map_imperatively(Author, table, allow_partial_pks=allow)

    assert mapper.read_pk(values) == expected
    assert mapper.single_pk_key is None


def test_read_pk_of_single_key_is_bare(model, author):
    mapper = model.map_imperatively(Author, author)

    assert mapper.read_pk({"id": 7}) == 7
    assert mapper.read_pk({}) is None


def test_identity_keys(model, author):
    mapper = model.map_imperatively(Author, author)
    obj = Author()
    obj.id = 5

    assert mapper.identity_key_from_primary_key([5]) == (Author, (5,), None)
    assert mapper.identity_key_from_instance(obj) == (Author, (5,), None)
    assert mapper.primary_key_from_instance(obj) == [5]
    assert mapper.identity_key_from_row({author.c.id: 5}, identity_token="x") == (Author, (5,), "x")


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({"include_properties": ["id"]}, ["id"]),
        ({"exclude_properties": ["name"]}, ["id"]),
        ({"column_prefix": "_"}, ["_id", "_name"]),
    ],
)
def test_options_choose_columns(model, author, options, keys):
    mapper = model.map_imperatively(Author, author, **options)

    assert mapper.attrs.keys() == keys


def test_descriptor_of_the_class_keeps_its_place(model, author):
    class Person:
        @property
        def name(self):
            return "mine"

    mapper = model.map_imperatively(Person, author)

    assert mapper.attrs.keys() == ["id"]
    assert Person().name == "mine"


def test_column_of_other_table_is_refused(model, author, book):
    with pytest.raises(exc.ArgumentError, match="is not represented in the mapper's table"):
        model.map_imperatively(Author, author, properties={"title": book.c.title})


def test_column_under_the_name_of_a_relationship_is_refused(model, author, book):
    model.map_imperatively(Book, book)
    with pytest.raises(exc.ArgumentError, match=r"column 'name' conflicts with property"):
        model.map_imperatively(Author, author, properties={"name": Relationship(Book)})


def test_expression_is_an_attribute_that_is_not_written(model, author):
    mapper = model.map_imperatively(
        Author, author, properties={"upper": ColumnProperty(func.upper(author.c.name))}
    )

    assert mapper.attrs.upper.is_sql_expression
    assert [key for key, _ in mapper.columns_of_table[author]] == ["id", "name"]


def test_join_combines_the_columns_it_equates(model, author, book):
    mapper = model.map_imperatively(
        Author,
        join(author, book),
        properties={"id": [author.c.id, book.c.author_id], "book_id": book.c.id},
    )

    assert mapper.tables == [author, book]
    assert mapper.attrs.id.columns == [author.c.id, book.c.author_id]
    assert mapper.primary_key_keys == ("id", "book_id")


def test_join_refuses_columns_of_one_name_that_are_not_equal(model, author, book):
    with pytest.raises(exc.InvalidRequestError, match="Implicitly combining column"):
        model.map_imperatively(Author, join(author, book))


def test_attribute_is_added_after_configuration(model, author):
    mapper = model.map_imperatively(Author, author, include_properties=["id"])
    model.configure()
    mapper.memo["plan"] = 1
    mapper.add_property("name", author.c.name)

    assert mapper.column_keys == ("id", "name")
    assert mapper.memo == {}
    assert Author(name="x").name == "x"


def test_synonym_reads_and_writes_its_target(model, author):
    mapper = model.map_imperatively(Author, author, properties={"label": SynonymProperty("name")})
    obj = Author(label="x")
    obj.label += "y"

    assert (obj.name, obj.label) == ("xy", "xy")
    assert mapper.synonyms.keys() == ["label"]
    assert str(Author.label == "a") == "author.name = :name_1"


def test_synonym_with_map_column_takes_the_columns_name(model, author):
    mapper = model.map_imperatively(
        Author, author, properties={"name": SynonymProperty("_name", map_column=True)}
    )

    assert mapper.key_of(author.c.name) == "_name"
    assert Author(name="x")._name == "x"


def test_foreign_dictionaries_keep_info(model, author):
    prop = ColumnProperty(author.c.name, info={"a": 1})
    model.map_imperatively(Author, author, properties={"name": prop})

    assert Author.name.info == {"a": 1}
    assert Author.name.property is prop
    assert str(Author.name) == "Author.name"


def test_deferred_columns_are_listed(model, author):
    mapper = model.map_imperatively(
        Author, author, properties={"name": ColumnProperty(author.c.name, deferred=True)}
    )
    model.configure()

    assert mapper.deferred_keys == {"name"}
    assert mapper.attrs.name.strategy_name == "deferred"


def test_dispose_gives_the_class_back(model, author):
    model.map_imperatively(Author, author)
    assert Author(name="x").name == "x"
    model.dispose()

    assert not [key for key in vars(Author) if key in ("id", "name", "__mapper__")]
    assert Author.__init__ is object.__init__
    assert inspect(Author, raiseerr=False) is None


def test_constructor_refuses_unknown_names(model, author):
    model.map_imperatively(Author, author)

    with pytest.raises(TypeError, match="'nope' is an invalid keyword argument for Author"):
        Author(nope=1)


def test_version_column_is_found(model):
    table = Table(
        "versioned",
        model.metadata,
        Column("id", Integer, primary_key=True),
        Column("version", Integer),
    )
    mapper = model.map_imperatively(Author, table, version_id_col=table.c.version)

    assert mapper.version_id_col is table.c.version
    assert mapper.version_id_generator(None) == 1
    assert mapper.version_id_generator(4) == 5


def test_alias_stands_for_its_table(model, author):
    alias = author.alias()
    mapper = model.map_imperatively(Author, alias)

    assert mapper.primary_key == (alias.c.id,)
    assert mapper.key_of(author.c.id) == "id"


def test_unknown_option_is_refused(model, author):
    with pytest.raises(TypeError, match="nonsense"):
        model.map_imperatively(Author, author, nonsense=1)


def test_string_columns_are_no_properties(model, author):
    with pytest.raises(exc.ArgumentError, match="Cannot map attribute 'x'"):
        model.map_imperatively(Author, author, properties={"x": "name"})


def test_foreign_key_columns_are_plain_attributes(model, author, book):
    mapper = model.map_imperatively(Book, book)

    assert mapper.attrs.author_id.columns == [book.c.author_id]
    assert isinstance(book.c.author_id.foreign_keys.pop(), ForeignKey)
    assert isinstance(mapper.attrs.title.columns[0].type, String)
