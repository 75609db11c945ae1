"""This file holds the hot paths over classes that inherit, and over many classes at once.

The classes are mapped anew for each contestant when a row first needs them.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import select

from bench.bench_cases import Case, Run
from bench.bench_models import Orm

KINDS = ("engineer", "manager", "clerk")


def _mapped(contestant: Orm) -> Any:
    """The hierarchies of a contestant, with their tables."""
    found = contestant.kept.get("hierarchies")
    if found is None:
        found = contestant.kept["hierarchies"] = Hierarchies(contestant)
    return found


class Hierarchies:
    """One hierarchy in tables that are joined, one in a single table."""

    def __init__(self, contestant: Orm) -> None:
        orm = contestant.orm

        class Base(orm.DeclarativeBase):  # type: ignore[misc,name-defined]
            pass

        self.Base, self.engine, self.orm = Base, contestant.engine, orm
        self.Person = self._mapped("Person", Base, person_id=None)
        self.joined = [self._mapped(kind, self.Person, person_id="person.id") for kind in KINDS]
        self.Animal = self._mapped("Animal", Base, person_id=None)
        self.single = [
            type(
                f"{kind.title()}Animal",
                (self.Animal,),
                {
                    "__mapper_args__": {"polymorphic_identity": kind},
                    f"{kind}_note": orm.mapped_column(sa.String),
                    f"{kind}_level": orm.mapped_column(sa.Integer),
                    "__module__": __name__,
                },
            )
            for kind in KINDS
        ]
        orm.configure_mappers()
        Base.metadata.create_all(contestant.engine)

    def _mapped(self, name: str, base: Any, *, person_id: str | None) -> Any:
        column = self.orm.mapped_column
        table = name.lower()
        body: dict[str, Any] = {"__tablename__": table, "__module__": __name__}
        if person_id is None:
            body["id"] = column(sa.Integer, primary_key=True)
            body["kind"] = column(sa.String, nullable=False)
            body["name"] = column(sa.String)
            arguments = {"polymorphic_on": "kind", "polymorphic_identity": table}
        else:
            body["id"] = column(sa.ForeignKey(person_id), primary_key=True)
            body[f"{table}_note"] = column(sa.String)
            body[f"{table}_level"] = column(sa.Integer)
            arguments = {"polymorphic_identity": table}
        return type(name.title(), (base,), {**body, "__mapper_args__": arguments})

    def clear(self) -> None:
        with self.engine.begin() as connection:
            for table in reversed(self.Base.metadata.sorted_tables):
                connection.execute(table.delete())

    def fill(self, base: Any, size: int) -> None:
        """Rows of three kinds, one of each in turn."""
        self.clear()
        joined = base is self.Person
        tables = [kind.__table__ for kind in self.joined]
        rows: list[dict[str, Any]] = []
        parts: list[list[dict[str, Any]]] = [[], [], []]
        for number in range(1, size + 1):
            which = number % 3
            kind = KINDS[which]
            row: dict[str, Any] = {"id": number, "kind": kind, "name": f"name {number}"}
            part = {f"{kind}_note": f"note {number}", f"{kind}_level": number}
            if joined:
                rows.append(row)
                parts[which].append({"id": number, **part})
            else:
                rows.append({**dict.fromkeys(base.__table__.c.keys()), **row, **part})
        with self.engine.begin() as connection:
            connection.execute(base.__table__.insert(), rows)
            if joined:
                for table, each in zip(tables, parts, strict=True):
                    connection.execute(table.insert(), each)


def load_joined_hierarchy(contestant: Orm, size: int) -> Run:
    """Rows of three classes that differ in tables, by one SELECT with the tables joined."""
    models = _mapped(contestant)
    models.fill(models.Person, size)
    session = contestant.session()
    everyone = contestant.orm.with_polymorphic(models.Person, "*")
    return lambda: session.scalars(select(everyone)).all()


def load_single_table(contestant: Orm, size: int) -> Run:
    """Rows of three classes of one table."""
    models = _mapped(contestant)
    models.fill(models.Animal, size)
    session = contestant.session()
    everyone = contestant.orm.with_polymorphic(models.Animal, "*")
    return lambda: session.scalars(select(everyone)).all()


def flush_joined_hierarchy(contestant: Orm, size: int) -> Run:
    """New objects of three classes, each in two tables."""
    models = _mapped(contestant)
    models.clear()
    session = contestant.session()
    objects = []
    for number in range(size):
        class_, kind = models.joined[number % 3], KINDS[number % 3]
        more = {f"{kind}_note": f"note {number}", f"{kind}_level": number}
        objects.append(class_(name=f"name {number}", **more))

    def run() -> None:
        session.add_all(objects)
        session.flush()

    return run


def declare(contestant: Orm, size: int) -> Run:
    """Declare classes with ten columns, a reference and its collection; then configure them."""
    orm = contestant.orm

    def run() -> object:
        base = type("Base", (orm.DeclarativeBase,), {"__module__": __name__})
        classes = [base]
        for number in range(size):
            other = max(number - 1, 0)
            annotations: dict[str, Any] = {
                "id": orm.Mapped[int],
                "name": orm.Mapped[str],
                "note": orm.Mapped[str | None],
                "size": orm.Mapped[int | None],
                "other_id": orm.Mapped[int | None],
                "other": orm.Mapped[f"Declared{other}"],
                "many": orm.Mapped[list[f"Declared{number + 1}"]],  # type: ignore[misc]
            }
            body: dict[str, Any] = {
                "__tablename__": f"declared_{number}",
                "__module__": __name__,
                "id": orm.mapped_column(primary_key=True),
                "other_id": orm.mapped_column(sa.ForeignKey(f"declared_{other}.id")),
                **{f"c{i}": orm.mapped_column(sa.Integer) for i in range(5)},
            }
            if number:
                body["other"] = orm.relationship(back_populates="many")
            else:
                del annotations["other"]
            if number + 1 < size:
                body["many"] = orm.relationship(
                    back_populates="other", foreign_keys=f"Declared{number + 1}.other_id"
                )
            else:
                del annotations["many"]
            body["__annotations__"] = annotations
            classes.append(type(f"Declared{number}", (base,), body))
        base.registry.configure()  # type: ignore[attr-defined]
        return classes

    return run


HIERARCHY_CASES = [
    Case("polymorphic load, joined tables", 2.5, 10_000, load_joined_hierarchy),
    Case("polymorphic load, one table", 3, 10_000, load_single_table),
    Case("flush 10,000 new in joined tables", 2.5, 10_000, flush_joined_hierarchy),
    Case("declare and configure 100 classes", 1.5, 100, declare),
]
