"""Inject one fault after the other into the same script, and judge what is left after each.

A fault strikes at one boundary: just before a statement, a COMMIT or a ROLLBACK goes to the server.
After it the error must be clear, `rollback()` must make the session usable, every connection must
be back in the pool, and the database must hold all of the transaction or nothing of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, exc, func, select, text

from databases import own_database
from faults.proxy import Proxy
from faults.scripts import (
    ALL_ACCOUNTS,
    NO_ACCOUNTS,
    Account,
    Base,
    Receipt,
    accounts_held,
    give_up_accounts,
    write_accounts,
    write_in_two_databases,
)
from holdfast import Session

MOST_BOUNDARIES = 60
DELAY_SECONDS = 0.02
END_SECONDS = 5
# Core's events; those of two phases stand for themselves where the driver has calls for them.
BOUNDARIES = (
    "before_cursor_execute",
    "commit",
    "rollback",
    "prepare_twophase",
    "commit_twophase",
    "rollback_twophase",
)
FAULTS = ("connection cut", "answer lost", "answer delayed", "session ended by the server")

Script = Callable[[Session, int], None]


@dataclass
class Outcome:
    """What one fault led to."""

    fault: str
    boundary: int
    # What was about to be sent.
    statement: str
    problems: list[str] = field(default_factory=list)


class Place:
    """One database, reached through a proxy, with faults injected at a boundary."""

    def __init__(self, stack: ExitStack, url: URL) -> None:
        self.direct = create_engine(url)
        self.proxy = stack.enter_context(Proxy(str(url.host), url.port or 0))
        self.engine = create_engine(url.set(port=self.proxy.port), pool_size=2, max_overflow=0)
        self.lent = 0
        event.listen(self.engine, "checkout", self._note_checkout)
        event.listen(self.engine, "checkin", self._note_checkin)
        # Names of two-phase transactions.
        self.prepared: set[Any] = set()
        event.listen(self.engine, "prepare_twophase", lambda _, name: self.prepared.add(name))
        stack.callback(self.direct.dispose)
        stack.callback(self.engine.dispose)

    def _note_checkout(self, *_: Any) -> None:
        self.lent += 1

    def _note_checkin(self, *_: Any) -> None:
        self.lent -= 1

    def inject(self, fault: str, connection: Any) -> None:
        """Make something go wrong on the connection that is about to be used."""
        if fault == "connection cut":
            self.proxy.cut()
        elif fault == "answer lost":
            self.proxy.lose_answer()
        elif fault == "answer delayed":
            self.proxy.delay = DELAY_SECONDS
        else:
            self.end_session(connection.connection.dbapi_connection)

    def end_session(self, driver_connection: Any) -> None:
        """Let the server end a session, and wait until it has."""
        with self.direct.connect() as admin:
            if self.direct.dialect.name == "postgresql":
                pid = driver_connection.info.backend_pid
                admin.execute(select(func.pg_terminate_backend(pid, END_SECONDS * 1000))).one()
                return
            number = driver_connection.thread_id()
            admin.execute(text(f"KILL {number}"))
            listed = text("SELECT count(*) FROM information_schema.processlist WHERE id = :id")
            wait_until(lambda: not admin.execute(listed, {"id": number}).scalar())


def wait_until(is_so: Callable[[], Any]) -> bool:
    """Whether it came to be so in time."""
    limit = monotonic() + END_SECONDS
    while not is_so():
        if monotonic() > limit:
            return False
        sleep(0.01)
    return True


@contextmanager
def striking(places: list[Place], fault: str | None, boundary: int) -> Iterator[list[str]]:
    """Inject a fault at one boundary; gives the statements that came up to each."""
    passed: list[str] = []
    listeners: list[tuple[Engine, str, Callable[..., None]]] = []

    def pass_boundary(place: Place, connection: Any, statement: str) -> None:
        passed.append(" ".join(statement.split()))
        if fault is not None and len(passed) == boundary:
            place.inject(fault, connection)

    for place, name in itertools.product(places, BOUNDARIES):

        def listener(connection: Any, *others: Any, place: Place = place, name: str = name) -> None:
            is_statement = name == "before_cursor_execute"
            pass_boundary(place, connection, others[1] if is_statement else name.upper())

        event.listen(place.engine, name, listener)
        listeners.append((place.engine, name, listener))
    try:
        yield passed
    finally:
        for engine, name, listener in listeners:
            event.remove(engine, name, listener)
        for place in places:
            place.proxy.delay, place.proxy.loses_answer = 0.0, False


def count_boundaries(places: list[Place], session: Session, script: Script, run: int) -> int:
    """How many there are when nothing goes wrong."""
    with striking(places, None, 0) as passed:
        script(session, run)
    session.close()
    if len(passed) > MOST_BOUNDARIES:
        raise ValueError(f"The script has {len(passed)} boundaries; {MOST_BOUNDARIES} are meant.")
    return len(passed)


def strike(
    places: list[Place], session: Session, script: Script, fault: str, boundary: int, run: int
) -> Outcome:
    """Run the script with one fault, and judge everything but the data."""
    error: BaseException | None = None
    with striking(places, fault, boundary) as passed:
        try:
            script(session, run)
        except Exception as caught:
            error = caught
    outcome = Outcome(fault, boundary, passed[boundary - 1])
    problems = outcome.problems
    if fault == "answer delayed":
        if error is not None:
            problems.append(f"a delay led to {error!r}")
    elif not isinstance(error, exc.DBAPIError):
        problems.append(f"the error is {error!r}")
    elif not error.connection_invalidated:
        problems.append("the error does not say that the connection is gone")
    try:
        session.rollback()
        session.scalars(select(Account.id).limit(1)).all()
        script(session, run + 1)
    except Exception as caught:
        problems.append(f"the session cannot be used after rollback(): {caught!r}")
    session.close()
    problems.extend(
        f"{place.lent} connections are not back in the pool" for place in places if place.lent
    )
    return outcome


def one_database(server: URL, script: Script, faults: tuple[str, ...]) -> Iterator[Outcome]:
    """Every fault at every boundary of a transaction in one database."""
    complete = ALL_ACCOUNTS if script is write_accounts else NO_ACCOUNTS
    with ExitStack() as stack:
        place = Place(stack, stack.enter_context(own_database(server, f"{server.database}_faults")))
        stack.callback(place.direct.dispose)
        Base.metadata.create_all(place.direct)
        session = Session(place.engine)
        runs = itertools.count(1, 2)
        last = count_boundaries([place], session, script, next(runs))
        for fault, boundary in itertools.product(faults, range(1, last + 1)):
            run = next(runs)
            outcome = strike([place], session, script, fault, boundary, run)
            committed = fault == "answer delayed" or (fault == "answer lost" and boundary == last)
            held = accounts_held(place.direct, run), accounts_held(place.direct, run + 1)
            wanted = complete if committed else NO_ACCOUNTS, complete
            if held != wanted:
                outcome.problems.append(f"the database holds {held} instead of {wanted}")
            yield outcome


def two_databases(server: URL, faults: tuple[str, ...]) -> Iterator[Outcome]:
    """Every fault at every boundary of a two-phase transaction over two databases."""
    with ExitStack() as stack:
        places = []
        for name in (f"{server.database}_first", f"{server.database}_second"):
            places.append(Place(stack, stack.enter_context(own_database(server, name))))
            Base.metadata.create_all(places[-1].direct)
        first, second = places
        binds: dict[Any, Any] = {Account: first.engine, Receipt: second.engine}
        session = Session(twophase=True, binds=binds)
        runs = itertools.count(1, 2)
        last = count_boundaries(places, session, write_in_two_databases, next(runs))
        for fault, boundary in itertools.product(faults, range(1, last + 1)):
            run = next(runs)
            outcome = strike(places, session, write_in_two_databases, fault, boundary, run)
            for place in places:
                place.engine.dispose()
            finish_what_is_in_doubt(places, run)
            for each in (run, run + 1):
                held = [rows_held(places[0], Account, each), rows_held(places[1], Receipt, each)]
                allowed = ([1, 1],) if each > run else ([0, 0], [1, 1])
                if held not in allowed:
                    outcome.problems.append(f"the databases hold {held} of a transaction")
            yield outcome


def rows_held(place: Place, entity: Any, run: int) -> int:
    with Session(place.direct) as session:
        return session.scalars(
            select(func.count()).select_from(entity).where(entity.run == run)
        ).one()


def finish_what_is_in_doubt(places: list[Place], run: int) -> None:
    """What an administrator does: commit everywhere what is committed somewhere, else roll back."""
    entities = dict(zip(places, (Account, Receipt), strict=True))
    decided = any(rows_held(place, entity, run) for place, entity in entities.items())
    for place in places:
        if not wait_until(lambda place=place: finish_prepared(place, commits=decided)):
            raise TimeoutError("A prepared transaction cannot be ended.")


def finish_prepared(place: Place, *, commits: bool) -> bool:
    """End all prepared transactions of a database; False where one is still in use."""
    verb = "COMMIT" if commits else "ROLLBACK"
    with place.direct.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "postgresql":
            listed = "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"
            statements = [f"{verb} PREPARED '{name}'" for name in connection.scalars(text(listed))]
        else:
            # All of the server's.
            found = {row.data.decode() for row in connection.execute(text("XA RECOVER"))}
            statements = [f"XA {verb} '{name}'" for name in found & place.prepared]
        try:
            for statement in statements:
                connection.exec_driver_sql(statement)
        except exc.DBAPIError:
            return False
    return True


def outcomes(server: URL, faults: tuple[str, ...] = FAULTS) -> Iterator[Outcome]:
    """Every fault at every boundary of every script."""
    yield from one_database(server, write_accounts, faults)
    yield from one_database(server, give_up_accounts, faults)
    yield from two_databases(server, faults)
