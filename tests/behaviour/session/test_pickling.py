"""Mapped objects and their collections, pickled and copied."""

import copy
import pickle

import pytest
from sqlalchemy import event, inspect, select

from holdfast import Session, registry, selectinload
from holdfast.exc import UnmappedInstanceError
from models import library, shop


@pytest.fixture
def session(engine, tables):
    for model in (library, shop):
        tables(model.Base.metadata)
    with Session(engine) as session:
        ann = library.Author(id=1, name="Ann", email="ann@x")
        ann.books = [library.Book(id=1, title="one"), library.Book(id=2, title="two")]
        session.add(ann)
        session.commit()
        yield session


def travelled(obj):
    return pickle.loads(pickle.dumps(obj))


@pytest.mark.rule("SM-178")
def test_new_object_with_relatives_can_be_added_after_travelling(session):
    author = library.Author(id=7, name="Cy")
    author.books.append(library.Book(title="first"))

    copied = travelled(author)
    assert inspect(copied).transient
    assert copied.books[0].author is copied
    session.add(copied)
    session.commit()

    assert copied.name == "Cy"
    assert [book.title for book in copied.books] == ["first"]


@pytest.mark.rule("SM-178")
def test_persistent_object_arrives_detached_with_key_and_values(session):
    author = session.scalars(select(library.Author).options(selectinload("*"))).one()

    copied = travelled(author)

    state = inspect(copied)
    assert state.detached
    assert state.key == inspect(author).key
    assert copied.name == "Ann"
    assert [book.title for book in copied.books] == ["one", "two"]
    assert all(inspect(book).detached for book in copied.books)
    assert author in session


@pytest.mark.rule("SM-178")
def test_travelled_object_loads_what_it_lacks_once_in_a_session(session, engine):
    author = session.get(library.Author, 1)
    session.expire(author, ["email"])
    copied = travelled(author)

    session.close()
    with Session(engine) as other:
        other.add(copied)
        assert inspect(copied).persistent
        assert copied.email == "ann@x"
        assert len(copied.books) == 2


def test_unsaved_changes_travel_and_are_saved(session, engine):
    author = session.get(library.Author, 1)
    assert (author.name, len(author.books)) == ("Ann", 2)
    author.name = "Anna"
    author.books.append(library.Book(title="three"))
    copied = travelled(author)
    session.close()

    history = inspect(copied).attrs.name.history
    assert (history.added, history.deleted) == (["Anna"], ["Ann"])
    with Session(engine) as other:
        other.add(copied)
        assert copied in other.dirty
        other.commit()
        assert copied.name == "Anna"
        assert len(copied.books) == 3


def test_queued_changes_of_an_unloaded_collection_travel(session, engine):
    author = session.get(library.Author, 1)
    assert author.name == "Ann"
    library.Book(title="three", author=author)
    assert "books" not in vars(author)
    copied = travelled(author)
    session.close()

    with Session(engine) as other:
        other.add(copied)
        assert [each.title for each in copied.books] == ["one", "two", "three"]


def test_notes_travel(session):
    author = session.get(library.Author, 1)
    inspect(author).info["seen"] = True

    assert inspect(travelled(author)).info == {"seen": True}


@pytest.mark.rule("SM-178")
def test_loader_options_travel(session, engine, sql):
    author = session.scalars(
        select(library.Author).options(selectinload(library.Author.books))
    ).one()
    session.expire(author)
    copied = travelled(author)
    session.close()

    with Session(engine) as other:
        other.add(copied)
        sql.clear()
        assert copied.name == "Ann"
        assert len(copied.books) == 2
        assert len(sql) == 2


def test_claims_of_parents_travel(session):
    order = shop.Order(customer="Ann", lines=[shop.Line(number=1, product="pen")])
    order.notes["gift"] = shop.Note(kind="gift")

    copied = travelled(order)
    session.add(copied)
    session.commit()

    assert [line.product for line in copied.lines] == ["pen"]
    assert copied.notes["gift"].order_id == copied.id


def test_listeners_see_what_travels(session):
    seen = []

    def note(target, values):
        seen.append(type(target))
        values["extra"] = "kept"

    def read(target, values):
        seen.append(values["extra"])

    event.listen(library.Author, "pickle", note)
    event.listen(library.Author, "unpickle", read)
    try:
        travelled(library.Author(name="x"))
    finally:
        event.remove(library.Author, "pickle", note)
        event.remove(library.Author, "unpickle", read)

    assert seen == [library.Author, "kept"]


class Plain:
    def __init__(self, name):
        self.name = name
        self.made = 1

    def __getstate__(self):
        return {**vars(self), "made": self.made + 1}


def test_own_constructor_is_not_called_and_own_getstate_is(engine):
    reg = registry()
    reg.map_imperatively(Plain, library.Author.__table__)
    try:
        copied = travelled(Plain("Di"))
        assert (copied.name, copied.made) == ("Di", 2)
        assert inspect(copied).transient
        assert inspect(copied).attrs.name.history.added == ["Di"]
        pickled = pickle.dumps(copied)
    finally:
        reg.dispose()

    with pytest.raises(UnmappedInstanceError, match=r"Cannot deserialize object of type .*Plain"):
        pickle.loads(pickled)


def test_state_travels_on_its_own():
    author = library.Author(name="Ann")

    state, copied = travelled((inspect(author), author))

    assert inspect(copied) is state


def test_deep_copy_is_a_detached_twin(session):
    author = session.get(library.Author, 1)
    assert [book.author for book in author.books] == [author, author]

    twin = copy.deepcopy(author)
    twin.books.append(library.Book(title="three"))

    assert inspect(twin).detached
    assert inspect(twin).key == inspect(author).key
    assert len(author.books) == 2
    assert len(twin.books) == 3
    assert twin.books[0].author is twin
    assert not session.dirty


@pytest.mark.parametrize("name", ["books", "tags"])
def test_copied_collection_is_nobodys(session, name):
    book = library.Book(title="x", tags={library.Tag(name="a")})
    author = library.Author(name="Ann", books=[book])
    owner = author if name == "books" else book
    own = getattr(owner, name)

    copied = copy.copy(own)
    copied.clear()

    assert type(copied) is type(own)
    assert len(own) == 1
    assert book.author is author


def test_deep_copied_collection_reports_to_the_deep_copied_owner():
    author = library.Author(name="Ann", books=[library.Book(title="x")])
    inspect(author)  # a new object: its members are additions

    twin = copy.deepcopy(author)
    new = library.Book(title="y")
    twin.books.append(new)

    assert new.author is twin
    assert inspect(twin).attrs.books.history.added == list(twin.books)
    assert len(author.books) == 1
