"""Loader options: what they say, and to which entity of a statement it belongs."""

import pickle

import pytest
from sqlalchemy import exc, inspect, select

from holdfast import (
    Load,
    aliased,
    contains_eager,
    defaultload,
    defer,
    joinedload,
    lazyload,
    load_only,
    raiseload,
    selectinload,
    undefer,
    undefer_group,
)
from holdfast.queries.load_plan import LoadPath
from holdfast.queries.statement_options import build_option_table, propagated
from models.library import Author, Book, Tag
from models.tree import Node


def table_of(*options, roots=(Author,), **kw):
    return build_option_table(options, [inspect(root) for root in roots], **kw)


def path_to(root, *names):
    """The path along relationships of these names."""
    path = LoadPath((inspect(root),))
    for name in names:
        path = path.along(path.last.mapper.relationships[name])
    return path


def strategy_of(table, path, name):
    choice = table.choice(path, path.last.mapper.relationships[name])
    return None if choice is None else choice.strategy


def test_a_chain_speaks_of_what_is_behind_each_relationship():
    table = table_of(joinedload(Author.books).selectinload(Book.tags))

    assert strategy_of(table, path_to(Author), "books") == "joined"
    assert strategy_of(table, path_to(Author, "books"), "tags") == "selectin"


def test_several_attributes_lead_to_the_last_one():
    table = table_of(selectinload(Author.books, Book.tags))

    assert strategy_of(table, path_to(Author), "books") is None
    assert strategy_of(table, path_to(Author, "books"), "tags") == "selectin"


def test_options_may_branch():
    table = table_of(
        defaultload(Author.books).options(lazyload(Book.author), selectinload(Book.tags))
    )
    books = path_to(Author, "books")

    assert strategy_of(table, books, "author") == "select"
    assert strategy_of(table, books, "tags") == "selectin"


def test_a_wildcard_in_sub_options_is_limited_to_their_entity():
    table = table_of(selectinload(Author.books).options(raiseload("*")))

    assert strategy_of(table, path_to(Author, "books"), "tags") == "raise"
    assert strategy_of(table, path_to(Author), "books") == "selectin"


def test_load_only_defers_the_other_columns():
    table = table_of(load_only(Author.name, raiseload=True))
    path, attrs = path_to(Author), inspect(Author).column_attrs

    assert table.column_choice(path, attrs["name"]).strategy == "column"
    assert table.column_choice(path, attrs["email"]).strategy == "deferred"
    assert table.column_choice(path, attrs["email"]).settings == {"raiseload": True}


def test_a_column_option_below_a_relationship():
    table = table_of(selectinload(Author.books).defer(Book.pages))
    pages = inspect(Book).column_attrs["pages"]

    assert table.column_choice(path_to(Author, "books"), pages).strategy == "deferred"


def test_undefer_group_reaches_columns_of_the_group_only():
    table = table_of(undefer_group("rare"))

    assert table.column_choice(path_to(Author), inspect(Author).column_attrs["name"]) is None


def test_an_alias_has_options_of_its_own():
    other = aliased(Author)
    table = table_of(selectinload(other.books), roots=(Author, other))
    books = inspect(Author).relationships["books"]

    assert table.choice(LoadPath((inspect(other),)), books).strategy == "selectin"
    assert table.choice(path_to(Author), books) is None


def test_a_continued_statement_finds_its_options_by_its_start():
    option = selectinload(Author.books).joinedload(Book.tags)
    start = path_to(Author, "books")
    table = build_option_table([option], [inspect(Book)], start=start)

    assert strategy_of(table, start, "tags") == "joined"


def test_an_option_that_begins_elsewhere_is_not_for_a_continued_statement():
    start = path_to(Author, "books")
    table = build_option_table([joinedload(Book.tags)], [inspect(Book)], start=start)

    assert not table


def test_of_type_and_criteria_are_part_of_the_choice():
    book = aliased(Book)
    table = table_of(contains_eager(Author.books.of_type(book)))
    filtered = table_of(selectinload(Author.books.and_(Book.pages > 5)))
    books = inspect(Author).relationships["books"]

    assert table.choice(path_to(Author), books).of_type is inspect(book)
    assert len(filtered.choice(path_to(Author), books).criteria) == 1


def test_contains_eager_does_not_stay_with_objects():
    staying = selectinload(Author.books)

    assert propagated([contains_eager(Author.books), staying]) == (staying,)


