"""Two sessions in each other's way, and a disk that is full: the error ends a transaction only."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, exc, func, select, text, update

from databases import own_database
from faults.campaign import Outcome
from faults.scripts import Account, Base, Entry
from holdfast import Session

WAIT_SECONDS = 20


def on_server(server: URL) -> Iterator[Outcome]:
    """Deadlocks, lock timeouts and serialization failures on a server."""
    with ExitStack() as stack:
        url = stack.enter_context(own_database(server, f"{server.database}_contention"))
        engine = create_engine(url)
        stack.callback(engine.dispose)
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            session.add_all([Account(id=1, run=0, balance=0), Account(id=2, run=0, balance=0)])
            session.commit()
        yield deadlock(engine)
        yield lock_timeout(engine)
        yield serialization_failure(engine)


def judge(fault: str, engine: Engine, problems: list[str], wanted: tuple[int, int]) -> Outcome:
    """What the two accounts hold, and whether the pool is clean."""
    with Session(engine) as session:
        held = tuple(session.scalars(select(Account.balance).order_by(Account.id)).all())
        session.execute(update(Account).values(balance=0))
        session.commit()
    if held != wanted:
        problems.append(f"the accounts hold {held} instead of {wanted}")
    lent: Any = engine.pool
    if lent.checkedout():
        problems.append(f"{lent.checkedout()} connections are not back in the pool")
    return Outcome(fault, 1, "UPDATE", problems)


def deadlock(engine: Engine) -> Outcome:
    """Two sessions change two rows in opposite orders; the one that fails does it again."""
    meeting = threading.Barrier(2, timeout=WAIT_SECONDS)
    committed = threading.Event()
    failures: list[BaseException] = []

    def change(first: int, second: int) -> None:
        with Session(engine) as session:
            for is_retry in (False, True):
                try:
                    session.get_one(Account, first, with_for_update=True).balance += 1
                    session.flush()
                    if not is_retry:
                        meeting.wait()
                    session.get_one(Account, second, with_for_update=True).balance += 1
                    session.commit()
                    committed.set()
                    return
                except exc.OperationalError as error:
                    failures.append(error)
                    session.rollback()
                    # At once it could take the row that the other waits for: another deadlock.
                    committed.wait(WAIT_SECONDS)

    threads = [threading.Thread(target=change, args=order) for order in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    problems = [] if len(failures) == 1 else [f"{len(failures)} sessions failed, not one"]
    if not all("deadlock" in str(error).lower() for error in failures):
        problems.append(f"the errors do not speak of a deadlock: {failures}")
    return judge("deadlock", engine, problems, (2, 2))


def lock_timeout(engine: Engine) -> Outcome:
    """A session waits in vain for a row that another has changed."""
    is_postgresql = engine.dialect.name == "postgresql"
    setting = "lock_timeout = 100" if is_postgresql else "innodb_lock_wait_timeout = 1"
    problems: list[str] = []
    with Session(engine) as holder, Session(engine) as waiter:
        holder.get_one(Account, 1).balance = 5
        holder.flush()
        waiter.execute(text(f"SET {setting}"))
        account = waiter.get_one(Account, 1)
        waiter.get_one(Account, 2).balance = 7
        waiter.flush()
        account.balance = 9
        expect_error(problems, waiter.flush, "lock")
        waiter.rollback()
        holder.commit()
        account.balance += 1
        waiter.commit()
    # The setting was the connection's.
    engine.dispose()
    return judge("lock timeout", engine, problems, (6, 0))


def serialization_failure(engine: Engine) -> Outcome:
    """A session changes a row that another has changed since it looked."""
    level = "SERIALIZABLE" if engine.dialect.name == "postgresql" else "REPEATABLE READ"
    strict = engine.execution_options(isolation_level=level)
    problems: list[str] = []
    with Session(strict) as late, Session(engine) as early:
        if engine.dialect.name != "postgresql":
            late.execute(text("SET innodb_snapshot_isolation = ON"))
            late.commit()
        account = late.get_one(Account, 1)
        late.add(Account(id=3, run=0, balance=1))
        late.flush()
        early.get_one(Account, 1).balance = 3
        early.commit()
        account.balance = 8
        expect_error(problems, late.commit, "serialize|changed since")
        late.rollback()
        account.balance += 1
        late.commit()
    engine.dispose()
    return judge("serialization failure", engine, problems, (4, 0))


def expect_error(problems: list[str], call: Callable[[], object], phrases: str) -> None:
    """Note when a call does not fail with an error of the database that says why."""
    try:
        call()
    except exc.DBAPIError as error:
        if not any(phrase in str(error).lower() for phrase in phrases.split("|")):
            problems.append(f"the error does not speak of {phrases}: {error}")
    except Exception as error:
        problems.append(f"the error is {error!r}")
    else:
        problems.append(f"no error that speaks of {phrases}")


def on_sqlite() -> Iterator[Outcome]:
    """A database that may not grow: a flush, a SAVEPOINT and a COMMIT that do not fit."""
    for boundary, fill in enumerate((fill_in_flush, fill_in_savepoint, fill_in_commit), start=1):
        with tempfile.TemporaryDirectory() as folder:
            yield disk_full(Path(folder) / "full.db", boundary, fill)


def fill_in_flush(session: Session) -> None:
    session.add_all([Account(run=1, balance=1) for _ in range(20_000)])
    session.flush()


def fill_in_savepoint(session: Session) -> None:
    with session.begin_nested():
        fill_in_flush(session)


def fill_in_commit(session: Session) -> None:
    session.add_all([Account(run=1, balance=1) for _ in range(20_000)])
    session.commit()


def disk_full(path: Path, boundary: int, fill: Callable[[Session], None]) -> Outcome:
    """Fill a database of 40 pages; the transaction is gone, what was before it is not."""
    engine = create_engine(f"sqlite:///{path}")
    problems: list[str] = []

    @event.listens_for(engine, "connect")
    def limit(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA max_page_count = 40")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    Base.metadata.create_all(engine)
    with Session(engine) as session:
        kept = Account(id=1, run=0, balance=7)
        session.add(kept)
        session.commit()
        kept.balance = 8
        kept.entries.append(Entry(amount=1))
        session.flush()
        expect_error(problems, lambda: fill(session), "disk is full")
        session.rollback()
        if kept.balance != 7 or kept.entries:
            problems.append("rollback() did not undo what was flushed before")
        kept.balance = 9
        session.add(Account(run=1, balance=1))
        session.commit()
    with Session(engine) as session:
        held = session.execute(select(func.count(), func.sum(Account.balance))).one()
    if tuple(held) != (2, 10):
        problems.append(f"the database holds {held} instead of (2, 10)")
    pool: Any = engine.pool
    if pool.checkedout():
        problems.append(f"{pool.checkedout()} connections are not back in the pool")
    engine.dispose()
    return Outcome("disk full", boundary, fill.__name__, problems)
