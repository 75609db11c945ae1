"""A fixed statement answers as Core's own execute() does, and notices what Core notices."""

from __future__ import annotations

import datetime
import decimal
import enum
import logging
import uuid

import pytest
import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.dialects import mysql, postgresql, sqlite

from holdfast.foundation import fixed_statement
from holdfast.foundation.fixed_statement import FixedStatement, supports_lastrowid_loop


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Doubled(sa.TypeDecorator[int]):
    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return None if value is None else value // 2

    def process_result_value(self, value, dialect):
        return None if value is None else value * 2


metadata = sa.MetaData()
person = sa.Table(
    "person",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(30), nullable=False, unique=True),
    sa.Column("age", sa.Integer),
)
typed = sa.Table(
    "typed",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("day", sa.Date),
    sa.Column("moment", sa.DateTime),
    sa.Column("price", sa.Numeric(10, 2)),
    sa.Column("flag", sa.Boolean),
    sa.Column("colour", sa.Enum(Colour)),
    sa.Column("data", sa.JSON),
    sa.Column("code", sa.Uuid),
    sa.Column("span", sa.Interval),
    sa.Column("thing", sa.PickleType),
    sa.Column("twice", Doubled),
)
defaulted = sa.Table(
    "defaulted",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("made", sa.Integer, default=lambda: 7),
)

INSERT = FixedStatement(sa.insert(person), ("name", "age"))
INSERT_WITH_KEY = FixedStatement(sa.insert(person), ("age", "id", "name"))
SELECT = FixedStatement(
    sa.select(person.c.id, person.c.name, person.c.age).where(person.c.id == sa.bindparam("pk")),
    ("pk",),
)
UPDATE = FixedStatement(
    sa.update(person).where(person.c.id == sa.bindparam("pk")), ("name", "age", "pk")
)
DELETE = FixedStatement(sa.delete(person).where(person.c.id == sa.bindparam("pk")), ("pk",))


@pytest.fixture
def engine():
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture(params=["fixed", "core"])
def connection(engine, request):
    """Both routes: an innocent listener sends everything through Core."""
    if request.param == "core":
        event.listen(engine, "before_execute", lambda *arguments: None)
    with engine.connect() as connection:
        yield connection


def test_rows_round_trip(connection):
    first = INSERT.insert_lastrowid(connection, ("a", 1))
    second = INSERT.insert_lastrowid(connection, ("b", None))

    assert (first, second) == (1, 2)
    assert SELECT.fetch_rows(connection, (2,)) == [(2, "b", None)]
    assert type(SELECT.fetch_rows(connection, (2,))[0]) is tuple
    assert SELECT.fetch_rows(connection, (9,)) == []


def test_many_rows_are_written_updated_and_deleted(connection):
    rows = [(age, age + 100, f"n{age}") for age in range(50)]

    assert INSERT_WITH_KEY.execute_many(connection, rows) == 50
    assert UPDATE.execute_many(connection, [("x1", 0, 101), ("x2", 0, 102), ("x3", 0, 999)]) == 2
    assert UPDATE.execute_rowcount(connection, ("y1", 5, 101)) == 1
    assert SELECT.fetch_rows(connection, (101,)) == [(101, "y1", 5)]
    assert DELETE.execute_many(connection, [(101,), (102,)]) == 2
    assert DELETE.execute_many(connection, [(103,)]) == 1
    assert DELETE.execute_many(connection, []) == 0
    assert connection.scalar(sa.select(sa.func.count()).select_from(person)) == 47


def test_generated_keys_come_in_the_order_of_the_rows(connection):
    keys = INSERT.insert_each_lastrowid(connection, [(f"n{n}", n) for n in range(20)])

    names = {row.id: row.name for row in connection.execute(sa.select(person))}
    assert [names[key] for key in keys] == [f"n{n}" for n in range(20)]


TYPED_VALUES = (
    1,
    datetime.date(2020, 2, 3),
    datetime.datetime(2020, 2, 3, 4, 5, 6),
    decimal.Decimal("12.50"),
    True,
    Colour.BLUE,
    {"a": [1, None]},
    uuid.UUID(int=5),
    datetime.timedelta(hours=5),
    {"some": ("thing",)},
    14,
)


