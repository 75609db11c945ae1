"""Events of attributes, and validators."""

from contextlib import contextmanager

import pytest
from sqlalchemy import ForeignKey, event, exc, inspect

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    attribute_keyed_dict,
    mapped_column,
    relationship,
    validates,
)
from holdfast.attributes import (
    NO_KEY,
    NO_VALUE,
    OP_APPEND,
    OP_BULK_REPLACE,
    OP_MODIFIED,
    OP_REMOVE,
    OP_REPLACE,
    flag_modified,
    instance_state,
)
from models import shop
from models.library import Author, Book, Tag


@contextmanager
def listening(attribute, name, listener, **options):
    event.listen(attribute, name, listener, **options)
    try:
        yield
    finally:
        event.remove(attribute, name, listener)


@contextmanager
def hearing(attribute, *names, **options):
    """What listeners of the events `names` are called with, in order."""
    heard = []
    listeners = []
    for name in names:

        def listen(*arguments, name=name, **named):
            heard.append((name, *arguments, *named.values()))

        event.listen(attribute, name, listen, **options)
        listeners.append((name, listen))
    try:
        yield heard
    finally:
        for name, listen in listeners:
            event.remove(attribute, name, listen)


def short(heard):
    """Events as name, value and operation."""
    return [(name, value, token.op) for name, _, value, *_, token in heard]


# -- which events ------------------------------------------------------------------------------


@pytest.mark.rule("EV-100")
def test_set_is_told_of_every_assignment(author):
    with hearing(Author.name, "set") as heard:
        author.name = "Bea"
        author.name = "Bea"
        _ = Author(name="Cleo")

    assert [(value, old) for _, _, value, old, _ in heard] == [
        ("Bea", NO_VALUE),
        ("Bea", "Bea"),
        ("Cleo", NO_VALUE),
    ]
    assert heard[0][1] is author
    assert heard[0][4].op is OP_REPLACE


@pytest.mark.rule("EV-100", "AH-33")
def test_set_is_told_of_the_loaded_value_with_active_history(author):
    with hearing(Author.name, "set", active_history=True) as heard:
        author.name = "Bea"
    Author.name.impl.active_history = False

    assert heard[0][3] == "Ann"


@pytest.mark.rule("EV-101", "EV-103")
def test_members_that_come_and_go_are_told(author):
    one, two = author.books
    three, four = Book(title="Three"), Book(title="Four")
    with hearing(Author.books, "append", "remove", "bulk_replace") as heard:
        author.books.append(three)
        author.books.remove(one)
        author.books = [two, four]

    assert short(heard) == [
        ("append", three, OP_APPEND),
        ("remove", one, OP_REMOVE),
        ("bulk_replace", [two, four], OP_BULK_REPLACE),
        ("append", four, OP_BULK_REPLACE),
        ("remove", three, OP_BULK_REPLACE),
    ]


@pytest.mark.rule("EV-102")
def test_member_that_is_there_already_is_told_apart():
    tag, note = Tag(), shop.Note(kind="a")
    book, order = Book(tags={tag}), shop.Order(notes={"a": note})
    with hearing(Book.tags, "append", "append_wo_mutation") as of_set:
        book.tags.add(tag)
    with hearing(shop.Order.notes, "append", "append_wo_mutation") as of_dict:
        order.notes["a"] = note

    assert short(of_set) == [("append_wo_mutation", tag, OP_APPEND)]
    assert short(of_dict) == [("append_wo_mutation", note, OP_APPEND)]


@pytest.mark.rule("EV-103")
def test_values_of_a_replacement_may_be_changed_in_place():
    one, two, three = Book(), Book(), Book()

    def replace(target, values, initiator):
        values.remove(two)
        values.append(three)

    author = Author()
    with listening(Author.books, "bulk_replace", replace):
        author.books = [one, two]

    assert author.books == [one, three]
    assert (two.author, three.author) == (None, author)


@pytest.mark.rule("EV-104")
def test_collections_are_told_of_when_made_and_when_replaced():
    with hearing(Author.books, "init_collection", "dispose_collection") as heard:
        author = Author()
        first = author.books
        first.append(Book())
        author.books = []

    assert [(name, collection is first) for name, _, collection, _ in heard] == [
        ("init_collection", True),
        ("init_collection", False),
        ("dispose_collection", True),
    ]
    assert heard[0][3].data is first
    assert heard[1][3].data is author.books
    assert heard[2][3] is heard[0][3]


