"""This file lists the hot paths that are timed: one function prepares a round, untimed, and
returns the function that is timed.

What the timed function returns is dropped inside the timed region, so that freeing counts.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlalchemy import insert, select

from bench.bench_models import Orm

Run = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        name: As printed; also selects the row on the command line.
        goal: How many times faster it is to be, at least.
        size: Number of objects or repetitions at full size.
        prepare: Gets the contestant and the size, returns the function to time.
        is_ratio_of_bytes: The function returns bytes per object instead of being timed.
        against: The contestant that is to be beaten.
    """

    name: str
    goal: float
    size: int
    prepare: Callable[[Orm, int], Run]
    is_ratio_of_bytes: bool = False
    against: str = "sqlalchemy.orm"


def load(contestant: Orm, size: int) -> Run:
    contestant.fill_items(size)
    session = contestant.session()
    item = contestant.Item
    return lambda: session.scalars(select(item)).all()


def load_few(contestant: Orm, size: int) -> Run:
    """Small loads as a request makes them: a session each, repeated to outlast the clock."""
    contestant.fill_items(size)
    item = contestant.Item

    def run() -> None:
        for _ in range(20):
            with contestant.session() as session:
                session.scalars(select(item)).all()

    return run


def load_present(contestant: Orm, size: int) -> Run:
    contestant.fill_items(size)
    session = contestant.session()
    item = contestant.Item
    kept = session.scalars(select(item)).all()

    def run(kept: Any = kept) -> object:
        return session.scalars(select(item)).all()

    return run


def joined(contestant: Orm, size: int) -> Run:
    contestant.fill_graph(size, 10)
    session = contestant.session()
    statement = select(contestant.Parent).options(
        contestant.orm.joinedload(contestant.Parent.children)
    )
    return lambda: session.scalars(statement).unique().all()


def selectin(contestant: Orm, size: int) -> Run:
    contestant.fill_graph(size, 10)
    session = contestant.session()
    statement = select(contestant.Parent).options(
        contestant.orm.selectinload(contestant.Parent.children)
    )
    return lambda: session.scalars(statement).all()


def get_hit(contestant: Orm, size: int) -> Run:
    contestant.fill_items(100)
    session = contestant.session()
    item = contestant.Item
    kept = session.scalars(select(item)).all()

    def run(kept: Any = kept) -> None:
        get = session.get
        for _ in range(size):
            get(item, 50)

    return run


def get_miss(contestant: Orm, size: int) -> Run:
    contestant.fill_items(size)
    session = contestant.session()
    item = contestant.Item

    def run() -> None:
        get = session.get
        for number in range(1, size + 1):
            get(item, number)

    return run


