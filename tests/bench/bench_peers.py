"""This file does the same work with Core's rows, with peewee and with `sqlite3` alone.

Each function takes a size and returns the function to time, or the table says nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import peewee
from sqlalchemy import select

from bench.bench_models import Orm

Run = Callable[[], object]

CREATE = "CREATE TABLE item (id INTEGER PRIMARY KEY, name VARCHAR, size INTEGER)"


class Raw:
    """`sqlite3` with tuples and plain SQL: the floor."""

    name = "sqlite3"

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute(CREATE)

    def fill(self, size: int) -> None:
        self.connection.execute("DELETE FROM item")
        self.connection.executemany(
            "INSERT INTO item VALUES (?, ?, ?)",
            [(i, f"name {i}", i % 100) for i in range(1, size + 1)],
        )

    def load(self, size: int) -> Run:
        self.fill(size)
        return lambda: self.connection.execute("SELECT id, name, size FROM item").fetchall()

    def get_miss(self, size: int) -> Run:
        self.fill(size)
        sql = "SELECT id, name, size FROM item WHERE id = ?"

        def run() -> None:
            for number in range(1, size + 1):
                self.connection.execute(sql, (number,)).fetchone()

        return run

    def flush_generated(self, size: int) -> Run:
        self.connection.execute("DELETE FROM item")
        sql = "INSERT INTO item (name, size) VALUES (?, ?)"

        def run() -> None:
            for number in range(size):
                self.connection.execute(sql, (f"name {number}", number)).lastrowid

        return run

    def flush_given(self, size: int) -> Run:
        self.connection.execute("DELETE FROM item")
        rows = [(i, f"name {i}", i) for i in range(1, size + 1)]
        return lambda: self.connection.executemany("INSERT INTO item VALUES (?, ?, ?)", rows)

    def update(self, size: int) -> Run:
        self.fill(size)
        rows = [(i + 1, i) for i in range(1, size + 1)]
        return lambda: self.connection.executemany("UPDATE item SET size = ? WHERE id = ?", rows)

    def delete(self, size: int) -> Run:
        self.fill(size)
        rows = [(i,) for i in range(1, size + 1)]
        return lambda: self.connection.executemany("DELETE FROM item WHERE id = ?", rows)


class Peewee:
    """peewee, with what its documentation advises for many rows."""

    name = "peewee"

    def __init__(self) -> None:
        database = peewee.SqliteDatabase(":memory:")

        class Item(peewee.Model):  # type: ignore[misc]
            name = peewee.CharField(null=True)
            size = peewee.IntegerField(null=True)

            class Meta:
                pass

        Item.bind(database)
        self.database, self.Item = database, Item
        database.create_tables([Item])
        self.raw = database.connection()

    def fill(self, size: int) -> None:
        self.raw.execute("DELETE FROM item")
        self.raw.executemany(
            "INSERT INTO item (id, name, size) VALUES (?, ?, ?)",
            [(i, f"name {i}", i % 100) for i in range(1, size + 1)],
        )

    def load(self, size: int) -> Run:
        self.fill(size)
        return lambda: list(self.Item.select())

    def get_miss(self, size: int) -> Run:
        self.fill(size)

        def run() -> None:
            for number in range(1, size + 1):
                self.Item.get_by_id(number)

        return run

    def _insert(self, objects: list[Any]) -> Run:
        self.raw.execute("DELETE FROM item")

        def run() -> None:
            with self.database.atomic():
                self.Item.bulk_create(objects, batch_size=100)

        return run

    def flush_generated(self, size: int) -> Run:
        return self._insert([self.Item(name=f"name {i}", size=i) for i in range(size)])

    def flush_given(self, size: int) -> Run:
        return self._insert([self.Item(id=i, name=f"n {i}", size=i) for i in range(1, size + 1)])

    def update(self, size: int) -> Run:
        self.fill(size)
        objects = list(self.Item.select())
        for each in objects:
            each.size += 1

        def run() -> None:
            with self.database.atomic():
                self.Item.bulk_update(objects, fields=["size"], batch_size=100)

        return run

    def delete(self, size: int) -> Run:
        self.fill(size)
        objects = list(self.Item.select())

        def run() -> None:
            with self.database.atomic():
                for each in objects:
                    each.delete_instance()

        return run

    def construct(self, size: int) -> Run:
        return lambda: [self.Item(name="name", size=number) for number in range(size)]

    def attribute_get(self, size: int) -> Run:
        one = self.Item(name="name", size=1)

        def run() -> None:
            for _ in range(size):
                one.name

        return run

    def attribute_set(self, size: int) -> Run:
        one = self.Item(name="name", size=1)

        def run() -> None:
            for number in range(size):
                one.size = number

        return run


class Core:
    """Rows as SQLAlchemy Core gives them, of the same columns on the same engine."""

    name = "Core"

    def __init__(self, orm: Orm) -> None:
        self.orm = orm

    def load_typed(self, size: int) -> Run:
        self.orm.fill_typed(size)
        table = self.orm.Typed.__table__

        def run() -> object:
            with self.orm.engine.connect() as connection:
                return connection.execute(select(table)).all()

        return run
