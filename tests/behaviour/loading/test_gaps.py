"""A query gives objects that are present the values that they lack, however they lost them."""

import pickle

import pytest
from sqlalchemy import func, inspect, select

from holdfast import Session, load_only, make_transient_to_detached
from models import library
from models.library import Author

COUNT = 30


@pytest.fixture(params=[3, COUNT], ids=["few rows", "many rows"])
def count(request):
    return request.param


@pytest.fixture
def session(engine, tables, count):
    tables(library.Base.metadata)
    with Session(engine) as session:
        session.add_all([Author(id=n + 1, name=f"name {n}") for n in range(count)])
        session.commit()
    with Session(engine) as session:
        yield session


def expire_name(session, author):
    session.expire(author, ["name"])


def expire_whole(session, author):
    session.expire(author)


def expire_all(session, _author):
    session.expire_all()


def commit(session, _author):
    session.commit()


def roll_back(session, _author):
    session.rollback()


def let_the_database_compute(session, author):
    author.email = func.upper("a")
    session.flush()
    assert "email" not in author.__dict__


def replace_by_a_lesser_load(session, author):
    statement = select(Author).options(load_only(Author.email))
    session.scalars(statement.execution_options(populate_existing=True)).all()
    assert "name" not in author.__dict__


def make_detached_and_add(session, author):
    session.expunge(author)
    other = Author(id=author.id)
    make_transient_to_detached(other)
    session.add(other)


def unpickle_and_add(session, author):
    session.expire(author)
    session.expunge(author)
    session.add(pickle.loads(pickle.dumps(author)))


@pytest.mark.parametrize(
    "lose",
    [
        expire_name,
        expire_whole,
        expire_all,
        commit,
        roll_back,
        let_the_database_compute,
        replace_by_a_lesser_load,
        make_detached_and_add,
        unpickle_and_add,
    ],
)
@pytest.mark.rule("SB-8")
def test_query_gives_present_objects_what_they_lack(session, sql, lose):
    kept = session.scalars(select(Author).order_by(Author.id)).all()
    lose(session, kept[0])
    session.flush()

    kept = session.scalars(select(Author).order_by(Author.id)).all()

    sql.clear()
    assert all(not inspect(author).expired_attributes for author in kept)
    assert len([author.email for author in kept]) == len(kept)
    assert kept[0].__dict__.keys() >= {"id", "name", "email"}
    assert not sql.emitted


def test_query_leaves_a_deleted_value_alone(session):
    kept = session.scalars(select(Author)).all()
    del kept[0].email
    with session.no_autoflush:
        session.scalars(select(Author)).all()

    assert "email" not in kept[0].__dict__
    session.expire(kept[0], ["email"])
    session.scalars(select(Author)).all()
    assert "email" in kept[0].__dict__


def test_query_makes_anew_what_was_collected(session, count):
    kept = session.scalars(select(Author).order_by(Author.id)).all()
    del kept[1:]

    assert len(session.scalars(select(Author)).all()) == count
