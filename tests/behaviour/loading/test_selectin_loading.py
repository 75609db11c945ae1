"""Select-IN loading: a SELECT of the members of many parents (LD-30 to LD-38)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, ForeignKey, ForeignKeyConstraint, MetaData, event, select

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    defer,
    immediateload,
    lazyload,
    mapped_column,
    relationship,
    selectinload,
    subqueryload,
    with_polymorphic,
)
from models.company import Base as CompanyBase
from models.company import Company, Engineer, Machine, Manager, Person
from models.library import Author, Book


class Base(DeclarativeBase):
    pass


class Street(Base):
    __tablename__ = "street"

    town: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    houses: Mapped[list[House]] = relationship(order_by="House.id")


class House(Base):
    __tablename__ = "house"
    __table_args__ = (ForeignKeyConstraint(["town", "street"], ["street.town", "street.name"]),)

    id: Mapped[int] = mapped_column(primary_key=True)
    town: Mapped[str]
    street: Mapped[str]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owner.id"))
    owner: Mapped[Owner | None] = relationship(omit_join=False)


class Owner(Base):
    __tablename__ = "owner"

    id: Mapped[int] = mapped_column(primary_key=True)


@pytest.fixture
def town(tables: Callable[[MetaData], Engine], sql: Any) -> Any:
    engine = tables(Base.metadata)
    with Session(engine) as session:
        session.add_all([Street(town="x", name="a"), Street(town="x", name="b"), Owner(id=7)])
        session.flush()
        session.add(House(id=1, town="x", street="b", owner_id=7))
        session.commit()
    sql.clear()
    with Session(engine) as session:
        yield session


def names_of(tags: Any) -> list[str]:
    return sorted(tag.name for tag in tags)


@pytest.mark.rule("LD-30", "LD-31", "LD-34", "LD-1 selectin")
def test_members_are_selected_by_the_keys_of_their_parents(session: Session, sql: Any) -> None:
    statement = select(Author).options(selectinload(Author.books)).order_by(Author.id)

    authors = session.scalars(statement).all()

    assert [[book.title for book in author.books] for author in authors] == [["a", "b"], ["c"], []]
    assert len(sql) == 2
    assert "FROM book WHERE book.author_id IN (?, ?, ?) ORDER BY book.id" in sql.emitted[1]
    assert sql.parameters[1] == (1, 2, 3)


@pytest.mark.rule("LD-30")
def test_targets_are_selected_by_the_foreign_keys(session: Session, sql: Any) -> None:
    books = session.scalars(select(Book).options(selectinload(Book.author))).all()

    assert [book.author and book.author.name for book in books] == ["ann", "ann", "bob", None]
    assert "FROM author WHERE author.id IN (?, ?)" in sql.emitted[1]
    assert sql.parameters[1] == (1, 2)


@pytest.mark.rule("LD-30")
def test_parents_are_joined_where_a_foreign_key_is_not_loaded(session: Session, sql: Any) -> None:
    options = [selectinload(Book.author), defer(Book.author_id)]

    books = session.scalars(select(Book).options(*options).order_by(Book.id)).all()

    assert len(sql) == 2
    assert [book.author and book.author.name for book in books] == ["ann", "ann", "bob", None]
    assert "FROM book AS book_1 JOIN author ON author.id = book_1.author_id" in sql.emitted[1]


@pytest.mark.rule("LD-31")
def test_many_to_many_starts_at_the_association_table(session: Session, sql: Any) -> None:
    books = session.scalars(select(Book).options(selectinload(Book.tags)).order_by(Book.id)).all()

    assert [names_of(book.tags) for book in books] == [["x", "y"], [], [], []]
    assert (
        "FROM book_tag JOIN tag ON tag.id = book_tag.tag_id WHERE book_tag.book_id IN"
        in (sql.emitted[1])
    )


@pytest.mark.rule("LD-32")
def test_omit_join_can_be_switched_off(town: Session, sql: Any) -> None:
    house = town.scalars(select(House).options(selectinload(House.owner))).one()

    assert house.__dict__["owner"].id == 7
    assert "FROM house AS house_1 JOIN owner ON owner.id = house_1.owner_id" in sql.emitted[1]


@pytest.mark.rule("LD-33", "LD-31")
def test_composite_keys_are_compared_as_tuples(town: Session, sql: Any) -> None:
    statement = select(Street).options(selectinload(Street.houses)).order_by(Street.name)

    streets = town.scalars(statement).all()

    assert [[house.id for house in street.houses] for street in streets] == [[], [1]]
    assert "FROM house WHERE (house.town, house.street) IN" in sql.emitted[1]


@pytest.mark.rule("LD-35")
def test_all_chunks_of_a_level_come_before_the_next_level(session: Session, sql: Any) -> None:
    option = selectinload(Author.books, chunksize=1).selectinload(Book.tags)

    session.scalars(select(Author).options(option).order_by(Author.id)).all()

    assert [text.split(" FROM ")[1].split()[0] for text in sql.emitted] == [
        "author",
        "book",
        "book",
        "book",
        "book_tag",
    ]
    assert sql.parameters[-1] == (1, 2, 3)


@pytest.mark.rule("LD-37")
def test_loaded_collection_is_selected_again_but_kept(session: Session, sql: Any) -> None:
    ann = session.get(Author, 1)
    assert ann is not None
    books = list(ann.books)
    ann.books.remove(books[0])
    sql.clear()
    statement = select(Author).where(Author.id == 1).options(selectinload(Author.books))

    with session.no_autoflush:
        session.scalars(statement).all()
        assert [book.title for book in ann.books] == ["b"]
        assert len(sql) == 2
        session.scalars(statement, execution_options={"populate_existing": True}).all()

    assert [book.title for book in ann.books] == ["a", "b"]


def test_lazy_load_selects_nothing_for_members_that_are_complete(
    session: Session, sql: Any
) -> None:
    option = lazyload(Author.books).selectinload(Book.tags)
    ann = session.scalars(select(Author).where(Author.id == 1).options(option)).one()
    before = [(book, book.author, book.tags) for book in ann.books]
    assert len(sql) == 3
    session.expire(ann, ["books"])
    sql.clear()

    assert [(book, book.author, book.tags) for book in ann.books] == before
    assert len(sql) == 1


@pytest.mark.rule("LD-183")
def test_subclass_of_a_joined_hierarchy_needs_no_parent(
    tables: Callable[[MetaData], Engine], sql: Any
) -> None:
    engine = tables(CompanyBase.metadata)
    with Session(engine) as session:
        session.add(Engineer(id=1, name="e", machines=[Machine(name="m")]))
        session.commit()
    sql.clear()
    with Session(engine) as session:
        engineer = session.scalars(select(Engineer).options(selectinload(Engineer.machines))).one()

    assert [machine.name for machine in engineer.machines] == ["m"]
    assert "FROM machine WHERE machine.engineer_id IN" in sql.emitted[1]


@pytest.mark.rule("LD-183", "LD-89", "LD-184")
def test_related_subclasses_are_loaded_with_their_columns(
    tables: Callable[[MetaData], Engine], sql: Any
) -> None:
    engine = tables(CompanyBase.metadata)
    with Session(engine) as session:
        staff = [Engineer(name="e", language="sql"), Manager(name="m", level=1)]
        session.add(Company(name="c", staff=staff))
        session.commit()
    sql.clear()
    everyone = with_polymorphic(Person, [Engineer, Manager])
    option = selectinload(Company.staff.of_type(everyone)).selectinload(everyone.Engineer.machines)
    with Session(engine) as session:
        company = session.scalars(select(Company).options(option)).one()
        emitted = len(sql)
        engineer, manager = company.staff

        assert (engineer.language, engineer.machines, manager.level) == ("sql", [], 1)
        assert len(sql) == emitted == 3


@pytest.mark.rule("LD-35")
def test_chunks_of_a_level_come_first_also_when_executions_are_heard(
    session: Session, sql: Any
) -> None:
    event.listen(session, "do_orm_execute", lambda state: None)
    option = selectinload(Author.books, chunksize=1).selectinload(Book.tags)

    session.scalars(select(Author).options(option).order_by(Author.id)).all()

    assert [text.split(" FROM ")[1].split()[0] for text in sql.emitted] == [
        *("author", "book", "book", "book", "book_tag")
    ]
    assert sql.parameters[-1] == (1, 2, 3)


@pytest.mark.rule("LD-35", "LD-61")
@pytest.mark.parametrize("are_heard", [False, True])
def test_subqueries_that_follow_embed_each_chunk(session: Session, *, are_heard: bool) -> None:
    if are_heard:
        event.listen(session, "do_orm_execute", lambda state: None)
    plain = session.scalars(select(Author).order_by(Author.id)).all()
    wanted = [[{tag.id for tag in book.tags} for book in author.books] for author in plain]
    session.expunge_all()
    option = selectinload(Author.books, chunksize=1).subqueryload(Book.tags)

    authors = session.scalars(select(Author).options(option).order_by(Author.id)).all()

    assert wanted[0][0]
    assert [[{tag.id for tag in b.__dict__["tags"]} for b in a.books] for a in authors] == wanted


@pytest.mark.rule("LD-30", "EV-20")
@pytest.mark.parametrize("load", [selectinload, subqueryload, immediateload])
def test_collections_are_joined_to_what_follows_also_when_executions_are_heard(
    session: Session, load: Callable[..., Any]
) -> None:
    event.listen(session, "do_orm_execute", lambda state: None)
    option = load(Author.books).joinedload(Book.tags)

    authors = session.scalars(select(Author).options(option).order_by(Author.id)).all()

    assert [[len(book.__dict__["tags"]) for book in author.books] for author in authors] == [
        *([2, 0], [0], [])
    ]
