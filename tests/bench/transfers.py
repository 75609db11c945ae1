"""Move money between accounts from many threads, with Holdfast and `sqlalchemy.orm` in turn.

    python tests/servers.py python tests/bench/transfers.py
    python tests/servers.py python tests/bench/transfers.py --transfers 2000 --seconds 20

Eight threads share one engine and one `sessionmaker`; every transfer is a transaction of its own at
isolation level SERIALIZABLE, tried again when PostgreSQL refuses it. All the while the main thread
reads the sum of the accounts, which must never change in any snapshot. Prints transfers per second;
exits with 1 when money was made or lost, or when the time did not suffice.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm

import holdfast

THREADS = 8
ACCOUNTS = 200
BALANCE = 1_000
ROUNDS = 4
# What PostgreSQL says of a transaction that may succeed when it is tried again.
SERIALIZATION_FAILURES = ("40001", "40P01")


@dataclass
class Tally:
    """What one contestant has done so far."""

    done: int = 0
    refused: int = 0
    seconds: float = 0.0
    sums: set[int] = field(default_factory=set)


class Bank:
    """Accounts mapped with one ORM."""

    def __init__(self, name: str, orm: Any, engine: sa.Engine) -> None:
        class Base(orm.DeclarativeBase):  # type: ignore[misc,name-defined]
            pass

        class Account(Base):
            __tablename__ = f"account_{name.replace('.', '_')}"
            id = orm.mapped_column(sa.Integer, primary_key=True)
            balance = orm.mapped_column(sa.Integer, nullable=False)
            version = orm.mapped_column(sa.Integer, nullable=False)
            __mapper_args__ = {"version_id_col": version}

        self.name, self.engine, self.Account = name, engine, Account
        self.sessions = orm.sessionmaker(engine)
        self.tally = Tally()
        Base.metadata.drop_all(engine)
        Base.metadata.create_all(engine)
        with self.sessions.begin() as session:
            session.add_all(Account(id=n, balance=BALANCE) for n in range(ACCOUNTS))

    def total(self) -> int:
        """The sum of the accounts, from one snapshot: PostgreSQL refuses SERIALIZABLE reads too."""
        with self.engine.connect().execution_options(isolation_level="REPEATABLE READ") as reader:
            return int(reader.scalar(sa.select(sa.func.sum(self.Account.__table__.c.balance))))

    def transfer(self, giver: int, taker: int, amount: int) -> None:
        with self.sessions.begin() as session:
            session.get(self.Account, giver).balance -= amount
            session.get(self.Account, taker).balance += amount

    def work(self, count: int, seed: int, deadline: float) -> tuple[int, int]:
        """Make transfers; how many were done, and how often one was refused."""
        dice, done, refused = random.Random(seed), 0, 0
        while done < count and time.monotonic() < deadline:
            giver, taker = dice.sample(range(ACCOUNTS), 2)
            try:
                self.transfer(giver, taker, dice.randint(1, 50))
            except sa.exc.DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in SERIALIZATION_FAILURES:
                    raise
                refused += 1
            else:
                done += 1
        return done, refused

    def play(self, count: int, seed: int, deadline: float) -> None:
        """One round: all threads together make `count` transfers, watched from here."""
        tally, over = self.tally, threading.Event()
        start = time.monotonic()
        with ThreadPoolExecutor(THREADS) as pool:
            shares = [count // THREADS + (n < count % THREADS) for n in range(THREADS)]
            jobs = [
                pool.submit(self.work, share, seed + number, deadline)
                for number, share in enumerate(shares)
            ]
            for job in jobs:
                job.add_done_callback(lambda _: all(each.done() for each in jobs) and over.set())
            while not over.wait(0.2):
                tally.sums.add(self.total())
            for job in jobs:
                done, refused = job.result()
                tally.done += done
                tally.refused += refused
        tally.seconds += time.monotonic() - start
        tally.sums.add(self.total())


def play_in_turn(url: sa.URL, transfers: int, seconds: float) -> bool:
    """Whether every transfer was made and the sums held."""
    engine = sa.create_engine(url, isolation_level="SERIALIZABLE", pool_size=THREADS + 1)
    banks = [Bank("holdfast", holdfast, engine), Bank("sqlalchemy.orm", sqlalchemy.orm, engine)]
    deadline = time.monotonic() + seconds
    for number in range(ROUNDS):
        share = transfers // ROUNDS + (number < transfers % ROUNDS)
        for bank in banks:
            bank.play(share, number * THREADS, deadline)
    for bank in banks:
        bank.Account.__table__.drop(engine)
    engine.dispose()
    for bank in banks:
        tally = bank.tally
        kept = tally.sums == {ACCOUNTS * BALANCE}
        print(
            f"{bank.name:15} {tally.done / tally.seconds:8.0f} transfers per second; "
            f"{tally.done} made, {tally.refused} refused and tried again, "
            f"sum of the accounts {'never changed' if kept else f'WRONG: {tally.sums}'}"
        )
    one, other = (bank.tally.done / bank.tally.seconds for bank in banks)
    if other:
        ratio = f"{one / other:.2f}x as many as sqlalchemy.orm"
        print(f"{ratio}, {THREADS} threads on {os.cpu_count()} CPUs")
    return all(
        bank.tally.sums == {ACCOUNTS * BALANCE} and bank.tally.done == transfers for bank in banks
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--transfers", type=int, default=20_000, help="of each ORM")
    parser.add_argument("--seconds", type=float, default=300, help="in all, at most")
    arguments = parser.parse_args()
    urls = [sa.make_url(url) for url in os.environ.get("HOLDFAST_TEST_URLS", "").split()]
    servers = [url for url in urls if url.get_backend_name() == "postgresql"]
    if not servers:
        command = f"python tests/servers.py python {sys.argv[0]}"
        sys.exit(f"Cannot start: HOLDFAST_TEST_URLS names no PostgreSQL. Run: {command}")
    return 0 if play_in_turn(servers[0], arguments.transfers, arguments.seconds) else 1


if __name__ == "__main__":
    sys.exit(main())
