"""Events around the rows that a flush writes: `before_insert` and its kin."""

import pytest
from sqlalchemy import delete, event, exc, insert, inspect, select, update

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
)
from models.library import Author, Book, Tag
from watching import listening

NAMES = (
    "before_insert",
    "after_insert",
    "before_update",
    "after_update",
    "before_delete",
    "after_delete",
)


def new_class(**mapper_arguments):
    """A class of its own, whose listeners end with the test."""

    class Base(DeclarativeBase):
        pass

    class Note(Base):
        __tablename__ = "note"
        id: Mapped[int] = mapped_column(primary_key=True)
        text: Mapped[str | None]
        length: Mapped[int | None]
        __mapper_args__ = mapper_arguments

    return Note


@pytest.fixture
def make(engine):
    """Makes a class with its table, and a session that ends with the test."""
    sessions = []

    def make(**mapper_arguments):
        note_class = new_class(**mapper_arguments)
        note_class.metadata.create_all(engine)
        sessions.append(Session(engine))
        return note_class, sessions[-1]

    yield make
    for session in sessions:
        session.close()


def record(note_class):
    """Events and statements, in order."""
    log = []
    for name in NAMES:
        event.listen(
            note_class, name, lambda mapper, connection, note, name=name: log.append((name, note))
        )
    return log


def statements(engine, log):
    def heard(*arguments):
        if arguments[2].split()[0] in ("INSERT", "UPDATE", "DELETE"):
            log.append(arguments[2].split()[0])

    event.listen(engine, "before_cursor_execute", heard)


@pytest.mark.rule("EV-60")
def test_each_object_that_is_written_is_told_of(make):
    note_class, session = make()
    log = record(note_class)
    heard = []
    event.listen(note_class, "before_insert", lambda *arguments: heard.append(arguments))
    note = note_class(text="x")
    session.add(note)

    session.flush()
    assert log == [("before_insert", note), ("after_insert", note)]
    assert heard[0][0] is inspect(note_class)
    assert heard[0][1] is session.connection()
    log.clear()
    note.text = "y"
    session.flush()
    assert log == [("before_update", note), ("after_update", note)]
    log.clear()
    session.delete(note)
    session.flush()
    assert log == [("before_delete", note), ("after_delete", note)]


@pytest.mark.rule("EV-60")
def test_statements_and_bulk_methods_are_not_told_of(make):
    note_class, session = make()
    log = record(note_class)

    session.execute(insert(note_class), [{"id": 1, "text": "x"}])
    session.bulk_save_objects([note_class(id=2)])
    session.bulk_insert_mappings(note_class, [{"id": 3}])
    session.execute(update(note_class).values(text="z"))
    session.execute(update(note_class), [{"id": 1, "text": "y"}])
    session.bulk_update_mappings(note_class, [{"id": 1, "text": "x"}])
    session.query(note_class).where(note_class.id == 1).delete()
    session.execute(delete(note_class))

    assert log == []


@pytest.mark.rule("EV-61")
def test_all_objects_are_told_of_before_and_after_the_rows(make, engine):
    note_class, session = make()
    log = record(note_class)
    statements(engine, log)
    notes = [note_class(id=1), note_class(id=2)]
    session.add_all(notes)

    session.flush()
    assert log[:2] == [("before_insert", note) for note in notes]
    assert set(log[2:-2]) == {"INSERT"}
    assert log[-2:] == [("after_insert", note) for note in notes]
    log.clear()
    for note in notes:
        note.text = "x"
    session.flush()
    assert log[:2] == [("before_update", note) for note in notes]
    assert set(log[2:-2]) == {"UPDATE"}
    assert log[-2:] == [("after_update", note) for note in notes]
    log.clear()
    for note in notes:
        session.delete(note)
    session.flush()
    assert log[:2] == [("before_delete", note) for note in notes]
    assert set(log[2:-2]) == {"DELETE"}
    assert log[-2:] == [("after_delete", note) for note in notes]


