"""How rows meet objects that are in the session, and what execution options change about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, ForeignKey, MetaData, event, inspect, select

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    UserDefinedOption,
    joinedload,
    lazyload,
    load_only,
    mapped_column,
    raiseload,
    relationship,
    selectinload,
)
from holdfast.errors.loading import LoadingError, LoadRefusedError
from models.library import Author, Book


def names(session: Session, **options: Any) -> list[str]:
    statement = select(Author).order_by(Author.id)
    found = session.scalars(statement, execution_options=options).unique()
    return [author.name for author in found]


# -- lazy loading, beside what `test_lazy_loading` proves ------------------------------------------


@pytest.mark.rule("LD-12", "LD-18")
def test_lazy_load_flushes_first_unless_told_otherwise(session: Session, sql: Any) -> None:
    author = session.get_one(Author, 3)
    session.add(Book(id=9, author_id=3))
    sql.clear()

    with session.no_autoflush:
        without = list(author.books)
    session.expire(author, ["books"])
    with_flush = [book.id for book in author.books]

    assert (without, with_flush) == ([], [9])
    assert [text.split()[0] for text in sql.emitted] == ["SELECT", "INSERT", "SELECT"]


@pytest.mark.rule("LD-14")
@pytest.mark.parametrize("is_pending", [False, True])
def test_object_without_a_row_has_nothing_to_load(
    session: Session, sql: Any, is_pending: bool
) -> None:
    book = Book(author_id=1)
    with session.no_autoflush:
        if is_pending:
            session.add(book)

        assert (book.author, book.tags) == (None, set())
    assert len(sql) == 0


class Base(DeclarativeBase):
    pass


class Owner(Base):
    __tablename__ = "owner"

    id: Mapped[int] = mapped_column(primary_key=True)


class Pet(Base):
    """May name an owner that is not there."""

    __tablename__ = "pet"
    __mapper_args__ = {"always_refresh": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    keeper_id: Mapped[int | None]
    keeper: Mapped[Owner | None] = relationship(primaryjoin="foreign(Pet.keeper_id) == Owner.id")


@pytest.fixture
def pets(tables: Callable[[MetaData], Engine], sql: Any) -> Iterator[Session]:
    with Session(tables(Base.metadata)) as session:
        session.add(Pet(id=1, name="rex", keeper_id=7))
        session.commit()
        session.expunge_all()
        sql.clear()
        yield session


@pytest.mark.rule("LD-16")
def test_key_that_names_no_row_gives_none_until_expiry(pets: Session, sql: Any) -> None:
    pet = pets.get_one(Pet, 1)
    first, second = pet.keeper, pet.keeper
    assert (first, second) == (None, None)
    assert len(sql) == 2

    pets.add(Owner(id=7))
    pets.flush()
    assert pet.keeper is None
    pets.expire(pet, ["keeper"])
    assert pet.keeper is pets.get(Owner, 7)


# -- rows and objects ------------------------------------------------------------------------------


@pytest.mark.rule("LD-151")
@pytest.mark.parametrize("load", [joinedload, selectinload])
def test_eager_option_fills_what_a_present_object_lacks(
    session: Session, sql: Any, load: Any
) -> None:
    author = session.get_one(Author, 1)
    session.scalars(select(Author).options(load(Author.books))).unique().all()
    sql.clear()

    assert [book.id for book in author.books] == [1, 2]
    assert len(sql) == 0


@pytest.mark.rule("LD-152")
def test_populate_existing_replaces_what_is_loaded_and_unloads_the_rest(session: Session) -> None:
    author = session.scalars(select(Author).where(Author.id == 1)).one()
    books = author.books
    author.name, author.email = "local", "a@b"
    author.books.append(Book(id=9))
    session.expunge(books[-1])

    statement = select(Author).options(load_only(Author.name), selectinload(Author.books))
    with session.no_autoflush:
        session.scalars(statement.execution_options(populate_existing=True)).all()

    assert "email" not in author.__dict__
    assert (author.name, author.email) == ("ann", None)
    assert [book.id for book in author.books] == [1, 2]
    assert not inspect(author).modified


@pytest.mark.rule("LD-153")
def test_always_refresh_replaces_at_every_load(pets: Session) -> None:
    pet = pets.get_one(Pet, 1)
    pets.connection().exec_driver_sql("UPDATE pet SET name = 'max'")
    assert pet.name == "rex"

    pets.scalars(select(Pet)).all()

    assert pet.name == "max"


@pytest.mark.rule("LD-154")
def test_objects_are_made_in_row_order_and_told_once(session: Session) -> None:
    told: list[str] = []

    def tell(author: Any, _context: Any) -> None:
        told.append(author.name)

    event.listen(Author, "load", tell)
    try:
        made = session.scalars(select(Author).order_by(Author.id.desc())).all()
        assert set(session.scalars(select(Author))) == set(made)
    finally:
        event.remove(Author, "load", tell)

    assert told == ["cy", "bob", "ann"]


@pytest.mark.rule("LD-155")
def test_identity_token_tells_objects_with_one_key_apart(session: Session) -> None:
    statement = select(Author).where(Author.id == 1)
    east, west, plain = (
        session.scalars(statement, execution_options=options).one()
        for options in ({"identity_token": "east"}, {"identity_token": "west"}, {})
    )

    assert len({east, west, plain}) == 3
    assert inspect(east).key == (Author, (1,), "east")
    assert session.scalars(statement, execution_options={"identity_token": "east"}).one() is east
    assert session.get(Author, 1, identity_token="west") is west


@pytest.mark.rule("LD-156 populate_existing", "LD-156 autoflush", "LD-156 yield_per")
def test_statements_understand_execution_options(session: Session, sql: Any) -> None:
    author = session.get_one(Author, 1)
    author.name = "local"
    sql.clear()

    assert names(session, autoflush=False) == ["local", "bob", "cy"]
    assert names(session, autoflush=False, populate_existing=True) == ["ann", "bob", "cy"]
    assert len(session.execute(select(Author), execution_options={"yield_per": 2}).all()) == 3
    assert all(text.startswith("SELECT") for text in sql.emitted)


@pytest.mark.rule("LD-156")
def test_options_of_core_pass_through(library: Engine) -> None:
    schemas = {"none": None}
    with Session(library) as session:
        heard = []
        event.listen(
            library,
            "before_execute",
            lambda *arguments: heard.append(arguments[-1].get("schema_translate_map")),
        )
        session.scalars(select(Author), execution_options={"schema_translate_map": schemas}).all()

    assert schemas in heard


@pytest.mark.rule("LD-157")
def test_options_of_the_engine_are_not_for_objects(library: Engine) -> None:
    engine = library.execution_options(populate_existing=True, yield_per=1)
    with Session(engine) as session:
        author = session.get_one(Author, 1)
        author.name = "local"
        with session.no_autoflush:
            assert names(session) == ["local", "bob", "cy"]
            statement = select(Author).options(joinedload(Author.books))
            assert len(session.scalars(statement).unique().all()) == 3


# -- portions --------------------------------------------------------------------------------------


@pytest.mark.rule("LD-172")
def test_portions_cannot_be_made_unique(session: Session) -> None:
    result = session.scalars(select(Author), execution_options={"yield_per": 2})

    with pytest.raises(LoadingError, match="yield_per feature in conjunction with unique"):
        result.unique().all()


@pytest.mark.rule("LD-173", "LD-170")
@pytest.mark.parametrize("how", ["option", "method"])
def test_portions_are_asked_for_in_two_ways(session: Session, how: str) -> None:
    statement = select(Author.id).order_by(Author.id)
    if how == "option":
        result = session.execute(statement, execution_options={"yield_per": 2})
    else:
        result = session.execute(statement, execution_options={"stream_results": True})
        result = result.yield_per(2)

    assert [list(part) for part in result.partitions()] == [[(1,), (2,)], [(3,)]]


# -- options of applications -----------------------------------------------------------------------


class Remark(UserDefinedOption):
    pass


class StayingRemark(UserDefinedOption):
    propagate_to_loaders = True


@pytest.mark.rule("LD-93")
@pytest.mark.parametrize(("kind", "is_carried"), [(Remark, False), (StayingRemark, True)])
def test_listeners_read_options_of_the_application(
    session: Session, kind: type[UserDefinedOption], is_carried: bool
) -> None:
    heard: list[list[Any]] = []

    @event.listens_for(session, "do_orm_execute")
    def hear(state: Any) -> None:
        heard.append([option.payload for option in state.user_defined_options])

    author = session.scalars(
        select(Author).where(Author.id == 1).options(kind("hello"), lazyload(Author.books))
    ).one()
    _ = author.books

    assert heard == [["hello"], ["hello"] if is_carried else []]


# -- what ends with the statement ------------------------------------------------------------------


@pytest.mark.rule("LD-87")
def test_wildcard_without_entity_ends_where_an_attribute_is_touched(session: Session) -> None:
    statement = select(Author).where(Author.id == 1)
    refusing = raiseload("*")

    author = session.scalars(statement.options(lazyload(Author.books), refusing)).one()
    assert len(author.books[0].tags) == 2
    session.expunge_all()
    author = session.scalars(statement.options(selectinload(Author.books), refusing)).one()
    with pytest.raises(LoadRefusedError):
        _ = author.books[0].tags


@pytest.mark.rule("LD-73", "LD-90")
def test_immediate_collection_of_a_refreshed_object_is_whole(
    tables: Callable[[MetaData], Engine],
) -> None:
    class Local(DeclarativeBase):
        pass

    class Note(Local):
        __tablename__ = "note"
        id: Mapped[int] = mapped_column(primary_key=True)
        user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))

    class User(Local):
        __tablename__ = "user"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str | None]
        notes: Mapped[list[Note]] = relationship(lazy="immediate", order_by=Note.id)

    with Session(tables(Local.metadata)) as session:
        event.listen(session, "do_orm_execute", lambda _: None)
        session.add(User(id=1, notes=[Note(), Note(), Note()]))
        session.commit()
        user = session.get_one(User, 1)
        session.expire(user)

        assert user.name is None
        assert [note.id for note in user.notes] == [1, 2, 3]
