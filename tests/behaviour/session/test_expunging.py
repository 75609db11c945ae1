"""Taking objects out of a session."""

import pytest
from sqlalchemy import ForeignKey, exc, inspect, select

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, relationship
from holdfast.exc import UnmappedInstanceError
from models import library, shop


@pytest.fixture
def session(engine, tables):
    for model in (library, shop):
        tables(model.Base.metadata)
    with Session(engine) as session:
        session.add_all(
            [
                library.Author(id=1, name="Ann"),
                shop.Order(id=1, customer="Cy", lines=[shop.Line(number=1, product="pen")]),
            ]
        )
        session.commit()
        session.expunge_all()
        yield session


@pytest.mark.rule("SM-100")
def test_expunged_object_is_transient_or_detached_by_where_it_stood(session):
    ann = session.get(library.Author, 1)
    pending, gone = library.Author(name="Bo"), library.Author(name="Cy")
    session.add(gone)
    session.flush()
    session.delete(gone)
    session.flush()
    session.add(pending)

    for each in (ann, pending, gone):
        session.expunge(each)

    assert inspect(ann).detached
    assert inspect(pending).transient
    assert inspect(gone).detached
    assert list(session) == []


@pytest.mark.rule("SM-101")
@pytest.mark.parametrize("is_loaded", [True, False])
def test_expunge_follows_its_cascade_along_what_is_loaded(session, sql, is_loaded):
    order = session.get(shop.Order, 1)
    line = session.scalars(select(shop.Line)).one()
    if is_loaded:
        assert order.lines == [line]
    sql.clear()

    session.expunge(order)

    assert sql.emitted == []
    assert (line in session) is not is_loaded


@pytest.mark.rule("SM-101")
def test_expunge_does_not_follow_relationships_without_its_cascade(session):
    ann = session.get(library.Author, 1)
    ann.books.append(library.Book(title="Ice"))
    session.flush()

    session.expunge(ann)

    assert ann.books[0] in session


@pytest.mark.rule("SM-102")
def test_expunge_refuses_what_is_not_in_the_session(session, engine):
    with pytest.raises(exc.InvalidRequestError, match="is not present in this Session"):
        session.expunge(library.Author(name="Bo"))
    with Session(engine) as other:
        ann = other.get(library.Author, 1)
        with pytest.raises(exc.InvalidRequestError, match="is not present in this Session"):
            session.expunge(ann)
    with pytest.raises(UnmappedInstanceError):
        session.expunge(object())


@pytest.mark.rule("SM-103")
def test_expunged_changes_stay_and_are_flushed_when_the_object_is_back(session):
    ann = session.get(library.Author, 1)
    ann.name = "Anna"
    session.expunge(ann)
    session.commit()
    assert session.scalar(select(library.Author.name)) == "Ann"
    assert ann.name == "Anna"

    session.add(ann)

    assert ann in session.dirty
    session.commit()
    assert session.scalar(select(library.Author.name)) == "Anna"


@pytest.mark.rule("SM-104")
def test_expunge_removes_the_mark_for_deletion(session):
    ann = session.get(library.Author, 1)
    session.delete(ann)

    session.expunge(ann)
    session.add(ann)
    session.commit()

    assert session.get(library.Author, 1) is ann


@pytest.mark.rule("SM-105")
def test_expunge_all_empties_the_session_and_keeps_the_transaction(session):
    ann = session.get(library.Author, 1)
    pending, written = library.Author(name="Bo"), library.Author(id=7, name="Cy")
    session.add(written)
    session.flush()
    session.add(pending)
    session.delete(ann)
    transaction = session.get_transaction()

    session.expunge_all()

    assert [list(each) for each in (session, session.new, session.dirty, session.deleted)] == [
        [],
        [],
        [],
        [],
    ]
    assert len(session.identity_map) == 0
    assert session.get_transaction() is transaction
    assert session.get(library.Author, 1) is not ann
    assert session.get(library.Author, 7) is not written
    session.rollback()
    assert session.get(library.Author, 7) is None


def make_tree(*, cascade):
    class Base(DeclarativeBase):
        pass

    class Node(Base):
        __tablename__ = "node"
        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id: Mapped[int | None] = mapped_column(ForeignKey("node.id"))
        children: Mapped[list["Node"]] = relationship(cascade=cascade)

    return Base, Node


@pytest.mark.rule("SM-101")
@pytest.mark.parametrize(("cascade", "left"), [("save-update, expunge", 0), ("save-update", 2)])
def test_expunge_goes_down_a_whole_tree(engine, cascade, left):
    base, node_class = make_tree(cascade=cascade)
    base.metadata.create_all(engine)
    with Session(engine) as session:
        root = node_class(children=[node_class(children=[node_class()])])
        session.add(root)
        session.flush()

        session.expunge(root)

        assert len(list(session)) == left
