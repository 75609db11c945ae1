"""SQL expressions as values of attributes (PT-1 to PT-9)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, String, func, inspect, literal, select, text

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, registry
from holdfast.exc import FlushError
from models.library import Author
from models.library import Base as Library


class Base(DeclarativeBase):
    pass


class Counter(Base):
    __tablename__ = "counter"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(50))
    value: Mapped[int] = mapped_column(default=0)


class EagerCounter:
    """The same table, read back at once."""

    id: Any
    value: Any


registry().map_imperatively(
    EagerCounter, Counter.__table__, eager_defaults=True, confirm_deleted_rows=False
)


@pytest.fixture
def session(engine: Engine, tables: Any, sql: Any) -> Any:
    tables(Base.metadata)
    tables(Library.metadata)
    with Session(engine) as session:
        session.add_all([Counter(id=1, name="a", value=10), Author(id=1, name="Ann")])
        session.commit()
        sql.clear()
        yield session


@pytest.mark.rule("PT-1", "PT-3")
def test_expression_stands_in_the_insert_and_on_the_object_until_then(session, sql):
    given = func.upper("b")
    counter = Counter(id=2, name=given)
    session.add(counter)
    assert counter.name is given

    session.flush()

    assert "VALUES (?, upper(?), ?)" in sql.emitted[0]
    assert counter.name == "B"


@pytest.mark.rule("PT-1", "PT-3", "PT-5")
@pytest.mark.parametrize(
    ("given", "shown", "expected"),
    [
        (Counter.value, "value=counter.value", 10),
        (Counter.__table__.c.value * 2, "value=(counter.value * ?)", 20),
        (func.abs(-3), "value=abs(?)", 3),
        (
            select(func.count(Author.id)).scalar_subquery(),
            "value=(SELECT count(author.id) AS count_1 FROM author)",
            1,
        ),
        (text("5 + 2"), "value=5 + 2", 7),
        (literal(4), "value=?", 4),
    ],
    ids=["attribute", "column", "function", "subquery", "text", "literal"],
)
def test_expression_stands_in_the_update(session, sql, given, shown, expected):
    counter = session.get_one(Counter, 1)
    counter.value = given
    assert counter.value is given
    sql.clear()

    session.flush()

    assert f"SET {shown} WHERE" in sql.emitted[0]
    assert counter.value == expected


@pytest.mark.rule("PT-2")
def test_attribute_is_expired_by_the_update_and_read_at_the_next_access(session, sql):
    counter = session.get_one(Counter, 1)
    counter.value = Counter.value + 1
    session.flush()
    assert "value" not in counter.__dict__
    assert "name" in counter.__dict__
    sql.clear()

    assert counter.value == 11
    assert len(sql) == 1
    assert counter.value == 11
    assert len(sql) == 1


@pytest.mark.rule("PT-2")
def test_value_comes_with_returning_where_the_mapper_fetches_eagerly(session, engine, sql):
    counter = session.get_one(EagerCounter, 1)
    counter.value = EagerCounter.value + 1
    sql.clear()

    session.flush()

    by_select = not engine.dialect.update_returning
    assert ("RETURNING" not in sql.emitted[0]) == by_select
    assert len(sql) == 1 + by_select
    assert counter.__dict__["value"] == 11


@pytest.mark.rule("PT-4")
def test_increments_of_two_sessions_add_up(session, engine, sql):
    mine = session.get_one(Counter, 1)
    mine.value = Counter.value + 1
    session.commit()
    stale = session.get_one(Counter, 1)
    assert stale.value == 11
    session.execute(Counter.__table__.update().values(value=100))
    stale.value = Counter.value + 5
    sql.clear()

    session.flush()

    assert "SET value=(counter.value + ?)" in sql.emitted[0]
    assert stale.value == 105


@pytest.mark.rule("PT-6")
def test_key_may_be_an_expression_where_the_insert_returns_it(session, engine):
    if not engine.dialect.insert_returning:
        pytest.skip("no INSERT ... RETURNING")
    counter = Counter(id=func.abs(-42), name="b")
    session.add(counter)

    session.flush()

    assert inspect(counter).identity == (42,)
    assert counter.id == 42
    assert session.get(Counter, 42) is counter


@pytest.mark.rule("PT-7")
def test_key_may_become_an_expression_where_the_update_returns_it(session, engine):
    if not engine.dialect.update_returning:
        pytest.skip("no UPDATE ... RETURNING")
    counter = session.get_one(Counter, 1)
    counter.id = Counter.id + 100
    session.flush()

    assert inspect(counter).identity == (101,)
    assert counter.id == 101
    assert session.get(Counter, 101) is counter
    session.commit()
    assert counter.name == "a"


@pytest.mark.rule("PT-7")
def test_key_cannot_become_an_expression_that_nothing_returns(session, engine, monkeypatch, sql):
    monkeypatch.setattr(engine.dialect, "update_returning", False)
    counter = session.get_one(Counter, 1)
    counter.id = Counter.id + 100
    sql.clear()

    with pytest.raises(FlushError, match="does not return what an UPDATE computes"):
        session.flush()
    assert not len(sql)


@pytest.mark.rule("PT-8")
def test_rows_with_an_expression_go_alone(session, sql):
    names = ["b", "c", func.upper("d"), "e", "f"]
    session.add_all(Counter(id=number, name=name) for number, name in enumerate(names, 2))

    session.flush()

    rows = [each if isinstance(each, list) else [each] for each in sql.parameters]
    assert [len(each) for each in rows] == [2, 1, 2]
    assert ["upper" in each for each in sql.emitted] == [False, True, False]


@pytest.mark.rule("PT-9")
def test_expression_counts_as_a_change_though_it_gives_the_same_value(session, sql):
    counter = session.get_one(Counter, 1)
    counter.value = Counter.value
    sql.clear()

    assert session.is_modified(counter)
    assert counter in session.dirty
    session.flush()
    assert sql.emitted[0].startswith("UPDATE counter SET value=counter.value ")
