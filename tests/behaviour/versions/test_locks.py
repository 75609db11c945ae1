"""`with_for_update`: rows locked by `get`, `refresh` and queries, and the version compared."""

from __future__ import annotations

import pytest
from sqlalchemy import event, exc, select
from sqlalchemy.dialects import mysql, postgresql

from holdfast import Query, Session, joinedload
from holdfast.exc import StaleDataError
from models.wiki import Article, Note, Page


@pytest.fixture
def locks(engine):
    """What each SELECT says of locks, whatever the database understands."""
    found = []

    @event.listens_for(engine, "before_execute")
    def record(_connection, statement, *_):
        lock = getattr(statement, "_for_update_arg", None)
        found.append(None if lock is None else lock.__dict__)

    return found


def change_elsewhere(session, version=5):
    session.connection().exec_driver_sql(f"UPDATE page SET version = {version}, text = 'theirs'")


@pytest.mark.rule("VC-44", "SB-129")
@pytest.mark.parametrize("how", [True, {"nowait": True}, {"read": True, "skip_locked": True}])
def test_get_and_refresh_lock_the_row(session, locks, how):
    page = session.get_one(Page, 1, with_for_update=how)
    session.refresh(page, with_for_update=how)
    session.refresh(page, ["text"], with_for_update=how)

    wanted = {} if how is True else how
    taken = [lock for lock in locks if lock is not None]
    assert len(taken) == 3
    assert all(wanted.items() <= lock.items() for lock in taken)


LOCKS = [
    ({}, "FOR UPDATE", "FOR UPDATE"),
    ({"read": True}, "FOR SHARE", "LOCK IN SHARE MODE"),
    ({"nowait": True}, "FOR UPDATE NOWAIT", "FOR UPDATE NOWAIT"),
    ({"skip_locked": True}, "FOR UPDATE SKIP LOCKED", "FOR UPDATE SKIP LOCKED"),
    ({"key_share": True}, "FOR NO KEY UPDATE", "FOR UPDATE"),
    ({"read": True, "key_share": True}, "FOR KEY SHARE", "LOCK IN SHARE MODE"),
    ({"of": Page}, "FOR UPDATE OF page", "FOR UPDATE"),
    ({"of": Page.text}, "FOR UPDATE OF page", "FOR UPDATE"),
]


@pytest.mark.rule("VC-44")
@pytest.mark.parametrize(("how", "on_postgresql", "on_mysql"), LOCKS)
def test_queries_render_locks_as_the_database_has_them(how, on_postgresql, on_mysql):
    for statement in (select(Page).with_for_update(**how), Query(Page).with_for_update(**how)):
        statement = getattr(statement, "statement", statement)
        assert str(statement.compile(dialect=postgresql.dialect())).endswith(on_postgresql)
        assert str(statement.compile(dialect=mysql.dialect())).endswith(on_mysql)


@pytest.mark.rule("VC-44")
def test_a_limited_query_with_joined_rows_locks_the_rows_that_it_chose():
    plain = select(Page).options(joinedload(Page.notes)).limit(1)
    everything = str(plain.with_for_update().compile(dialect=postgresql.dialect()))
    pages = str(plain.with_for_update(of=Page).compile(dialect=postgresql.dialect()))

    assert everything.count("FOR UPDATE") == 2
    assert everything.endswith("FOR UPDATE")
    # The subquery alone knows the table, and locks it.
    assert pages.count("FOR UPDATE OF page") == pages.count("FOR UPDATE") == 1


@pytest.mark.rule("VC-13")
def test_get_with_a_lock_compares_the_version_of_a_loaded_object(session):
    page = session.get_one(Page, 1)
    assert session.get(Page, 1, with_for_update=True) is page
    change_elsewhere(session)

    with pytest.raises(StaleDataError, match=r"has version id '1' which does not match .* '5'"):
        session.get(Page, 1, with_for_update=True)
    assert (page.version, page.text) == (1, "one")


