"""Loads that repeat from one line are found, with the line and with what to write instead."""

import pickle

import pytest
from sqlalchemy import ForeignKey, event, select

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    defaultload,
    deferred,
    joinedload,
    lazyload,
    mapped_column,
    relationship,
    selectin_polymorphic,
    selectinload,
    sessionmaker,
    undefer,
)
from holdfast.diagnostics import watch_loads
from holdfast.errors import RepeatedLoadError, SessionArgumentError
from models import company
from models.library import Author, Base, Book, Tag


class OwnBase(DeclarativeBase):
    pass


class Report(OwnBase):
    __tablename__ = "report"
    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str] = deferred(mapped_column())
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("report.id"))
    parts: Mapped[list["Report"]] = relationship(lazy="immediate", join_depth=1)


@pytest.fixture
def session(engine, tables):
    tables(Base.metadata)
    with Session(engine) as session:
        for number in (1, 2, 3):
            tags = {Tag(name=f"t{number}")}
            books = [Book(title="one", tags=tags), Book(title="two")]
            session.add(Author(name=f"author {number}", books=books))
        session.commit()
        yield session


@pytest.fixture
def reports(engine, tables):
    tables(OwnBase.metadata)
    with Session(engine) as session:
        session.add_all([Report(body="x"), Report(body="y")])
        session.commit()
    return engine


def read(loads):
    return [(each.attribute, each.kind, each.times, each.remedy) for each in loads.repeated]


def touch_books(session, *options):
    for author in session.scalars(select(Author).options(*options)):
        author.books


def test_lazy_load_in_a_loop_is_found_with_its_line_and_remedy(session):
    with watch_loads(session) as loads:
        touch_books(session)

    (found,) = loads.repeated
    assert found.place.file == __file__
    assert found.place.source == "author.books"
    assert read(loads) == [
        ("Author.books", "lazy load", 3, "options(selectinload(Author.books))"),
    ]
    assert "author.books" in str(loads)


def test_remedy_is_one(session):
    with watch_loads(session, limit=0):
        touch_books(session, selectinload(Author.books))


def test_loads_by_other_lines_and_of_other_attributes_are_told_apart(session):
    with watch_loads(session) as loads:
        first, second, third = session.scalars(select(Author))
        first.books
        second.books
        third.books, third.books[0].tags, third.books[1].tags

    assert read(loads) == [("Book.tags", "lazy load", 2, "options(selectinload(Book.tags))")]
    assert len(loads.beyond(0)) == 4


def test_targets_in_memory_are_no_load(session):
    session.scalars(select(Author)).all()
    books = session.scalars(select(Book)).all()
    held = session.scalars(select(Author)).all()

    with watch_loads(session) as loads:
        assert [book.author in held for book in books] == [True] * 6

    assert loads.beyond(0) == []
    assert str(loads) == "no load repeats"


def test_remedy_stands_below_the_options_that_led_to_the_objects(session):
    options = joinedload(Author.books).options(lazyload(Book.tags))

    with watch_loads(session) as loads:
        for author in session.scalars(select(Author).options(options)).unique():
            for book in author.books:
                book.tags

    remedy = "options(defaultload(Author.books).selectinload(Book.tags))"
    assert read(loads) == [("Book.tags", "lazy load", 6, remedy)]
    option = defaultload(Author.books).selectinload(Book.tags)
    session.expunge_all()
    with watch_loads(session, limit=0):
        statement = select(Author).options(joinedload(Author.books), option)
        for author in session.scalars(statement).unique():
            [book.tags for book in author.books]


def test_objects_that_expired_are_found_when_they_are_read_one_by_one(session):
    authors = session.scalars(select(Author)).all()
    session.commit()

    with watch_loads(session) as loads:
        assert len([author.name for author in authors]) == 3

    (found,) = loads.repeated
    assert (found.attribute, found.kind, found.times) == ("Author", "refresh", 3)
    assert "expire_on_commit=False" in found.remedy
    session.commit()
    with watch_loads(session, limit=0):
        session.scalars(select(Author)).all()
        assert len([author.name for author in authors]) == 3


def test_single_expired_columns_are_found(session):
    authors = session.scalars(select(Author)).all()
    for author in authors:
        session.expire(author, ["name"])

    with watch_loads(session) as loads:
        assert len([author.name for author in authors]) == 3

    assert [(each.attribute, each.times) for each in loads.repeated] == [("Author.name", 3)]


def test_deferred_columns_are_found(reports):
    with Session(reports) as session, watch_loads(session) as loads:
        for report in session.scalars(select(Report).options(lazyload(Report.parts))):
            report.body

    assert read(loads) == [("Report.body", "deferred load", 2, "options(undefer(Report.body))")]
    with Session(reports) as session, watch_loads(session, limit=0):
        statement = select(Report).options(lazyload(Report.parts), undefer(Report.body))
        assert [report.body for report in session.scalars(statement)] == ["x", "y"]


