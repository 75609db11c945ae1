"""The five states of an object, and what `inspect()` says in each."""

import gc

import pytest
from sqlalchemy import exc, inspect

from holdfast import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Session,
    make_transient,
    mapped_column,
    object_session,
    was_deleted,
)
from holdfast.attributes import instance_state
from holdfast.exc import DetachedInstanceError, UnmappedInstanceError
from holdfast.util import object_state
from models import library

FLAGS = ("transient", "pending", "persistent", "deleted", "detached")


@pytest.fixture
def session(engine, tables):
    tables(library.Base.metadata)
    with Session(engine) as session:
        yield session


def flags_of(obj):
    return [flag for flag in FLAGS if getattr(inspect(obj), flag)]


@pytest.mark.rule("SM-1", "SM-5", "SM-8")
def test_exactly_one_flag_is_true_all_along_the_life_of_an_object(session):
    author = library.Author(name="Ann")
    seen = [flags_of(author)]
    for step in (
        lambda: session.add(author),
        session.flush,
        lambda: session.delete(author),
        session.flush,
        session.commit,
        lambda: make_transient(author),
    ):
        step()
        seen.append(flags_of(author))

    assert seen == [
        ["transient"],
        ["pending"],
        ["persistent"],
        ["persistent"],
        ["deleted"],
        ["detached"],
        ["transient"],
    ]


@pytest.mark.rule("SM-2")
def test_new_object_has_neither_session_nor_identity():
    state = inspect(library.Author(id=1, name="Ann"))

    assert state.transient
    assert (state.session, state.key, state.identity, state.identity_key) == (None,) * 4
    assert state.has_identity is False


@pytest.mark.rule("SM-3")
def test_pending_object_has_no_identity_even_with_a_primary_key(session):
    author = library.Author(id=1, name="Ann")
    session.add(author)

    state = inspect(author)

    assert state.pending
    assert (state.key, state.identity, state.has_identity) == (None, None, False)


@pytest.mark.rule("SM-4")
def test_persistent_object_stands_in_the_identity_map_under_the_base_class(engine, tables):
    class Base(DeclarativeBase):
        pass

    class Animal(Base):
        __tablename__ = "animal"
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]

    class Dog(Animal):
        __mapper_args__ = {"polymorphic_identity": "dog"}

    session = Session(tables(Base.metadata))
    dog = Dog(id=3)
    session.add(dog)
    session.flush()

    state = inspect(dog)

    assert state.identity == (3,)
    assert state.identity_key == state.key == (Animal, (3,), None)
    assert session.identity_map[state.identity_key] is dog
    session.close()


@pytest.mark.rule("SM-6", "SM-7", "SM-8")
def test_deleted_object_keeps_session_and_key_and_remembers_until_made_transient(session):
    author = library.Author(name="Ann")
    session.add(author)
    session.commit()
    key = inspect(author).key
    session.delete(author)
    assert not was_deleted(author)
    session.flush()
    state = inspect(author)

    assert state.deleted
    assert (state.session, state.key) == (session, key)
    assert author not in session
    assert author not in session.deleted
    assert key not in session.identity_map
    assert state.was_deleted
    session.commit()
    assert not state.deleted
    assert state.was_deleted
    assert was_deleted(author)
    make_transient(author)
    assert not was_deleted(author)


@pytest.mark.rule("SM-7")
def test_rollback_takes_back_that_an_object_was_deleted(session):
    author = library.Author(name="Ann")
    session.add(author)
    session.commit()
    session.delete(author)
    session.flush()

    session.rollback()

    assert not was_deleted(author)


@pytest.mark.rule("SM-9")
def test_three_ways_to_the_state_of_an_unmapped_object_raise_three_errors():
    unmapped = object()

    with pytest.raises(exc.NoInspectionAvailable):
        inspect(unmapped)
    with pytest.raises(UnmappedInstanceError):
        object_state(unmapped)
    with pytest.raises(AttributeError):
        instance_state(unmapped)
    author = library.Author()
    assert object_state(author) is instance_state(author) is inspect(author)