@pytest.mark.filterwarnings("ignore:Dialect sqlite")
@pytest.mark.parametrize("values", [TYPED_VALUES, (2, *[None] * 10)], ids=["values", "nulls"])
def test_type_processors_run_both_ways(connection, values):
    names = [column.name for column in typed.c]
    insert = FixedStatement(sa.insert(typed), names)
    select = FixedStatement(sa.select(typed).where(typed.c.id == sa.bindparam("pk")), ("pk",))

    insert.execute_many(connection, [values, (99, *values[1:])])

    assert select.fetch_rows(connection, (values[0],)) == [values]
    assert (
        tuple(connection.execute(sa.select(typed).where(typed.c.id == values[0])).one()) == values
    )


def test_processed_generated_key(connection):
    table = sa.Table(
        "doubled",
        sa.MetaData(),
        sa.Column("id", Doubled, primary_key=True),
        sa.Column("x", sa.Integer),
    )
    table.create(connection)
    insert = FixedStatement(sa.insert(table), ("x",))

    assert insert.insert_lastrowid(connection, (1,)) == 2
    assert insert.insert_each_lastrowid(connection, [(1,), (2,)]) == [4, 6]


def test_values_in_the_statement_itself_are_kept(connection):
    INSERT.insert_each_lastrowid(connection, [("a", 1), ("b", 2), ("c", 3)])
    select = FixedStatement(
        sa.select(person.c.name)
        .where(person.c.age > 1, person.c.age < sa.bindparam("top"))
        .limit(5),
        ("top",),
    )

    assert select.fetch_rows(connection, (3,)) == [("b",)]


def test_repeated_parameter(connection):
    INSERT.insert_each_lastrowid(connection, [("a", 1), ("b", 2)])
    wanted = sa.bindparam("n", type_=sa.Integer)
    select = FixedStatement(
        sa.select(person.c.name).where(sa.or_(person.c.age == wanted, person.c.id == wanted)),
        ("n",),
    )

    assert select.fetch_rows(connection, (2,)) == [("b",)]


RUNS = {
    "single": lambda connection: INSERT.insert_lastrowid(connection, ("taken", 2)),
    "many": lambda connection: INSERT.execute_many(connection, [("a", 2), ("taken", 3)]),
    "loop": lambda connection: INSERT.insert_each_lastrowid(
        connection, [("a", 2), ("taken", 2), ("b", 2)]
    ),
    "loop-first": lambda connection: INSERT.insert_each_lastrowid(
        connection, [("taken", 2), ("b", 2)]
    ),
}


@pytest.mark.parametrize("run", RUNS)
def test_database_errors_are_wrapped_with_statement_and_parameters(connection, run):
    INSERT.insert_lastrowid(connection, ("taken", 1))

    with pytest.raises(exc.IntegrityError) as caught:
        RUNS[run](connection)

    assert caught.value.statement.startswith("INSERT INTO person")
    assert caught.value.orig is not None
    if run != "many":
        assert tuple(caught.value.params) == ("taken", 2)
    assert connection.in_transaction()
    connection.rollback()
    assert INSERT.insert_lastrowid(connection, ("taken", 1)) == 1


def test_errors_of_types_are_wrapped(connection):
    insert = FixedStatement(sa.insert(typed), ("id", "day"))

    with pytest.raises(exc.StatementError, match="SQLite Date type only accepts"):
        insert.execute_rowcount(connection, (1, "not a day"))

    assert insert.execute_rowcount(connection, (1, None)) == 1


def test_transaction_begins_by_itself(connection):
    assert not connection.in_transaction()

    SELECT.fetch_rows(connection, (1,))

    assert connection.in_transaction()


def test_inactive_transaction_is_refused(connection):
    with connection.begin() as transaction:
        transaction.rollback()

        with pytest.raises(exc.InvalidRequestError, match="closed transaction inside context"):
            SELECT.fetch_rows(connection, (1,))


def test_broken_transaction_is_refused(connection):
    connection.begin()
    connection.invalidate()

    with pytest.raises(exc.PendingRollbackError):
        SELECT.fetch_rows(connection, (1,))