@pytest.mark.rule("EV-61")
def test_objects_are_told_of_one_by_one_without_batches(make, engine):
    note_class, session = make(batch=False)
    log = record(note_class)
    statements(engine, log)
    first, second = notes = [note_class(id=1), note_class(id=2)]
    session.add_all(notes)

    session.flush()
    assert log == [
        ("before_insert", first),
        "INSERT",
        ("after_insert", first),
        ("before_insert", second),
        "INSERT",
        ("after_insert", second),
    ]
    log.clear()
    first.text = second.text = "x"
    session.flush()
    assert log == [
        ("before_update", first),
        "UPDATE",
        ("after_update", first),
        ("before_update", second),
        "UPDATE",
        ("after_update", second),
    ]


@pytest.mark.rule("EV-62")
def test_columns_that_are_set_before_are_written_at_once(make, sql):
    note_class, session = make()

    def measure(mapper, connection, note):
        note.length = len(note.text)

    event.listen(note_class, "before_insert", measure)
    event.listen(note_class, "before_update", measure)
    note = note_class(text="abc")
    session.add(note)
    sql.clear()
    session.flush()
    note.text = "abcd"
    session.flush()

    assert [each.split()[0] for each in sql.emitted] == ["INSERT", "UPDATE"]
    assert session.execute(select(note_class.text, note_class.length)).one() == ("abcd", 4)


@pytest.mark.rule("EV-63")
def test_dirty_object_is_told_of_though_no_row_is_written(make, sql):
    note_class, session = make()
    note = note_class(text="x")
    session.add(note)
    session.flush()
    log = record(note_class)
    sql.clear()

    note.text = "y"
    note.text = "x"
    session.flush()

    assert log == [("before_update", note), ("after_update", note)]
    assert sql.emitted == []


@pytest.mark.rule("EV-63")
def test_parent_whose_collection_changed_is_told_of(session, sql):
    ann = session.get(Author, 1, options=[joinedload(Author.books)])
    heard = []
    sql.clear()

    with listening(Author, "before_update", lambda *arguments: heard.append(arguments[2])):
        ann.books.append(Book(id=3))
        session.flush()

    assert heard == [ann]
    assert [each.split()[:3] for each in sql.emitted] == [["INSERT", "INTO", "book"]]


OPERATIONS = {
    "Session.add()": lambda session, author: session.add(Tag(name="t")),
    "Session.delete()": lambda session, author: session.delete(author.books[0]),
    "Session.merge()": lambda session, author: session.merge(Tag(id=5, name="t")),
    "collection append": lambda session, author: author.books.append(Book(id=9)),
    "collection remove": lambda session, author: author.books.pop(),
    "related attribute set": lambda session, author: setattr(author.books[0], "author", None),
}


@pytest.mark.rule("EV-64")
@pytest.mark.parametrize("name", ["before_update", "after_update"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_of_the_session_warn_while_rows_are_written(session, operation, name):
    ann = session.get(Author, 1, options=[joinedload(Author.books)])
    ann.name = "Anna"

    def operate(mapper, connection, author):
        OPERATIONS[operation](session, author)

    with (
        listening(Author, name, operate),
        pytest.warns(exc.SAWarning) as told,
    ):
        session.flush()

    expected = f"Usage of the '{operation}' operation is not currently supported within the exec"
    assert any(expected in str(each.message) for each in told)


@pytest.mark.rule("EV-65", "EV-182")
def test_rows_that_a_listener_writes_belong_to_the_transaction(session):
    def log(mapper, connection, author):
        connection.execute(insert(Tag.__table__), {"name": f"{author.id} is {author.name}"})

    with listening(Author, "after_update", log):
        session.get(Author, 1).name = "Anna"
        session.commit()
        session.get(Author, 1).name = "Bo"
        session.flush()
        assert len(session.scalars(select(Tag)).all()) == 2
        session.rollback()

    assert session.scalars(select(Tag.name)).all() == ["1 is Anna"]
    assert session.get(Author, 1).name == "Anna"
