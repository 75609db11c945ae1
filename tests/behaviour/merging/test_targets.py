"""Which object of the session `merge` copies onto: present, loaded, pending or new."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, Integer, String, Table, exc, inspect, select

from holdfast import DeclarativeBase, Session, joinedload, object_session
from models.library import Author, Book
from models.shop import Line


class Base(DeclarativeBase):
    pass


seats = Table(
    "seat",
    Base.metadata,
    Column("block", String(5)),
    Column("number", Integer),
    Column("guest", String(10)),
)


class Seat(Base):
    """A seat of a block, whose number need not be known."""

    __table__ = seats
    __mapper_args__ = {"primary_key": [seats.c.block, seats.c.number]}


class WholeSeat(Base):
    """The same, looked up by complete keys only."""

    __table__ = seats
    __mapper_args__ = {"primary_key": [seats.c.block, seats.c.number], "allow_partial_pks": False}


@pytest.mark.rule("SM-70")
@pytest.mark.parametrize("load", [True, False])
def test_source_stays_outside_and_as_it_was(session: Session, detached: Any, load: bool) -> None:
    source = detached(Book, 1)
    before = dict(source.__dict__)

    target = session.merge(source, load=load)

    assert target is not source
    assert object_session(target) is session
    assert inspect(source).detached
    assert source.__dict__ == before


@pytest.mark.rule("SM-70")
@pytest.mark.parametrize("load", [True, False])
def test_member_of_the_session_is_its_own_target(session: Session, load: bool) -> None:
    book = session.get_one(Book, 1)
    book.title = "changed"

    with session.no_autoflush:
        assert session.merge(book, load=load) is book
    assert (book.title, session.is_modified(book)) == ("changed", True)


@pytest.mark.rule("SM-70", "SM-72")
def test_pending_member_is_its_own_target_and_warned_of(session: Session) -> None:
    author = Author(name="bob")
    session.add(author)

    with (
        session.no_autoflush,
        pytest.warns(exc.SAWarning, match="already pending in this Session yet is being merged"),
    ):
        assert session.merge(author) is author
    assert list(session.new) == [author]


@pytest.mark.rule("SM-71")
def test_target_in_the_identity_map_costs_no_sql(session: Session, sql: Any) -> None:
    book = session.get_one(Book, 1)
    sql.clear()

    assert session.merge(Book(id=1, title="new")) is book
    assert book.title == "new"
    assert not sql


@pytest.mark.rule("SM-71")
def test_target_in_the_database_is_loaded_by_one_select(session: Session, sql: Any) -> None:
    target = session.merge(Book(id=1, title="new"))

    assert len(sql) == 1
    assert inspect(target).persistent
    assert (target.title, target.pages) == ("new", 10)


@pytest.mark.rule("SM-71", "SM-92")
def test_target_without_row_is_new_with_the_given_key(session: Session, sql: Any) -> None:
    target = session.merge(Author(id=7, name="gus"))

    assert len(sql) == 1
    assert inspect(target).pending
    session.commit()
    assert session.get_one(Author, 7).name == "gus"


@pytest.mark.rule("SM-72")
@pytest.mark.parametrize("given", [{}, {"id": None}])
def test_source_without_key_makes_a_new_object_and_no_select(
    session: Session, sql: Any, given: dict[str, None]
) -> None:
    target = session.merge(Author(name="gus", **given))

    assert inspect(target).pending
    assert not sql


@pytest.mark.rule("SM-72")
def test_sources_without_key_make_one_object_each(session: Session) -> None:
    first, second = session.merge_all([Author(name="gus"), Author(name="gus")])

    assert first is not second


@pytest.mark.rule("SM-73")
def test_partial_key_is_looked_up(tables: Any, sql: Any) -> None:
    engine = tables(Base.metadata)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO seat VALUES ('a', NULL, 'ann')")
    sql.clear()
    with Session(engine) as session:
        target = session.merge(Seat(block="a", number=None))

        assert len(sql) == 1
        assert (inspect(target).persistent, target.guest) == (True, "ann")


@pytest.mark.rule("SM-73")
def test_partial_key_is_no_key_when_the_mapper_says_so(tables: Any, sql: Any) -> None:
    with Session(tables(Base.metadata)) as session:
        sql.clear()
        target = session.merge(WholeSeat(block="a", number=None))

        assert inspect(target).pending
        assert not sql


@pytest.mark.rule("SM-73")
@pytest.mark.parametrize("class_", [Seat, WholeSeat])
def test_key_with_a_part_never_set_is_no_key(tables: Any, sql: Any, class_: type[Any]) -> None:
    with Session(tables(Base.metadata)) as session:
        sql.clear()
        target = session.merge(class_(block="a"))

        assert inspect(target).pending
        assert not sql


@pytest.mark.rule("SM-71")
def test_composite_key_is_looked_up(session: Session, sql: Any) -> None:
    target = session.merge(Line(order_id=1, number=2, product="chalk"))

    assert len(sql) == 1
    session.commit()
    assert session.get_one(Line, (1, 2)) is target
    assert target.product == "chalk"


@pytest.mark.rule("SM-74")
def test_pending_object_of_equal_key_is_reused(session: Session) -> None:
    pending = Author(id=7, name="gus")
    session.add(pending)

    with session.no_autoflush:
        assert session.merge(Author(id=7, name="gerd")) is pending
    assert list(session.new) == [pending]
    assert pending.name == "gerd"


@pytest.mark.rule("SM-74")
def test_pending_object_of_equal_key_is_flushed_first_with_autoflush(session: Session) -> None:
    pending = Author(id=7, name="gus")
    session.add(pending)

    assert session.merge(Author(id=7, name="gerd")) is pending
    assert inspect(pending).persistent
    assert session.is_modified(pending)


@pytest.mark.rule("SM-74", "SM-78")
def test_two_sources_of_one_new_key_share_a_target(session: Session) -> None:
    books = [Book(id=7, author=Author(id=9, name="x")), Book(id=8, author=Author(id=9, name="y"))]

    first, second = session.merge_all(books)

    assert first.author is second.author
    assert first.author.name == "y"


@pytest.mark.rule("SM-84")
def test_options_reach_the_select_of_the_top_object(session: Session, sql: Any) -> None:
    target = session.merge(Author(id=1), options=[joinedload(Author.books)])

    assert len(sql) == 1
    assert "books" in target.__dict__


@pytest.mark.rule("SM-84")
def test_options_are_not_needed_for_a_present_target(session: Session, sql: Any) -> None:
    author = session.get_one(Author, 1)
    sql.clear()

    session.merge(Author(id=1), options=[joinedload(Author.books)])

    assert not sql
    assert "books" not in author.__dict__


@pytest.mark.rule("SM-90")
@pytest.mark.parametrize("load", [True, False])
def test_merge_all_gives_the_targets_in_order(session: Session, detached: Any, load: bool) -> None:
    sources = [detached(Book, 2), detached(Author, 1), detached(Book, 1)]

    targets = session.merge_all(iter(sources), load=load)

    assert [(type(each), each.id) for each in targets] == [(Book, 2), (Author, 1), (Book, 1)]
    assert all(each in session for each in targets)


@pytest.mark.rule("SM-90", "SM-84")
def test_merge_all_hands_on_its_options(session: Session) -> None:
    (target,) = session.merge_all([Author(id=1)], options=[joinedload(Author.books)])

    assert "books" in target.__dict__


@pytest.mark.rule("SM-91")
@pytest.mark.parametrize("method", ["merge", "merge_all"])
def test_second_positional_argument_is_refused(session: Session, method: str) -> None:
    with pytest.raises(TypeError, match="positional"):
        getattr(session, method)([], False)


@pytest.mark.rule("SM-92")
def test_deleted_and_detached_source_makes_a_new_object(session: Session) -> None:
    book = session.get_one(Book, 2)
    session.delete(book)
    session.commit()
    assert inspect(book).was_deleted

    target = session.merge(book)

    assert inspect(target).pending
    session.commit()
    assert session.scalars(select(Book.id).order_by(Book.id)).all() == [1, 2]


@pytest.mark.rule("SM-93")
def test_source_marked_for_deletion_is_flushed_away_and_made_anew(session: Session) -> None:
    book = session.get_one(Book, 2)
    session.delete(book)

    target = session.merge(Book(id=2, title="again"))

    assert target is not book
    assert (inspect(book).deleted, inspect(target).pending) == (True, True)
    session.commit()
    assert session.get_one(Book, 2).title == "again"


@pytest.mark.rule("SM-93")
def test_source_marked_for_deletion_is_its_own_target_without_autoflush(session: Session) -> None:
    book = session.get_one(Book, 2)
    session.delete(book)

    with session.no_autoflush:
        assert session.merge(book) is book
    assert book in session.deleted


def test_object_of_another_class_cannot_be_merged(session: Session) -> None:
    with pytest.raises(exc.InvalidRequestError, match="is not mapped"):
        session.merge(object())
