"""Random loads by every strategy give what the rows say, in whatever state objects are found.

An option with criteria speaks of one path, and an object may be reached along several: so a
relationship may hold either what all rows say or what the criteria leave of it. What is filled from
a join that keeps out rows may lack what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, inspect, select

import databases
from holdfast import Session
from machines.load_strategies import CLASSES, loads
from machines.loads import Builder, Described, Run, Seen, base_of, label, steps_of
from machines.runs import LOADS, examples
from models import market

Row = dict[str, Any]
Tables = dict[str, list[Row]]

# Relationship -> its table, (local, remote) columns, what it is ordered by, and what else holds.
DIRECT: dict[tuple[str, str], tuple[str, dict[str, str], Callable[[Row], Any] | None]] = {
    ("Shop", "boss"): ("person", {"boss_id": "id"}, None),
    ("Shop", "sign"): ("sign", {"id": "shop_id"}, None),
    ("Shop", "shelves"): ("shelf", {"id": "shop_id"}, lambda row: -row["number"]),
    ("Shop", "high"): ("shelf", {"id": "shop_id"}, lambda row: (row["rank"], row["number"])),
    ("Shop", "staff"): ("person", {"id": "shop_id"}, lambda row: row["id"]),
    ("Shop", "managers"): ("person", {"id": "shop_id"}, lambda row: (row["bonus"], row["id"])),
    ("Sign", "shop"): ("shop", {"shop_id": "id"}, None),
    ("Shelf", "shop"): ("shop", {"shop_id": "id"}, None),
    ("Shelf", "items"): (
        "item",
        {"shop_id": "shop_id", "number": "shelf_number"},
        lambda row: row["id"],
    ),
    ("Item", "shelf"): ("shelf", {"shop_id": "shop_id", "shelf_number": "number"}, None),
    ("Item", "whole"): ("item", {"whole_id": "id"}, None),
    ("Item", "parts"): ("item", {"id": "whole_id"}, None),
    ("Item", "alike"): ("item", {"rank": "rank"}, lambda row: -row["id"]),
    ("Food", "cook"): ("person", {"cook_id": "id"}, None),
    ("Tool", "keepers"): ("person", {"id": "tool_id"}, lambda row: row["id"]),
    ("Person", "shop"): ("shop", {"shop_id": "id"}, None),
    ("Manager", "reports"): ("person", {"id": "chief_id"}, lambda row: -row["id"]),
    ("Engineer", "chief"): ("person", {"chief_id": "id"}, None),
    ("Engineer", "tool"): ("item", {"tool_id": "id"}, None),
}
ALSO: dict[str, Callable[[Row], bool]] = {
    "high": lambda row: row["rank"] > 3,
    "managers": lambda row: row["kind"] == "manager",
}
# Relationship -> its table, the association, its columns, and what it is ordered by.
BETWEEN: dict[tuple[str, str], tuple[str, str, str, str, Callable[[Row], Any] | None]] = {
    ("Shop", "tags"): ("tag", "shop_tag", "shop_id", "tag_id", None),
    ("Tag", "shops"): ("shop", "shop_tag", "tag_id", "shop_id", None),
    ("Item", "tags"): (
        "tag",
        "item_tag",
        "item_id",
        "tag_id",
        lambda row: (-row["rank"], row["id"]),
    ),
    ("Tag", "items"): (
        "item",
        "item_tag",
        "tag_id",
        "item_id",
        lambda row: (row["rank"], row["id"]),
    ),
    ("Shop", "neighbours"): (
        "shop",
        "neighbour",
        "shop_id",
        "other_id",
        lambda row: (row["rank"], row["id"]),
    ),
}
NAMES = {
    "person": {"person": "Person", "manager": "Manager", "engineer": "Engineer"},
    "item": {"item": "Item", "food": "Food", "tool": "Tool"},
}


def name_of(table: str, row: Row) -> Any:
    """The label of the object that a row is."""
    class_ = NAMES[table][row["kind"]] if table in NAMES else table.capitalize()
    keys = ("shop_id", "number") if table == "shelf" else ("id",)
    return (class_, *(row[key] for key in keys))


class Truth:
    """What the rows of a database say of every object."""

    def __init__(self, connection: Any) -> None:
        self.tables: Tables = {
            name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for name, table in market.Base.metadata.tables.items()
        }
        for name in ("manager", "engineer"):
            own = {row["id"]: row for row in self.tables[name]}
            for row in self.tables["person"]:
                row.update(own.get(row["id"], {"chief_id": None, "tool_id": None}))
        self.rows = {
            name_of(table, row): row
            for table in ("person", "shop", "sign", "shelf", "item", "tag")
            for row in self.tables[table]
        }

    def related(self, name: Any, owner: str, key: str) -> tuple[list[Row], str, bool]:
        """Related rows in order, their table, and whether the order is part of the mapping."""
        row = self.rows[name]
        if (owner, key) in DIRECT:
            table, pairs, order = DIRECT[owner, key]
            found = [
                each
                for each in self.tables[table]
                if all(row[a] == each.get(b) and row[a] is not None for a, b in pairs.items())
                and ALSO.get(key, lambda _: True)(each)
            ]
        elif key == "themes":
            items = {each["id"] for each in self.tables["item"] if each["shop_id"] == row["id"]}
            pairs_of = self.tables["item_tag"]
            ids = {each["tag_id"] for each in pairs_of if each["item_id"] in items}
            table, order = "tag", lambda each: each["label"]
            found = [each for each in self.tables["tag"] if each["id"] in ids]
        else:
            table, between, local, remote, order = BETWEEN[owner, key]
            ids = {each[remote] for each in self.tables[between] if each[local] == row["id"]}
            found = [each for each in self.tables[table] if each["id"] in ids]
        return sorted(found, key=order) if order else found, table, order is not None

    def values(self, name: Any, prop: Any, bounds: set[int | None]) -> list[Any]:
        """What a relationship may hold, by what criteria are heard."""
        found, table, _ = self.related(name, prop.parent.class_.__name__, prop.key)
        made: list[Any] = []
        for bound in bounds:
            rows = [row for row in found if bound is None or row["rank"] < bound]
            labels: list[Any] = [name_of(table, row) for row in rows]
            if not prop.uselist:
                made.append(labels[0] if labels else None)
            elif prop.key == "parts":
                made.append(sorted((row["name"], name_of(table, row)) for row in rows))
            else:
                made.append(labels)
        return made


class Check:
    """What was seen against the rows at both ends of a load."""

    def __init__(self, described: Described) -> None:
        self.described = described
        self.steps = list(steps_of(described.steps))
        self.truths: list[Truth] = []
        self.expected: list[Any] = []

    def look(self, session: Any) -> None:
        connection = session.connection()
        self.truths.append(Truth(connection))
        if len(self.truths) == 1 and self.described.source != "get":
            with Session(connection, join_transaction_mode="create_savepoint") as other:
                statement = Builder(self.described).statement(other, has_options=False)
                rows = other.execute(statement).all() if self._is_select else statement.all()
                many = self._is_select or self.described.second is not None
                self.expected = [tuple(map(label, row if many else (row,))) for row in rows]

    @property
    def _is_select(self) -> bool:
        return self.described.source != "query"

    def check(self, seen: Seen) -> None:
        if seen.error is not None:
            assert seen.error in ("InvalidRequestError", "ArgumentError"), seen.message
            return
        if self.described.source != "get":
            found, expected = dict.fromkeys(seen.rows), dict.fromkeys(self.expected)
            if self.described.source == "union":
                assert set(found) == set(expected)
            else:
                assert list(found) == list(expected)
        for objects in (seen.loaded, seen.touched):
            for name, values in objects.items():
                if "new" not in name:
                    self._check_object(name, values)

    def _check_object(self, name: Any, values: dict[str, Any]) -> None:
        mapper = inspect(CLASSES[name[0]])
        truths = [truth for truth in self.truths if name in truth.rows]
        assert truths, name
        for key, value in values.items():
            if key not in mapper.relationships:
                possible = {truth.rows[name][key] for truth in truths}
                assert value in possible or value == "changed", (name, key, value)
                continue
            prop = mapper.relationships[key]
            bounds = self._bounds(prop)
            allowed = [each for truth in truths for each in truth.values(name, prop, bounds)]
            plain = self._plain(prop, value)
            full = [self._plain(prop, each) for each in allowed]
            is_part = self._is_cut(prop) and (
                plain is None
                if not prop.uselist
                else any(all(one in each for one in plain) for each in full)
            )
            assert plain in full or is_part, (name, key, value, allowed)

    def _bounds(self, prop: Any) -> set[int | None]:
        base = base_of(prop.mapper.class_.__name__)
        below = {step.below for step in self.steps if step.relationship == prop.key}
        everywhere = {k for name, k, _ in self.described.criteria if base_of(name) == base}
        return {None, *below, *everywhere}

    def _is_cut(self, prop: Any) -> bool:
        """Whether the statement itself fills the relationship, and its joins keep out rows."""
        inside = [step for step in self.steps if step.strategy == "contains_eager"]
        return any(step.relationship == prop.key for step in inside) and any(
            not dict(step.arguments)["isouter"] or (step.narrowed and step.is_alone)
            for step in inside
        )

    def _plain(self, prop: Any, value: Any) -> Any:
        """A value without pending objects, and without an order where it has none."""
        if not isinstance(value, list):
            return None if value is not None and "new" in value else value
        known = [each for each in value if "new" not in each]
        contained = any(
            step.strategy == "contains_eager" and step.relationship == prop.key
            for step in self.steps
        )
        return sorted(known, key=repr) if contained or not prop.order_by else known


@pytest.fixture(scope="module", params=["heard", "unheard"])
def engine(request: pytest.FixtureRequest) -> Iterator[Any]:
    engine = databases.sqlite_engine()
    market.Base.metadata.create_all(engine)
    with engine.begin() as connection:
        market.fill(connection)
    if request.param == "heard":
        event.listen(engine, "before_cursor_execute", lambda *_: None)
    yield engine
    engine.dispose()


@examples(LOADS)
@given(described=st.deferred(loads))
def test_loads_by_any_strategies_give_what_the_rows_say(engine: Any, described: Described) -> None:
    check = Check(described)

    seen = Run(engine, described).run(check.look)

    check.check(seen)
