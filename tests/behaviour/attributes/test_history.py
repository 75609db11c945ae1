"""History: what changed in an attribute since the last flush."""

import pytest
from sqlalchemy import event, inspect

from holdfast import DeclarativeBase, Mapped, Session, composite, mapped_column, relationship
from holdfast.attributes import (
    HISTORY_BLANK,
    PASSIVE_NO_FETCH,
    PASSIVE_NO_FETCH_RELATED,
    PASSIVE_NO_INITIALIZE,
    PASSIVE_OFF,
    PASSIVE_ONLY_PERSISTENT,
    PASSIVE_RETURN_NO_VALUE,
    History,
    flag_modified,
    get_history,
    instance_state,
    set_committed_value,
)
from models import shop
from models.library import Author, Book, Tag

BLANK = ((), (), ())


def history(obj, name):
    return inspect(obj).attrs[name].history


def loaded(session, obj, *names):
    session.refresh(obj, names)
    return obj


class Base(DeclarativeBase):
    pass


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __composite_values__(self):
        return self.x, self.y

    def __eq__(self, other):
        return isinstance(other, Point) and (other.x, other.y) == (self.x, self.y)

    __hash__ = None


class Town(Base):
    __tablename__ = "town"
    id: Mapped[int] = mapped_column(primary_key=True)
    x: Mapped[int | None]
    y: Mapped[int | None]
    place: Mapped[Point] = composite("x", "y")
    watched: Mapped[str | None] = mapped_column(active_history=True)


class Pet(Base):
    __tablename__ = "pet"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None]
    by_key: Mapped["Person | None"] = relationship(
        primaryjoin="foreign(Pet.person_id) == Person.id", overlaps="watched,by_number"
    )
    watched: Mapped["Person | None"] = relationship(
        primaryjoin="foreign(Pet.person_id) == Person.id",
        active_history=True,
        overlaps="by_key,by_number",
    )
    by_number: Mapped["Person | None"] = relationship(
        primaryjoin="foreign(Pet.person_id) == Person.number", overlaps="watched,by_key"
    )


class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int | None]


@pytest.fixture
def people(engine, tables):
    tables(Base.metadata)
    with Session(engine) as session:
        yield session


# -- the table ---------------------------------------------------------------------------------


@pytest.mark.rule("AH-20 scalar, never set", "AH-20 scalar, set on transient or pending object")
def test_scalar_of_a_new_object():
    author = Author()
    assert history(author, "name") == BLANK

    author.name = "Ann"
    assert history(author, "name") == (["Ann"], (), ())


@pytest.mark.rule("AH-20 scalar, set then deleted on transient object")
def test_scalar_set_and_deleted_on_a_new_object():
    author = Author(name="Ann")

    del author.name

    assert history(author, "name") == ([None], (), ())


@pytest.mark.rule(
    "AH-20 scalar, loaded",
    "AH-20 scalar, loaded then changed",
    "AH-20 scalar, loaded, set to equal value",
    "AH-20 scalar, set to None after load",
)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Ann", ((), ["Ann"], ())),
        ("Bea", (["Bea"], (), ["Ann"])),
        (None, ([None], (), ["Ann"])),
    ],
)
def test_loaded_scalar(author, value, expected):
    assert author.name == "Ann"
    assert history(author, "name") == ((), ["Ann"], ())

    author.name = value

    assert history(author, "name") == expected


@pytest.mark.rule("AH-20 scalar, expired then set")
def test_expired_scalar_that_is_set(author):
    author.name = "Bea"

    assert history(author, "name") == (["Bea"], (), ())


@pytest.mark.rule("AH-20 scalar, loaded then deleted")
def test_loaded_scalar_that_is_deleted(author):
    assert author.name == "Ann"

    del author.name

    assert history(author, "name") == ((), (), ["Ann"])


@pytest.mark.rule("AH-20 reference, unloaded", "AH-20 reference, loaded")
def test_reference_before_and_after_loading(session, author):
    book = loaded(session, author, "books").books[0]
    session.expire(book)
    assert history(book, "author") == BLANK

    assert book.author is author
    assert history(book, "author") == ((), [author], ())


@pytest.mark.rule("AH-20 reference, unloaded, set", "AH-31")
def test_reference_that_is_set_while_the_former_object_is_not_in_memory(session, author):
    book_id = author.books[0].id
    session.expunge_all()
    book = session.get(Book, book_id)
    other = Author(name="Bea")

    book.author = other

    assert history(book, "author") == ([other], (), ())


@pytest.mark.rule("AH-20 reference, loaded then replaced")
def test_loaded_reference_that_is_replaced(author):
    book = author.books[0]
    assert book.author is author
    other = Author(name="Bea")

    book.author = other

    assert history(book, "author") == ([other], (), [author])


