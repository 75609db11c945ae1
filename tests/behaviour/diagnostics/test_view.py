"""A view shows what is known of an object or session, and touches nothing."""

import pytest
from sqlalchemy import inspect, select

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    defer,
    mapped_column,
    scoped_session,
    sessionmaker,
)
from holdfast.diagnostics import explain, explain_select, view
from holdfast.errors import UnmappedInstanceError
from models import market
from models.library import Author, Base, Book, Tag


class OwnBase(DeclarativeBase):
    pass


class Touchy(OwnBase):
    """Its code must not be called by whoever looks."""

    __tablename__ = "touchy"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

    def __repr__(self):
        raise AssertionError("called")

    __str__ = __bool__ = __hash__ = __repr__

    def __eq__(self, other):
        raise AssertionError("called")


@pytest.fixture
def session(engine, tables, sql):
    tables(Base.metadata)
    with Session(engine) as session:
        session.add(Author(id=1, name="Anne", books=[Book(id=1, title="Emma")]))
        session.add_all([Author(id=number, name=f"name {number}") for number in range(2, 12)])
        session.commit()
        session.close()
        sql.clear()
        yield session


def seen(sql, thing):
    """The view, which must not have cost a statement."""
    sql.clear()
    text = view(thing)
    assert sql.emitted == []
    return text.splitlines()


def test_loaded_object_shows_values_and_what_is_not_loaded(session, sql):
    author = session.get(Author, 1, options=[defer(Author.email)])

    assert seen(sql, author) == [
        "<Author id=1>: persistent",
        "  id     1",
        "  name   'Anne'",
        "  email  deferred",
        "  books  not loaded",
    ]
    author.books
    assert seen(sql, author)[-1] == "  books  [<Book id=1>]"
    assert seen(sql, inspect(author)) == seen(sql, author)


def test_changed_object_shows_old_and_new(session, sql):
    author = session.get(Author, 1)
    book = author.books[0]
    author.name, author.email = "Emily", None
    author.books.remove(book)
    author.books.append(Book(title="new"))

    lines = seen(sql, author)
    assert lines[:4] == [
        "<Author id=1>: persistent",
        "  id     1",
        "  name   'Anne' -> 'Emily'  (changed)",
        "  email  None",
    ]
    assert lines[4].startswith("  books  +<Book at 0x")
    assert lines[4].endswith(", -<Book id=1>  (changed)")
    assert seen(sql, book)[-2] == "  author     <Author id=1> -> None  (changed)"


def test_expired_object_stays_expired(session, sql):
    author = session.get(Author, 1)
    session.expire(author)
    state = inspect(author)

    assert seen(sql, author) == [
        "<Author id=1>: persistent, expired",
        "  id     expired",
        "  name   expired",
        "  email  expired",
        "  books  not loaded",
    ]
    assert state.expired
    author.name = "blind"
    assert seen(sql, author)[2] == "  name   unknown -> 'blind'  (changed)"


def test_objects_of_the_five_states(session, sql):
    author = Author(name="x")
    assert seen(sql, author)[0].endswith(": transient")
    assert seen(sql, author)[1:] == [
        "  id     not set",
        "  name   'x'",
        "  email  not set",
        "  books  not set",
    ]
    session.add(author)
    assert seen(sql, author)[0].endswith(": pending")
    session.flush()
    session.delete(author)
    assert seen(sql, author)[0] == "<Author id=12>: persistent, to be deleted"
    session.flush()
    assert seen(sql, author)[0] == "<Author id=12>: deleted"
    session.rollback()
    loaded = session.get(Author, 1)
    session.expunge(loaded)
    assert seen(sql, loaded)[0] == "<Author id=1>: detached"


def test_queued_changes_of_an_unloaded_collection_are_shown(session, sql):
    author = session.get(Author, 1)
    Book(id=5, author=author)

    assert seen(sql, author)[-1].endswith(", the rest not loaded  (changed)")


def test_long_collections_are_cut(session, sql):
    author = session.get(Author, 1)
    author.books += [Book(id=number) for number in range(2, 20)]
    session.flush()

    assert seen(sql, author)[-1].endswith("<Book id=8> and 11 more]")


def test_collections_of_every_shape_are_shown(engine, tables, sql):
    tables(market.Base.metadata)
    for mapper in market.Base.registry.mappers:
        instance = mapper.class_()
        for prop in mapper.relationships:
            if prop.uselist and prop.lazy not in ("dynamic", "write_only"):
                getattr(instance, prop.key)

        assert len(seen(sql, instance)) == 1 + len(mapper.column_attrs) + len(mapper.relationships)


def test_code_of_the_user_is_not_called(engine, tables, sql):
    tables(OwnBase.metadata)
    with Session(engine) as session:
        touchy = Touchy(id=1, name="x")
        session.add(touchy)
        assert seen(sql, session)[1] == f"new: <Touchy at 0x{id(touchy):x}>"
        session.flush()
        touchy.name = "y"

        assert seen(sql, touchy)[2] == "  name  'x' -> 'y'  (changed)"
        assert seen(sql, session)[1] == "changed: <Touchy id=1> name 'x' -> 'y'"


def test_values_are_hidden_where_the_engine_hides_them(engine, session, sql):
    engine.hide_parameters = True
    author = session.get(Author, 1)
    author.name = "secret"

    assert seen(sql, author)[1:4] == [
        "  id     1",
        "  name   ... -> ...  (changed)",
        "  email  None",
    ]
    assert "secret" not in view(session)


def test_session_shows_members_by_what_becomes_of_them(session, sql):
    first, second, third, *_rest = session.scalars(select(Author).order_by(Author.id)).all()
    kept = _rest[0]
    del _rest
    tag = Tag(name="new")
    session.add(tag)
    first.name = "changed"
    second.name = second.name
    session.delete(third)

    number = session.hash_key
    lines = seen(sql, session)
    assert lines[0] == f"Session {number}: in autobegin, connections: 1"
    assert "changed: <Author id=1> name 'Anne' -> 'changed'" in lines
    assert f"new: <Tag at 0x{id(tag):x}>" in lines
    assert "to be deleted: <Author id=3>" in lines
    assert "unchanged: " in lines[-1]
    assert kept in session
    session.flush()
    assert "deleted, not committed: <Author id=3>" in seen(sql, session)


def test_session_shows_the_levels_of_its_transaction(session, sql):
    number = session.hash_key
    assert seen(sql, session) == [f"Session {number}: no transaction", "no objects"]
    assert session.get_transaction() is None
    session.begin()
    session.begin_nested()
    session.get(Author, 1)

    assert seen(sql, session)[0].startswith(f"Session {number}: in begin > begin_nested, conn")


def test_session_whose_flush_has_failed_says_so(session, sql):
    session.add(Author(id=1, name="taken"))
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        session.flush()

    assert "IntegrityError has ended: call rollback()" in seen(sql, session)[0]


def test_scoped_sessions_and_plans_are_shown(engine, session, sql):
    registry = scoped_session(sessionmaker(engine))
    registry.add(Tag(name="x"))

    assert seen(sql, registry)[1].startswith("new: <Tag at 0x")
    assert view(explain(registry)) == "1. INSERT Tag: <Tag #1>"
    assert view(explain(registry).plan) == "1. INSERT Tag: <Tag #1>"
    assert view(explain_select(select(Tag))).startswith("entity Tag")
    registry.remove()


@pytest.mark.parametrize("thing", [5, object(), "text", Author])
def test_what_cannot_be_shown_is_refused(thing):
    with pytest.raises(UnmappedInstanceError):
        view(thing)
