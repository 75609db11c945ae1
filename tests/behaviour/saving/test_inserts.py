"""New objects become rows."""

import pickle

import pytest
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    String,
    Table,
    exc,
    func,
    inspect,
    null,
    select,
    text,
    update,
)

from databases import UNIQUE
from holdfast import Session, registry
from holdfast.errors.flush import FlushError
from models import library


@pytest.fixture
def session(engine, tables):
    tables(library.Base.metadata)
    with Session(engine) as session:
        yield session


def map_table(engine, *columns, **options):
    """A class mapped to a fresh table `thing`."""

    class Thing:
        def __init__(self, **values):
            self.__dict__.setdefault("_", None)
            for key, value in values.items():
                setattr(self, key, value)

    table = Table("thing", MetaData(), *columns)
    registry().map_imperatively(Thing, table, **options)
    table.create(engine)
    return Thing


def test_generated_keys_are_on_the_objects_in_the_order_of_add(session):
    authors = [library.Author(name=str(number)) for number in range(5)]
    session.add_all(authors)
    session.flush()

    assert [author.id for author in authors] == [1, 2, 3, 4, 5]
    assert session.scalars(select(library.Author.name).order_by(library.Author.id)).all() == list(
        "01234"
    )


def test_given_keys_go_in_one_statement(session, sql):
    session.add_all([library.Author(id=number, name="x") for number in (7, 3, 5)])
    session.flush()

    assert sql.emitted == ["INSERT INTO author (id, name, email) VALUES (?, ?, ?)"]
    assert sql.parameters == [[(7, "x", None), (3, "x", None), (5, "x", None)]]


def test_attributes_never_set_are_null_and_read_without_sql(session, sql):
    author = library.Author(name="x")
    session.add(author)
    session.flush()
    sql.clear()

    assert author.email is None
    assert sql.emitted == []


def test_children_get_the_key_of_their_parent(session):
    author = library.Author(name="x", books=[library.Book(), library.Book()])
    session.add(author)
    session.flush()

    assert [book.author_id for book in author.books] == [author.id, author.id]


def test_a_reference_to_a_pending_object_waits_for_its_key(session):
    book = library.Book(author=library.Author(name="x"))
    session.add(book)
    session.flush()

    assert book.author_id == book.author.id == 1


def test_association_rows_are_written_once_when_both_sides_know(session, sql):
    book, tag = library.Book(), library.Tag(name="t")
    book.tags.add(tag)
    session.add_all([book, tag])
    session.flush()

    assert sql.emitted.count("INSERT INTO book_tag (book_id, tag_id) VALUES (?, ?)") == 1
    assert tag.books == [book]


def test_defaults_of_python_are_on_the_object(engine):
    Thing = map_table(
        engine,
        Column("id", Integer, primary_key=True),
        Column("plain", Integer, default=5),
        Column("called", String, default=lambda: "made"),
    )
    with Session(engine) as session:
        things = [Thing(), Thing(plain=6, called="given")]
        session.add_all(things)
        session.flush()

        assert [(each.plain, each.called) for each in things] == [(5, "made"), (6, "given")]


def test_defaults_of_the_server_come_back(engine):
    Thing = map_table(
        engine,
        Column("id", Integer, primary_key=True),
        Column("made", String, server_default=text("'server'")),
    )
    with Session(engine) as session:
        thing = Thing()
        session.add(thing)
        session.flush()

        assert thing.made == "server"


def test_null_goes_past_a_default(engine):
    Thing = map_table(
        engine, Column("id", Integer, primary_key=True), Column("value", Integer, default=5)
    )
    with Session(engine) as session:
        thing = Thing(value=null())
        session.add(thing)
        session.flush()

        assert thing.value is None


def test_a_sql_expression_is_computed_by_the_database(session):
    author = library.Author(name=func.upper("abc"))
    plain = library.Author(name="plain")
    session.add_all([author, plain])
    session.flush()

    assert "name" not in author.__dict__
    assert author.name == "ABC"


def test_a_key_that_nobody_makes_is_an_error(engine):
    Thing = map_table(
        engine,
        Column("name", String, primary_key=True),
        Column("value", Integer),
    )
    with Session(engine) as session:
        session.add(Thing(value=1))

        with pytest.raises((FlushError, exc.DBAPIError)), pytest.warns(exc.SAWarning):
            session.flush()


def test_a_second_object_with_the_key_of_a_persistent_one_warns(session):
    first = library.Author(id=1, name="first")
    session.add(first)
    session.flush()
    session.add(library.Author(id=1, name="second"))

    with (
        pytest.warns(exc.SAWarning, match="conflicts with persistent instance"),
        pytest.raises(exc.IntegrityError),
    ):
        session.flush()