@pytest.mark.rule(
    "AH-20 collection, unloaded",
    "AH-20 collection, loaded",
    "AH-20 collection, changed",
)
def test_collection_unloaded_loaded_and_changed(author):
    assert history(author, "books") == BLANK

    first, second = author.books
    assert history(author, "books") == ((), [first, second], ())

    third = Book(title="Three")
    author.books.append(third)
    author.books.remove(first)
    assert history(author, "books") == ([third], [second], [first])


@pytest.mark.rule("AH-20 collection, empty on new object")
def test_collection_of_a_new_object_that_was_read_is_blank():
    author = Author()
    assert author.books == []

    assert history(author, "books") == BLANK


@pytest.mark.rule("AH-20 any, after `flag_modified`")
def test_flagged_value_counts_as_added(author):
    assert author.name == "Ann"
    first, second = author.books
    assert second.author is author

    flag_modified(author, "name")
    flag_modified(author, "books")
    flag_modified(second, "author")

    assert history(author, "name") == (["Ann"], (), ())
    assert history(author, "books") == ([first, second], (), ())
    assert history(second, "author") == ([author], (), ())


@pytest.mark.rule("AH-20")
def test_history_of_an_inspected_attribute_never_loads(author, sql):
    sql.clear()

    assert [each.history for each in inspect(author).attrs] == [BLANK] * len(inspect(author).attrs)
    assert len(sql) == 0


# -- how far it loads --------------------------------------------------------------------------


@pytest.mark.rule("AH-21")
@pytest.mark.parametrize(
    "read", [get_history, lambda obj, name: inspect(obj).attrs[name].load_history()]
)
def test_history_that_loads(session, author, read):
    assert read(author, "name") == ((), ["Ann"], ())
    assert read(author, "books") == ((), author.books, ())
    book = author.books[0]
    session.expire(book)
    assert read(book, "author") == ((), [author], ())


@pytest.mark.rule("AH-21")
def test_value_set_after_expiry_is_not_compared_with_the_database(author, sql):
    author.name = "Ann"
    sql.clear()

    assert get_history(author, "name") == (["Ann"], (), ())
    assert len(sql) == 0


@pytest.mark.rule("AH-22")
@pytest.mark.parametrize(
    ("passive", "columns", "members"),
    [
        (PASSIVE_OFF, True, True),
        (PASSIVE_RETURN_NO_VALUE, True, True),
        (PASSIVE_ONLY_PERSISTENT, True, True),
        (PASSIVE_NO_FETCH_RELATED, True, False),
        (PASSIVE_NO_FETCH, False, False),
        (PASSIVE_NO_INITIALIZE, False, False),
    ],
)
def test_flag_says_how_far_history_loads(session, author, sql, passive, columns, members):
    sql.clear()

    name = get_history(author, "name", passive)
    books = get_history(author, "books", passive)

    assert name == (((), ["Ann"], ()) if columns else BLANK)
    assert len(sql) == columns + members
    session.expire_on_commit = False
    assert (books == BLANK) is not members


@pytest.mark.rule("AH-22")
@pytest.mark.parametrize("passive", [PASSIVE_NO_FETCH, PASSIVE_NO_INITIALIZE])
def test_identity_map_is_looked_into_without_sql(session, author, sql, passive):
    book = author.books[0]
    assert author.name
    session.expire(book, ["author"])
    assert book.author_id == author.id
    sql.clear()

    found = get_history(book, "author", passive)

    assert found == (((), [author], ()) if passive is PASSIVE_NO_FETCH else BLANK)
    assert len(sql) == 0


@pytest.mark.rule("AH-22")
def test_new_object_has_no_value_to_load(session):
    author = Author()
    session.add(author)
    with session.no_autoflush:
        for passive in (PASSIVE_OFF, PASSIVE_RETURN_NO_VALUE, PASSIVE_ONLY_PERSISTENT):
            assert get_history(author, "name", passive) == BLANK
    session.expunge_all()


# -- methods -----------------------------------------------------------------------------------


@pytest.mark.rule("AH-23", "AH-24", "AH-26")
@pytest.mark.parametrize(
    ("parts", "has_changes", "is_empty"),
    [
        (((), (), ()), False, True),
        (([1], (), ()), True, False),
        (((), [1], ()), False, False),
        (((), (), [1]), True, False),
    ],
)
def test_questions_to_a_history(parts, has_changes, is_empty):
    found = History(*parts)

    assert found.has_changes() is has_changes
    assert found.empty() is is_empty
    assert bool(found) is not is_empty