def lazy_present(contestant: Orm, size: int) -> Run:
    contestant.fill_graph(100, size // 100)
    session = contestant.session()
    parents = session.scalars(select(contestant.Parent)).all()
    children = session.scalars(select(contestant.Child)).all()

    def run(held: Any = (session, parents)) -> None:
        for child in children:
            child.parent

    return run


def lazy_sql(contestant: Orm, size: int) -> Run:
    contestant.fill_graph(size, 1)
    session = contestant.session()
    children = session.scalars(select(contestant.Child)).all()

    def run(held: Any = session) -> None:
        for child in children:
            child.parent

    return run


def flush_generated(contestant: Orm, size: int) -> Run:
    contestant.clear()
    session = contestant.session()
    item = contestant.Item
    objects = [item(name=f"name {i}", size=i) for i in range(size)]

    def run() -> None:
        session.add_all(objects)
        session.flush()

    return run


def flush_given(contestant: Orm, size: int) -> Run:
    contestant.clear()
    session = contestant.session()
    item = contestant.Item
    objects = [item(id=i, name=f"name {i}", size=i) for i in range(1, size + 1)]

    def run() -> None:
        session.add_all(objects)
        session.flush()

    return run


def flush_graph(contestant: Orm, size: int) -> Run:
    contestant.clear()
    session = contestant.session()
    parent, child = contestant.Parent, contestant.Child
    objects = [
        parent(name=f"parent {i}", children=[child(name=f"child {j}") for j in range(10)])
        for i in range(size)
    ]

    def run() -> None:
        session.add_all(objects)
        session.flush()

    return run


def item_rows(size: int) -> list[dict[str, Any]]:
    return [{"name": f"name {i}", "size": i} for i in range(size)]


def bulk_mappings(contestant: Orm, size: int) -> Run:
    contestant.clear()
    session = contestant.session()
    rows = item_rows(size)

    def run() -> None:
        session.bulk_insert_mappings(contestant.Item, rows)
        session.commit()

    return run


def bulk_insert(contestant: Orm, size: int) -> Run:
    contestant.clear()
    session = contestant.session()
    rows = item_rows(size)

    def run() -> None:
        session.execute(insert(contestant.Item), rows)
        session.commit()

    return run


def bulk_returning(contestant: Orm, size: int) -> Run:
    contestant.clear()
    session = contestant.session()
    rows = item_rows(size)
    statement = insert(contestant.Item).returning(contestant.Item)
    return lambda: session.scalars(statement, rows).all()


def bulk_update(contestant: Orm, size: int) -> Run:
    contestant.fill_items(size)
    session = contestant.session()
    rows = [{"id": i, "name": "new"} for i in range(1, size + 1)]

    def run() -> None:
        session.execute(sqlalchemy.update(contestant.Item), rows)
        session.commit()

    return run


def update(contestant: Orm, size: int) -> Run:
    contestant.fill_items(size)
    session = contestant.session()
    objects = session.scalars(select(contestant.Item)).all()
    for each in objects:
        each.size = each.size + 1

    def run(objects: Any = objects) -> None:
        session.flush()

    return run


def delete(contestant: Orm, size: int) -> Run:
    contestant.fill_items(size)
    session = contestant.session()
    objects = session.scalars(select(contestant.Item)).all()

    def run() -> None:
        for each in objects:
            session.delete(each)
        session.flush()

    return run


def rollback(contestant: Orm, size: int) -> Run:
    """Give up a transaction that changed nothing, with every object still loaded."""
    contestant.fill_items(size)
    session = contestant.session()
    kept = session.scalars(select(contestant.Item)).all()

    def run(kept: Any = kept) -> None:
        session.rollback()

    return run


def commit(contestant: Orm, size: int) -> Run:
    contestant.fill_items(size)
    session = contestant.session()
    kept = session.scalars(select(contestant.Item)).all()

    def run(kept: Any = kept) -> None:
        session.commit()

    return run


def expire_all(contestant: Orm, size: int) -> Run:
    contestant.fill_items(size)
    session = contestant.session()
    kept = session.scalars(select(contestant.Item)).all()

    def run(kept: Any = kept) -> None:
        session.expire_all()

    return run


def refresh_expired(contestant: Orm, size: int) -> Run:
    """One SELECT gives all expired objects their values back."""
    contestant.fill_items(size)
    session = contestant.session()
    kept = session.scalars(select(contestant.Item)).all()
    session.expire_all()

    def run(kept: Any = kept) -> object:
        return session.scalars(select(contestant.Item)).all()

    return run


def detached_items(contestant: Orm) -> list[Any]:
    """All items, changed, of a session that is closed."""
    with contestant.session() as session:
        items = session.scalars(select(contestant.Item)).all()
    for each in items:
        each.size = -1
    return list(items)


def merge_present(contestant: Orm, size: int) -> Run:
    contestant.fill_items(size)
    session = contestant.session(autoflush=False)
    kept = session.scalars(select(contestant.Item)).all()
    items = detached_items(contestant)

    def run(kept: Any = kept) -> None:
        for each in items:
            session.merge(each)

    return run


def merge_sql(contestant: Orm, size: int) -> Run:
    contestant.fill_items(size)
    session = contestant.session(autoflush=False)
    items = detached_items(contestant)

    def run() -> object:
        return [session.merge(each) for each in items]

    return run


def merge_graph(contestant: Orm, size: int) -> Run:
    """Objects with their collections, onto others that are loaded."""
    contestant.fill_graph(size, 10)
    statement = select(contestant.Parent).options(
        contestant.orm.selectinload(contestant.Parent.children)
    )
    with contestant.session() as other:
        parents = other.scalars(statement).all()
    session = contestant.session(autoflush=False)
    kept = session.scalars(statement).all()

    def run(kept: Any = kept) -> None:
        for each in parents:
            session.merge(each)

    return run


def set_reference(contestant: Orm, size: int) -> Run:
    """Children move from one parent to the next; both collections learn of it."""
    parents = [contestant.Parent(name="parent") for _ in range(size // 10 + 1)]
    children = [contestant.Child(name="child", parent=parents[i // 10]) for i in range(size)]

    def run() -> None:
        for number, child in enumerate(children):
            child.parent = parents[number // 10 + 1]

    return run


def lazy_collection(contestant: Orm, size: int) -> Run:
    contestant.fill_graph(size, 10, indexed=True)
    session = contestant.session()
    parents = session.scalars(select(contestant.Parent)).all()

    def run(held: Any = session) -> None:
        for parent in parents:
            parent.children

    return run


def construct(contestant: Orm, size: int) -> Run:
    item = contestant.Item

    def run() -> object:
        return [item(name="name", size=number) for number in range(size)]

    return run


def append(contestant: Orm, size: int) -> Run:
    parent, child = contestant.Parent(name="parent"), contestant.Child

    def run() -> None:
        children = parent.children
        for _ in range(size):
            children.append(child(name="child"))

    return run


def attribute_get(contestant: Orm, size: int) -> Run:
    one = contestant.Item(name="name", size=1)

    def run() -> None:
        for _ in range(size):
            one.name

    return run


def attribute_set(contestant: Orm, size: int) -> Run:
    one = contestant.Item(name="name", size=1)

    def run() -> None:
        for number in range(size):
            one.size = number

    return run


def fresh_select(contestant: Orm, size: int) -> Run:
    contestant.fill_items(100)
    session = contestant.session()
    item = contestant.Item
    kept = session.scalars(select(item)).all()

    def run(kept: Any = kept) -> None:
        execute = session.execute
        for _ in range(size):
            execute(select(item).where(item.id == 50)).scalar_one()

    return run


def fresh_query(contestant: Orm, size: int) -> Run:
    contestant.fill_items(100)
    session = contestant.session()
    item = contestant.Item
    kept = session.scalars(select(item)).all()

    def run(kept: Any = kept) -> None:
        query = session.query
        for _ in range(size):
            query(item).filter(item.id == 50).one()

    return run


def portions_of(count: int) -> Callable[[Orm, int], Run]:
    """Objects in portions, each dropped before the next comes."""

    def portions(contestant: Orm, size: int) -> Run:
        contestant.fill_items(size)
        session = contestant.session()
        statement = select(contestant.Item).execution_options(yield_per=count)

        def run() -> None:
            for _ in session.scalars(statement):
                pass

        return run

    return portions


def load_columns(contestant: Orm, size: int) -> Run:
    contestant.fill_items(size)
    session = contestant.session()
    item = contestant.Item
    statement = select(item.id, item.name, item.size)
    return lambda: session.execute(statement).all()


def load_wide(contestant: Orm, size: int) -> Run:
    contestant.fill_wide(size)
    session = contestant.session()
    return lambda: session.scalars(select(contestant.Wide)).all()


def load_typed(contestant: Orm, size: int) -> Run:
    contestant.fill_typed(size)
    session = contestant.session()
    return lambda: session.scalars(select(contestant.Typed)).all()


def memory(contestant: Orm, size: int) -> Run:
    contestant.fill_items(size)
    item = contestant.Item

    def run() -> object:
        session = contestant.session()
        session.scalars(select(item).limit(10)).all()
        gc.collect()
        tracemalloc.start()
        kept = session.scalars(select(item)).all()
        gc.collect()
        used = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return used / len(kept)

    return run


CASES = [
    Case("load 100,000", 5, 100_000, load),
    Case("load 10,000", 3.5, 10_000, load),
    Case("load 100, twenty sessions", 2, 100, load_few),
    Case("10,000 rows already present", 3, 10_000, load_present),
    Case("joined eager load 1,000 x 10", 4, 1_000, joined),
    Case("selectin eager load 1,000 x 10", 4, 1_000, selectin),
    Case("get, hit", 4, 10_000, get_hit),
    Case("get, miss", 4, 2_000, get_miss),
    Case("lazy many-to-one, present", 4, 10_000, lazy_present),
    Case("lazy many-to-one, SQL", 4, 1_000, lazy_sql),
    Case("flush 20,000 new, generated keys", 6, 20_000, flush_generated),
    Case("flush 20,000 new, given keys", 6, 20_000, flush_given),
    Case("flush graph 1,000 x 10", 8, 1_000, flush_graph),
    Case("bulk_insert_mappings 20,000", 2, 20_000, bulk_mappings),
    Case("bulk insert() 20,000", 2, 20_000, bulk_insert),
    Case("bulk insert().returning() 10,000", 3, 10_000, bulk_returning),
    Case("bulk update() by key 10,000", 2, 10_000, bulk_update),
    Case("UPDATE 20,000", 4, 20_000, update),
    Case("DELETE 20,000", 5, 20_000, delete),
    Case("commit that expires 100,000", 5, 100_000, commit),
    Case("rollback that expires 100,000", 5, 100_000, rollback),
    Case("expire_all of 100,000", 5, 100_000, expire_all),
    Case("refresh 100,000 expired, one SELECT", 3, 100_000, refresh_expired),
    Case("merge, present", 2.5, 10_000, merge_present),
    Case("merge, SQL", 2.5, 1_000, merge_sql),
    Case("merge graph 1,000 x 10", 2.5, 1_000, merge_graph),
    Case("set many-to-one with backref", 4, 10_000, set_reference),
    Case("lazy one-to-many", 3.5, 1_000, lazy_collection),
    Case("construction", 4, 10_000, construct),
    Case("append with backref", 4, 5_000, append),
    Case("attribute get", 2, 100_000, attribute_get),
    Case("attribute set", 2, 100_000, attribute_set),
    Case("fresh select by key", 2.2, 1_000, fresh_select),
    Case("fresh select by key, Query", 2.2, 1_000, fresh_query),
    Case("portions of 100", 2.2, 20_000, portions_of(100)),
    Case("portions of 1,000", 3, 20_000, portions_of(1_000)),
    Case("columns only 20,000", 1, 20_000, load_columns),
    Case("load 10,000 of 30 columns", 2.2, 10_000, load_wide),
    Case("load 10,000 of typed columns", 3, 10_000, load_typed),
    Case("the same against rows of Core", 1, 10_000, load_typed, against="Core"),
    Case("memory per loaded object", 1 / 0.65, 10_000, memory, is_ratio_of_bytes=True),
]
