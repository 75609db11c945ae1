from __future__ import annotations

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    Table,
    and_,
    exc,
    or_,
    select,
)
from sqlalchemy.exc import SAWarning

from holdfast.mapping.cascades import CascadeOptions
from holdfast.mapping.condition import MANYTOMANY, MANYTOONE, ONETOMANY
from holdfast.mapping.relationship import Relationship
from holdfast.mapping.relationship_arguments import backref
from holdfast.mapping.remote import foreign, remote


class Author:
    pass


class Book:
    pass


class Tag:
    pass


class Node:
    pass


def pairs(found):
    return [(str(one), str(other)) for one, other in found]


def map_pair(model, author, book, author_props=None, book_props=None):
    model.map_imperatively(Author, author, properties=author_props or {})
    model.map_imperatively(Book, book, properties=book_props or {})
    model.configure()


def test_one_to_many_is_deduced(model, author, book):
    prop = Relationship(Book)
    map_pair(model, author, book, {"books": prop})

    assert prop.direction is ONETOMANY
    assert prop.uselist is True
    assert prop.mapper.class_ is Book
    assert prop.entity is prop.mapper
    assert pairs(prop.local_remote_pairs) == [("author.id", "book.author_id")]
    assert pairs(prop.synchronize_pairs) == [("author.id", "book.author_id")]
    assert prop.remote_side == {book.c.author_id}
    assert prop.local_columns == {author.c.id}
    assert prop.simple_many_to_one == ()


def test_many_to_one_is_deduced(model, author, book):
    prop = Relationship("Author")
    map_pair(model, author, book, None, {"author": prop})

    assert prop.direction is MANYTOONE
    assert prop.uselist is False
    assert prop.simple_many_to_one == ("author_id",)
    assert str(prop.lazy_clause.criterion) == "author.id = :param_1"
    assert prop.lazy_clause.columns == (book.c.author_id,)
    assert str(prop.reverse_lazy_clause.criterion) == ":param_1 = book.author_id"
    assert prop.reverse_lazy_clause.columns == (author.c.id,)


def test_many_to_many_is_deduced(model, book, tag, book_tag):
    prop = Relationship(lambda: Tag, secondary="book_tag")
    model.map_imperatively(Book, book, properties={"tags": prop})
    model.map_imperatively(Tag, tag)
    model.configure()

    assert prop.direction is MANYTOMANY
    assert prop.secondary is book_tag
    assert pairs(prop.synchronize_pairs) == [("book.id", "book_tag.book_id")]
    assert pairs(prop.secondary_synchronize_pairs) == [("tag.id", "book_tag.tag_id")]
    assert str(prop.lazy_clause.criterion) == (
        ":param_1 = book_tag.book_id AND tag.id = book_tag.tag_id"
    )
    assert str(prop.reverse_lazy_clause.criterion) == (
        "book.id = book_tag.book_id AND :param_1 = book_tag.tag_id"
    )


def test_association_columns_are_remote_in_both_conditions(model, book, tag, book_tag):
    prop = Relationship(Tag, secondary=book_tag)
    model.map_imperatively(Book, book, properties={"tags": prop})
    model.map_imperatively(Tag, tag)
    model.configure()

    assert prop.remote_side == {book_tag.c.book_id, book_tag.c.tag_id}


def test_self_reference_is_one_to_many_unless_remote_side_says_otherwise(model, node):
    children = Relationship("Node")
    parent = Relationship("Node", remote_side=node.c.id, overlaps="children")
    model.map_imperatively(Node, node, properties={"children": children, "parent": parent})
    model.configure()

    assert (children.direction, parent.direction) == (ONETOMANY, MANYTOONE)
    assert children.remote_side == {node.c.parent_id}
    assert parent.remote_side == {node.c.id}
    assert parent.simple_many_to_one == ("parent_id",)
    assert str(children.lazy_clause.criterion) == ":param_1 = node.parent_id"
    assert str(parent.lazy_clause.criterion) == "node.id = :param_1"


def test_string_conditions_are_evaluated_with_marks(model, node):
    prop = Relationship(
        "Node", primaryjoin="remote(Node.id) == foreign(Node.parent_id)", order_by="Node.id.desc()"
    )
    model.map_imperatively(Node, node, properties={"parent": prop})
    model.configure()

    assert prop.direction is MANYTOONE
    assert [str(each) for each in prop.order_by] == ["node.id DESC"]


def test_extra_criteria_take_part_in_loading_only(model, author, book):
    prop = Relationship(
        Book, primaryjoin=lambda: and_(author.c.id == book.c.author_id, book.c.title == "x")
    )
    map_pair(model, author, book, {"books": prop})

    assert pairs(prop.synchronize_pairs) == [("author.id", "book.author_id")]
    assert str(prop.lazy_clause.criterion) == (
        ":param_1 = book.author_id AND book.title = :title_1"
    )