@pytest.mark.rule("AH-26")
def test_history_of_an_empty_loaded_collection_is_true(session):
    author = Author(name="Ann")
    session.add(author)
    session.commit()

    assert get_history(author, "books") == ((), [], ())
    assert get_history(author, "books")
    assert get_history(author, "books").empty()


@pytest.mark.rule("AH-25")
def test_sums_of_a_history_are_lists():
    found = History([1], (2, 3), [4])

    assert found.sum() == [1, 2, 3, 4]
    assert found.non_added() == [2, 3, 4]
    assert found.non_deleted() == [1, 2, 3]


@pytest.mark.rule("AH-27")
def test_history_as_states(session, author):
    book = author.books[0]
    assert book.author is author
    book.author = None

    assert history(book, "author").as_state() == ([None], [], [instance_state(author)])


# -- when it begins and ends -------------------------------------------------------------------


@pytest.mark.rule("AH-28")
@pytest.mark.parametrize("end", ["flush", "expire", "refresh", "set_committed_value"])
def test_history_begins_anew(session, author, end):
    assert author.name == "Ann"
    assert author.books
    author.name = "Bea"
    author.books.append(Book(title="Three"))

    with session.no_autoflush:
        if end == "flush":
            session.flush()
        elif end == "set_committed_value":
            set_committed_value(author, "name", "Bea")
            set_committed_value(author, "books", [])
        else:
            getattr(session, end)(author)
        histories = [get_history(author, name) for name in ("name", "books")]

    assert not any(each.has_changes() for each in histories)
    assert histories[0].unchanged == ["Bea" if end in ("flush", "set_committed_value") else "Ann"]
    session.rollback()


@pytest.mark.rule("AH-34")
def test_history_is_there_until_the_flush_has_settled(session, author):
    assert author.name == "Ann"
    seen = {}
    for name in ("after_flush", "after_flush_postexec"):

        def listen(session, context, name=name):
            seen[name] = history(author, "name")

        event.listen(session, name, listen)
    author.name = "Bea"

    session.flush()

    assert seen == {
        "after_flush": (["Bea"], (), ["Ann"]),
        "after_flush_postexec": ((), ["Bea"], ()),
    }


# -- kinds of attributes -----------------------------------------------------------------------


@pytest.mark.rule("AH-29")
def test_history_of_a_composite_holds_composites(people):
    town = Town(place=Point(1, 2))
    assert history(town, "place") == ([Point(1, 2)], (), [Point(None, None)])
    people.add(town)
    people.flush()
    assert history(town, "place") == ((), [Point(1, 2)], ())

    town.place = Point(1, 3)

    assert history(town, "place") == ([Point(1, 3)], (), [Point(1, 2)])


@pytest.mark.rule("AH-30")
def test_history_of_a_dictionary_lists_members():
    first, second = shop.Note(kind="a"), shop.Note(kind="b")
    order = shop.Order(notes={"a": first})
    set_committed_value(order, "notes", [first])

    order.notes["b"] = second
    del order.notes["a"]

    assert history(order, "notes") == ([second], [], [first])


@pytest.mark.rule("AH-31")
@pytest.mark.parametrize(
    ("name", "is_known"), [("by_key", False), ("watched", True), ("by_number", True)]
)
def test_former_object_of_an_unloaded_reference(people, name, is_known):
    former = Person(id=1, number=1)
    people.add_all([former, Pet(id=1, person_id=1)])
    people.commit()
    people.expunge_all()
    pet = people.get(Pet, 1)
    new = Person(id=2, number=2)

    setattr(pet, name, new)

    deleted = get_history(pet, name).deleted
    assert [person.id for person in deleted] == ([1] if is_known else [])


@pytest.mark.rule("AH-32")
def test_expired_primary_key_is_loaded_when_it_is_set(author):
    former = inspect(author).identity[0]

    author.id = 77

    assert history(author, "id") == ([77], (), [former])


@pytest.mark.rule("AH-33")
def test_listener_with_active_history_has_the_former_value_loaded(author):
    seen = []

    def listen(target, value, old, initiator):
        seen.append(old)

    event.listen(Author.email, "set", listen, active_history=True)
    try:
        author.email = "x"
    finally:
        event.remove(Author.email, "set", listen)
        Author.email.impl.active_history = False

    assert seen == [None]
    assert history(author, "email") == (["x"], (), [None])


@pytest.mark.rule("AH-33")
def test_column_with_active_history_knows_its_former_value(people):
    town = Town(watched="a")
    people.add(town)
    people.commit()

    town.watched = "b"

    assert history(town, "watched") == (["b"], (), ["a"])


def test_blank_history_is_the_only_false_one():
    assert not HISTORY_BLANK
    assert history(Tag(), "books") is HISTORY_BLANK
