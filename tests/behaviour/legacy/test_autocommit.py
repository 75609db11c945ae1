"""Sessions of 1.x in autocommit mode: transactions inside `begin()` only."""

import pytest
from sqlalchemy import event, exc, func, insert, inspect, select, text, update

from holdfast import legacy, selectinload
from models.library import Author, Book, Tag

author_table = Author.__table__


def names(session):
    return [name for (name,) in session.query(Author.name).order_by(Author.id)]


def checked_out(engine):
    return engine.pool.checkedout()


@pytest.mark.rule("LG-60", "LG-72", "LG-171")
def test_there_is_no_transaction_at_first(auto, session, control):
    assert auto.transaction is None
    assert auto.is_active is False
    assert auto.in_transaction() is False
    assert auto.autocommit is True
    assert session.autocommit is False
    assert control == []


@pytest.mark.rule("LG-61", "LG-71", "LG-171")
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_transaction_lasts_from_begin_to_its_end(auto, control, end):
    root = auto.begin()
    assert root is auto.transaction
    assert auto.is_active
    auto.add(Tag(name="t"))
    auto.flush()
    assert auto.query(Tag).count() == 1
    assert control == ["BEGIN"]

    getattr(auto, end)()

    assert auto.transaction is None
    assert not auto.is_active
    assert control == ["BEGIN", end.upper()]
    assert auto.query(Tag).count() == (1 if end == "commit" else 0)


@pytest.mark.rule("LG-62")
def test_beginning_flushes_in_a_transaction_of_its_own(auto, control):
    auto.add(Tag(id=1, name="t"))

    auto.begin()

    assert control == ["BEGIN", "COMMIT"]
    auto.rollback()
    assert auto.query(Tag.id).all() == [(1,)]


@pytest.mark.rule("LG-63", "LG-64")
def test_flush_has_a_transaction_of_its_own(auto, control, sql):
    ann = auto.query(Author).get(1)
    tag = Tag(id=1, name="t")
    auto.add(tag)
    ann.name = "Anna"
    assert auto.transaction is None
    control.clear()

    auto.flush()

    assert control == ["BEGIN", "COMMIT"]
    assert auto.transaction is None
    sql.clear()
    assert (ann.name, tag.name, tag.id) == ("Anna", "t", 1)
    assert sql.emitted == []


@pytest.mark.rule("LG-63")
def test_failed_flush_is_rolled_back_and_forgotten(auto, control):
    tag = Tag(id=1, name="t")
    auto.add_all([tag, Author(id=9, name=None)])

    with pytest.raises(exc.DBAPIError):
        auto.flush()

    assert control == ["BEGIN", "ROLLBACK"]
    assert auto.transaction is None
    assert inspect(tag).transient
    assert names(auto) == ["Ann"]
    auto.add(tag)
    auto.flush()
    assert auto.query(Tag).count() == 1


@pytest.mark.rule("LG-63")
def test_bulk_methods_have_a_transaction_of_their_own(auto, control):
    auto.bulk_insert_mappings(Tag, [{"id": 1, "name": "a"}])
    auto.bulk_update_mappings(Tag, [{"id": 1, "name": "b"}])
    auto.bulk_save_objects([Tag(id=2, name="c")])

    assert control == ["BEGIN", "COMMIT"] * 3
    assert auto.transaction is None
    assert sorted(auto.query(Tag.name)) == [("b",), ("c",)]


@pytest.mark.rule("LG-65", "LG-91")
def test_rows_keep_the_connection_until_they_are_read(pooled):
    session = legacy.Session(pooled, autocommit=True)
    levels = []
    event.listen(session, "after_transaction_create", lambda _, level: levels.append(level))

    result = session.execute(select(author_table.c.id).order_by(author_table.c.id))
    assert result.fetchone() == (1,)
    assert checked_out(pooled) == 1
    other = session.execute(select(author_table.c.id))
    assert checked_out(pooled) == 2
    other.close()
    assert checked_out(pooled) == 1
    assert len(result.fetchall()) == 4
    assert checked_out(pooled) == 0
    assert len(session.query(Author).options(selectinload(Author.books)).all()) == 5
    assert session.query(Author).get(2).books == []
    assert session.scalar(select(func.count()).select_from(Author)) == 5
    assert checked_out(pooled) == 0
    assert levels == []


@pytest.mark.rule("LG-66")
def test_ending_what_was_not_begun(auto):
    for method in (auto.commit, auto.prepare):
        with pytest.raises(exc.InvalidRequestError, match="No transaction is begun"):
            method()
    auto.rollback()

    assert auto.transaction is None


@pytest.mark.rule("LG-67")
def test_savepoint_begins_a_root_too(auto, control):
    nested = auto.begin_nested()
    assert nested.nested
    assert nested.parent is auto.get_transaction()
    auto.add(Tag(id=1, name="t"))

    auto.commit()
    assert auto.transaction is nested.parent
    auto.commit()

    assert auto.transaction is None
    assert control == ["BEGIN", "SAVEPOINT", "RELEASE", "COMMIT"]


