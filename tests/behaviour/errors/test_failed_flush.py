"""A flush that the database refuses: the session says so, and `rollback()` loses no object."""

import pytest
from sqlalchemy import event, exc, inspect, text

from databases import FOREIGN_KEY, NOT_NULL, UNIQUE
from holdfast import Session
from models import library, shop


@pytest.fixture
def session(engine, tables):
    for model in (library, shop):
        tables(model.Base.metadata)
    with Session(engine) as session:
        session.add(library.Author(id=1, name="Ann", email="ann@example.org"))
        session.commit()
        yield session


def meanwhile(session, before, statement):
    """Run a statement just before another one, as if somebody else had done it."""

    @event.listens_for(session.get_bind(), "before_cursor_execute")
    def interfere(connection, cursor, emitted, *_):
        if emitted.startswith(before):
            cursor.execute(statement)


def no_name():
    return library.Author(name=None, email="new@example.org")


def same_email():
    return library.Author(name="Bo", email="ann@example.org")


def no_such_author():
    return library.Book(title="Ice", author_id=99)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(no_name, NOT_NULL, id="no name"),
        pytest.param(same_email, UNIQUE, id="same email"),
        pytest.param(no_such_author, FOREIGN_KEY, id="no such author"),
    ],
)
def test_flush_that_violates_a_constraint_leaves_nothing_lost(session, make, message):
    good, bad = library.Tag(name="winter"), make()
    values = {key: value for key, value in vars(bad).items() if key != "_sa_instance_state"}
    ann = session.get(library.Author, 1)
    session.add_all([good, bad])

    with pytest.raises(exc.IntegrityError, match=message):
        session.flush()

    assert not session.is_active
    assert session.in_transaction()
    with pytest.raises(exc.PendingRollbackError, match=f"(?s)first issue.*{message}"):
        session.execute(text("SELECT 1"))

    session.rollback()

    assert session.is_active
    assert inspect(good).transient
    assert inspect(bad).transient
    assert {key: vars(bad)[key] for key in values} == values
    assert good.name == "winter"
    assert inspect(ann).persistent
    assert ann.name == "Ann"


def test_objects_of_a_failed_flush_can_be_saved_once_mended(session):
    bad = library.Author(name="Bo", email="ann@example.org")
    session.add(bad)
    with pytest.raises(exc.IntegrityError):
        session.commit()
    session.rollback()

    bad.email = "bo@example.org"
    session.add(bad)
    session.commit()

    assert session.get(library.Author, bad.id) is bad


def test_objects_deleted_in_a_failed_flush_are_persistent_again(session):
    tag = library.Tag(name="old")
    session.add(tag)
    session.commit()
    session.delete(tag)
    session.flush()
    assert inspect(tag).deleted
    session.add(library.Author(name=None))

    with pytest.raises(exc.IntegrityError):
        session.flush()
    session.rollback()

    assert inspect(tag).persistent
    assert tag in session
    assert not session.deleted
    assert tag.name == "old"


def test_deletion_that_the_database_refuses_leaves_the_object_persistent(session):
    ann = session.get(library.Author, 1)
    session.execute(text("INSERT INTO book (id, title, author_id) VALUES (1, 'Ice', 1)"))
    session.commit()
    meanwhile(session, "DELETE FROM author", "INSERT INTO book (title, author_id) VALUES ('S', 1)")
    session.delete(ann)

    with pytest.raises(exc.IntegrityError, match=FOREIGN_KEY):
        session.flush()
    session.rollback()

    assert inspect(ann).persistent
    assert ann.name == "Ann"


def test_children_of_a_failed_flush_stay_with_their_parent(session):
    order = shop.Order(customer="Cy", lines=[shop.Line(number=1, product=None)])
    session.add(order)

    with pytest.raises(exc.IntegrityError, match=NOT_NULL):
        session.flush()
    session.rollback()

    assert [line.number for line in order.lines] == [1]
    order.lines[0].product = "pen"
    session.add(order)
    session.commit()
    assert session.get(shop.Line, (order.id, 1)).product == "pen"


def test_failure_during_autoflush_names_autoflush(session):
    session.add(library.Author(name=None))

    with pytest.raises(exc.IntegrityError, match="autoflush") as caught:
        session.scalars(text("SELECT name FROM author"))

    assert "no_autoflush" in str(caught.value)


def test_state_changed_after_a_failed_flush_is_discarded_with_a_warning(session):
    ann = session.get(library.Author, 1)
    session.add(library.Author(name=None))
    with pytest.raises(exc.IntegrityError):
        session.flush()
    ann.name = "Anna"

    with pytest.warns(exc.SAWarning, match="non-active transaction"):
        session.rollback()

    assert ann.name == "Ann"


def test_failed_commit_in_a_block_rolls_back_by_itself(session):
    with pytest.raises(exc.IntegrityError), session.begin():
        session.add(library.Author(name=None))

    assert session.is_active
    assert not session.in_transaction()


def null_name(ann, bo):
    bo.name = None


def taken_email(ann, bo):
    bo.email = "ann@example.org"


def unknown_key(ann, bo):
    ann.books[0].author_id = 98


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(null_name, NOT_NULL, id="null name"),
        pytest.param(taken_email, UNIQUE, id="taken email"),
        pytest.param(unknown_key, FOREIGN_KEY, id="unknown key"),
    ],
)
def test_flush_whose_update_is_refused_loses_neither_new_nor_deleted(session, spoil, message):
    ann = session.get(library.Author, 1)
    bo = library.Author(id=2, name="Bo", books=[library.Book(id=5, title="Ice")])
    doomed, ann.books = library.Tag(name="doomed"), [library.Book(id=6, title="Sea")]
    session.add_all([bo, doomed])
    session.commit()
    new = library.Tag(name="new")
    spoil(ann, bo)
    session.add(new)
    session.delete(doomed)

    with pytest.raises(exc.IntegrityError, match=message):
        session.flush()
    session.rollback()

    assert inspect(new).transient
    assert new.name == "new"
    assert inspect(doomed).persistent
    assert (doomed.name, bo.id, bo.name, bo.email) == ("doomed", 2, "Bo", None)
    assert [book.title for book in bo.books] == ["Ice"]
    assert not session.new
    assert not session.dirty
    assert not session.deleted
    bo.name = "Bob"
    session.add(new)
    session.commit()
    assert session.get(library.Tag, new.id) is new


def test_deletion_of_a_row_that_others_refer_to_leaves_the_object_persistent(session):
    tag = library.Tag(name="used")
    book = library.Book(title="Ice")
    session.add_all([tag, book])
    session.flush()
    session.execute(library.book_tag.insert().values(book_id=book.id, tag_id=tag.id))
    session.commit()
    meanwhile(session, "DELETE FROM tag", f"INSERT INTO book_tag VALUES ({book.id}, {tag.id})")
    session.delete(tag)

    with pytest.raises(exc.IntegrityError, match=FOREIGN_KEY):
        session.flush()
    with pytest.raises(exc.PendingRollbackError, match=FOREIGN_KEY):
        session.scalars(text("SELECT 1"))
    session.rollback()

    assert inspect(tag).persistent
    assert tag.name == "used"
    assert book in session


def test_failure_inside_a_savepoint_leaves_what_was_before_it(session):
    before = library.Tag(name="before")
    session.add(before)

    with pytest.raises(exc.IntegrityError), session.begin_nested():
        session.add_all([library.Tag(name="inside"), library.Author(name=None)])

    assert session.is_active
    assert inspect(before).persistent
    session.commit()
    assert [tag.name for tag in session.query(library.Tag)] == ["before"]
