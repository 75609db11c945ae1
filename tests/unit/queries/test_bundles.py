"""Bundles of columns."""

from sqlalchemy import select

from holdfast import Bundle, DictBundle
from models.library import Author


def test_members_are_found_by_name():
    bundle = Bundle("who", Author.name, Author.email)

    assert str(bundle.c.name == "x") == "author.name = :name_1"
    assert bundle.columns.keys() == ["name", "email"]


def test_bundles_nest():
    bundle = Bundle("outer", Author.id, Bundle("inner", Author.name))

    assert bundle.c.inner.c.name is not None


def test_a_label_gives_a_copy_with_another_name():
    bundle = Bundle("who", Author.name)

    assert bundle.label("she").name == "she"
    assert bundle.name == "who"


def test_the_name_is_part_of_the_cache_key():
    def key(name):
        return select(Bundle(name, Author.name))._generate_cache_key().key

    assert key("a") == key("a")
    assert key("a") != key("b")


def test_rows_of_a_bundle_are_named_tuples():
    read = Bundle("who", Author.id, Author.name).create_row_processor(
        None, [lambda row: row[0], lambda row: row[1]], ["id", "name"]
    )

    assert read((1, "x")).name == "x"


def test_rows_of_a_dict_bundle_are_dictionaries():
    read = DictBundle("who", Author.id).create_row_processor(None, [lambda row: row[0]], ["id"])

    assert read((1,)) == {"id": 1}
