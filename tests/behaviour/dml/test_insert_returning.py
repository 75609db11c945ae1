"""RETURNING of `insert()` over a class, and upserts."""

from __future__ import annotations

import pytest
from sqlalchemy import exc, func, insert, inspect, literal_column, select, text, types
from sqlalchemy.dialects import mysql, postgresql, sqlite

from holdfast import (
    Bundle,
    DeclarativeBase,
    Mapped,
    Session,
    column_property,
    joinedload,
    load_only,
    mapped_column,
    relationship,
    selectinload,
    subqueryload,
)
from models import company, library
from models.team import Player


@pytest.fixture(autouse=True)
def returning(engine):
    """Leave out databases without RETURNING."""
    if not engine.dialect.insert_executemany_returning:
        pytest.skip("no INSERT ... RETURNING")


@pytest.fixture
def staff(tables, sql):
    """A session over the tables of companies."""
    with Session(tables(company.Base.metadata)) as session:
        sql.clear()
        yield session


@pytest.fixture
def books(tables, sql):
    """A session over the tables of authors and books."""
    with Session(tables(library.Base.metadata)) as session:
        session.add(library.Author(id=1, name="ann"))
        session.commit()
        sql.clear()
        yield session


@pytest.mark.rule("QY-134", "PT-80")
def test_returning_a_class_gives_persistent_objects(session, sql):
    rows = [{"id": 8, "score": 1}, {"id": 9, "score": 2, "name": "x"}]
    players = session.scalars(insert(Player).returning(Player), rows).all()
    sql.clear()

    assert {(each.id, each.score, each.name) for each in players} == {(8, 1, None), (9, 2, "x")}
    assert all(inspect(each).persistent for each in players)
    assert session.get(Player, 9) in players
    assert not sql.emitted


@pytest.mark.rule("QY-134")
def test_objects_inserted_with_returning_become_expired_by_a_rollback(session):
    player = session.scalars(insert(Player).returning(Player), [{"id": 8}]).one()
    session.rollback()

    with pytest.raises(exc.InvalidRequestError, match="has been deleted"):
        player.name


@pytest.mark.rule("QY-134")
def test_returning_attributes_gives_their_columns(session):
    statement = insert(Player).returning(Player.id, Player.score + 1, Bundle("b", Player.name))
    row = session.execute(statement, [{"id": 8, "score": 1, "name": "x"}]).one()

    assert row == (8, 2, ("x",))


@pytest.mark.rule("QY-134")
def test_rows_come_in_the_order_of_the_dictionaries_when_asked_for(session, engine):
    if not engine.dialect.insert_executemany_returning_sort_by_parameter_order:
        pytest.skip("no RETURNING in order")
    rows = [{"name": str(number), **({"bonus": 1} if number % 3 else {})} for number in range(40)]
    statement = insert(Player).returning(Player.name, sort_by_parameter_order=True)

    assert session.scalars(statement, rows).all() == [row["name"] for row in rows]


@pytest.mark.rule("QY-134")
def test_columns_of_types_with_processors_are_read_once(tables):
    class Base(DeclarativeBase):
        pass

    class Event(Base):
        __tablename__ = "event"

        id: Mapped[int] = mapped_column(primary_key=True)
        data: Mapped[dict] = mapped_column(types.JSON)
        note: Mapped[str | None]

    rows = [{"id": 1, "data": {"a": 1}}, {"id": 2, "data": {"b": [2]}, "note": "x"}]
    with Session(tables(Base.metadata)) as session:
        found = session.scalars(insert(Event).returning(Event), rows).all()

        assert {each.id: each.data for each in found} == {1: {"a": 1}, 2: {"b": [2]}}


@pytest.mark.rule("QY-134", "LD-80")
def test_options_say_what_is_returned_and_loaded(books, sql):
    statement = insert(library.Book).returning(library.Book)
    statement = statement.options(load_only(library.Book.title), selectinload(library.Book.author))
    book = books.scalars(statement, [{"title": "x", "pages": 3, "author_id": 1}]).one()

    assert "pages" not in book.__dict__
    assert book.__dict__["author"].name == "ann"
    assert "pages" not in sql.emitted[0].split("RETURNING")[1]


@pytest.mark.parametrize("option", [joinedload, subqueryload])
def test_options_that_need_a_select_are_warned_of(books, option):
    statement = insert(library.Book).returning(library.Book).options(option(library.Book.author))

    with pytest.warns(exc.SADeprecationWarning, match="not compatible with DML statements"):
        book = books.scalars(statement, [{"title": "x", "author_id": 1}]).one()
    assert "author" not in book.__dict__
    assert book.author.name == "ann"


def test_a_relationship_mapped_with_a_join_loads_when_it_is_touched(tables):
    class Base(DeclarativeBase):
        pass

    class Node(Base):
        __tablename__ = "node"

        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id: Mapped[int | None] = mapped_column()
        parent = relationship(
            "Node",
            primaryjoin="foreign(Node.parent_id) == remote(Node.id)",
            lazy="joined",
            join_depth=1,
        )
        doubled = column_property(id + parent_id)

    rows = [{"id": 1}, {"id": 2, "parent_id": 1}]
    with Session(tables(Base.metadata)) as session:
        found = session.scalars(insert(Node).returning(Node), rows).all()
        second = next(node for node in found if node.id == 2)

        assert "parent" not in second.__dict__
        assert "doubled" not in second.__dict__
        assert second.parent.id == 1
        assert second.doubled == 3


