"""Time flushes of Holdfast against `sqlalchemy.orm` on PostgreSQL and MariaDB, in one process.

    python tests/servers.py python tests/bench/servers.py
    python tests/servers.py python tests/bench/servers.py --only UPDATE --rounds 9

Prints how many times faster Holdfast is, by the best of interleaved rounds: by the clock, and by
what this process alone needs of the CPU, driver included. Round trips are in the former, of which
an UPDATE or DELETE of many rows makes one per row with most drivers, whatever the ORM.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import sqlalchemy as sa
import sqlalchemy.orm

import holdfast

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import bench_cases as cases
from bench.bench_cases import Case, Run
from bench.bench_models import Orm
from databases import SERVERS, count_from_the_highest_key, own_database, server_engine


class ServerOrm(Orm):
    """One ORM with a database of its own on a server."""

    def __init__(self, name: str, orm: ModuleType, engine: sa.Engine) -> None:
        self.engine_given = engine
        super().__init__(name, orm)

    def new_engine(self) -> sa.Engine:
        return self.engine_given

    def clear(self) -> None:
        # Ends the session of the round before, whose rows are locked.
        gc.collect()
        with self.engine.begin() as connection:
            for table in reversed(self.Base.metadata.sorted_tables):
                connection.execute(table.delete())


def flush_typed(contestant: Orm, size: int) -> Run:
    """New objects whose columns have types with processors."""
    contestant.fill_typed(size)
    with contestant.session() as session:
        rows = [
            {name: getattr(found, name) for name in ("id", "made", "price", "notes", "state")}
            for found in session.scalars(sa.select(contestant.Typed))
        ]
    contestant.clear()
    session = contestant.session()
    objects = [contestant.Typed(**row) for row in rows]

    def run() -> None:
        session.add_all(objects)
        session.flush()

    return run


def update_some(contestant: Orm, size: int) -> Run:
    """Changed objects of which neighbours have other columns changed."""
    contestant.fill_items(size)
    session = contestant.session()
    objects = session.scalars(sa.select(contestant.Item).order_by(contestant.Item.id)).all()

    def run() -> None:
        for number, each in enumerate(objects):
            if number % 2:
                each.size += 1
            else:
                each.name += "!"
        session.flush()

    return run


def one_by_one(contestant: Orm, size: int) -> Run:
    """Transactions of one INSERT, one SELECT and one UPDATE."""
    contestant.clear()
    item = contestant.Item

    def run() -> None:
        for number in range(1, size + 1):
            with contestant.session() as session:
                made = item(id=number, name="new", size=number)
                session.add(made)
                session.commit()
                made.size += 1
                session.commit()

    return run


def measure(case: Case, size: int, rounds: int, orms: list[Orm]) -> dict[str, tuple[float, float]]:
    """Best seconds of each ORM, by the clock and of CPU."""
    best = {orm.name: (float("inf"), float("inf")) for orm in orms}
    for _ in range(rounds):
        for orm in orms:
            run = case.prepare(orm, size)
            gc.collect()
            clock, cpu = time.perf_counter(), time.process_time()
            run()
            took = time.perf_counter() - clock, time.process_time() - cpu
            fastest, cheapest = best[orm.name]
            best[orm.name] = min(took[0], fastest), min(took[1], cheapest)
            # Ends the transaction before the next one begins its round.
            del run
    return best


def show(case: Case, best: dict[str, tuple[float, float]]) -> None:
    (clock, cpu), (our_clock, our_cpu) = best["sqlalchemy.orm"], best["holdfast"]
    print(
        f"{clock / our_clock:7.2f}x  (CPU {cpu / our_cpu:5.2f}x)  {case.name:28}  "
        f"sqlalchemy.orm {clock * 1000:.1f} ms, holdfast {our_clock * 1000:.1f} ms",
        flush=True,
    )


CASES = [
    Case("5,000 new, given keys", 1, 5_000, cases.flush_given),
    Case("5,000 new, generated keys", 1, 5_000, cases.flush_generated),
    Case("3,000 new of typed columns", 1, 3_000, flush_typed),
    Case("graph 300 x 10", 1, 300, cases.flush_graph),
    Case("UPDATE 3,000", 1, 3_000, cases.update),
    Case("UPDATE 1,000 by turns", 1, 1_000, update_some),
    Case("DELETE 3,000", 1, 3_000, cases.delete),
    Case("300 small transactions", 1, 300, one_by_one),
    Case("get 1,000", 1, 1_000, cases.get_miss),
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", nargs="*", default=[], help="words, one of which the row's name contains"
    )
    parser.add_argument("--on", default="", help="the one server to use, e.g. postgresql")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on all sizes (default 1)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds per row (default 5)")
    options = parser.parse_args()
    if not SERVERS:
        command = f"python tests/servers.py python {sys.argv[0]}"
        sys.exit(f"Cannot start: HOLDFAST_TEST_URLS names no server. Run: {command}")
    # A trigger that only tests need would be timed too.
    sa.event.remove(sa.Table, "after_create", count_from_the_highest_key)
    for server in SERVERS:
        if options.on not in server.drivername:
            continue
        print(server.drivername)
        with ExitStack() as stack:
            orms: list[Orm] = []
            for orm in (sqlalchemy.orm, holdfast):
                name = f"bench_{orm.__name__.rpartition('.')[2]}"
                url = stack.enter_context(own_database(server, name))
                engine = stack.enter_context(server_engine(url))
                orms.append(ServerOrm(orm.__name__, orm, engine))
            # What the last round has left open is closed before its database is dropped.
            stack.callback(gc.collect)
            for case in CASES:
                if not options.only or any(word in case.name for word in options.only):
                    size = max(10, int(case.size * options.scale))
                    show(case, measure(case, size, options.rounds, orms))


if __name__ == "__main__":
    main()