def test_closed_connection_is_refused(connection):
    connection.close()

    with pytest.raises(exc.ResourceClosedError):
        SELECT.fetch_rows(connection, (1,))


def test_cursor_listeners_see_context_and_parameters(engine):
    seen, contexts = [], []

    @event.listens_for(engine, "before_cursor_execute")
    def watch(connection, cursor, statement, parameters, context, executemany):
        contexts.append(type(context).__name__)
        seen.append(
            (statement.split()[0], context.compiled is not None, context.compiled_parameters)
        )

    with engine.connect() as connection:
        INSERT.insert_lastrowid(connection, ("a", 1))
        INSERT.execute_many(connection, [("b", 1), ("c", 1)])

    assert "FixedSQLite" in contexts[0]
    assert seen == [
        ("INSERT", True, [{"name": "a", "age": 1}]),
        ("INSERT", True, [{"name": "b", "age": 1}, {"name": "c", "age": 1}]),
    ]


def test_dialect_hooks_see_our_own_context(engine):
    seen = []

    @event.listens_for(engine, "do_execute")
    def watch(cursor, statement, parameters, context):
        seen.append((type(context).__name__, context.compiled_parameters, context.isinsert))

    with engine.connect() as connection:
        INSERT.insert_lastrowid(connection, ("a", 1))
        assert not supports_lastrowid_loop(connection)

    assert ("FixedSQLiteExecutionContext", [{"name": "a", "age": 1}], True) in seen


def test_before_cursor_execute_may_rewrite(engine):
    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def rewrite(connection, cursor, statement, parameters, context, executemany):
        return statement.replace("INSERT", "INSERT OR REPLACE"), parameters

    with engine.connect() as connection:
        INSERT.insert_lastrowid(connection, ("a", 1))
        INSERT.insert_lastrowid(connection, ("a", 2))
        assert connection.scalar(sa.select(sa.func.count()).select_from(person)) == 1


def test_error_handlers_are_called_once(engine):
    seen = []
    event.listen(engine, "handle_error", lambda context: seen.append(context.statement))

    with engine.connect() as connection:
        INSERT.insert_lastrowid(connection, ("a", 1))
        with pytest.raises(exc.IntegrityError):
            INSERT.insert_each_lastrowid(connection, [("b", 1), ("a", 1)])

    assert len(seen) == 1


def test_echo_shows_statement_and_parameters(caplog):
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    engine.echo = True
    with caplog.at_level(logging.INFO, "sqlalchemy.engine.Engine"), engine.connect() as connection:
        caplog.clear()
        assert not supports_lastrowid_loop(connection)
        SELECT.fetch_rows(connection, (5,))
        INSERT.insert_each_lastrowid(connection, [("a", 1), ("b", 1)])
    engine.echo = False
    engine.dispose()

    assert any("FROM person" in record.getMessage() for record in caplog.records)
    assert any("(5,)" in record.getMessage() for record in caplog.records)
    assert sum("INSERT INTO" in record.getMessage() for record in caplog.records) == 2


def test_schema_translation_goes_through_core(engine):
    with engine.connect() as connection:
        connection.execute(sa.text("ATTACH ':memory:' AS other"))
        metadata.create_all(connection.execution_options(schema_translate_map={None: "other"}))
        INSERT.insert_lastrowid(connection, ("a", 1))

        assert connection.scalar(sa.text("select count(*) from other.person")) == 1


def test_streaming_option_goes_through_core(engine):
    with engine.connect().execution_options(yield_per=2) as connection:
        INSERT.insert_lastrowid(connection, ("a", 1))

        assert SELECT.fetch_rows(connection, (1,)) == [(1, "a", 1)]


def test_python_side_defaults_are_filled(connection):
    insert = FixedStatement(sa.insert(defaulted), ("id",))

    insert.execute_rowcount(connection, (1,))
    insert.execute_many(connection, [(2,), (3,)])

    assert connection.execute(sa.select(defaulted)).all() == [(1, 7), (2, 7), (3, 7)]