@pytest.mark.rule("EV-105")
def test_unset_scalar_reads_as_its_listener_says():
    def give(target, value, dict_):
        return "nobody"

    def keep(target, value, dict_):
        dict_["name"] = "somebody"
        return "somebody"

    with listening(Author.name, "init_scalar", give, retval=True):
        author = Author()
        assert author.name == "nobody"
        assert "name" not in vars(author)
    with listening(Author.name, "init_scalar", keep, retval=True):
        author = Author()
        assert author.name == "somebody"
    assert author.name == "somebody"
    assert Author().name is None


@pytest.mark.rule("EV-106")
def test_flagging_is_told(author):
    assert author.name
    with hearing(Author.name, "modified") as heard:
        flag_modified(author, "name")

    [(_, target, token)] = heard
    assert target is author
    assert (token.op, token.key) == (OP_MODIFIED, "name")


@pytest.mark.rule("EV-111")
def test_deleting_a_value_is_told_as_a_removal(author):
    assert author.name
    book = author.books[0]
    assert book.author is author
    with (
        hearing(Author.name, "remove") as of_value,
        hearing(Book.author, "remove") as of_reference,
    ):
        del author.name
        del book.author

    assert short(of_value) == [("remove", "Ann", OP_REMOVE)]
    assert short(of_reference) == [("remove", author, OP_REMOVE)]


@pytest.mark.rule("EV-110", "AH-63")
def test_loading_is_told_nobody(session, author):
    with (
        hearing(Author.name, "set") as of_value,
        hearing(Author.books, "append", "bulk_replace") as of_collection,
        hearing(Book.author, "set") as of_reference,
    ):
        assert author.name
        assert author.books[0].author is author
        session.refresh(author)

    assert of_value == of_collection == of_reference == []


# -- how they are listened to ------------------------------------------------------------------


@pytest.mark.rule("EV-107")
def test_answer_of_a_listener_is_stored_with_retval_only():
    def upper(target, value, *_):
        return value.upper()

    with listening(Author.name, "set", upper, retval=True):
        assert Author(name="Ann").name == "ANN"
    with listening(Author.name, "set", upper):
        assert Author(name="Ann").name == "Ann"

    other = Book(title="other")

    def exchange(target, value, initiator):
        return other

    with listening(Author.books, "append", exchange, retval=True):
        author = Author(books=[Book()])
    assert author.books == [other]
    assert other.author is author


@pytest.mark.rule("EV-107")
def test_failing_listener_leaves_the_value_as_it_was(author):
    assert author.name == "Ann"

    def refuse(target, value, old, initiator):
        raise ValueError("no")

    with listening(Author.name, "set", refuse), pytest.raises(ValueError, match="no"):
        author.name = "Bea"

    assert author.name == "Ann"
    assert not inspect(author).modified


@pytest.mark.rule("EV-108")
@pytest.mark.parametrize("propagate", [True, False])
def test_listener_of_a_class_hears_of_subclasses_with_propagate(propagate):
    class LocalBase(DeclarativeBase):
        pass

    class Person(LocalBase):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str | None]

    class Clerk(Person):
        pass

    heard = []

    def listen(target, value, old, initiator):
        heard.append(type(target).__name__)

    event.listen(Person.name, "set", listen, propagate=propagate)

    class Temp(Person):
        pass

    for class_ in (Person, Clerk, Temp):
        class_(name="x")

    assert heard == (["Person", "Clerk", "Temp"] if propagate else ["Person"])


@pytest.mark.rule("EV-108")
def test_raw_listener_is_given_the_state(author):
    with hearing(Author.name, "set", raw=True) as heard:
        author.name = "Bea"

    assert heard[0][1] is instance_state(author)


@pytest.mark.rule("EV-108", "AH-81")
def test_key_is_given_to_those_who_ask_for_it():
    note, book = shop.Note(kind="a"), Book()
    with hearing(shop.Order.notes, "append", "remove", "bulk_replace", include_key=True) as of_dict:
        order = shop.Order()
        order.notes["b"] = note
        del order.notes["b"]
        order.notes = {"a": note}
    with hearing(Author.books, "append", "remove", include_key=True) as of_list:
        author = Author(books=[book])
        author.books.insert(0, Book())
        author.books.remove(book)

    assert [(name, key) for name, *_, key in of_dict] == [
        ("append", "b"),
        ("remove", "b"),
        ("bulk_replace", ["a"]),
        ("append", "a"),
    ]
    assert [(name, key) for name, *_, key in of_list] == [
        ("append", NO_KEY),
        ("append", 0),
        ("remove", NO_KEY),
    ]


