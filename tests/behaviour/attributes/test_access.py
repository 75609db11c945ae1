"""Reading, setting and deleting attributes of objects."""

import pytest
from sqlalchemy import TypeDecorator, event, exc, inspect, select
from sqlalchemy.types import JSON

from holdfast import DeclarativeBase, Mapped, Session, make_transient_to_detached, mapped_column
from holdfast.attributes import flag_modified
from models.library import Author, Book, Tag


class CaseBlind(TypeDecorator):
    """Text whose case does not matter."""

    impl = JSON
    cache_ok = True

    def compare_values(self, x, y):
        return x.lower() == y.lower()


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[str | None] = mapped_column(CaseBlind)
    content: Mapped[dict | None] = mapped_column(JSON)


@pytest.mark.rule("AH-1")
def test_loaded_value_is_the_one_in_the_dictionary(session, author, sql):
    assert author.name == "Ann"
    sql.clear()
    author.__dict__["name"] = "by hand"

    assert author.name == "by hand"
    assert len(sql) == 0


@pytest.mark.rule("AH-2")
@pytest.mark.parametrize("is_pending", [False, True])
def test_unset_column_reads_as_none_and_leaves_no_trace(session, is_pending):
    author = Author()
    with session.no_autoflush:
        if is_pending:
            session.add(author)

        assert author.name is None
        assert author.id is None
        assert set(vars(author)) == {"_sa_instance_state"}
        assert not inspect(author).attrs.name.history
        assert not inspect(author).modified
        session.expunge_all()


@pytest.mark.rule("AH-3")
def test_unset_collection_is_one_object_that_counts_once_it_changes():
    author = Author()
    books = author.books

    assert books == []
    assert author.books is books
    assert "books" not in vars(author)
    assert not inspect(author).modified

    books.append(Book())

    assert author.books is books
    assert vars(author)["books"] is books
    assert inspect(author).attrs.books.history.added == books


@pytest.mark.rule("AH-4")
def test_unloaded_attribute_of_a_persistent_object_loads_when_it_is_read(author, sql):
    sql.clear()

    assert author.name == "Ann"
    assert len(sql) == 1
    assert [book.title for book in author.books] == ["One", "Two"]
    assert len(sql) == 2


@pytest.mark.rule("AH-5")
def test_first_change_records_the_former_value_and_begins_a_transaction(session, author):
    assert author.name == "Ann"
    session.expire_on_commit = False
    session.commit()
    seen = []

    def listen(target, value, old, initiator):
        seen.append((value, old))

    event.listen(Author.name, "set", listen)
    try:
        author.name = "Bea"
        author.name = "Cleo"
    finally:
        event.remove(Author.name, "set", listen)

    assert session.in_transaction()
    assert author in session.dirty
    assert seen == [("Bea", "Ann"), ("Cleo", "Bea")]
    assert inspect(author).committed_state == {"name": "Ann"}
    session.flush()
    author.name = "Dora"
    assert inspect(author).committed_state == {"name": "Cleo"}


@pytest.mark.rule("AH-6", "AH-7")
@pytest.mark.parametrize("values", [["Ann"], ["Bea", "Ann"]])
def test_value_that_ends_as_it_was_is_no_net_change(session, author, sql, values):
    assert author.name == "Ann"
    sql.clear()

    for value in values:
        author.name = value

    assert not session.is_modified(author)
    session.flush()
    assert len(sql) == 0


@pytest.mark.rule("AH-8")
def test_deleting_an_attribute_without_value_raises():
    author, book = Author(), Book()

    with pytest.raises(AttributeError, match=r"Author\.name object does not have a value"):
        del author.name
    with pytest.raises(AttributeError, match=r"Book\.author object does not have a value"):
        del book.author
    author.name = "Ann"
    del author.name
    with pytest.raises(AttributeError, match=r"Author\.name object does not have a value"):
        del author.name


@pytest.mark.rule("AH-9")
@pytest.mark.parametrize("is_loaded", [True, False])
def test_deleted_scalar_reads_none_and_is_written_as_null(session, author, is_loaded):
    author.email = "ann@example.org"
    session.commit()
    if is_loaded:
        assert author.email

    del author.email

    assert author.email is None
    session.commit()
    assert session.scalar(select(Author.email)) is None


@pytest.mark.rule("AH-10", "RL-114")
def test_deleted_reference_and_collection_set_foreign_keys_to_null(session, author):
    first, second = author.books

    del first.author

    assert first.author is None
    session.flush()
    assert first.author_id is None
    session.refresh(author)
    del author.books
    session.flush()
    assert second.author_id is None
    assert session.scalars(select(Book.author_id)).all() == [None, None]


@pytest.mark.rule("AH-11")
def test_change_of_a_detached_object_is_written_once_it_is_back(session, author):
    assert author.name == "Ann"
    session.expunge(author)

    author.name = "Bea"
    session.add(author)

    assert author in session.dirty
    session.commit()
    assert author.name == "Bea"


@pytest.mark.rule("AH-12")
def test_related_value_that_is_no_mapped_object_is_refused_at_once():
    author, book, tag = Author(), Book(), Tag()

    with pytest.raises(AttributeError, match="_sa_instance_state"):
        book.author = "Ann"
    with pytest.raises(AttributeError, match="_sa_instance_state"):
        author.books.append(object())
    with pytest.raises(AttributeError, match="_sa_instance_state"):
        tag.books = ["One"]

    assert book.author is None
    assert author.books == []


@pytest.mark.rule("AH-13")
def test_column_takes_any_value_until_the_statement_is_executed(session, author):
    author.name = {"no": "text"}

    assert author.name == {"no": "text"}
    # PyMySQL refuses it with an error of Python.
    with pytest.raises((exc.DBAPIError, TypeError)):
        session.flush()


@pytest.mark.rule("AH-14")
def test_unmapped_attribute_is_left_alone(session, author):
    author.mood = "good"

    assert author not in session.dirty
    assert "mood" not in inspect(author).attrs
    session.expire(author)
    assert author.mood == "good"
    session.expunge(author)
    assert "mood" not in vars(session.merge(author))


@pytest.mark.rule("AH-15")
def test_type_decides_what_is_equal(engine, tables, sql):
    tables(Base.metadata)
    with Session(engine) as session:
        note = Note(word="hi", content={"a": 1})
        session.add(note)
        session.commit()
        assert (note.word, note.content) == ("hi", {"a": 1})

        note.word = "HI"
        note.content["a"] = 2
        sql.clear()
        session.flush()
        assert len(sql) == 0

        note.content["a"] = 3
        flag_modified(note, "content")
        session.commit()
        assert note.content == {"a": 3}


@pytest.mark.rule("AH-16")
def test_functions_of_python_do_what_the_dotted_forms_do(session, author):
    assert getattr(author, "name") == "Ann"  # noqa: B009
    assert hasattr(author, "books")
    setattr(author, "name", "Bea")  # noqa: B010

    assert author in session.dirty
    delattr(author, "name")
    assert author.name is None
    assert not hasattr(author, "nothing")


def test_value_of_a_detached_object_that_was_never_there_is_deleted_without_a_look():
    author = Author(id=7)
    make_transient_to_detached(author)

    del author.name

    assert inspect(author).attrs.name.history == ([None], (), ())