def test_many_to_one_with_criteria_is_not_looked_up_by_key(model, author, book):
    prop = Relationship(
        Author, primaryjoin=lambda: and_(author.c.id == book.c.author_id, author.c.name == "x")
    )
    map_pair(model, author, book, None, {"author": prop})

    assert prop.simple_many_to_one == ()


@pytest.fixture
def parcel(model):
    depot = Table(
        "depot",
        model.metadata,
        Column("town", Integer, primary_key=True),
        Column("number", Integer, primary_key=True),
    )
    parcel = Table(
        "parcel",
        model.metadata,
        Column("id", Integer, primary_key=True),
        Column("to_number", Integer),
        Column("to_town", Integer),
        ForeignKeyConstraint(["to_number", "to_town"], ["depot.number", "depot.town"]),
    )
    return depot, parcel


def test_composite_foreign_keys_join_by_all_columns(model, parcel):
    depot, parcels = parcel
    prop = Relationship(Author)
    map_pair(model, depot, parcels, None, {"depot": prop})

    assert prop.direction is MANYTOONE
    # In the order of the target's primary key, not of the constraint.
    assert prop.simple_many_to_one == ("to_town", "to_number")


def test_two_paths_are_ambiguous_until_one_is_named(model, author):
    book = Table(
        "book",
        model.metadata,
        Column("id", Integer, primary_key=True),
        Column("author_id", ForeignKey("author.id")),
        Column("editor_id", ForeignKey("author.id")),
    )
    with pytest.raises(exc.AmbiguousForeignKeysError, match="multiple foreign key paths") as caught:
        map_pair(model, author, book, None, {"author": Relationship(Author)})
    assert "book.author_id and book.editor_id" in str(caught.value)
    model.dispose()

    prop = Relationship(Author, foreign_keys="Book.editor_id")
    map_pair(model, author, book, None, {"editor": prop})
    assert pairs(prop.local_remote_pairs) == [("book.editor_id", "author.id")]


def test_unrelated_tables_name_relationship_and_remedy(model, author, tag):
    with pytest.raises(
        exc.NoForeignKeysError, match=r"relationship Author\.tags - .*specify a 'primaryjoin'"
    ):
        map_pair(model, author, tag, {"tags": Relationship(Book)})


def test_unrelated_association_table(model, author, book, tag):
    with pytest.raises(exc.NoForeignKeysError, match="via secondary table 'tag'"):
        map_pair(model, author, book, {"books": Relationship(Book, secondary=tag)})


def test_condition_without_foreign_column(model, author, book):
    prop = Relationship(Book, primaryjoin=lambda: author.c.name == book.c.title)
    with pytest.raises(exc.ArgumentError, match="Could not locate any relevant foreign key"):
        map_pair(model, author, book, {"books": prop})


def test_condition_without_equality_needs_viewonly(model, author, book):
    condition = author.c.id > foreign(book.c.author_id)
    with pytest.raises(exc.ArgumentError, match="simple equality expressions"):
        map_pair(model, author, book, {"books": Relationship(Book, primaryjoin=condition)})
    model.dispose()

    prop = Relationship(Book, primaryjoin=condition, viewonly=True)
    map_pair(model, author, book, {"books": prop})
    assert prop.synchronize_pairs == []
    assert str(prop.lazy_clause.criterion) == "book.author_id < :param_1"


def test_direction_that_cannot_be_told(model, author, book):
    condition = foreign(author.c.id) == foreign(book.c.author_id)
    with pytest.raises(exc.ArgumentError, match="present in both the parent and the child's"):
        map_pair(model, author, book, {"books": Relationship(Book, primaryjoin=condition)})


def test_secondaryjoin_needs_secondary(model, author, book):
    prop = Relationship(Book, secondaryjoin=author.c.id == book.c.author_id)
    with pytest.raises(exc.ArgumentError, match="no secondary argument"):
        map_pair(model, author, book, {"books": prop})


def test_mapped_class_is_no_secondary(model, author, book, tag):
    model.map_imperatively(Tag, tag)
    with pytest.raises(exc.ArgumentError, match="can't send a mapped class"):
        map_pair(model, author, book, {"books": Relationship(Book, secondary=Tag)})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backref": "a", "back_populates": "b"}, "mutually exclusive"),
        ({"viewonly": True, "sync_backref": True}, "cannot both be True"),
        ({"cascade_backrefs": True}, "may only be set to False"),
        ({"cascade": "fake, all, other"}, "Invalid cascade option.*'fake', 'other'"),
    ],
)
def test_arguments_that_contradict_each_other(arguments, message):
    with pytest.raises(exc.ArgumentError, match=message):
        Relationship(Book, **arguments)


