"""`lazy="raise"`, `lazy="raise_on_sql"` and `lazy="noload"`, as options and as mapped."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import ForeignKey, select
from sqlalchemy.exc import InvalidRequestError, SADeprecationWarning

from conftest import SqlRecorder
from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    noload,
    raiseload,
    relationship,
    selectinload,
)
from models.library import Author, Book


def author_with(session: Session, *options: Any) -> Author:
    return session.scalars(select(Author).where(Author.name == "ann").options(*options)).one()


@pytest.mark.rule("LD-70", "LD-1 raise")
def test_raise_refuses_an_unloaded_attribute_and_reads_a_loaded_one(
    session: Session, sql: SqlRecorder
) -> None:
    author = author_with(session, raiseload(Author.books))
    sql.clear()
    with pytest.raises(
        InvalidRequestError, match=r"'Author\.books' is not available due to lazy='raise'"
    ):
        _ = author.books
    assert len(sql) == 0
    author_with(session, raiseload("*"), selectinload(Author.books))
    assert [book.title for book in author.books] == ["a", "b"]


@pytest.mark.rule("LD-71", "LD-1 raise_on_sql")
def test_raise_on_sql_delivers_what_is_in_memory(session: Session) -> None:
    book = session.scalars(
        select(Book).where(Book.title == "a").options(raiseload(Book.author, sql_only=True))
    ).one()
    with pytest.raises(
        InvalidRequestError, match=r"'Book\.author' is not available due to lazy='raise_on_sql'"
    ):
        _ = book.author
    author = session.get(Author, book.author_id)
    assert book.author is author


@pytest.mark.rule("LD-71")
def test_raise_on_sql_knows_that_an_empty_foreign_key_leads_nowhere(session: Session) -> None:
    session.add(Book(id=99, title="z"))
    session.flush()
    session.expunge_all()
    book = session.get_one(Book, 99, options=[raiseload(Book.author, sql_only=True)])
    assert book.author is None


@pytest.mark.rule("LD-72")
@pytest.mark.parametrize("sql_only", [False, True])
def test_flush_ignores_the_refusal(session: Session, *, sql_only: bool) -> None:
    author = author_with(session, raiseload("*", sql_only=sql_only))
    book_ids = session.scalars(select(Book.id).where(Book.author_id == author.id)).all()
    author.name = "other"
    session.add(Book(title="new", author=author))
    session.flush()
    session.delete(author)
    session.commit()
    found = session.scalars(select(Book.author_id).where(Book.id.in_(book_ids)))
    assert set(found) == {None}


@pytest.mark.rule("LD-1 noload")
def test_noload_warns_and_reads_as_empty(session: Session, sql: SqlRecorder) -> None:
    with pytest.warns(SADeprecationWarning, match="The ``noload`` loader strategy is deprecated"):
        option = noload(Author.books)
    author = author_with(session, option)
    sql.clear()
    assert author.books == []
    assert len(sql) == 0


@pytest.fixture
def base() -> Iterator[Any]:
    class Base(DeclarativeBase):
        pass

    yield Base
    Base.registry.dispose()


def map_owner(base: Any, lazy: str | None) -> tuple[Any, Any]:
    """An owner whose things are set up as mapped."""

    class Owner(base):
        __tablename__ = "owner"
        id: Mapped[int] = mapped_column(primary_key=True)
        things = relationship("Thing", lazy=lazy)

    class Thing(base):
        __tablename__ = "thing"
        id: Mapped[int] = mapped_column(primary_key=True)
        owner_id: Mapped[int | None] = mapped_column(ForeignKey("owner.id"))

    return Owner, Thing


@pytest.mark.rule("LD-70", "LD-71", "LD-1 raise raise_on_sql")
@pytest.mark.parametrize("lazy", ["raise", "raise_on_sql"])
def test_mapped_refusal_yields_to_an_option(base: Any, engine: Any, lazy: str) -> None:
    Owner, Thing = map_owner(base, lazy)
    base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Owner(id=1, things=[Thing()]))
        session.commit()
        owner = session.get_one(Owner, 1)
        with pytest.raises(InvalidRequestError, match=f"lazy='{lazy}'"):
            _ = owner.things
        session.expunge_all()
        owner = session.get_one(Owner, 1, options=[joinedload(Owner.things)])
        assert len(owner.things) == 1


@pytest.mark.rule("LD-1 noload")
@pytest.mark.parametrize("lazy", ["noload", None])
def test_noload_warns_at_configuration(base: Any, lazy: str | None) -> None:
    map_owner(base, lazy)
    with pytest.warns(SADeprecationWarning, match="The ``noload`` loader strategy is deprecated"):
        base.registry.configure()


@pytest.mark.rule("LD-1 noload")
@pytest.mark.filterwarnings("ignore:.*noload")
def test_noload_shows_what_was_added_since(session: Session) -> None:
    statement = select(Author).where(Author.id == 1).options(noload(Author.books))
    author = session.scalars(statement).one()
    book = Book(title="new")

    book.author = author

    assert author.books == [book]
