"""Changed objects become UPDATEs of the changed columns."""

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, delete, select, update

from holdfast import Session, registry
from holdfast.errors.flush import StaleDataError
from holdfast.instrument.access import flag_modified
from models import library


@pytest.fixture
def session(engine, tables):
    tables(library.Base.metadata)
    with Session(engine) as session:
        session.add_all([library.Author(id=number, name=str(number)) for number in range(1, 4)])
        session.commit()
        yield session


def authors(session):
    return session.scalars(select(library.Author).order_by(library.Author.id)).all()


def test_only_changed_columns_are_set(session, sql):
    author = session.get_one(library.Author, 1)
    sql.clear()
    author.email = "a@b"
    session.flush()

    assert sql.emitted == ["UPDATE author SET email=? WHERE author.id = ?"]


def test_rows_with_the_same_columns_go_together_in_the_order_of_keys(session, sql):
    for author in reversed(authors(session)):
        author.name = "x"
    sql.clear()
    session.flush()

    assert sql.emitted == ["UPDATE author SET name=? WHERE author.id = ?"]
    assert sql.parameters == [[("x", 1), ("x", 2), ("x", 3)]]


def test_a_value_set_back_is_no_change(session, sql):
    author = session.get_one(library.Author, 1)
    author.name = "other"
    author.name = "1"
    sql.clear()
    session.flush()

    assert sql.emitted == []
    assert author not in session.dirty


def test_a_deleted_attribute_is_written_as_null(session):
    author = session.get_one(library.Author, 1)
    author.email = "e"
    session.commit()
    assert author.email == "e"
    del author.email
    session.commit()

    assert author.email is None


def test_a_flagged_attribute_is_written(session, sql):
    author = session.get_one(library.Author, 1)
    flag_modified(author, "name")
    sql.clear()
    session.flush()

    assert sql.emitted == ["UPDATE author SET name=? WHERE author.id = ?"]


def test_an_expression_is_computed_by_the_database(session):
    author = session.get_one(library.Author, 1)
    author.name = library.Author.name + "!"
    session.flush()

    assert author.name == "1!"


def test_a_missing_row_is_an_error(session):
    author = session.get_one(library.Author, 1)
    session.execute(delete(library.Author.__table__).where(library.Author.__table__.c.id == 1))
    author.name = "x"

    with pytest.raises(StaleDataError, match=r"expected to update 1 row\(s\); 0 were matched"):
        session.flush()


def test_a_changed_primary_key_moves_the_object(session):
    author = session.get_one(library.Author, 1)
    author.id = 10
    session.flush()

    assert session.get(library.Author, 10) is author
    assert session.get(library.Author, 1) is None


def test_python_onupdate_is_on_the_object_and_sql_onupdate_loads(engine):
    class Thing:
        pass

    table = Table(
        "thing",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("name", String),
        Column("counter", Integer, onupdate=lambda: 7),
    )
    registry().map_imperatively(Thing, table)
    table.create(engine)
    with Session(engine) as session:
        thing = Thing()
        thing.name = "a"
        session.add(thing)
        session.commit()
        thing.name = "b"
        session.flush()

        assert thing.__dict__["counter"] == 7


def test_a_moved_child_follows_its_new_parent(session):
    one, two, _ = authors(session)
    book = library.Book(author=one)
    session.add(book)
    session.commit()
    two.books.append(book)
    session.flush()

    assert book.author_id == 2
    assert book not in one.books


def test_a_removed_child_loses_its_parent(session):
    one = session.get_one(library.Author, 1)
    one.books = [library.Book(title="a"), library.Book(title="b")]
    session.commit()
    book = one.books[0]
    one.books.remove(book)
    session.flush()

    assert book.author_id is None
    assert (
        session.scalar(
            select(library.Book.__table__.c.author_id).where(library.Book.__table__.c.id == book.id)
        )
        is None
    )


def test_a_removed_tag_loses_its_association_row(session, sql):
    book = library.Book(tags={library.Tag(name="a"), library.Tag(name="b")})
    session.add(book)
    session.commit()
    tag = next(iter(book.tags))
    book.tags.remove(tag)
    sql.clear()
    session.flush()

    assert sql.emitted == [
        "DELETE FROM book_tag WHERE book_tag.book_id = ? AND book_tag.tag_id = ?"
    ]


def test_an_association_row_that_is_gone_is_an_error(session):
    book = library.Book(tags={library.Tag(name="a")})
    session.add(book)
    session.commit()
    assert len(book.tags) == 1
    session.execute(delete(library.book_tag))
    book.tags.clear()

    with pytest.raises(StaleDataError, match="Only 0 were matched"):
        session.flush()


def test_lost_update_of_another_column_is_none(session, engine):
    author = session.get_one(library.Author, 1)
    assert author.name == "1"
    table = library.Author.__table__
    session.execute(update(table).where(table.c.id == 1).values(email="else"))
    author.name = "mine"
    session.commit()

    assert (author.name, author.email) == ("mine", "else")
