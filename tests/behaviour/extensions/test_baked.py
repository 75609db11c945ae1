"""Queries that are put together from functions."""

import pytest
from sqlalchemy import bindparam, exc

from holdfast import Session
from holdfast.ext.baked import BakedQuery, bakery
from models.library import Author, Base, Book


@pytest.fixture
def session(engine, tables):
    tables(Base.metadata)
    with Session(engine) as session:
        session.add(Author(id=1, name="Ann", books=[Book(id=1, title="Fog"), Book(id=2)]))
        session.add(Author(id=2, name="Bob"))
        session.commit()
        yield session


@pytest.mark.rule("XT-122")
def test_functions_make_a_query(session):
    baked = bakery()(lambda session: session.query(Author))
    baked += lambda query: query.filter(Author.name == bindparam("name"))

    assert [author.id for author in baked(session).params(name="Bob").all()] == [2]
    assert baked(session).params({"name": "Ann"}).one().id == 1
    assert baked.for_session(session).params(name="Cid").first() is None


@pytest.mark.rule("XT-122")
def test_criteria_are_added_in_place_or_to_a_copy(session):
    first = BakedQuery.bakery()(lambda session, *what: session.query(*what), Author.name)

    with_arguments = (lambda query, number: query.filter(Author.id == number), 2)
    copy = first + with_arguments
    other = first.with_criteria(lambda query: query.order_by(Author.id.desc()))
    same = first.add_criteria(lambda query: query.order_by(Author.id))

    assert same is first
    assert copy(session).all() == [("Bob",)]
    assert other(session).all() == [("Bob",), ("Ann",)]
    assert list(first(session)) == [("Ann",), ("Bob",)]
    assert first.spoil(full=True) is first


@pytest.mark.rule("XT-122")
def test_functions_are_called_each_time(session):
    wanted = "Ann"
    baked = bakery()(lambda session: session.query(Author))
    baked += lambda query: query.filter(Author.name == wanted)
    assert baked(session).one().id == 1

    wanted = "Bob"

    assert baked(session).one().id == 2


@pytest.mark.rule("XT-122")
def test_results_are_those_of_the_query(session):
    baked = bakery()(lambda session: session.query(Author.name).order_by(Author.id))

    assert baked(session).first() == ("Ann",)
    assert baked(session).count() == 2
    assert baked(session).with_post_criteria(lambda query: query.limit(1)).scalar() == "Ann"
    assert baked(session).with_post_criteria(lambda q: q.limit(0)).one_or_none() is None
    with pytest.raises(exc.MultipleResultsFound):
        baked(session).one()
    assert str(baked(session)) == str(session.query(Author.name).order_by(Author.id))


@pytest.mark.rule("XT-122")
def test_get_reads_by_key(session):
    baked = bakery()(lambda session: session.query(Author))

    assert baked(session).get(2).name == "Bob"
    assert baked(session).get(9) is None


@pytest.mark.rule("XT-122")
def test_query_stands_within_another_one(session):
    make = bakery()
    inner = make(lambda session: session.query(Book.id))
    inner += lambda query: query.filter(Book.author_id == Author.id).correlate(Author)
    outer = make(lambda session: session.query(Author.name))
    outer += lambda query: query.filter(inner.to_query(query).exists())

    assert outer(session).all() == [("Ann",)]
