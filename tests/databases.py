"""The databases that the suite runs on: SQLite, or the servers that HOLDFAST_TEST_URLS names.

Each worker of a parallel run has a database of its own on each server. After a test nothing is left
in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import URL, Engine, String, Table, create_engine, event, make_url, text
from sqlalchemy.pool import NullPool, StaticPool

from holdfast.sessions.session import LIVING

SERVERS = [make_url(url) for url in os.environ.get("HOLDFAST_TEST_URLS", "").split()]

# What each database says of a violated constraint, as patterns.
NOT_NULL = "(?i:not[- ]null constraint|cannot be null|doesn't have a default)"
UNIQUE = "(?i:unique constraint|duplicate entry)"
FOREIGN_KEY = "(?i:foreign key constraint)"

# Makes a sequence follow the keys that a statement has given by itself.
FOLLOW_KEYS = """
CREATE OR REPLACE FUNCTION follow_keys() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE highest bigint;
BEGIN
    EXECUTE format('SELECT max(%I) FROM %s', TG_ARGV[1], TG_RELID::regclass) INTO highest;
    PERFORM setval(TG_ARGV[0]::regclass, highest) WHERE highest > 0;
    RETURN NULL;
END $$
"""


def sqlite_engine(path: str = "") -> Engine:
    """SQLite with foreign keys enforced and SAVEPOINT made to work.

    Args:
        path: A file, whose readers do not wait for writers; in memory with one connection without.
    """
    if path:
        engine = create_engine(f"sqlite:///{path}")
    else:
        engine = create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )

    prepare_sqlite(engine)
    return engine


def prepare_sqlite(engine: Engine) -> None:
    """Enforce foreign keys on SQLite, and make SAVEPOINT work."""

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")


@contextmanager
def server_engine(url: URL) -> Iterator[Engine]:
    """An engine on a server, all of whose connections are closed at the end.

    Where strings must have a length, those without are 255 long.
    """
    engine = create_engine(url)
    opened: list[Any] = []
    event.listen(engine, "connect", lambda connection, _record: opened.append(connection))
    give_strings_a_length(engine)
    yield engine
    engine.dispose()
    for connection in opened:
        # PyMySQL refuses to close twice.
        with suppress(Exception):
            connection.close()


def give_strings_a_length(engine: Engine) -> None:
    """Let strings be 255 long where they must have a length."""
    if engine.dialect.name in ("mysql", "mariadb"):
        types: Any = engine.dialect.type_compiler_instance
        render = types.visit_VARCHAR
        types.visit_VARCHAR = lambda type_, **kw: render(
            type_ if type_.length else String(255), **kw
        )


@event.listens_for(Table, "after_create")
def count_from_the_highest_key(table: Table, connection: Any, **_: Any) -> None:
    """Generated keys follow the highest that there is, as on the other databases."""
    column = table.autoincrement_column
    if connection.dialect.name != "postgresql" or column is None:
        return
    name = connection.dialect.identifier_preparer.format_table(table)
    found = connection.execute(
        text("SELECT pg_get_serial_sequence(:table, :column)"),
        {"table": name, "column": column.name},
    )
    sequence = found.scalar()
    if sequence is not None:
        connection.execute(text(FOLLOW_KEYS))
        connection.exec_driver_sql(
            f"CREATE TRIGGER follow_keys AFTER INSERT ON {name} FOR EACH STATEMENT "
            f"EXECUTE FUNCTION follow_keys('{sequence}', '{column.name}')"
        )


def close_sessions() -> None:
    """Close the sessions that a test has left open, while their engines still work.

    One whose engine is gone cannot be closed, and keeps none of the others open.
    """
    for session in list(LIVING.values()):
        with suppress(Exception):
            session.close()


@contextmanager
def own_database(server: URL, name: str) -> Iterator[URL]:
    """A new database on a server, dropped at the end."""
    maintenance = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with maintenance.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield server.set(database=name)
        end_other_connections(connection, name)
        connection.execute(text(f"DROP DATABASE {name}"))


def end_other_connections(connection: Any, database: str) -> None:
    """End what a test has left open, lest it holds locks."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = :name AND pid <> pg_backend_pid()"
            ),
            {"name": database},
        )
        return
    found = connection.execute(
        text(
            "SELECT id FROM information_schema.processlist "
            "WHERE db = :name AND id <> CONNECTION_ID()"
        ),
        {"name": database},
    )
    for number in found.scalars().all():
        connection.execute(text(f"KILL {number}"))


def empty(url: URL) -> None:
    """Drop all that a test has made."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        end_other_connections(connection, str(url.database))
        if engine.dialect.name == "postgresql":
            # Prepared transactions outlive their connections and hold locks.
            prepared = "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"
            for name in connection.scalars(text(prepared)).all():
                connection.exec_driver_sql(f"ROLLBACK PREPARED '{name}'")
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
            return
        connection.execute(text("SET foreign_key_checks = 0"))
        for (table,) in connection.execute(text("SHOW TABLES")).all():
            connection.execute(text(f"DROP TABLE `{table}`"))