def test_immediate_loads_repeat_at_the_line_of_the_query(reports):
    with Session(reports) as session, watch_loads(session) as loads:
        session.scalars(select(Report)).all()

    (found,) = loads.repeated
    assert found.place.source == "session.scalars(select(Report)).all()"
    remedy = "options(selectinload(Report.parts, recursion_depth=-1))"
    assert read(loads) == [("Report.parts", "immediate load", 2, remedy)]


def test_columns_of_subclasses_are_found(engine, tables):
    tables(company.Base.metadata)
    with Session(engine) as session:
        session.add_all([company.Engineer(name=name, language="ada") for name in "ab"])
        session.commit()

    with Session(engine) as session, watch_loads(session) as loads:
        for person in session.scalars(select(company.Person)):
            person.language

    remedy = "options(selectin_polymorphic(Person, [Engineer]))"
    assert read(loads) == [("Engineer", "subclass load", 2, remedy)]
    option = selectin_polymorphic(company.Person, [company.Engineer])
    with Session(engine) as session, watch_loads(session, limit=0):
        people = session.scalars(select(company.Person).options(option))
        assert [person.language for person in people] == ["ada", "ada"]


def test_what_is_asked_for_by_name_does_not_count(session):
    with watch_loads(session, limit=0):
        for key in (1, 2, 3):
            session.refresh(session.get_one(Author, key))
            session.scalars(select(Book).where(Book.author_id == key)).all()


def test_loads_of_a_flush_count_for_the_line_that_flushed(session):
    for author in session.scalars(select(Author)).all():
        session.delete(author)

    with watch_loads(session) as loads:
        session.flush()

    (found,) = loads.repeated
    assert (found.attribute, found.place.source) == ("Author.books", "session.flush()")


def test_more_loads_than_the_limit_raise_at_the_end(session):
    message = r"limit of 2: Author\.books by 3 SELECTs"
    with pytest.raises(RepeatedLoadError, match=message) as error, watch_loads(session, limit=2):
        touch_books(session)
    with watch_loads(session, limit=3):
        session.expire_all()
        touch_books(session)

    assert [each.attribute for each in error.value.findings] == ["Author.books"]
    assert "options(selectinload(Author.books))" in str(error.value)
    assert error.value.slug == "repeated-load"
    copy = pickle.loads(pickle.dumps(error.value))
    assert copy.findings == error.value.findings


def test_error_of_the_block_goes_before_that_of_the_limit(session):
    def fail():
        with watch_loads(session, limit=0):
            touch_books(session)
            1 / 0

    with pytest.raises(ZeroDivisionError):
        fail()


@pytest.mark.parametrize("kind", ["class", "sessionmaker", "engine", "connection"])
def test_all_sessions_of_a_class_factory_or_engine_are_watched(engine, session, kind):
    make = sessionmaker(engine)
    session.close()
    connection = engine.connect() if kind == "connection" else None
    target = {"class": Session, "sessionmaker": make, "engine": engine, "connection": connection}

    with watch_loads(target[kind]) as loads, make(bind=connection or engine) as other:
        touch_books(other)

    assert [each.times for each in loads.repeated] == [3]
    if connection is not None:
        connection.close()


def test_session_that_is_in_a_transaction_already_is_watched_by_its_class(session):
    session.begin_nested()
    with watch_loads(Session) as loads:
        touch_books(session)
        with session.begin_nested():
            session.expire_all()
            touch_books(session)

    assert max(each.times for each in loads.repeated) == 6


def test_other_sessions_are_not_watched(engine, session):
    with watch_loads(session) as loads, Session(engine) as other:
        touch_books(other)

    assert loads.times == 0


def test_nobody_listens_after_the_block(engine, session):
    session.close()
    others = len(session.dispatch.after_begin)
    for target in (engine, session, Session):
        with watch_loads(target):
            touch_books(session)
            session.close()

    assert not engine.dispatch.before_cursor_execute
    assert len(session.dispatch.after_begin) == others


def test_listeners_of_others_stay(session):
    heard = []
    event.listen(session, "do_orm_execute", lambda context: heard.append(context))
    with watch_loads(session) as loads:
        touch_books(session)

    assert len(heard) == 4
    assert loads.times == 3
    session.scalars(select(Tag)).all()
    assert len(heard) == 5


def test_statements_are_those_of_an_unwatched_session(session, sql):
    sql.clear()
    touch_books(session)
    unwatched = list(sql.emitted)
    session.rollback()
    sql.clear()

    with watch_loads(session):
        touch_books(session)

    assert sql.emitted == unwatched


@pytest.mark.parametrize("thing", [5, Author, Author()])
def test_what_is_no_session_is_refused(thing):
    with pytest.raises(SessionArgumentError, match="no session, class of sessions"):
        watch_loads(thing).__enter__()