@pytest.mark.rule("VC-13")
def test_get_with_a_lock_compares_with_the_version_that_the_database_had(session):
    page = session.get_one(Page, 1)
    page.version = 5
    with session.no_autoflush:
        change_elsewhere(session)
        with pytest.raises(StaleDataError, match="has version id '1'"):
            session.get(Page, 1, with_for_update=True)


@pytest.mark.rule("VC-13")
def test_a_refresh_of_some_attributes_with_a_lock_compares_the_version(session):
    page = session.get_one(Page, 1)
    session.refresh(page, ["text"], with_for_update=True)
    assert (page.version, page.text) == (1, "one")
    change_elsewhere(session)

    with pytest.raises(StaleDataError, match=r"has version id '1' which does not match .* '5'"):
        session.refresh(page, ["text"], with_for_update={"read": True})
    session.refresh(page, ["text"])
    assert (page.version, page.text) == (1, "theirs")


@pytest.mark.rule(
    "VC-13",
    differs="a refresh of the whole object with a lock takes the new version together with all "
    "other values, as SQLAlchemy's does: nothing of the former version is left to be compared",
)
def test_a_refresh_of_the_whole_object_with_a_lock_takes_the_new_version(session):
    page = session.get_one(Page, 1)
    change_elsewhere(session)
    session.refresh(page, with_for_update=True)

    assert (page.version, page.text) == (5, "theirs")


@pytest.mark.rule("VC-13")
def test_reading_without_a_lock_takes_the_new_version(session):
    page = session.get_one(Page, 1)
    change_elsewhere(session, 5)
    session.refresh(page)
    assert page.version == 5
    change_elsewhere(session, 6)
    session.expire(page)
    assert page.version == 6
    change_elsewhere(session, 7)
    session.scalars(select(Page), execution_options={"populate_existing": True}).one()
    assert page.version == 7
    change_elsewhere(session, 8)
    session.get(Page, 1, populate_existing=True, with_for_update=True)
    assert page.version == 8
    change_elsewhere(session, 9)
    session.expire(page)
    assert session.get(Page, 1, with_for_update=True).version == 9


@pytest.mark.rule("VC-13")
def test_a_lock_on_an_object_of_a_subclass_compares_the_version_in_the_base(session):
    article = Article(id=2, title="a")
    session.add(article)
    session.commit()
    assert session.get(Article, 2, with_for_update=True).version == 1
    change_elsewhere(session)

    with pytest.raises(StaleDataError):
        session.get(Article, 2, with_for_update=True)
    with pytest.raises(StaleDataError):
        session.refresh(article, ["title"], with_for_update=True)


@pytest.mark.rule("VC-13")
def test_what_is_loaded_along_with_a_locked_object_is_not_compared(session):
    page = session.get_one(Page, 1)
    page.notes.append(Note(id=1))
    session.commit()
    note = page.notes[0]
    assert (page.version, note.version) == (1, 1)
    session.connection().exec_driver_sql("UPDATE note SET version = 5")

    options = [joinedload(Page.notes, innerjoin=True)]
    assert session.get(Page, 1, with_for_update=True, options=options) is page
    assert note.version == 1


@pytest.mark.rule("VC-44", "VC-45")
def test_a_locked_row_cannot_be_changed_by_another_transaction(maker):
    if maker.kw["bind"].dialect.name == "sqlite":
        pytest.skip("SQLite locks the whole database, and no rows")
    with maker() as one, maker() as other:
        one.get_one(Page, 1, with_for_update=True)
        with pytest.raises(exc.DBAPIError):
            other.get(Page, 1, with_for_update={"nowait": True})
        other.rollback()
        assert other.scalars(select(Page).with_for_update(skip_locked=True)).all() == []
        one.rollback()
        assert other.get_one(Page, 1, with_for_update={"nowait": True}).version == 1


@pytest.mark.rule("SB-129", "SM-128")
@pytest.mark.parametrize("how", [{}, 7])
def test_a_lock_must_be_true_or_say_what_it_is(engine, how):
    with Session(engine) as session, pytest.raises(exc.ArgumentError, match="ambiguous"):
        session.get(Page, 1, with_for_update=how)
