"""This file maps the same classes with either ORM, so that one piece of code times both.

Annotations are evaluated at once here: they name classes and types local to a function.
"""

import enum
from datetime import datetime
from decimal import Decimal
from types import ModuleType
from typing import Any, Optional

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool


class Phase(enum.Enum):
    """A value of a typed row."""

    OPEN = "open"
    DONE = "done"


class Orm:
    """One ORM, its classes, and a database of its own in memory.

    Attributes:
        name: As printed in the table.
        orm: The module that users import.
        engine: SQLite in memory, one connection.
        kept: What single rows of the table have mapped for themselves.
    """

    def __init__(self, name: str, orm: ModuleType) -> None:
        self.name = name
        self.orm = orm
        self.engine = self.new_engine()
        self.kept: dict[str, Any] = {}
        self._map()

    def new_engine(self) -> sa.Engine:
        return sa.create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )

    def _map(self) -> None:
        orm = self.orm

        class Base(orm.DeclarativeBase):  # type: ignore[misc,name-defined]
            pass

        Mapped, column = orm.Mapped, orm.mapped_column

        class Item(Base):
            __tablename__ = "item"
            id: Mapped[int] = column(primary_key=True)
            name: Mapped[str | None]
            size: Mapped[int | None]

        class Parent(Base):
            __tablename__ = "parent"
            id: Mapped[int] = column(primary_key=True)
            name: Mapped[str | None]
            children: Mapped[list["Child"]] = orm.relationship(back_populates="parent")

        class Child(Base):
            __tablename__ = "child"
            id: Mapped[int] = column(primary_key=True)
            parent_id: Mapped[int | None] = column(sa.ForeignKey("parent.id"))
            name: Mapped[str | None]
            parent: Mapped[Optional["Parent"]] = orm.relationship(back_populates="children")

        columns = {f"c{number}": column(sa.Integer) for number in range(1, 30)}
        body = {"__tablename__": "wide", "id": column(sa.Integer, primary_key=True), **columns}
        Wide = type("Wide", (Base,), {**body, "__module__": __name__})

        class Typed(Base):
            __tablename__ = "typed"
            id: Mapped[int] = column(primary_key=True)
            made: Mapped[datetime]
            price: Mapped[Decimal] = column(sa.Numeric(10, 2))
            notes: Mapped[dict[str, Any]] = column(sa.JSON)
            state: Mapped[Phase]

        self.Base, self.Item, self.Parent, self.Child = Base, Item, Parent, Child
        self.Wide, self.Typed = Wide, Typed
        orm.configure_mappers()
        Base.metadata.create_all(self.engine)

    def session(self, **options: Any) -> Any:
        return self.orm.Session(self.engine, **options)

    def clear(self) -> None:
        with self.engine.begin() as connection:
            for table in reversed(self.Base.metadata.sorted_tables):
                connection.execute(table.delete())
            connection.exec_driver_sql("DROP INDEX IF EXISTS child_parent_id")

    def fill_items(self, count: int) -> None:
        self.clear()
        with self.engine.begin() as connection:
            connection.execute(
                self.Item.__table__.insert(),
                [{"id": i, "name": f"name {i}", "size": i % 100} for i in range(1, count + 1)],
            )

    def fill_wide(self, count: int) -> None:
        self.clear()
        columns = self.Wide.__table__.columns.keys()
        rows = [dict.fromkeys(columns, number) for number in range(1, count + 1)]
        with self.engine.begin() as connection:
            connection.execute(self.Wide.__table__.insert(), rows)

    def fill_typed(self, count: int) -> None:
        self.clear()
        rows = [
            {
                "id": number,
                "made": datetime(2026, 1, 1 + number % 28, number % 24),
                "price": Decimal(number) / 100,
                "notes": {"number": number},
                "state": Phase.OPEN if number % 2 else Phase.DONE,
            }
            for number in range(1, count + 1)
        ]
        with self.engine.begin() as connection:
            connection.execute(self.Typed.__table__.insert(), rows)

    def fill_graph(self, parents: int, children: int, *, indexed: bool = False) -> None:
        self.clear()
        with self.engine.begin() as connection:
            if indexed:
                connection.exec_driver_sql("CREATE INDEX child_parent_id ON child (parent_id)")
            connection.execute(
                self.Parent.__table__.insert(),
                [{"id": i, "name": f"parent {i}"} for i in range(1, parents + 1)],
            )
            connection.execute(
                self.Child.__table__.insert(),
                [
                    {"id": i * children + j, "parent_id": i, "name": f"child {j}"}
                    for i in range(1, parents + 1)
                    for j in range(children)
                ],
            )