def test_a_new_object_takes_over_the_row_of_a_deleted_one(session, sql):
    old = library.Author(id=1, name="old", email="e")
    session.add(old)
    session.flush()
    session.delete(old)
    new = library.Author(id=1, name="new")
    session.add(new)
    sql.clear()
    session.flush()

    assert [statement.split()[0] for statement in sql.emitted if "author" in statement][-1] == (
        "UPDATE"
    )
    assert not any(statement.startswith("DELETE") for statement in sql.emitted)
    assert session.get(library.Author, 1) is new
    assert session.execute(select(library.Author.name, library.Author.email)).one() == (
        "new",
        None,
    )


def load_one_whose_row_goes(session):
    """An expired object whose row a rollback has taken away."""
    session.execute(library.Tag.__table__.insert().values(id=7, name="stale"))
    stale = session.get(library.Tag, 7)
    session.rollback()
    return stale


def test_a_new_object_takes_the_place_of_one_whose_row_is_gone(session):
    stale = load_one_whose_row_goes(session)
    new = library.Tag(id=7, name="new")
    session.add(new)
    session.commit()

    assert session.get(library.Tag, 7) is new
    assert stale not in session


def test_a_new_object_with_a_generated_key_replaces_one_whose_row_is_gone(session, sql):
    stale = load_one_whose_row_goes(session)
    session.execute(library.Tag.__table__.insert().values(id=6, name="six"))
    if session.get_bind().dialect.name == "mariadb":
        # InnoDB gives no key twice, not even after a rollback.
        session.execute(text("SET insert_id = 7"))
    new = library.Tag(name="new")
    session.add(new)
    sql.clear()
    session.flush()

    assert new.id == 7
    assert [each.removesuffix(" RETURNING tag.id") for each in sql.emitted] == [
        "INSERT INTO tag (name) VALUES (?)"
    ]
    assert session.get(library.Tag, 7) is new
    assert stale not in session
    session.commit()
    assert inspect(stale).detached


def test_a_new_object_with_the_key_of_a_living_one_is_warned_of(session):
    session.add(library.Tag(id=7, name="old"))
    session.commit()
    old = session.get(library.Tag, 7)
    session.add(library.Tag(id=7, name="new"))

    with (
        pytest.warns(exc.SAWarning, match="conflicts with persistent instance"),
        pytest.raises(exc.IntegrityError, match=UNIQUE),
    ):
        session.flush()
    session.rollback()

    assert session.get(library.Tag, 7) is old
    assert old.name == "old"


@pytest.mark.rule("PT-47")
@pytest.mark.parametrize("where", ["in the session", "detached", "in another process"])
def test_column_left_out_by_the_insert_reads_as_none_without_sql(session, sql, where):
    author = library.Author(name="Ann")
    session.add(author)
    session.flush()
    sql.clear()
    if where != "in the session":
        session.expunge(author)
    if where == "in another process":
        author = pickle.loads(pickle.dumps(author))

    assert "email" in inspect(author).unloaded
    assert "email" not in inspect(author).expired_attributes
    assert author.email is None
    assert not sql.emitted
    assert not inspect(author).modified


@pytest.mark.rule("PT-47")
@pytest.mark.parametrize("names", [None, ["email"]])
def test_column_left_out_by_the_insert_is_read_once_it_expired(session, engine, sql, names):
    author = library.Author(name="Ann")
    session.add(author)
    session.flush()
    session.connection().execute(update(library.Author.__table__).values(email="a@x"))
    assert author.email is None

    session.expire(author, names)

    sql.clear()
    assert author.email == "a@x"
    assert len(sql.emitted) == 1


@pytest.mark.rule("PT-47")
def test_reference_left_out_by_the_insert_is_none_without_sql(session, sql):
    book = library.Book(title="x")
    session.add(book)
    session.flush()
    sql.clear()

    assert book.author is None
    assert not sql.emitted
    book.author = author = library.Author(name="Ann")
    session.commit()
    assert book.author_id == author.id


@pytest.mark.rule("PT-47")
@pytest.mark.parametrize("value", ["a@x", func.lower("A@X")])
def test_column_left_out_by_the_insert_is_not_null_once_a_statement_set_it(session, value):
    author = library.Author(name="Ann")
    session.add(author)
    session.flush()

    session.execute(update(library.Author).values(email=value))

    assert author.email == "a@x"


@pytest.mark.rule("PT-47", "PT-45")
def test_column_left_out_by_the_insert_is_not_null_once_its_onupdate_ran(session, engine):
    thing_class = map_table(
        engine,
        Column("id", Integer, primary_key=True),
        Column("name", String(20)),
        Column("changed", String(20), onupdate=func.lower("YES")),
    )
    thing = thing_class(name="x")
    session.add(thing)
    session.flush()
    assert thing.changed is None

    thing.name = "y"
    session.flush()

    assert thing.changed == "yes"