@pytest.mark.rule("QY-137", "QY-134")
def test_joined_inheritance_puts_the_rows_of_its_tables_together(staff, engine):
    if not engine.dialect.insert_executemany_returning_sort_by_parameter_order:
        pytest.skip("no RETURNING in order")
    rows = [{"name": "ann", "language": "C"}, {"name": "ben"}, {"name": "cid", "language": "Go"}]
    statement = insert(company.Engineer).returning(
        company.Engineer, func.upper(company.Engineer.name), sort_by_parameter_order=True
    )
    found = staff.execute(statement, rows).all()

    assert [(each.name, each.language, upper) for each, upper in found] == [
        ("ann", "C", "ANN"),
        ("ben", None, "BEN"),
        ("cid", "Go", "CID"),
    ]
    assert [each.id for each, _ in found] == sorted(each.id for each, _ in found)
    assert found[0][0] is staff.get(company.Engineer, found[0][0].id)


@pytest.mark.rule("QY-137")
def test_an_expression_over_several_tables_cannot_be_returned(staff, engine):
    if not engine.dialect.insert_executemany_returning_sort_by_parameter_order:
        pytest.skip("no RETURNING in order")
    statement = insert(company.Engineer).returning(
        company.Engineer.name + company.Engineer.language
    )
    with pytest.raises(exc.InvalidRequestError, match="needs several"):
        staff.execute(statement, [{"name": "ann"}])


@pytest.mark.rule("QY-136", "QY-134")
def test_one_statement_with_values_returns_objects_too(session):
    statement = insert(Player).values([{"id": 8, "name": "x"}, {"id": 9, "name": func.upper("y")}])
    players = session.scalars(statement.returning(Player)).all()

    assert {(each.id, each.name) for each in players} == {(8, "x"), (9, "Y")}


def test_a_star_is_returned_as_plain_rows_of_one_statement(session):
    statement = insert(Player).values(id=8, name="x").returning(literal_column("*"))

    assert session.execute(statement).one()[:2] == (8, "x")


def test_a_star_is_refused_in_bulk_and_beside_other_elements(session):
    with pytest.raises(exc.CompileError, match=r"Can't use RETURNING \* with bulk ORM INSERT"):
        session.execute(insert(Player).returning(literal_column("*")), [{"id": 8}])
    with pytest.raises(exc.CompileError, match="multiple expressions at the same time as"):
        session.execute(insert(Player).values(id=8).returning(Player, literal_column("*")))
    with pytest.raises(exc.CompileError, match="multiple expressions at the same time as"):
        session.execute(select(text("*"), Player))


@pytest.mark.rule("QY-140")
@pytest.mark.parametrize("in_order", [True, False])
def test_a_backend_without_returning_for_many_rows_refuses_it(session, engine, in_order):
    engine.dialect.insert_executemany_returning = False
    engine.dialect.insert_executemany_returning_sort_by_parameter_order = False
    statement = insert(Player).returning(Player, sort_by_parameter_order=in_order)

    with pytest.raises(exc.InvalidRequestError, match="Can't use explicit RETURNING for bulk"):
        session.execute(statement, [{"id": 8}, {"id": 9}])


# -- upserts ---------------------------------------------------------------------------------------


def upsert(engine, *, updates=True):
    """An INSERT into players that updates, or skips, the rows that are there."""
    if engine.dialect.name in ("mysql", "mariadb"):
        statement = mysql.insert(Player)
        if not updates:
            pytest.skip("MariaDB has no ON CONFLICT DO NOTHING")
        return statement.on_duplicate_key_update(name=statement.inserted.name)
    make = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    statement = make(Player)
    if not updates:
        return statement.on_conflict_do_nothing(index_elements=[Player.id])
    return statement.on_conflict_do_update(
        index_elements=[Player.id], set_={"name": statement.excluded.name}
    )


ROWS = [{"id": 1, "name": "new"}, {"id": 9, "name": "nine"}]


@pytest.mark.rule("QY-150", "QY-151", "PT-80")
@pytest.mark.parametrize("in_values", [True, False])
def test_an_upsert_writes_and_returns_every_row(session, engine, in_values):
    statement = upsert(engine).returning(Player)
    if in_values:
        found = session.scalars(statement.values(ROWS)).all()
    else:
        found = session.scalars(statement, ROWS).all()

    assert {(each.id, each.name, each.score) for each in found} == {
        (1, "new", 10),
        (9, "nine", None),
    }
    assert session.get(Player, 9) in found


@pytest.mark.rule("QY-151")
def test_rows_that_an_upsert_skips_give_no_object(session, engine):
    found = session.scalars(upsert(engine, updates=False).returning(Player), ROWS).all()

    assert [each.id for each in found] == [9]
    assert session.get(Player, 1).name == "ann"


@pytest.mark.rule("QY-152", "PT-81")
@pytest.mark.parametrize("replaces", [True, False])
def test_objects_in_the_session_change_only_with_populate_existing(session, engine, replaces):
    ann = session.get(Player, 1)
    statement = upsert(engine).returning(Player)
    found = session.scalars(statement, ROWS, execution_options={"populate_existing": replaces})

    assert ann in found.all()
    assert ann.name == ("new" if replaces else "ann")
    session.expire(ann)
    assert ann.name == "new"


@pytest.mark.rule("QY-150")
def test_an_upsert_of_a_class_with_several_tables_is_refused(staff, engine):
    if engine.dialect.name != "sqlite":
        pytest.skip("the statement is SQLite's")
    statement = sqlite.insert(company.Engineer).on_conflict_do_nothing()

    with pytest.raises(exc.InvalidRequestError, match="not supported for multi-table mapper"):
        staff.execute(statement, [{"name": "ann"}])