@pytest.mark.rule("LG-68", "LG-141")
def test_queries_flush_first(auto):
    auto.query(Author).get(1).name = "Anna"
    assert names(auto) == ["Anna"]
    auto.add(Tag(name="t"))
    assert auto.query(Tag).count() == 1
    auto.autoflush = False
    auto.add(Tag(name="u"))
    assert auto.query(Tag).count() == 1


@pytest.mark.rule("LG-69")
def test_connection_is_one_for_the_purpose_outside_a_transaction(pooled):
    session = legacy.Session(pooled, autocommit=True)
    connection = session.connection()
    assert session.connection() is not connection
    connection.execute(update(author_table).values(name="x"))
    assert not connection.closed
    assert names(session) == ["x"] * 5
    connection.close()

    session.begin()
    assert session.connection() is session.connection()
    session.connection().execute(update(author_table).values(name="y"))
    session.rollback()
    assert names(session) == ["x"] * 5


@pytest.mark.rule("LG-70")
def test_subtransactions_frame_code_inside_and_outside(auto, control):
    def save(number):
        with auto.begin(subtransactions=True):
            auto.add(Tag(id=number, name="t"))

    save(1)
    assert auto.transaction is None
    with auto.begin(subtransactions=True):
        save(2)
        assert auto.transaction is not None

    assert control == ["BEGIN", "COMMIT"] * 2
    assert auto.query(Tag).count() == 2


@pytest.mark.rule("LG-71")
def test_partial_rollback_makes_the_transaction_inactive(auto):
    auto.begin()
    auto.begin(subtransactions=True)
    auto.rollback()
    assert not auto.is_active

    auto.rollback()

    assert auto.transaction is None


@pytest.mark.rule("LG-73")
def test_close_begins_nothing(auto):
    created = []
    auto.begin()
    event.listen(auto, "after_transaction_create", lambda _, level: created.append(level))

    auto.close()

    assert auto.transaction is None
    assert created == []


@pytest.mark.rule("LG-74")
@pytest.mark.parametrize(
    "statement",
    [
        author_table.update().values(name="new"),
        update(Author).values(name="new"),
        text("UPDATE author SET name = 'new'"),
        "UPDATE author SET name = 'new'",
    ],
    ids=["Core", "class", "text", "string"],
)
def test_statement_outside_a_transaction_is_committed(pooled, statement):
    session = legacy.Session(pooled, autocommit=True)

    session.execute(statement)

    assert checked_out(pooled) == 0
    with pooled.connect() as other:
        assert set(other.scalars(select(author_table.c.name))) == {"new"}


@pytest.mark.rule("LG-74")
def test_statement_of_a_query_is_committed(pooled):
    session = legacy.Session(pooled, autocommit=True)
    held = session.query(Author).get(1)

    assert session.query(Author).filter(Author.id < 3).update({"name": "new"}) == 2
    assert session.query(Author).filter(Author.id == 5).delete() == 1

    assert held.name == "new"
    with pooled.connect() as other:
        found = other.scalars(select(author_table.c.name).order_by(author_table.c.id)).all()
    assert found == ["new", "new", "author 3", "author 4"]


@pytest.mark.rule("LG-74")
def test_failed_statement_leaves_no_connection_out(pooled):
    session = legacy.Session(pooled, autocommit=True)

    with pytest.raises(exc.DBAPIError):
        session.execute("SELECT nonsense")

    assert checked_out(pooled) == 0


@pytest.mark.rule("LG-74")
def test_session_on_a_connection_commits_there(pooled):
    with pooled.connect() as connection:
        session = legacy.Session(connection, autocommit=True)
        session.execute(update(author_table).values(name="new"))
        assert names(session) == ["new"] * 5
        assert not connection.closed
        with pooled.connect() as other:
            assert set(other.scalars(select(author_table.c.name))) == {"new"}


# -- connections that close with their result ------------------------------------------------------


@pytest.mark.rule("LG-90")
def test_connection_closes_with_its_first_result(pooled):
    session = legacy.Session(pooled, autocommit=True)
    read, closed = (session.connection(close_with_result=True) for _ in range(2))

    result = read.execute(select(author_table.c.id))
    assert not read.closed
    result.fetchall()
    assert read.closed
    result = closed.execute(select(author_table.c.id))
    result.fetchone()
    assert not closed.closed
    result.close()
    assert closed.closed


@pytest.mark.rule("LG-92")
def test_connection_of_a_transaction_stays_open(pooled):
    session = legacy.Session(pooled, autocommit=True)
    session.begin()
    connection = session.connection(close_with_result=True)

    connection.execute(select(author_table.c.id)).fetchall()

    assert not connection.closed
    assert connection is session.connection()
    session.rollback()


@pytest.mark.rule("LG-65")
def test_row_that_was_inserted_by_statement_has_its_key(auto):
    result = auto.execute(insert(Tag.__table__), {"id": 7, "name": "t"})

    assert result.inserted_primary_key == (7,)
    assert auto.query(Book).count() == 2