@pytest.mark.parametrize("name", ["passive_deletes", "active_history"])
def test_viewonly_makes_no_sense_with_arguments_of_writing(name):
    with pytest.warns(SAWarning, match=f"Setting {name} on relationship"):
        Relationship(Book, viewonly=True, **{name: True})


def test_unknown_lazy_is_refused_at_configuration(model, author, book):
    with pytest.raises(exc.InvalidRequestError, match=r"Can't find strategy .*foo.* Author\.books"):
        map_pair(model, author, book, {"books": Relationship(Book, lazy="foo")})


@pytest.mark.parametrize(
    ("given", "name"), [(True, "select"), (False, "joined"), (None, "noload"), ("joined", "joined")]
)
def test_older_spellings_of_lazy(given, name):
    assert Relationship(Book, lazy=given).strategy_name == name


@pytest.mark.parametrize("argument", [5, object()])
def test_target_is_a_class(model, author, book, argument):
    with pytest.raises(exc.ArgumentError, match="relationship 'books' expects a class"):
        map_pair(model, author, book, {"books": Relationship(argument)})


# -- both sides ------------------------------------------------------------------------------


def test_backref_makes_the_other_side(model, author, book):
    prop = Relationship(Book, backref=backref("author", lazy="joined"))
    map_pair(model, author, book, {"books": prop})
    other = Book.author.property

    assert other.direction is MANYTOONE
    assert other.lazy == "joined"
    assert (prop.back_populates, other.back_populates) == ("author", "books")
    assert other.reverse_properties == {prop}
    assert prop.reverse_properties == {other}
    assert Author.books.slot.reverse_keys == ("author",)


def test_backref_of_self_reference_turns_the_condition_round(model, node):
    prop = Relationship("Node", backref=backref("parent", remote_side="Node.id"))
    model.map_imperatively(Node, node, properties={"children": prop})
    model.configure()

    assert Node.parent.property.direction is MANYTOONE
    assert Node.parent.property.remote_side == {node.c.id}


def test_backref_with_marks_turns_them_round(model, node):
    prop = Relationship(
        "Node", primaryjoin=remote(node.c.id) == foreign(node.c.parent_id), backref="children"
    )
    model.map_imperatively(Node, node, properties={"parent": prop})
    model.configure()

    assert Node.children.property.direction is ONETOMANY
    assert Node.children.property.remote_side == {node.c.parent_id}


def test_backref_of_many_to_many(model, book, tag, book_tag):
    prop = Relationship(Tag, secondary=book_tag, backref="books")
    model.map_imperatively(Book, book, properties={"tags": prop})
    model.map_imperatively(Tag, tag)
    model.configure()

    other = Tag.books.property
    assert other.secondary is book_tag
    assert pairs(other.synchronize_pairs) == [("tag.id", "book_tag.tag_id")]


def test_backref_whose_name_is_taken(model, author, book):
    with pytest.raises(exc.ArgumentError, match="Error creating backref 'title'"):
        map_pair(model, author, book, {"books": Relationship(Book, backref="title")})


def test_backref_reaches_a_class_that_is_in_use(model, author, book):
    model.map_imperatively(Author, author)
    model.configure()
    model.map_imperatively(Book, book, properties={"author": Relationship(Author, backref="books")})
    someone = Author()

    assert someone.books == []
    assert "books" in Author.__mapper__.relationship_keys


def test_back_populates_naming_nothing(model, author, book):
    with pytest.raises(exc.InvalidRequestError, match="has no property 'nope'"):
        map_pair(model, author, book, {"books": Relationship(Book, back_populates="nope")})


def test_back_populates_naming_a_column(model, author, book):
    with pytest.raises(exc.InvalidRequestError, match="not a relationship"):
        map_pair(model, author, book, {"books": Relationship(Book, back_populates="title")})


def test_both_sides_of_one_direction(model, node):
    one = Relationship("Node", back_populates="two")
    two = Relationship("Node", back_populates="one")
    model.map_imperatively(Node, node, properties={"one": one, "two": two})
    with pytest.raises(exc.ArgumentError, match="Did you mean to set remote_side"):
        model.configure()


def test_viewonly_side_is_not_kept_in_step(model, author, book):
    books = Relationship(Book, back_populates="author", viewonly=True)
    writer = Relationship(Author, back_populates="books")
    map_pair(model, author, book, {"books": books}, {"author": writer})

    assert Author.books.slot.reverse_keys == ()
    assert Book.author.slot.reverse_keys == ()