def test_expanding_parameters_are_expanded(connection):
    INSERT.insert_each_lastrowid(connection, [("a", 1), ("b", 2), ("c", 3)])
    select = FixedStatement(
        sa.select(person.c.name)
        .where(person.c.id.in_(sa.bindparam("keys", expanding=True)))
        .order_by(person.c.id),
        ("keys",),
    )

    assert select.fetch_rows(connection, ([1, 3],)) == [("a",), ("c",)]


def test_computed_parameters_are_computed_each_time(connection):
    INSERT.insert_each_lastrowid(connection, [("a", 1), ("b", 2)])
    numbers = iter([1, 2])
    select = FixedStatement(
        sa.select(person.c.name).where(
            person.c.id == sa.bindparam("pk", callable_=lambda: next(numbers))
        )
    )

    assert select.fetch_rows(connection, ()) == [("a",)]
    assert select.fetch_rows(connection, ()) == [("b",)]


def test_returning_gives_rows(connection):
    insert = FixedStatement(sa.insert(person).returning(person.c.id, person.c.name), ("name",))

    assert insert.fetch_rows(connection, ("a",)) == [(1, "a")]


def test_isolation_level_autocommit(engine):
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        INSERT.insert_lastrowid(connection, ("a", 1))

    with engine.connect() as connection:
        assert SELECT.fetch_rows(connection, (1,)) == [(1, "a", 1)]


def test_engines_that_went_are_not_held():
    statement = FixedStatement(sa.select(sa.literal(1)))
    for _ in range(30):
        engine = sa.create_engine("sqlite://")
        with engine.connect() as connection:
            assert statement.fetch_rows(connection, ()) == [(1,)]
        engine.dispose()

    assert len(statement._single_forms) <= 8


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        (sqlite.dialect(), (1, "n", 2)),
        (postgresql.psycopg.dialect(), {"name": "n", "age": 2, "id": 1}),
        (postgresql.asyncpg.dialect(), (1, "n", 2)),
        (mysql.pymysql.dialect(), (1, "n", 2)),
        (mysql.mysqldb.dialect(), (1, "n", 2)),
    ],
    ids=["sqlite", "psycopg", "asyncpg", "pymysql", "mysqldb"],
)
def test_parameters_as_the_driver_wants_them(dialect, expected):
    form = fixed_statement._compile_form(
        INSERT_WITH_KEY.statement, INSERT_WITH_KEY.parameter_names, dialect, many=False
    )
    assert form is not None
    bound = (2, 1, "n") if form.bind is None else form.bind((2, 1, "n"))

    assert bound == expected


def test_setinputsizes_dialects_go_through_core():
    dialect = postgresql.pg8000.dialect()
    dialect.bind_typing = fixed_statement.BindTyping.SETINPUTSIZES

    assert fixed_statement._compile_form(SELECT.statement, ("pk",), dialect, many=False) is None


def test_implicit_returning_is_no_lastrowid():
    dialect = postgresql.psycopg.dialect()

    single = fixed_statement._compile_form(INSERT.statement, ("name",), dialect, many=False)
    many = fixed_statement._compile_form(INSERT.statement, ("name",), dialect, many=True)

    assert single is not None
    assert single.returns_rows
    assert not single.wants_lastrowid
    assert many is not None
    assert not many.returns_rows


def test_odd_column_names(connection):
    table = sa.Table(
        "odd",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("per cent %", sa.Integer, key="p%c"),
        sa.Column("(x)", sa.Integer, key="x y"),
    )
    table.create(connection)
    insert = FixedStatement(sa.insert(table), ("x y", "p%c", "id"))
    select = FixedStatement(sa.select(table))

    insert.execute_many(connection, [(1, 2, 3), (4, 5, 6)])

    assert select.fetch_rows(connection, ()) == [(3, 2, 1), (6, 5, 4)]


def test_many_rows_go_through_core_where_it_sends_them_with_one_values():
    dialect = postgresql.psycopg2.dialect()

    def form(statement, *, many):
        compiled = statement.statement, statement.parameter_names
        return fixed_statement._compile_form(*compiled, dialect, many=many)

    assert form(INSERT_WITH_KEY, many=True) is None
    assert form(INSERT_WITH_KEY, many=False) is not None
    assert form(SELECT, many=False) is not None
