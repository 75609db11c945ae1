"""What commit, rollback, SAVEPOINT and flush expire."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import FetchedValue, func, inspect, text, update

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    column_property,
    make_transient_to_detached,
    mapped_column,
)
from models.library import Author, Book


class Base(DeclarativeBase):
    pass


class Page(Base):
    __tablename__ = "page"

    id: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[str] = mapped_column()
    words: Mapped[int | None]
    stamp: Mapped[int | None] = mapped_column(server_default=text("7"))
    changed: Mapped[int | None] = mapped_column(server_onupdate=FetchedValue())
    loud: Mapped[str] = column_property(func.upper(content))
    __mapper_args__ = {"eager_defaults": False}


@pytest.fixture
def page(session: Session, tables: Any) -> Page:
    tables(Base.metadata)
    page = Page(id=1, content="some words", words=2)
    session.add(page)
    session.commit()
    assert page.content == "some words"
    return page


def expired(obj: object) -> bool:
    return inspect(obj).expired


@pytest.mark.rule("SM-160 commit with expire_on_commit=True")
def test_commit_expires_all_persistent_objects(session, ann, sql):
    books = list(ann.books)
    new = Author(id=2, name="Bo")
    session.add(new)

    session.commit()

    assert all(expired(each) for each in (ann, new, *books))
    assert "books" not in vars(ann)


@pytest.mark.rule("SM-160 commit with expire_on_commit=False")
def test_commit_expires_nothing_when_told_so(engine, ann, sql):
    session = inspect(ann).session
    session.expire_on_commit = False
    ann.name = "Anna"
    session.commit()
    sql.clear()

    assert ann.name == "Anna"
    assert len(ann.books) == 2
    assert len(sql) == 0


@pytest.mark.rule("SM-160 nested commit (RELEASE)")
def test_release_of_a_savepoint_expires_nothing(session, ann, sql):
    with session.begin_nested():
        ann.name = "Anna"
    sql.clear()

    assert ann.name == "Anna"
    assert len(ann.books) == 2
    assert len(sql) == 0


@pytest.mark.rule("SM-160 rollback()", "SM-161")
def test_rollback_expires_what_stays_persistent_and_no_new_object(session, ann):
    books = list(ann.books)
    flushed, pending = Author(id=2, name="Bo"), Author(id=3, name="Cy")
    session.add(flushed)
    session.flush()
    session.add(pending)

    session.rollback()

    assert all(expired(each) for each in (ann, *books))
    assert inspect(flushed).transient
    assert inspect(pending).transient
    assert flushed.name == "Bo"
    assert pending.name == "Cy"


@pytest.mark.rule("SM-160 nested rollback()")
def test_rollback_to_a_savepoint_expires_what_was_changed_in_it(session, ann, sql):
    one, two = ann.books
    nested = session.begin_nested()
    one.title = "changed"
    session.flush()

    nested.rollback()

    assert "title" not in vars(one)
    assert not expired(ann)
    assert not expired(two)
    assert one.title == "one"


@pytest.mark.rule("SM-160 nested rollback()")
def test_rollback_to_a_savepoint_expires_changes_that_were_not_flushed(session, ann):
    nested = session.begin_nested()
    ann.name = "Anna"

    nested.rollback()

    assert ann.name == "Ann"
    assert ann not in session.dirty


@pytest.mark.rule("SM-160 nested rollback()")
def test_rollback_to_a_savepoint_expires_what_it_restores(session, ann):
    two = ann.books[1]
    nested = session.begin_nested()
    session.delete(two)
    session.flush()
    assert inspect(two).deleted

    nested.rollback()

    assert inspect(two).persistent
    assert expired(two)
    assert two.title == "two"


@pytest.mark.rule("SM-160 nested rollback()")
def test_changes_from_before_a_savepoint_outlive_its_rollback(session, ann):
    ann.name = "Anna"
    nested = session.begin_nested()
    ann.email = "anna@x"
    session.flush()

    nested.rollback()

    assert (ann.name, ann.email) == ("Anna", "ann@x")


@pytest.mark.rule("SM-160 flush, server-generated value not fetched")
def test_flush_expires_values_that_the_server_makes(session, page, sql):
    new = Page(id=2, content="x")
    session.add(new)
    session.flush()
    assert "stamp" not in vars(new)
    assert inspect(new).expired_attributes >= {"stamp"}
    assert new.stamp == 7

    page.content = "other"
    assert page.changed is None
    session.flush()

    assert "changed" not in vars(page)
    assert vars(page)["words"] == 2


@pytest.mark.rule("SM-160 flush, SQL expression assigned")
def test_flush_expires_an_attribute_that_was_given_an_expression(session, page, sql):
    page.words = Page.words + 3

    session.flush()

    assert "words" not in vars(page)
    assert vars(page)["content"] == "some words"
    assert page.words == 5


@pytest.mark.rule("SM-160 flush UPDATE")
def test_flush_expires_column_properties_of_expressions(session, page, sql):
    assert page.loud == "SOME WORDS"
    page.content = "other"

    session.flush()

    assert "loud" not in vars(page)
    assert page.loud == "OTHER"


@pytest.mark.rule("SM-160 expire, expire_all, refresh")
def test_expire_and_refresh_expire_what_they_name(session, ann):
    session.expire(ann, ["name"])
    assert inspect(ann).expired_attributes == {"name"}
    session.refresh(ann)
    assert inspect(ann).unloaded == {"books"}
    session.expire_all()
    assert expired(ann)


@pytest.mark.rule("SM-160 ORM UPDATE, synchronised, value not computable")
@pytest.mark.parametrize("synchronize", ["auto", "evaluate", "fetch"])
def test_update_expires_what_it_cannot_compute_on_the_objects_it_meets(session, ann, synchronize):
    bo = Author(id=2, name="Bo", email="bo@x")
    session.add(bo)
    session.flush()

    session.execute(
        update(Author).where(Author.id == 1).values(name=func.upper(Author.name)),
        execution_options={"synchronize_session": synchronize},
    )

    assert "name" not in vars(ann)
    assert vars(ann)["email"] == "ann@x"
    assert vars(bo)["name"] == "Bo"
    assert ann.name == "ANN"


@pytest.mark.rule("SM-160 make_transient_to_detached")
def test_a_made_up_object_expires_what_it_lacks(session, ann, sql):
    session.expunge_all()
    author = Author(id=1, name="given")

    make_transient_to_detached(author)
    session.add(author)

    assert inspect(author).expired_attributes == {"email"}
    assert author.name == "given"
    assert author not in session.dirty
    assert len(sql) == 0
    assert author.email == "ann@x"


@pytest.mark.rule("SM-162")
def test_sql_behind_the_sessions_back_expires_nothing(session, ann, sql):
    session.execute(text("UPDATE author SET name = 'Anna'"))
    session.connection().execute(update(Book.__table__).values(title="x"))
    sql.clear()

    assert ann.name == "Ann"
    assert [book.title for book in ann.books] == ["one", "two"]
    assert len(sql) == 0


@pytest.mark.rule("SM-162")
def test_a_transaction_of_another_session_expires_nothing(session, ann, engine, sql):
    session.commit()
    assert ann.name == "Ann"
    with Session(engine) as other:
        other.bind = session.connection()
        other.get_one(Author, 1).name = "Anna"
        other.flush()

    assert ann.name == "Ann"
