"""What a session says to wrong use, and that it is usable afterwards."""

import pytest
from sqlalchemy import exc

from holdfast import Session
from holdfast.errors.mapping import UnmappedClassError, UnmappedInstanceError
from holdfast.errors.session import MembershipError, SessionUseError
from models import library


class Plain:
    """Not mapped."""


@pytest.fixture
def session(engine, tables):
    tables(library.Base.metadata)
    with Session(engine) as session:
        yield session


@pytest.mark.parametrize("thing", [Plain(), None, 5, "x", library.Author, {}])
def test_add_refuses_an_object_of_an_unmapped_class(session, thing):
    with pytest.raises(UnmappedInstanceError, match="is not mapped") as caught:
        session.add(thing)

    assert type(thing).__name__ in str(caught.value)
    assert not session.new


def test_object_of_an_unmapped_subclass_is_refused(session):
    class Unmapped(library.Author):
        __abstract__ = True

    with pytest.raises(UnmappedClassError, match=r"'.*Unmapped' is not mapped"):
        session.add(Unmapped(name="Ann"))


@pytest.mark.parametrize(
    "method", ["delete", "expunge", "expire", "refresh", "merge", "is_modified", "__contains__"]
)
def test_other_methods_refuse_an_object_of_an_unmapped_class(session, method):
    with pytest.raises(UnmappedInstanceError, match=r"'.*Plain' is not mapped"):
        getattr(session, method)(Plain())


def test_add_all_keeps_what_came_before_an_unmapped_object(session):
    author = library.Author(name="Ann")

    with pytest.raises(UnmappedInstanceError):
        session.add_all([author, Plain(), library.Author(name="Bo")])

    assert list(session.new) == [author]


def test_add_refuses_an_object_of_another_session(session, engine):
    author = library.Author(name="Ann")
    session.add(author)
    session.commit()
    other = Session(engine)

    with pytest.raises(MembershipError, match="is already attached to session") as caught:
        other.add(author)

    assert f"'{session.hash_key}' (this is '{other.hash_key}')" in str(caught.value)
    assert author in session
    assert author not in other
    assert author.name == "Ann"


def test_add_takes_an_object_whose_session_was_closed(session, engine):
    author = library.Author(name="Ann")
    session.add(author)
    session.commit()
    session.refresh(author)
    session.close()

    with Session(engine) as other:
        other.add(author)
        assert author in other


def test_add_refuses_a_second_object_for_one_identity(session):
    session.add(library.Author(id=1, name="Ann"))
    session.commit()
    first = session.get(library.Author, 1)
    session.expunge(first)
    second = session.get(library.Author, 1)

    with pytest.raises(MembershipError, match=r"another instance with key .* is already present"):
        session.add(first)

    assert first not in session
    assert session.get(library.Author, 1) is second


def test_flush_of_two_new_objects_with_one_identity_loses_none(session):
    first, second = library.Author(id=1, name="Ann"), library.Author(id=1, name="Bo")
    session.add_all([first, second])

    with pytest.raises(exc.IntegrityError):
        session.flush()
    session.rollback()

    assert first not in session
    assert second not in session
    assert (first.id, first.name, second.id, second.name) == (1, "Ann", 1, "Bo")
    second.id = 2
    session.add_all([first, second])
    session.commit()
    assert session.get(library.Author, 2).name == "Bo"


def test_closed_session_refuses_use_when_close_is_final(engine, tables):
    tables(library.Base.metadata)
    session = Session(engine, close_resets_only=False)
    session.close()

    uses = {
        "add": lambda: session.add(library.Author(name="Ann")),
        "begin": session.begin,
        "commit": session.commit,
        "connection": session.connection,
        "get": lambda: session.get(library.Author, 1),
        "all": session.query(library.Author).all,
    }
    for method, use in uses.items():
        names_both = rf"permanently closed.*'{method}\(\)' was called after 'close\(\)'"
        with pytest.raises(SessionUseError, match=names_both) as caught:
            use()
        assert (caught.value.method, caught.value.running) == (method, "close")
    session.close()
    session.reset()


def test_closed_session_is_new_by_default(session):
    author = library.Author(name="Ann")
    session.add(author)
    session.close()

    assert author not in session
    session.add(author)
    session.commit()
    assert author.id == 1


def test_loading_after_close_says_that_the_object_is_detached(session):
    session.add(library.Author(name="Ann"))
    session.commit()
    author = session.get(library.Author, 1)
    session.close()

    with pytest.raises(exc.SQLAlchemyError, match=r"is not bound to a Session.*'books'"):
        author.books
