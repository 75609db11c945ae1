"""Events of objects that join a session, and recipes over the events of their states."""

import pytest
from sqlalchemy import event, inspect, select

from holdfast import DeclarativeBase, Mapped, Session, mapped_column
from models.library import Author, Book, Tag

NAMES = ("before_attach", "after_attach")


@pytest.fixture
def heard(session):
    """Each attachment: the event, the object, whether it was in the session."""
    heard = []
    for name in NAMES:
        event.listen(
            session,
            name,
            lambda its, each, name=name: heard.append((name, each, each in its)),
        )
    return heard


def attachment(*objects):
    """What is heard of objects that are attached."""
    return [
        entry
        for each in objects
        for entry in (("before_attach", each, False), ("after_attach", each, True))
    ]


@pytest.mark.rule("EV-150", "EV-151")
def test_added_object_and_what_comes_along_are_told_of(session, heard):
    author = Author(name="Bo", books=[Book(), Book()])

    session.add(author)

    assert heard == attachment(author, *author.books)
    session.add(author)
    assert len(heard) == 6


@pytest.mark.rule("EV-150", "EV-151")
def test_detached_object_that_is_deleted_is_told_of(session, heard):
    tag = Tag(id=1, name="t")
    session.add(tag)
    session.commit()
    session.expunge(tag)
    heard.clear()

    session.delete(tag)

    assert heard == attachment(tag)


@pytest.mark.rule("EV-150")
def test_copy_of_a_new_object_is_told_of(session, heard):
    copy = session.merge(Tag(id=5, name="new"))
    assert heard == attachment(copy)
    heard.clear()

    session.merge(Author(id=1, name="Anna"))

    assert heard == []


@pytest.mark.rule("EV-150", "EV-151")
def test_object_that_comes_by_a_cascade_is_told_of(session, heard):
    ann = session.get(Author, 1)
    assert ann.books
    book = Book()

    ann.books.append(book)

    assert heard == attachment(book)


@pytest.mark.rule("EV-150")
def test_object_that_may_only_load_is_told_of(session, heard):
    book = Book(author_id=1)

    session.enable_relationship_loading(book)

    assert [(name, each) for name, each, _ in heard] == [(name, book) for name in NAMES]


@pytest.mark.rule("EV-150")
def test_loaded_object_is_not_told_of(session, heard):
    session.get(Author, 1).books
    session.scalars(select(Book)).all()

    assert heard == []


@pytest.mark.rule("EV-184", "SM-64", "LG-104")
def test_objects_may_be_held_while_they_are_persistent(session):
    held = set()

    def hold(_, each):
        held.add(each)

    def let_go(_, each):
        held.discard(each)

    for name in (
        "pending_to_persistent",
        "deleted_to_persistent",
        "detached_to_persistent",
        "loaded_as_persistent",
    ):
        event.listen(session, name, hold)
    for name in ("persistent_to_transient", "persistent_to_deleted", "persistent_to_detached"):
        event.listen(session, name, let_go)

    ann = session.get(Author, 1)
    tag = Tag(name="t")
    session.add(tag)
    session.flush()
    assert held == {ann, tag}
    session.delete(ann.books[0])
    session.flush()
    assert held == {ann, tag, ann.books[1]}
    session.expunge(tag)
    assert held == {ann, ann.books[1]}
    session.add(tag)
    assert tag in held
    session.rollback()

    assert held == set(session)
    assert len(held) == 3


@pytest.mark.rule("EV-181")
def test_changes_are_recorded_by_objects_of_the_same_flush(session):
    def before_flush(session, _context, _instances):
        for author in session.dirty:
            history = inspect(author).attrs.name.history
            if history.has_changes():
                session.add(Tag(name=f"{history.deleted[0]} is now {history.added[0]}"))

    event.listen(session, "before_flush", before_flush)
    session.get(Author, 1).name = "Anna"
    session.get(Book, 1)
    session.commit()

    assert session.scalars(select(Tag.name)).all() == ["Ann is now Anna"]


@pytest.mark.rule("EV-185")
@pytest.mark.parametrize("is_read", [True, False])
def test_default_is_set_when_the_attribute_is_read(engine, is_read):
    class Base(DeclarativeBase):
        pass

    class Task(Base):
        __tablename__ = "task"
        id: Mapped[int] = mapped_column(primary_key=True)
        state: Mapped[str | None]

    @event.listens_for(Task.state, "init_scalar", retval=True, propagate=True)
    def start(target, value, dict_):
        dict_["state"] = "new"
        return "new"

    Base.metadata.create_all(engine)
    task = Task()
    if is_read:
        assert task.state == "new"
    with Session(engine) as session:
        session.add(task)
        session.commit()

        assert session.scalar(select(Task.state)) == ("new" if is_read else None)
