"""Events of `Query`: its listeners see, and may replace, what is about to be compiled."""

import pytest
from sqlalchemy import event, func, select

from holdfast import Query, Session
from models import library


@pytest.fixture
def living(engine, tables):
    """A session whose queries leave out the author named Bo."""
    tables(library.Base.metadata)

    def narrow(query):
        return query.filter(library.Author.name != "Bo")

    event.listen(Query, "before_compile", narrow, retval=True)
    with Session(engine) as session:
        session.add_all([library.Author(name="Ann"), library.Author(name="Bo")])
        session.commit()
        yield session
    event.remove(Query, "before_compile", narrow)


def names(session, statement):
    return sorted(session.scalars(statement))


@pytest.mark.rule("EV-153")
def test_listeners_change_what_a_query_reads(living):
    query = living.query(library.Author)

    assert [each.name for each in query] == ["Ann"]
    assert query.count() == 1


@pytest.mark.rule("EV-153")
def test_listeners_change_a_query_inside_another_statement(living):
    query = living.query(library.Author.name)

    assert names(living, query.statement) == ["Ann"]
    assert living.scalar(select(func.count()).select_from(query.subquery())) == 1
    assert query.union(query).all() == [("Ann",)]
    assert "!=" in str(query)


@pytest.mark.rule("EV-153")
def test_listeners_do_not_hear_of_statements(living):
    assert names(living, select(library.Author.name)) == ["Ann", "Bo"]