def test_the_same_thing_may_be_said_twice():
    table = table_of(joinedload(Author.books), joinedload(Author.books).joinedload(Book.tags))

    assert strategy_of(table, path_to(Author), "books") == "joined"


@pytest.mark.parametrize(
    "options",
    [
        lambda: (joinedload(Author.books), selectinload(Author.books)),
        lambda: (joinedload(Author.books), joinedload(Author.books, innerjoin=True)),
        lambda: (defer(Author.name), undefer(Author.name)),
    ],
)
def test_different_things_about_one_attribute_are_refused(options):
    with pytest.raises(exc.InvalidRequestError, match="is in conflict with existing strategy"):
        table_of(*options())


@pytest.mark.parametrize(
    "make",
    [
        lambda: joinedload("books"),
        lambda: defer("name"),
        lambda: Load(Author).joinedload("books"),
        lambda: joinedload("books.*"),
    ],
)
def test_names_in_strings_are_refused(make):
    with pytest.raises(exc.ArgumentError, match="Strings are not accepted"):
        make()


def test_an_option_of_an_entity_that_is_not_selected_is_refused():
    with pytest.raises(exc.ArgumentError, match="does not apply to any of the root entities"):
        table_of(joinedload(Author.books), roots=(Tag,))


def test_an_option_on_a_statement_of_columns_is_refused():
    with pytest.raises(exc.ArgumentError, match="Query has only expression-based entities"):
        table_of(joinedload(Author.books), roots=())


def test_options_of_an_earlier_select_list_need_not_apply():
    table = table_of(roots=(), replaced=[joinedload(Author.books)])

    assert not table


def test_a_link_that_does_not_fit_is_refused():
    with pytest.raises(exc.ArgumentError, match=r'"Tag\.books" does not link from'):
        joinedload(Author.books).joinedload(Tag.books)


def test_a_relationship_option_on_a_column_is_refused():
    with pytest.raises(exc.InvalidRequestError, match='Can\'t apply "joined loader" strategy'):
        table_of(joinedload(Author.name))


def test_a_column_option_on_a_relationship_is_refused():
    with pytest.raises(exc.InvalidRequestError, match='Can\'t apply "column loader" strategy'):
        table_of(load_only(Author.books))


def test_load_only_with_attributes_of_two_classes_is_refused():
    with pytest.raises(exc.ArgumentError, match="to multiple entities in the same option"):
        load_only(Author.name, Book.title)


@pytest.mark.parametrize("given", [15, object(), Author])
def test_what_is_no_attribute_is_refused(given):
    with pytest.raises(exc.ArgumentError, match="expected ORM mapped attribute"):
        joinedload(given)


def test_what_is_no_option_is_refused():
    with pytest.raises(exc.ArgumentError):
        select(Author).options("books")


def key_of(statement):
    return statement._generate_cache_key().key


def test_equal_options_have_equal_cache_keys():
    one = select(Author).options(selectinload(Author.books).joinedload(Book.tags))
    two = select(Author).options(selectinload(Author.books).joinedload(Book.tags))

    assert key_of(one) == key_of(two)
    assert key_of(one) != key_of(select(Author).options(selectinload(Author.books)))
    assert key_of(one) != key_of(select(Author))


def test_bound_values_of_criteria_are_part_of_the_statement():
    def made(pages):
        criterion = Book.pages > pages
        return select(Author).options(selectinload(Author.books.and_(criterion)))

    one, two = made(1)._generate_cache_key(), made(2)._generate_cache_key()

    assert one.key == two.key
    assert [bind.value for bind in two.bindparams] == [2]


def test_settings_are_part_of_the_cache_key():
    plain = select(Author).options(joinedload(Author.books))
    inner = select(Author).options(joinedload(Author.books, innerjoin=True))

    assert key_of(plain) != key_of(inner)


def test_fresh_aliases_have_equal_cache_keys():
    def made():
        other = aliased(Node)
        return select(other).options(selectinload(other.children))

    assert key_of(made()) == key_of(made())


def test_an_option_survives_pickling():
    option = pickle.loads(pickle.dumps(selectinload(Author.books).joinedload(Book.tags)))

    assert strategy_of(table_of(option), path_to(Author, "books"), "tags") == "joined"


def test_an_option_reads_as_it_was_written():
    assert str(Load(Author)) == "Load(Author)"
    assert str(Load(aliased(Author))) == "Load(aliased(Author))"
    assert str(joinedload(Author.books)) == "joinedload(Author.books)"
