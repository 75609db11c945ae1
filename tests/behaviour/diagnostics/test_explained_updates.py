"""An explanation names the columns that each UPDATE sets, and they are those of the SQL."""

import re

import pytest
from sqlalchemy import event, select

from holdfast import Session
from holdfast.diagnostics import explain
from models import company, library, shop, tree, wiki

MODELS = (company, library, shop, tree, wiki)


@pytest.fixture
def session(engine, tables):
    for model in MODELS:
        tables(model.Base.metadata)
    with Session(engine) as session:
        yield session


def plan(session):
    return str(explain(session)).splitlines()


def columns_written(session, sql):
    """What the explanation says, and what the flush then does: columns by table, sorted."""
    explanation = explain(session)
    said = {
        (state.mapper.local_table.name, key)
        for state, keys in explanation.columns.items()
        for key in keys
    }
    sql.clear()
    session.flush()
    written = set()
    for text in sql.emitted:
        found = re.match(r"UPDATE (\w+) SET (.*) WHERE", text)
        if found:
            names = re.findall(r"(\w+) ?=", found[2])
            written |= {(found[1], name) for name in names}
    return said, written


def test_columns_with_a_net_change_are_named(session):
    author, other = library.Author(name="A"), library.Author(name="B")
    session.add_all([author, other])
    session.flush()
    author.name, author.email, other.name = "C", "c@d", "E"

    assert plan(session) == ["1. UPDATE Author: <Author id=1> (name, email), <Author id=2> (name)"]


def test_rows_alike_stand_together_and_long_steps_are_cut(session):
    authors = [library.Author(name=str(number)) for number in range(10)]
    session.add_all(authors)
    session.flush()
    for author in authors:
        author.name += "x"

    (line,) = plan(session)
    assert line.startswith("1. UPDATE Author: <Author id=1>, <Author id=2>, ")
    assert line.endswith("<Author id=8> (name) and 2 more")


def test_object_without_net_change_is_written_by_nothing(session, sql):
    author = library.Author(name="A", books=[library.Book()])
    session.add(author)
    session.flush()
    author.name, author.name = "B", "A"
    author.books.append(library.Book())

    assert "UPDATE Author: <Author id=1> (nothing)" in plan(session)[0]
    said, written = columns_written(session, sql)
    assert said == written == set()


def test_copied_foreign_keys_count_as_columns(session, sql):
    author, other = library.Author(name="A", books=[library.Book()]), library.Author(name="B")
    session.add_all([author, other])
    session.flush()
    author.books[0].author = other

    assert plan(session)[-1].endswith("UPDATE Book: <Book id=1> (author_id)")
    said, written = columns_written(session, sql)
    assert said == written == {("book", "author_id")}


def test_versions_rise_with_a_change(session, sql):
    page, note = wiki.Page(text="a"), wiki.Note()
    session.add_all([page, note])
    session.flush()
    page.text, note.page = "b", page

    said, written = columns_written(session, sql)
    assert said == written
    assert written == {
        ("page", "text"),
        ("page", "version"),
        ("note", "page_id"),
        ("note", "version"),
    }


def test_columns_that_update_themselves_are_named(session, sql):
    row = wiki.ByServer(text="a")
    session.add(row)
    session.flush()
    row.text = "b"

    said, written = columns_written(session, sql)
    assert said == written == {("by_server", "text"), ("by_server", "version")}


def test_columns_of_all_tables_of_a_class_are_named(session):
    engineer, boss = company.Engineer(name="e", language="ada"), company.Boss(name="b")
    session.add_all([engineer, boss])
    session.flush()
    engineer.name, engineer.language, engineer.manager = "f", "c", boss

    assert plan(session)[-1].endswith("(name, language, manager_id), <Boss id=2> (nothing)")


def test_later_updates_name_their_columns_themselves(session):
    page = wiki.Page(text="a", next=wiki.Page(text="b"))
    session.add(page)
    session.flush()
    page.next = None

    assert "(nothing)" in plan(session)[0]
    assert plan(session)[-1].endswith("(only next_id, for Page.next)")


def test_explaining_fires_no_event_and_emits_nothing(session, sql):
    node = tree.Node(name="x")
    session.add(node)
    session.flush()
    node.name = "y"
    event.listen(session, "before_flush", lambda *_: pytest.fail("flushed"))
    sql.clear()

    assert plan(session) == ["1. UPDATE Node: <Node id=1> (name)"]
    assert sql.emitted == []
    session.rollback()


@pytest.mark.rule("SB-91")
def test_new_object_with_the_key_of_a_deleted_one_replaces_it(session, sql):
    session.add_all([library.Author(id=1, name="A"), library.Author(id=2, name="B")])
    session.flush()
    for author in session.scalars(select(library.Author)):
        session.delete(author)
    session.add_all([library.Author(id=1, name="C"), library.Author(id=3, name="D")])

    assert plan(session)[-3:] == [
        "1. UPDATE Author: <Author #1> replaces <Author id=1>",
        "2. INSERT Author: <Author #2>",
        "3. DELETE Author: <Author id=2>",
    ]
    sql.clear()
    session.flush()
    verbs = [text.split()[0] for text in sql.emitted]
    assert verbs[-3:] == ["UPDATE", "INSERT", "DELETE"]
