"""None, null() and the defaults of columns (PT-40 to PT-47)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import JSON, Engine, String, cast, func, literal, null, select, text

from holdfast import DeclarativeBase, Mapped, Session, mapped_column

NEVER_SET = object()
calls: list[str] = []


def counted() -> str:
    calls.append("x")
    return f"made {len(calls)}"


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "thing"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(50))
    plain: Mapped[str | None] = mapped_column(String(50))
    python: Mapped[str | None] = mapped_column(String(50), default="python")
    server: Mapped[str | None] = mapped_column(String(50), server_default="server")


class Document(Base):
    """Columns whose types make something of None."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    plain: Mapped[Any] = mapped_column(JSON().evaluates_none(), nullable=True)
    python: Mapped[Any] = mapped_column(JSON().evaluates_none(), default={"a": 1}, nullable=True)
    server: Mapped[Any] = mapped_column(
        JSON().evaluates_none(), server_default=text("'{}'"), nullable=True
    )


class Changing(Base):
    __tablename__ = "changing"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(50))
    in_python: Mapped[int | None] = mapped_column(onupdate=lambda: 7)
    in_sql: Mapped[int | None] = mapped_column(onupdate=func.abs(-8))


class Called(Base):
    __tablename__ = "called"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(50))
    once: Mapped[str] = mapped_column(String(50), default=counted)
    from_name: Mapped[str | None] = mapped_column(
        String(50), default=lambda context: context.get_current_parameters()["name"] + "!"
    )


@pytest.fixture
def session(engine: Engine, tables: Any, sql: Any) -> Any:
    tables(Base.metadata)
    with Session(engine) as session:
        sql.clear()
        yield session


@pytest.mark.rule("PT-40", "PT-42")
@pytest.mark.parametrize(
    ("value", "column", "is_sent", "stored"),
    [
        (NEVER_SET, "plain", None, None),
        (NEVER_SET, "python", True, "python"),
        (NEVER_SET, "server", False, "server"),
        (None, "plain", True, None),
        (None, "python", True, "python"),
        (None, "server", False, "server"),
        (null(), "plain", True, None),
        (null(), "python", True, None),
        (null(), "server", True, None),
    ],
    ids=lambda each: "never set" if each is NEVER_SET else None,
)
def test_insert_stores_null_or_the_default(session, sql, value, column, is_sent, stored):
    thing = Thing(name="x")
    if value is not NEVER_SET:
        setattr(thing, column, value)
    session.add(thing)

    session.flush()

    if is_sent is not None:
        columns = sql.emitted[0].partition(" VALUES")[0]
        assert (column in columns) == is_sent
    assert session.scalar(select(Thing.__table__.c[column])) == stored
    assert getattr(thing, column) == stored


@pytest.mark.rule("PT-40")
@pytest.mark.parametrize("column", ["plain", "python", "server"])
@pytest.mark.parametrize("value", [None, null()], ids=["None", "null()"])
def test_type_that_evaluates_none_stores_a_null_of_its_own(session, column, value):
    session.add(Document(**{column: value}))

    session.flush()

    stored = Document.__table__.c[column]
    is_null = session.scalar(select(stored.is_(null())))
    assert bool(is_null) == (value is not None)
    if value is None:
        assert session.scalar(select(cast(stored, String(10)))) == "null"


@pytest.mark.rule("PT-41", "PT-42")
@pytest.mark.parametrize("value", [None, null()], ids=["None", "null()"])
def test_update_writes_null_whatever_the_default(session, sql, value):
    thing = Thing(plain="a", python="b", server="c")
    session.add(thing)
    session.commit()
    assert thing.server == "c"
    thing.plain = thing.python = thing.server = value
    sql.clear()

    session.flush()

    assert sql.emitted[0].startswith("UPDATE thing SET ")
    columns = select(Thing.plain, Thing.python, Thing.server)
    assert session.execute(columns).one() == (None, None, None)
    assert (thing.plain, thing.python, thing.server) == (None, None, None)


@pytest.mark.rule("PT-43")
def test_default_of_python_is_on_the_object_without_sql(session, sql):
    thing = Thing()
    session.add(thing)
    session.flush()
    sql.clear()

    assert thing.python == "python"
    assert not len(sql)


@pytest.mark.rule("PT-44")
def test_callable_default_is_called_for_each_row(session):
    calls.clear()
    called = [Called(name="a"), Called(name="b", once="given"), Called(name="c")]
    session.add_all(called)

    session.flush()

    assert len(calls) == 2
    assert {each.once for each in called} == {"made 1", "given", "made 2"}
    assert [each.from_name for each in called] == ["a!", "b!", "c!"]


@pytest.mark.rule("PT-45")
def test_onupdate_of_python_is_set_and_one_of_sql_expires(session, sql):
    changing = Changing(name="a")
    session.add(changing)
    session.commit()
    assert (changing.in_python, changing.in_sql) == (None, None)
    changing.name = "b"
    session.flush()
    sql.clear()

    assert changing.in_python == 7
    assert not len(sql)
    assert "in_sql" not in changing.__dict__
    assert changing.in_sql == 8
    assert len(sql) == 1


@pytest.mark.rule("PT-46")
def test_onupdate_fires_beside_another_column_only_and_not_where_it_is_set(session, sql):
    changing = Changing(name="a")
    session.add(changing)
    session.commit()
    assert changing.in_python is None
    changing.name = "a"
    sql.clear()
    session.flush()
    assert not len(sql)

    changing.in_python = 1
    session.flush()
    assert changing.in_python == 1
    assert changing.in_sql == 8

    changing.name = "b"
    changing.in_python = 2
    changing.in_sql = literal(3)
    session.flush()
    assert (changing.in_python, changing.in_sql) == (2, 3)