@pytest.mark.rule("SM-10")
def test_detached_object_reads_and_writes_what_it_has_and_cannot_load(session):
    author = library.Author(name="Ann")
    session.add(author)
    session.commit()
    assert author.name == "Ann"
    session.close()

    author.name += "a"

    assert author.name == "Anna"
    with pytest.raises(DetachedInstanceError):
        author.books
    state = inspect(author)
    assert state.detached


@pytest.mark.rule("SM-11")
@pytest.mark.parametrize("is_pending", [False, True])
def test_reading_what_was_never_set_leaves_no_trace(session, is_pending):
    author = library.Author()
    if is_pending:
        session.add(author)
        session.autoflush = False

    assert (author.name, author.books) == (None, [])

    assert set(vars(author)) == {"_sa_instance_state"}
    assert not inspect(author).modified
    session.expunge_all()


@pytest.mark.rule("SM-11")
def test_unset_attribute_of_a_dataclass_reads_as_its_default():
    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class Point(Base):
        __tablename__ = "point"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        height: Mapped[int] = mapped_column(default=7)

    assert Point().height == 7


STATE_ATTRIBUTES = """
    attrs callables class_ committed_state deleted detached dict expired expired_attributes
    has_identity identity identity_key identity_token info key mapper manager modified object
    pending persistent session async_session transient unloaded unmodified was_deleted
"""


@pytest.mark.rule("SM-179")
@pytest.mark.parametrize("name", STATE_ATTRIBUTES.split())
def test_state_offers(session, name):
    author = library.Author(name="Ann")
    session.add(author)
    session.commit()
    author.email = "a@x"
    state = inspect(author)

    expected = {
        "class_": library.Author,
        "mapper": inspect(library.Author),
        "object": author,
        "dict": vars(author),
        "session": session,
        "async_session": None,
        "identity": (1,),
        "identity_token": None,
        "key": (library.Author, (1,), None),
        "identity_key": (library.Author, (1,), None),
        "expired_attributes": {"id", "name"},
        "unloaded": {"id", "name", "books"},
        "unmodified": {"id", "name", "books"},
        "callables": {},
        "info": {},
        "modified": True,
        "has_identity": True,
        "persistent": True,
        "expired": True,
    }.get(name, False)

    found = getattr(state, name)

    if name == "attrs":
        assert found.email.value == "a@x"
    elif name == "manager":
        assert found.class_ is library.Author
    elif name == "committed_state":
        assert set(found) == {"email"}
    else:
        assert found == expected


@pytest.mark.rule("SM-179")
def test_unmodified_intersection_leaves_out_changed_and_unknown_names():
    author = library.Author(name="Ann")

    assert inspect(author).unmodified_intersection(["name", "email", "nothing"]) == {"email"}


@pytest.mark.rule("SM-180")
def test_state_of_a_collected_object_has_no_object():
    state = inspect(library.Author(name="Ann"))
    gc.collect()

    assert state.object is None


@pytest.mark.rule("SM-176")
def test_object_session_is_the_session_or_none(session):
    author = library.Author(name="Ann")
    assert object_session(author) is None

    session.add(author)

    assert object_session(author) is session
    with pytest.raises(UnmappedInstanceError):
        object_session(object())


@pytest.mark.rule("SM-33")
def test_identity_key_follows_a_flushed_primary_key_and_goes_back_with_it(session):
    author = library.Author(id=1, name="Ann")
    session.add(author)
    session.commit()
    author.id = 5
    assert inspect(author).identity == (1,)

    session.flush()

    assert inspect(author).identity == (5,)
    assert session.identity_map[inspect(author).key] is author
    session.rollback()
    assert inspect(author).identity == (1,)
    assert session.identity_map[inspect(author).key] is author
    assert len(session.identity_map) == 1
