"""Core's statement cache serves statements over classes, and generated code shows in tracebacks.

Each statement below is made by a function of one value. Made anew it must be found in the cache,
and give what it gives without a cache, and so must everything that loads afterwards.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import (
    ForeignKey,
    Row,
    String,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    lambda_stmt,
    literal,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects import mysql, postgresql, sqlite

from holdfast import (
    Bundle,
    DeclarativeBase,
    DictBundle,
    Load,
    Mapped,
    Session,
    aliased,
    contains_eager,
    defaultload,
    defer,
    deferred,
    immediateload,
    joinedload,
    lazyload,
    load_only,
    mapped_column,
    query_expression,
    raiseload,
    relationship,
    selectin_polymorphic,
    selectinload,
    subqueryload,
    undefer,
    undefer_group,
    with_expression,
    with_loader_criteria,
    with_parent,
    with_polymorphic,
)

VALUES = ("a", "b", "c")


class Base(DeclarativeBase):
    pass


class Named:
    """A mixin, for criteria."""

    name: Mapped[str | None] = mapped_column(String(20))


class Person(Named, Base):
    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    nick: Mapped[str | None] = deferred(mapped_column(String(20)), group="more")
    boss_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    boss: Mapped[Person | None] = relationship(remote_side="Person.id")
    books: Mapped[list[Book]] = relationship(back_populates="author", order_by="Book.id")
    shown: Mapped[str | None] = query_expression()
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}


class Poet(Person):
    __tablename__ = "poet"

    id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    style: Mapped[str | None] = mapped_column(String(20))
    __mapper_args__ = {"polymorphic_identity": "poet"}


class Book(Named, Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    author: Mapped[Person | None] = relationship(back_populates="books")


@pytest.fixture
def session(tables):
    """Poets a, b and c, each with books a, b and c and the one before as boss."""
    with Session(tables(Base.metadata)) as session:
        for number, name in enumerate(VALUES, 1):
            poet = Poet(id=number, name=name, nick=name * 2, style=name * 3)
            poet.boss_id = number - 1 or None
            poet.books = [Book(id=10 * number + i, name=each) for i, each in enumerate(VALUES)]
            session.add(poet)
            session.flush()
        session.commit()
        yield session


def shown(found: Any) -> Any:
    """What a row or an object holds, with everything that loads from it."""
    if isinstance(found, Person):
        own = [shown(getattr(found, name, "")) for name in ("name", "nick", "shown", "style")]
        boss = found.boss and found.boss.name
        return (type(found).__name__, *own, boss, [book.name for book in found.books])
    if isinstance(found, Book):
        return found.name, found.author and shown(found.author)
    if isinstance(found, dict):
        return {key: shown(each) for key, each in found.items()}
    if isinstance(found, Row | tuple):
        return tuple(map(shown, found))
    return found


def outcome(session: Session, make: Callable[[str], Any], value: str, cache: Any) -> Any:
    """What a statement, or a function of a session, gives in a transaction of its own."""
    session.connection(execution_options={"compiled_cache": cache})
    made = make(value)
    found = made(session) if callable(made) else session.execute(made).unique().all()
    told = [shown(each) for each in found] if isinstance(found, list) else found
    session.rollback()
    session.expunge_all()
    return told


other = aliased(Person)
named = aliased(Person, name="named")
flat = aliased(Poet, flat=True)
both = with_polymorphic(Person, [Poet])
person = Person.__table__


def chosen(value: str) -> Any:
    return select(Person).where(Person.name == value)


def first_book(value: str) -> int:
    """The key of the first book of someone."""
    return 10 + 10 * VALUES.index(value)


def descent(value: str) -> Any:
    """The bosses of someone, by a recursive CTE."""
    first = select(Person.id, Person.boss_id).where(Person.name == value).cte(recursive=True)
    return first.union_all(
        select(Person.id, Person.boss_id).join(first, first.c.boss_id == Person.id)
    )


STATEMENTS = {
    "class": chosen,
    "attributes": lambda v: select(Person.id, Person.name.label("n")).where(Person.name == v),
    "literal": lambda v: select(literal(v), Person.id),
    "expression": lambda v: select(Person.name + v).order_by(Person.id),
    "class and attribute": lambda v: select(Person, Book.name).join(Book).where(Book.name == v),
    "bundle": lambda v: select(Bundle("x", Person.id, Person.name)).where(Person.name == v),
    "bundle with value": lambda v: select(Bundle("x", Person.id, (Person.name + v).label("y"))),
    "dictionary": lambda v: (
        lambda session: session.scalars(
            select(DictBundle("x", Person.id, Person.name)).where(Person.name == v)
        ).all()
    ),
    "alias": lambda v: select(other).where(other.name == v),
    "new alias": lambda v: select(one := aliased(Person)).where(one.name == v),
    "named alias": lambda v: select(named).where(named.name == v),
    "flat alias": lambda v: select(flat).where(flat.name == v),
    "alias of subquery": lambda v: select(aliased(Person, chosen(v).subquery())),
    "alias of CTE": lambda v: select(aliased(Person, chosen(v).cte())),
    "with_polymorphic": lambda v: select(both).where(both.Poet.style == v * 3),
    "joined subclass": lambda v: select(Poet).where(Poet.style == v * 3),
    "join of relationship": lambda v: (
        select(Person).join(Person.books).where(Book.id == first_book(v))
    ),
    "join of target": lambda v: select(Person).join(Book).where(Book.id == first_book(v)),
    "join of target with ON": lambda v: select(Person).join(
        Book, and_(Book.author_id == Person.id, Book.id == first_book(v))
    ),
    "join of_type": lambda v: select(Person).join(Person.boss.of_type(other)).where(other.name < v),
    "join and_": lambda v: select(Person, Book).join(Person.books.and_(Book.name == v)),
    "join_from": lambda v: select(Book.id).join_from(Person, Book).where(Person.name == v),
    "outer join": lambda v: select(Person, Book).outerjoin(Person.books.and_(Book.name == v)),
    "full join": lambda v: (
        select(Person.name, Book.name).join(Person.books, full=True).limit(VALUES.index(v))
    ),
    "select_from": lambda v: select(func.count()).select_from(Person).where(Person.name < v),
    "correlated subquery": lambda v: select(
        Person.name,
        select(func.max(Book.id))
        .where(Book.author_id == Person.id, Book.name <= v)
        .scalar_subquery(),
    ),
    "in": lambda v: select(Person).where(Person.name.in_([v, "z"])),
    "in subquery": lambda v: select(Person).where(
        Person.id.in_(select(Book.author_id).where(Book.id < 20 + VALUES.index(v)))
    ),
    "exists": lambda v: select(Person).where(
        exists().where(Book.author_id == Person.id, Book.id == first_book(v))
    ),
    "any": lambda v: select(Person).where(Person.books.any(Book.id == first_book(v))),
    "has": lambda v: select(Book).where(Book.author.has(Person.name == v)),
    "contains": lambda v: select(Person).where(
        Person.books.contains(Book(author_id=VALUES.index(v) + 1))
    ),
    "object": lambda v: select(Book).where(Book.author == Person(id=VALUES.index(v) + 1)),
    "with_parent": lambda v: (
        lambda session: session.scalars(
            select(Book).where(with_parent(session.get(Person, VALUES.index(v) + 1), Person.books))
        ).all()
    ),
    "union": lambda v: (
        select(Person.name).where(Person.name == v).union(select(Book.name).where(Book.id == 10))
    ),
    "union of entities": lambda v: select(
        aliased(Person, chosen(v).union(select(Person).where(Person.nick == v * 2)).subquery())
    ),
    "recursive CTE": lambda v: select(Person).join(tree := descent(v), tree.c.id == Person.id),
    "from_statement of text": lambda v: (
        select(Person)
        .from_statement(text("SELECT id, kind, name, boss_id FROM person WHERE name = :name"))
        .params(name=v)
    ),
    "from_statement of core": lambda v: select(Person).from_statement(
        select(person).where(person.c.name == v)
    ),
    "from_statement of union": lambda v: select(Person).from_statement(
        select(person).where(person.c.name == v).union_all(select(person).where(person.c.id == 1))
    ),
    "textual subquery": lambda v: select(
        aliased(
            Person,
            text("SELECT id, kind, name, nick, boss_id FROM person WHERE name = :name")
            .columns(*person.c)
            .bindparams(name=v)
            .subquery(),
        )
    ),
    "add_columns": lambda v: chosen(v).add_columns(Person.name + v),
    "filter_by": lambda v: (
        select(Person).join(Person.boss.of_type(other)).where(Person.name == v).filter_by()
    ),
    "group by class": lambda v: (
        select(Person.id, func.count(Book.id))
        .join(Person.books)
        .where(Book.name < v)
        .group_by(Person.id)
        .having(func.count(Book.id) < 5)
        .order_by(Person.id)
    ),
    "distinct": lambda v: select(Book.name).where(Book.name <= v).distinct(),
    "limit": lambda v: select(Person).order_by(Person.id).limit(VALUES.index(v)).offset(1),
    "lock": lambda v: chosen(v).with_for_update(of=Person),
    "lambda": lambda v: lambda_stmt(lambda: select(Person).where(Person.name == v)),
    "lambda criterion": lambda v: select(Person).where(lambda: Person.name == v),
    "parameter": lambda v: (
        lambda session: session.scalars(
            select(Person).where(Person.name == bindparam("n")), {"n": v}
        ).all()
    ),
    "joinedload": lambda v: chosen(v).options(joinedload(Person.books)),
    "joinedload and limit": lambda v: chosen(v).options(joinedload(Person.books)).limit(2),
    "joinedload criteria": lambda v: select(Person).options(
        joinedload(Person.books.and_(Book.name == v))
    ),
    "selectinload criteria": lambda v: select(Person).options(
        selectinload(Person.books.and_(Book.name == v))
    ),
    "subqueryload criteria": lambda v: chosen("b").options(
        subqueryload(Person.books.and_(Book.name == v))
    ),
    "subqueryload": lambda v: chosen(v).options(subqueryload(Person.books)),
    "immediateload criteria": lambda v: select(Person).options(
        immediateload(Person.books.and_(Book.name == v))
    ),
    "lazyload criteria": lambda v: select(Person).options(
        lazyload(Person.books.and_(Book.name == v))
    ),
    "nested criteria": lambda v: (
        select(Book)
        .where(Book.id == 20)
        .options(joinedload(Book.author).selectinload(Person.books.and_(Book.name != v)))
    ),
    "lazy nested criteria": lambda v: (
        select(Book)
        .where(Book.id == 20)
        .options(defaultload(Book.author).lazyload(Person.books.and_(Book.name != v)))
    ),
    "contains_eager": lambda v: (
        select(Person)
        .join(Person.books)
        .where(Book.name == v)
        .options(contains_eager(Person.books))
    ),
    "contains_eager of alias": lambda v: (
        select(Person)
        .join(own := aliased(Book), Person.books.of_type(own))
        .where(own.name == v)
        .options(contains_eager(Person.books.of_type(own)))
    ),
    "load_only": lambda v: chosen(v).options(load_only(Person.name)),
    "defer": lambda v: chosen(v).options(defer(Person.name)),
    "undefer": lambda v: chosen(v).options(undefer(Person.nick)),
    "undefer_group": lambda v: chosen(v).options(undefer_group("more")),
    "raiseload": lambda v: select(Person.id).where(Person.name == v).options(raiseload("*")),
    "Load": lambda v: chosen(v).options(Load(Person).undefer("*").selectinload("*")),
    "with_expression": lambda v: select(Person).options(
        with_expression(Person.shown, Person.name + v)
    ),
    "with_expression below": lambda v: select(Book).options(
        joinedload(Book.author).with_expression(Person.shown, literal(v))
    ),
    "selectin_polymorphic": lambda v: chosen(v).options(selectin_polymorphic(Person, [Poet])),
    "criteria": lambda v: select(Person).options(with_loader_criteria(Person, Person.name == v)),
    "criteria of a function": lambda v: select(Person).options(
        with_loader_criteria(Person, lambda cls: cls.name == v)
    ),
    "criteria of a mixin": lambda v: (
        select(Person, Book)
        .join(Book)
        .options(with_loader_criteria(Named, lambda cls: cls.name == v, include_aliases=True))
    ),
    "criteria for lazy loads": lambda v: select(Person).options(
        with_loader_criteria(Book, lambda cls: cls.name > v)
    ),
    "criteria for eager loads": lambda v: select(Person).options(
        joinedload(Person.books), with_loader_criteria(Book, Book.name > v, loader_only=True)
    ),
    "criteria in a subquery": lambda v: select(
        select(func.count(Book.id)).scalar_subquery(), Person.id
    ).options(with_loader_criteria(Book, lambda cls: cls.name > v)),
    "criteria with a subquery": lambda v: select(Person).options(
        with_loader_criteria(
            Person,
            lambda cls: cls.id.in_(select(Book.author_id).where(Book.id < 10 + first_book(v))),
        )
    ),
    "criteria of another shape": lambda v: select(Person).options(
        with_loader_criteria(Person, lambda cls: cls.name == v if v < "c" else cls.name != v)
    ),
    "criteria and get": lambda v: (
        lambda session: [
            session.get(Person, 2, options=[with_loader_criteria(Person, Person.name == v)])
        ]
    ),
    "yield_per": lambda v: (
        lambda session: [
            each
            for part in session.scalars(chosen(v).execution_options(yield_per=1)).partitions()
            for each in part
        ]
    ),
    "refresh": lambda v: (
        lambda session: [session.scalars(chosen(v).execution_options(populate_existing=True)).one()]
    ),
    "identity_token": lambda v: chosen(v).execution_options(identity_token=v),
    "Query": lambda v: lambda session: session.query(Person).filter_by(name=v).all(),
    "Query of attributes": lambda v: (
        lambda session: (
            session.query(Person.id, Book.name).join(Person.books).filter(Book.name == v).all()
        )
    ),
    "Query.union": lambda v: (
        lambda session: (
            session.query(Person)
            .filter_by(name=v)
            .union(session.query(Person).filter_by(id=1))
            .all()
        )
    ),
    "Query.count": lambda v: lambda session: session.query(Person).filter(Person.name < v).count(),
    "Query.update": lambda v: (
        lambda session: session.query(Person).filter(Person.name < v).update({"nick": v})
    ),
    "Query.delete": lambda v: lambda session: session.query(Book).filter(Book.name < v).delete(),
    "insert": lambda v: (
        lambda session: [
            session.execute(insert(Book).values(id=99, name=v)).rowcount,
            session.get(Book, 99),
        ]
    ),
    "insert in bulk": lambda v: (
        lambda session: (
            session.execute(insert(Book), [{"id": n, "name": v} for n in (98, 99)]),
            session.scalars(select(Book).where(Book.id > 90)).all(),
        )[1]
    ),
    "insert with an expression": lambda v: (
        lambda session: (
            session.execute(insert(Book).values(name=func.upper(v)), [{"id": 98}, {"id": 99}]),
            session.scalars(select(Book).where(Book.id > 90)).all(),
        )[1]
    ),
    "update": lambda v: (
        lambda session: [
            session.get(Person, 2),
            session.execute(update(Person).where(Person.name == v).values(name="z")).rowcount,
            session.get(Person, 2),
        ]
    ),
    "update to a value": lambda v: (
        lambda session: (
            session.execute(update(Person).where(Person.id == 1).values(name=Person.name + v)),
            session.scalars(select(Person)).all(),
        )[1]
    ),
    "update with criteria": lambda v: (
        lambda session: (
            session.execute(
                update(Person)
                .values(name="z")
                .options(with_loader_criteria(Person, lambda cls: cls.name == v))
            ),
            session.scalars(select(Person)).all(),
        )[1]
    ),
    "update by key": lambda v: (
        lambda session: (
            session.execute(update(Person), [{"id": VALUES.index(v) + 1, "name": v + "!"}] * 1),
            session.scalars(select(Person)).all(),
        )[1]
    ),
    "delete": lambda v: (
        lambda session: [
            session.get(Book, 10),
            session.execute(delete(Book).where(Book.name == v)).rowcount,
            session.scalars(select(func.count(Book.id)).where(Book.name == "a")).one(),
        ]
    ),
}

RETURNING = {
    "insert returning": lambda v: insert(Book).values(id=99, name=v).returning(Book),
    "insert many returning": lambda v: (
        lambda session: session.scalars(
            insert(Book).returning(Book), [{"id": n, "name": v} for n in (98, 99)]
        ).all()
    ),
    "from_statement of insert": lambda v: select(Book).from_statement(
        insert(Book).values(id=99, name=v).returning(Book)
    ),
    "upsert": lambda v: (
        lambda session: session.scalars(
            upsert(session.get_bind().dialect.name, v).returning(Book)
        ).all()
    ),
    "update returning": lambda v: (
        update(Person).where(Person.name == v).values(nick=v).returning(Person)
    ),
    "delete returning": lambda v: (
        delete(Book).where(Book.name == v, Book.id < 20).returning(Book.id, Book.name)
    ),
}


def upsert(dialect: str, value: str) -> Any:
    """An INSERT that changes the row which is there."""
    rows = [{"id": 10, "name": value}]
    if dialect in ("mysql", "mariadb"):
        made: Any = mysql.insert(Book).values(rows)
        return made.on_duplicate_key_update(name=made.inserted.name + "+")
    module: Any = {"sqlite": sqlite, "postgresql": postgresql}[dialect]
    made = module.insert(Book).values(rows)
    return made.on_conflict_do_update(
        index_elements=[Book.id], set_={"name": made.excluded.name + "+"}
    )


# How many sizes the cache takes, where values have SQL of different shapes or find nothing.
SIZES = {"criteria of another shape": 3, "criteria and get": 2}


def check_cache(session: Session, make: Callable[[str], Any], count: int = 1) -> None:
    """Three values, each twice, with one cache and without any."""
    # What a statement says of later loads is said of the objects that it loads.
    session.expunge_all()
    expected = {value: outcome(session, make, value, None) for value in VALUES}
    cache: dict[Any, Any] = {}
    sizes = []
    for value in "cabbac":
        assert outcome(session, make, value, cache) == expected[value], value
        sizes.append(len(cache))

    assert len(set(map(repr, expected.values()))) > 1
    assert sizes[0] > 0
    assert len(set(sizes)) == count


@pytest.mark.parametrize("kind", STATEMENTS)
def test_statement_made_anew_is_compiled_once_and_gives_its_own_rows(session, engine, kind):
    if kind == "full join" and engine.dialect.name in ("mysql", "mariadb"):
        pytest.skip("no FULL JOIN")
    if kind == "lock" and engine.dialect.name == "mariadb":
        pytest.skip("no FOR UPDATE OF")

    check_cache(session, STATEMENTS[kind], SIZES.get(kind, 1))


@pytest.mark.parametrize("kind", RETURNING)
def test_returning_statement_made_anew_gives_its_own_rows(session, engine, kind):
    needed = "update_returning" if kind.startswith("update") else "insert_executemany_returning"
    if not getattr(engine.dialect, needed):
        pytest.skip("no RETURNING")

    check_cache(session, RETURNING[kind])


def test_lateral_subquery_made_anew_gives_its_own_rows(session, engine):
    if engine.dialect.name != "postgresql":
        pytest.skip("no LATERAL")

    def make(value: str) -> Any:
        last = select(Book.name).where(Book.author_id == Person.id, Book.name <= value)
        part = last.order_by(Book.id.desc()).limit(1).lateral()
        return select(Person.name, part.c.name).join(part, true()).order_by(Person.id)

    check_cache(session, make)


def test_line_of_the_generated_row_loader_shows_in_the_traceback(session):
    class Own(DeclarativeBase):
        pass

    class Broken(Own):
        __tablename__ = "book"

        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str | None]

        def __new__(cls):
            raise ValueError("not made")

    with pytest.raises(ValueError, match="not made") as caught:
        session.scalars(select(Broken)).all()

    shown = "".join(traceback.format_exception(caught.value))
    assert "<holdfast row loader of Broken" in shown
    assert "new(class_)" in shown