def test_one_sided_back_populates_goes_in_one_direction(model, author, book):
    books = Relationship(Book, back_populates="author")
    map_pair(model, author, book, {"books": books}, {"author": Relationship(Author)})

    assert Author.books.slot.reverse_keys == ("author",)
    assert Book.author.slot.reverse_keys == ()


# -- cascades --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("", []),
        ("none", []),
        ("save-update, none", []),
        ("all", ["delete", "expunge", "merge", "refresh-expire", "save-update"]),
        (["all", "delete-orphan"], [*sorted(CascadeOptions("all")), "delete-orphan"]),
    ],
)
def test_cascade_options(given, names):
    options = CascadeOptions(given)

    assert sorted(options) == sorted(names)
    assert options.delete is ("delete" in names)
    assert options.delete_orphan is ("delete-orphan" in names)
    assert repr(options) == f"CascadeOptions('{','.join(sorted(names))}')"


def test_cascade_options_do_not_change():
    with pytest.raises(AttributeError):
        CascadeOptions("all").delete = False


def test_delete_orphan_requires_delete():
    with pytest.warns(SAWarning, match="'delete-orphan' cascade option requires 'delete'"):
        CascadeOptions("delete-orphan")


def test_delete_orphan_on_the_many_side(model, author, book):
    prop = Relationship(Author, cascade="all, delete-orphan")
    with pytest.raises(
        exc.ArgumentError, match=r"For many-to-one relationship Book\.author, .*single"
    ):
        map_pair(model, author, book, None, {"author": prop})
    model.dispose()

    prop = Relationship(Author, cascade="all, delete-orphan", single_parent=True)
    map_pair(model, author, book, None, {"author": prop})
    assert Author.__mapper__.orphan_relationships == (prop,)


def test_passive_deletes_all_excludes_delete(model, author, book):
    prop = Relationship(Book, passive_deletes="all", cascade="all")
    with pytest.raises(exc.ArgumentError, match="can't set passive_deletes='all'"):
        map_pair(model, author, book, {"books": prop})


def test_viewonly_keeps_cascades_that_do_not_write():
    assert sorted(Relationship(Book, viewonly=True).cascade) == ["merge"]
    prop = Relationship(Book, viewonly=True, cascade="all, delete-orphan")
    assert sorted(prop.cascade) == ["expunge", "merge", "refresh-expire"]


def test_none_is_no_cascade():
    assert sorted(Relationship(Book).cascade) == ["merge", "save-update"]
    assert sorted(Relationship(Book, cascade=None).cascade) == []


def test_cascade_is_assigned_again(model, author, book):
    prop = Relationship(Book)
    map_pair(model, author, book, {"books": prop})
    mapper = Author.__mapper__
    assert (mapper.save_update_keys, mapper.delete_keys) == (("books",), ())

    prop.cascade = "all, delete-orphan"

    assert mapper.delete_keys == ("books",)
    assert Author.books.slot.tracks_parent
    assert Book.__mapper__.orphan_relationships == (prop,)


# -- overlaps --------------------------------------------------------------------------------


def test_two_writers_of_one_column_are_warned_of(model, author, book):
    with pytest.warns(
        SAWarning, match=r"relationship 'Author\.more' will copy column author\.id to column"
    ):
        map_pair(model, author, book, {"books": Relationship(Book), "more": Relationship(Book)})


@pytest.mark.parametrize("arguments", [{"viewonly": True}, {"overlaps": "books,other"}])
def test_two_writers_that_know_of_each_other(model, author, book, arguments):
    more = Relationship(Book, **arguments)
    map_pair(model, author, book, {"books": Relationship(Book), "more": more})


# -- lazy clauses ----------------------------------------------------------------------------


def test_bound_clause_reads_values_when_executed(model, author, book):
    prop = Relationship(Author)
    map_pair(model, author, book, None, {"author": prop})
    values = {author.c.id: 3}
    criterion = prop.reverse_lazy_clause.bound(lambda column: lambda: values[column])
    statement = select(book.c.id).where(criterion)
    values[author.c.id] = 4

    assert list(statement.compile().params.values()) == [4]


def test_clause_for_no_object_compares_with_null(model, author, book):
    prop = Relationship(Author)
    map_pair(model, author, book, None, {"author": prop})

    assert str(prop.reverse_lazy_clause.is_null()) == "book.author_id IS NULL"


def test_alternatives_are_not_looked_up_by_key(model, author, book):
    condition = or_(author.c.id == book.c.author_id, author.c.id == book.c.id)
    prop = Relationship(
        Author, primaryjoin=condition, viewonly=True, foreign_keys=[book.c.author_id, book.c.id]
    )
    map_pair(model, author, book, None, {"author": prop})

    assert prop.simple_many_to_one == ()
