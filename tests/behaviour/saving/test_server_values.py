"""Values that the database makes: when they are read back, and how (PT-60 to PT-70)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Computed,
    Engine,
    FetchedValue,
    Identity,
    Integer,
    MetaData,
    Sequence,
    String,
    Table,
    event,
    exc,
    func,
    inspect,
    text,
)

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, registry
from holdfast.errors.flush import FlushError

RETURNING = (
    "insert_returning",
    "update_returning",
    "delete_returning",
    "insert_executemany_returning",
    "insert_executemany_returning_sort_by_parameter_order",
    "update_executemany_returning",
)

# The table as it is in the database.
REAL = Table(
    "thing",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("given", Integer),
    Column("worded", String(20), server_default=text("'made'")),
    Column("fetched", Integer, server_default=text("7")),
    Column("computed", Integer, Computed("given * 2", persisted=True)),
)


def mapped(eager_defaults: Any, **table_options: Any) -> Any:
    """A class on that table, which is told no more of `fetched` than that it is made."""
    table = Table(
        "thing",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("given", Integer),
        Column("worded", String(20), server_default=text("'made'")),
        Column("fetched", Integer, FetchedValue()),
        Column("computed", Integer, Computed("given * 2", persisted=True)),
        **table_options,
    )

    class Thing:
        def __init__(self, **values: Any) -> None:
            for key, value in values.items():
                setattr(self, key, value)

    registry().map_imperatively(Thing, table, eager_defaults=eager_defaults)
    return Thing


@pytest.fixture
def session(engine: Engine, sql: Any) -> Iterator[Session]:
    REAL.create(engine)
    with Session(engine) as session:
        sql.clear()
        yield session


@pytest.fixture
def without_returning(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.connect().close()  # which finds out what the server can
    for name in RETURNING:
        monkeypatch.setattr(engine.dialect, name, False)


def present(thing: Any) -> set[str]:
    return thing.__dict__.keys() & {"worded", "fetched", "computed"}


def values(thing: Any) -> tuple[Any, ...]:
    return thing.worded, thing.fetched, thing.computed


@pytest.mark.rule("PT-60 1. not primary key", "PT-61", "PT-62", "PT-65")
@pytest.mark.parametrize(
    ("eager_defaults", "after_insert", "after_update"),
    [
        ("auto", {"worded", "fetched", "computed"}, set()),
        (True, {"worded", "fetched", "computed"}, {"computed"}),
        (False, set(), set()),
    ],
)
def test_values_come_with_returning_as_the_mapper_wants(
    session, engine, sql, eager_defaults, after_insert, after_update
):
    if not engine.dialect.insert_returning:
        pytest.skip("no INSERT ... RETURNING")
    Thing = mapped(eager_defaults)
    thing = Thing(given=1)
    session.add(thing)
    session.flush()

    assert present(thing) == after_insert
    assert [each for each in after_insert if each not in sql.emitted[0]] == []
    assert len(sql) == 1
    sql.clear()
    assert values(thing) == ("made", 7, 2)
    assert len(sql) == (0 if after_insert else 1)

    thing.given = 5
    sql.clear()
    session.flush()
    by_select = bool(after_update) and not engine.dialect.update_returning
    assert ("RETURNING" in sql.emitted[0]) == (bool(after_update) and not by_select)
    assert len(sql) == 1 + by_select
    assert ("computed" in thing.__dict__) == bool(after_update)
    sql.clear()
    assert thing.computed == 10
    assert len(sql) == (0 if after_update else 1)


@pytest.mark.rule("PT-62")
def test_column_that_was_given_a_value_is_not_fetched(session, engine, sql):
    if not engine.dialect.insert_returning:
        pytest.skip("no INSERT ... RETURNING")
    thing = mapped("auto")(given=1, worded="mine", fetched=9)
    session.add(thing)
    session.flush()

    returned = sql.emitted[0].partition(" RETURNING ")[2]
    assert "computed" in returned
    assert "worded" not in returned
    assert "fetched" not in returned
    assert values(thing) == ("mine", 9, 2)


def check_without_returning(session: Session, sql: Any, Thing: Any, *, is_eager: bool) -> None:
    """An INSERT and an UPDATE of two rows."""
    things = [Thing(id=number, given=number) for number in (1, 2)]
    session.add_all(things)
    session.flush()

    assert not any("RETURNING" in each for each in sql.emitted)
    selects = [each for each in sql.emitted if each.startswith("SELECT")]
    assert len(selects) == (2 if is_eager else 0)
    assert [present(each) for each in things] == [
        {"worded", "fetched", "computed"} if is_eager else set()
    ] * 2
    assert [values(each) for each in things] == [("made", 7, 2), ("made", 7, 4)]

    for each in things:
        each.given = 5
    sql.clear()
    session.flush()
    assert not any("RETURNING" in each for each in sql.emitted)
    assert sum(each.startswith("SELECT") for each in sql.emitted) == (2 if is_eager else 0)
    assert ["computed" in each.__dict__ for each in things] == [is_eager] * 2
    assert [each.computed for each in things] == [10, 10]


@pytest.mark.rule("PT-60 2. table with implicit_returning=False", "PT-61")
@pytest.mark.parametrize("eager_defaults", ["auto", True, False])
def test_table_may_forbid_returning(session, sql, eager_defaults):
    Thing = mapped(eager_defaults, implicit_returning=False)

    check_without_returning(session, sql, Thing, is_eager=eager_defaults is True)


@pytest.mark.rule("PT-60 3. not primary key, no RETURNING", "PT-61")
@pytest.mark.parametrize("eager_defaults", ["auto", True, False])
@pytest.mark.usefixtures("without_returning")
def test_database_without_returning_is_asked_by_select(session, sql, eager_defaults):
    Thing = mapped(eager_defaults)

    check_without_returning(session, sql, Thing, is_eager=eager_defaults is True)


@pytest.mark.rule("PT-60 4. primary key, RETURNING supported", "PT-66")
@pytest.mark.parametrize("eager_defaults", ["auto", True, False])
def test_generated_key_is_on_the_object(session, sql, eager_defaults):
    things = [mapped(eager_defaults)(given=number) for number in (1, 2)]
    session.add_all(things)
    session.flush()
    sql.clear()

    assert sorted(each.id for each in things) == [1, 2]
    assert not len(sql)


@pytest.mark.rule("PT-60 5. primary key, no RETURNING", "PT-66", "PT-68")
@pytest.mark.parametrize("forbids", ["the table", "the database"])
def test_generated_key_comes_without_returning_too(session, engine, sql, monkeypatch, forbids):
    if forbids == "the database":
        for name in RETURNING:
            monkeypatch.setattr(engine.dialect, name, False)
    Thing = mapped("auto", implicit_returning=forbids == "the database")
    things = [Thing(given=number) for number in (1, 2, 3)]
    session.add_all(things)
    session.flush()

    assert not any("RETURNING" in each for each in sql.emitted)
    assert [each.id for each in things] == [1, 2, 3]


@pytest.mark.rule("PT-60")
def test_identity_column_is_fetched(engine, tables):
    if not engine.dialect.supports_identity_columns:
        pytest.skip("no identity columns")

    class Base(DeclarativeBase):
        pass

    class Numbered(Base):
        __tablename__ = "numbered"

        id: Mapped[int] = mapped_column(Identity(start=10), primary_key=True)
        number: Mapped[int] = mapped_column(Identity(start=100, increment=5))
        name: Mapped[str] = mapped_column(String(20))

    tables(Base.metadata)
    with Session(engine) as session:
        things = [Numbered(name=name) for name in "ab"]
        session.add_all(things)
        session.flush()

        assert [each.__dict__["id"] for each in things] == [10, 11]
        assert [each.__dict__["number"] for each in things] == [100, 105]


@pytest.mark.rule("PT-60", "PT-66")
def test_sequence_gives_keys_and_other_values(engine, tables, sql):
    engine.connect().close()  # which finds out what the server can
    if not engine.dialect.supports_sequences:
        pytest.skip("no sequences")

    class Base(DeclarativeBase):
        pass

    other = Sequence("other_numbers", start=50, metadata=Base.metadata)

    class Numbered(Base):
        __tablename__ = "numbered"

        id: Mapped[int] = mapped_column(Sequence("keys", start=10), primary_key=True)
        number: Mapped[int] = mapped_column(other, server_default=other.next_value())
        name: Mapped[str] = mapped_column(String(20))

    tables(Base.metadata)
    with Session(engine) as session:
        things = [Numbered(name=name) for name in "ab"]
        session.add_all(things)
        session.flush()
        sql.clear()

        assert [each.id for each in things] == [10, 11]
        assert sorted(each.number for each in things) == [50, 51]


@pytest.mark.rule("PT-63")
@pytest.mark.parametrize("eager_defaults", ["auto", True, False])
def test_expression_as_default_stands_in_the_insert_and_is_fetched(engine, sql, eager_defaults):
    table = Table(
        "shown",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("made", Integer, default=func.abs(-8)),
    )
    table.create(engine)

    class Shown:
        pass

    registry().map_imperatively(Shown, table, eager_defaults=eager_defaults)
    with Session(engine) as session:
        sql.clear()
        shown = Shown()
        session.add(shown)
        session.flush()

        is_fetched = eager_defaults is not False and engine.dialect.insert_returning
        assert "abs(" in sql.emitted[0]
        assert ("made" in shown.__dict__) == is_fetched
        assert shown.made == 8


@pytest.mark.rule("PT-64")
def test_update_of_each_row_returns_what_the_server_makes_anew(engine, tables, sql):
    class Base(DeclarativeBase):
        pass

    class Watched(Base):
        __tablename__ = "watched"
        __mapper_args__ = {"eager_defaults": True}

        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(String(20))
        changed: Mapped[int | None] = mapped_column(server_onupdate=FetchedValue())

    tables(Base.metadata)
    with Session(engine) as session:
        things = [Watched(id=number, name="a") for number in (1, 2)]
        session.add_all(things)
        session.flush()
        for each in things:
            each.name = "b"
        sql.clear()
        session.flush()

        updates = [each for each in sql.emitted if each.startswith("UPDATE")]
        if engine.dialect.update_returning:
            assert updates == sql.emitted
            assert ["RETURNING" in each for each in updates] == [True, True]
        else:
            assert sum(each.startswith("SELECT") for each in sql.emitted) == 2
        assert ["changed" in each.__dict__ for each in things] == [True, True]


@pytest.mark.rule("PT-67")
def test_key_that_nobody_makes_is_warned_of_and_refused(engine):
    table = Table(
        "named", MetaData(), Column("name", String(20), primary_key=True), Column("x", Integer)
    )
    table.create(engine)

    class Named:
        pass

    registry().map_imperatively(Named, table)
    with Session(engine) as session:
        session.add(Named())

        with (
            pytest.raises((FlushError, exc.DBAPIError)),
            pytest.warns(exc.SAWarning, match="no Python-side or server-side default"),
        ):
            session.flush()


@pytest.mark.rule("PT-69")
def test_event_tells_which_attributes_the_flush_has_set(session, engine):
    Thing = mapped(True)
    told: list[set[str]] = []

    @event.listens_for(Thing, "refresh_flush")
    def tell(_thing: Any, _context: Any, names: Any) -> None:
        told.append(set(names))

    thing = Thing(given=1)
    session.add(thing)
    session.flush()
    assert told[:1] == [{"worded", "fetched", "computed"}]

    told.clear()
    thing.given = 5
    session.flush()
    assert set().union(*told) == {"computed"}


@pytest.mark.rule(
    "PT-70", differs="On SQLite, which is in the process, rows whose keys it makes go one by one."
)
def test_rows_are_batched_where_the_database_returns_them_in_order(session, engine, sql):
    Thing = mapped("auto")
    things = [Thing(given=number) for number in range(5)]
    session.add_all(things)
    session.flush()

    dialect = engine.dialect
    in_order = dialect.insert_executemany_returning_sort_by_parameter_order
    assert len(sql) == (1 if in_order and dialect.name != "sqlite" else 5)
    sql.clear()
    assert [each.computed for each in things] == [0, 2, 4, 6, 8]
    assert [inspect(each).identity for each in things] == [(each.id,) for each in things]
    assert not len(sql)
