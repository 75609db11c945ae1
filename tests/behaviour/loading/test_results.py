from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import and_, create_engine, event, func, insert, select, text, union, update
from sqlalchemy.pool import StaticPool

from holdfast import Session, aliased, load_only
from holdfast.errors.session import MembershipError
from holdfast.reading.result import result_by_equality
from models.library import Author, Book


def test_rows_mix_entities_and_columns(session: Session) -> None:
    statement = select(Author, Author.id, func.count()).group_by(Author).order_by(Author.id)
    row = session.execute(statement).first()

    assert row is not None
    assert (row.Author.name, row.id, row[2]) == ("ann", 1, 1)
    assert row._mapping[Author] is row.Author


def test_outer_joined_entity_may_be_none(session: Session) -> None:
    statement = select(Author.name, Book).outerjoin(Author.books).where(Author.id == 3)

    assert session.execute(statement).all() == [("cy", None)]


@pytest.mark.rule("LD-150")
def test_loaded_values_win_over_rows(session: Session) -> None:
    author = session.get(Author, 1)
    session.connection().exec_driver_sql("UPDATE author SET name = 'changed' WHERE id = 1")

    session.scalars(select(Author)).all()
    kept = author.name
    session.scalars(select(Author).execution_options(populate_existing=True)).all()

    assert (kept, author.name) == ("ann", "changed")


@pytest.mark.rule("LD-150")
def test_expired_values_come_from_rows(session: Session, sql: Any) -> None:
    author = session.get(Author, 1)
    session.expire(author)
    session.scalars(select(Author)).all()
    sql.clear()

    assert author.name == "ann"
    assert len(sql) == 0


@pytest.mark.rule("LD-152")
def test_populate_existing_discards_changes(session: Session) -> None:
    author = session.get(Author, 1)
    author.name = "local"

    with session.no_autoflush:
        session.scalars(select(Author).execution_options(populate_existing=True)).all()

    assert author.name == "ann"
    assert not session.dirty


def test_result_read_after_close_raises(library: Any) -> None:
    session = Session(library)
    results = [
        session.scalars(select(Author)),
        session.scalars(select(Author).where(Author.id == 1)),
    ]
    session.close()

    for result in results:
        with pytest.raises(MembershipError, match="no longer valid"):
            result.all()


def test_prebuffered_rows_outlive_the_session(library: Any) -> None:
    session = Session(library)
    result = session.scalars(select(Author), execution_options={"prebuffer_rows": True})
    session.close()

    assert len(result.all()) == 3


@pytest.mark.rule("LD-110 load_only")
def test_load_only_defers_the_rest(session: Session, sql: Any) -> None:
    option = load_only(Author.name)
    author = session.scalars(select(Author).options(option).where(Author.id == 1)).one()
    sql.clear()

    assert "email" not in author.__dict__
    assert author.email is None
    assert sql.emitted == ["SELECT author.email FROM author WHERE author.id = ?"]


def test_from_statement_reads_columns_by_name(session: Session) -> None:
    sources = [
        text("SELECT name, id, email FROM author WHERE id = 2"),
        union(select(Author).where(Author.id == 2), select(Author).where(Author.id == 2)),
    ]

    for source in sources:
        session.expunge_all()
        [author] = session.scalars(select(Author).from_statement(source))
        assert (author.id, author.name) == (2, "bob")


def test_from_statement_leaves_missing_columns_unloaded(session: Session) -> None:
    [author] = session.scalars(select(Author).from_statement(text("SELECT id FROM author LIMIT 1")))

    assert "name" not in author.__dict__
    assert author.name == "ann"


def test_alias_of_a_subquery_gives_objects(session: Session) -> None:
    young = aliased(Author, select(Author).where(Author.id > 1).subquery())

    assert [each.name for each in session.scalars(select(young))] == ["bob", "cy"]


def test_returning_gives_objects(session: Session) -> None:
    if not session.get_bind().dialect.update_returning:
        pytest.skip("no UPDATE ... RETURNING")
    statement = insert(Author).returning(Author)
    [made] = session.scalars(statement, [{"id": 7, "name": "dan"}])
    [changed] = session.execute(
        update(Author).where(Author.id == 7).values({Author.email: "d@e"}).returning(Author.email)
    ).all()

    assert session.get(Author, 7) is made
    assert changed == ("d@e",)


@pytest.mark.parametrize("size", [999, 1000, 1001, 2500])
def test_many_rows_become_as_many_objects(session: Session, size: int) -> None:
    rows = [{"id": 100 + number, "name": str(number)} for number in range(size)]
    session.connection().execute(insert(Author.__table__), rows)

    authors = session.scalars(select(Author).where(Author.id >= 100).order_by(Author.id)).all()

    assert [author.id for author in authors] == [row["id"] for row in rows]


def test_statement_by_equality_steps_aside_for_listeners(library: Any) -> None:
    event.listen(library, "before_cursor_execute", lambda *_: None)
    session = Session(library)
    statement = select(Book).where(Book.author_id == 1, Book.pages > 5)

    assert result_by_equality(session, statement, session.connection()) is None
    assert [book.id for book in session.scalars(statement.order_by(Book.id))] == [1, 2]


@pytest.fixture
def unwatched() -> Iterator[Session]:
    """A session on an engine to which nobody listens, so that the quick way is taken."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    Author.metadata.create_all(engine)
    rows = [{"id": number, "name": f"n{number % 2}"} for number in range(1, 1502)]
    with engine.begin() as connection:
        connection.execute(insert(Author.__table__), rows)
    with Session(engine) as session:
        yield session
    engine.dispose()


@pytest.mark.parametrize("name", ["n0", "n1", "nobody"])
def test_statement_by_equality_gives_the_same_objects(unwatched: Session, name: str) -> None:
    statement = select(Author).where(Author.name == name, Author.id <= 1400)

    quick = result_by_equality(unwatched, statement, unwatched.connection())
    assert quick is not None
    found = quick.scalars().all()
    ordinary = unwatched.scalars(statement.order_by(Author.id)).all()

    assert [id(each) for each in found] == [id(each) for each in ordinary]


def test_statement_by_equality_takes_each_value_anew(unwatched: Session) -> None:
    found = []
    for number in (3, 5, 2000):
        statement = select(Author).where(Author.id == number)
        quick = result_by_equality(unwatched, statement, unwatched.connection())
        assert quick is not None
        author = quick.scalar_one_or_none()
        found.append(author and author.id)

    assert found == [3, 5, None]


def test_statement_by_equality_read_after_close_raises(unwatched: Session) -> None:
    statement = select(Author).where(Author.id == 1)
    quick = result_by_equality(unwatched, statement, unwatched.connection())
    unwatched.close()

    assert quick is not None
    with pytest.raises(MembershipError, match="no longer valid"):
        quick.all()


@pytest.mark.parametrize(
    "statement",
    [
        select(Author).where(Author.id == 1).limit(1),
        select(Author).where(Author.id > 1),
        select(Author, Author.id).where(Author.id == 1),
        select(Author).where(and_(Author.id == 1, Author.name == "x")),
        select(Author).where(Author.email.is_(None)),
        select(Author).where(func.lower(Author.name) == "ann"),
        select(aliased(Author)),
        select(Author).where(Author.id == Author.id),
    ],
)
def test_other_statements_go_the_ordinary_way(statement: Any) -> None:
    class Quiet:
        _has_events = False
        engine: Any = None

    quiet = Quiet()
    quiet.engine = quiet

    assert result_by_equality(None, statement, quiet) is None
