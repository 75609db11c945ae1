"""Bundles: several columns as one element of a row."""

import pytest
from sqlalchemy import exc, select

from holdfast import Bundle, DictBundle, Session
from models.library import Author, Base, Book


@pytest.fixture
def session(tables):
    with Session(tables(Base.metadata)) as session:
        session.add(Author(id=1, name="Ann", books=[Book(id=5, title="A")]))
        session.add(Author(id=2, name="Ben"))
        session.commit()
        yield session


@pytest.mark.rule("QY-80")
def test_a_bundle_is_a_named_tuple_within_the_row(session):
    who = Bundle("who", Author.id, Author.name)

    (row,) = session.execute(select(who, Book.title).join(Author.books))

    assert (row.who.id, row.who.name, row.title) == (1, "Ann", "A")
    assert row.who == (1, "Ann")


@pytest.mark.rule("QY-80")
def test_bundles_nest(session):
    who = Bundle("who", Author.id, Bundle("called", Author.name, Author.email))

    row = session.execute(select(who).where(Author.id == 2)).one()

    assert (row.who.id, row.who.called.name, row.who.called.email) == (2, "Ben", None)


@pytest.mark.rule("QY-80")
def test_a_bundle_stands_alone_in_a_legacy_query_if_it_says_so(session):
    alone = Bundle("who", Author.id, single_entity=True)
    within = Bundle("who", Author.id)

    assert session.query(alone).order_by(Author.id).first() == (1,)
    assert session.query(within).order_by(Author.id).first() == ((1,),)
    assert session.execute(select(alone).order_by(Author.id)).first() == ((1,),)


@pytest.mark.rule("QY-81")
def test_a_bundle_may_give_dictionaries(session):
    who = DictBundle("who", Author.id, Author.name)

    assert session.scalars(select(who).order_by(Author.id)).all() == [
        {"id": 1, "name": "Ann"},
        {"id": 2, "name": "Ben"},
    ]


@pytest.mark.rule("QY-81")
def test_a_dictionary_has_one_value_for_a_name():
    with pytest.raises(exc.ArgumentError, match="does not support duplicate column names"):
        DictBundle("both", Author.id, Book.id)


@pytest.mark.rule("QY-81")
def test_a_subclass_makes_anything_of_its_columns(session):
    class Joined(Bundle):
        def create_row_processor(self, query, procs, labels):
            return lambda row: "/".join(str(proc(row)) for proc in procs)

    assert session.scalars(select(Joined("all", Author.id, Author.name))).all() == [
        "1/Ann",
        "2/Ben",
    ]


@pytest.mark.rule("QY-82")
def test_members_stand_in_criteria(session):
    who = Bundle("who", Author.id, Author.name)
    statement = select(who).where(who.c.name == "Ben").order_by(who.c.id)

    assert session.scalars(statement).all() == [(2, "Ben")]