@pytest.mark.rule("EV-109")
def test_other_end_hears_of_the_change_with_its_initiator():
    author, book = Author(), Book()
    with (
        hearing(Author.books, "append", "remove") as of_collection,
        hearing(Book.author, "set") as of_reference,
    ):
        author.books.append(book)
        book.author = None

    assert [(name, token.key) for name, *_, token in of_collection] == [
        ("append", "books"),
        ("remove", "author"),
    ]
    assert [(value, token.key) for _, _, value, _, token in of_reference] == [
        (author, "books"),
        (None, "author"),
    ]


# -- validators --------------------------------------------------------------------------------


class Base(DeclarativeBase):
    pass


class Owner(Base):
    __tablename__ = "owner"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    nick: Mapped[str | None]
    pets: Mapped[list["Animal"]] = relationship(back_populates="owner")
    by_name: Mapped[dict[str, "Animal"]] = relationship(
        collection_class=attribute_keyed_dict("name"), overlaps="pets,owner"
    )

    def __init__(self, **values):
        self.seen = []
        super().__init__(**values)

    @validates("name", "nick")
    def clean(self, key, value):
        return value.strip()

    @validates("pets", "by_name", include_removes=True)
    def note(self, key, pet, is_remove):
        self.seen.append((key, pet, is_remove))
        if pet.name == "bad":
            raise ValueError("no")
        return pet


class Animal(Base):
    __tablename__ = "animal"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owner.id"))
    owner: Mapped[Owner | None] = relationship(back_populates="pets", overlaps="by_name")

    @validates("owner", include_backrefs=False)
    def refuse_directly(self, key, owner):
        raise AssertionError("set only from the other side")


@pytest.mark.rule("EV-112")
def test_validator_makes_the_value_that_is_stored():
    owner = Owner(name=" Ann ")
    owner.nick = " A "

    assert (owner.name, owner.nick) == ("Ann", "A")


@pytest.mark.rule("EV-112")
def test_validator_hears_of_removals_and_may_refuse():
    owner, pet = Owner(), Animal(name="Rex")
    owner.pets.append(pet)
    owner.pets.remove(pet)

    assert owner.seen == [("pets", pet, False), ("pets", pet, True)]
    with pytest.raises(ValueError, match="no"):
        owner.pets.append(Animal(name="bad"))
    assert owner.pets == []


@pytest.mark.rule("EV-112")
def test_validator_may_leave_out_what_comes_from_the_other_side():
    pet = Animal(name="Rex")
    owner = Owner(pets=[pet])

    assert pet.owner is owner
    with pytest.raises(AssertionError, match="other side"):
        pet.owner = None


@pytest.mark.rule("EV-112")
def test_validator_is_not_asked_on_load(engine, tables):
    tables(Base.metadata)
    with Session(engine) as session:
        session.execute(Owner.__table__.insert(), {"id": 1, "name": " raw "})

        assert session.get(Owner, 1).name == " raw "


@pytest.mark.rule("EV-113")
def test_second_validator_of_an_attribute_is_refused():
    class LocalBase(DeclarativeBase):
        pass

    with pytest.raises(exc.InvalidRequestError, match="A validation function for mapped attribute"):

        class Twice(LocalBase):
            __tablename__ = "twice"
            id: Mapped[int] = mapped_column(primary_key=True)

            @validates("id")
            def first(self, key, value):
                return value

            @validates("id")
            def second(self, key, value):
                return value


@pytest.mark.rule("EV-113")
def test_validator_of_a_subclass_replaces_the_one_above():
    class LocalBase(DeclarativeBase):
        pass

    class Upper(LocalBase):
        __tablename__ = "upper"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str | None]

        @validates("name")
        def check(self, key, value):
            return value + " above"

    class Lower(Upper):
        @validates("name")
        def check(self, key, value):
            return super().check(key, value) + " below"

    assert Upper(name="x").name == "x above"
    assert Lower(name="x").name == "x above below"


@pytest.mark.rule("EV-114")
def test_validator_of_a_dictionary_is_given_the_member():
    owner, pet = Owner(), Animal(name="Rex")

    owner.by_name["Rex"] = pet

    assert owner.seen == [("by_name", pet, False)]
