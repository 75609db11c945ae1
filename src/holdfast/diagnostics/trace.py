"""This file tells which line of user code caused which statement, and what the session did there.

Core's events tell when a statement is sent, and the stack tells the rest: the first frame outside
of Holdfast and Core is the user's, and in between stand the functions through which a session
loads and writes. `n_plus_one` counts what is found here.

Rules kept here:
1. Outside of the block nothing listens, and what listeners slow down is as fast as before.
2. Statements take the ways that they would take unheard: nobody listens to `do_orm_execute`.
3. What is shown is made without the user's code.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from types import CodeType, FrameType
from typing import Any
from weakref import WeakSet

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from holdfast import errors
from holdfast.diagnostics.explain import ordinary
from holdfast.foundation import sqlalchemy_core
from holdfast.foundation.codegen import FieldTuple
from holdfast.foundation.describe import describe_value, is_passed
from holdfast.hooks import sessions as session_hooks
from holdfast.reading.context import load_follow_ups
from holdfast.reading.identity import load_expired, refresh_state
from holdfast.reading.lazy import LazyStrategy
from holdfast.reading.strategies import DeferredStrategy
from holdfast.sessions import flushing
from holdfast.sessions.session import LIVING, Session
from holdfast.unitofwork.plan import SHOWN, shortened

# ------------------------------------------------------------------------------
# Read from the stack what a session is doing, and for which line of the user's code.


class Cause(FieldTuple):
    """What a session sends a statement for."""

    kind: str
    # The attribute, as "Author.books", or the class; "" for none.
    subject: str
    # What to write so that many objects need no more than one statement; "" where it is one anyway.
    remedy: str


Locals = Mapping[str, Any]


def _options(state: Any, option: str) -> str:
    """A loader option, below those that lead to an object as far as the object knows them."""
    extra = state.extra
    along = extra.load_path[1::2] if extra is not None and extra.load_options else ()
    return f"options({'.'.join([*(f'defaultload({each})' for each in along), option])})"


def _lazy(names: Locals) -> Cause:
    relationship = names["self"].relationship
    recurses = relationship.is_self_referential and relationship.uselist
    option = f"selectinload({relationship}{', recursion_depth=-1' if recurses else ''})"
    return Cause("lazy load", str(relationship), _options(names["state"], option))


def _deferred(names: Locals) -> Cause:
    prop = names["self"].prop
    return Cause("deferred load", str(prop), _options(names["state"], f"undefer({prop})"))


def _expired(state: Any, subject: str) -> Cause:
    # A SELECT fills all expired objects that it meets.
    one = f"one select({state.class_.__name__}) before the line"
    return Cause("refresh", subject, f"sessionmaker(expire_on_commit=False), or {one}")


def _missing(names: Locals) -> Cause:
    """Some expired columns; or those that a subclass adds, of an object loaded as its base."""
    state, key, mapper = names["state"], names["key"], names["state"].mapper
    added = set(mapper.column_keys).difference(mapper.base_mapper.column_keys)
    if key not in added or not added <= state.expired_attributes:
        return _expired(state, str(mapper.properties[key]))
    base, name = mapper.base_mapper.class_.__name__, mapper.class_.__name__
    return Cause("subclass load", name, f"options(selectin_polymorphic({base}, [{name}]))")


def _refreshed(names: Locals) -> Cause | None:
    """An object that was expired as a whole; None where `Session.refresh` was called."""
    state = names["state"]
    asked_for = names["origin"].is_refresh or names["keys"] is not None
    return None if asked_for else _expired(state, state.class_.__name__)


def _followed(names: Locals) -> Cause | None:
    """A SELECT that follows the one which loaded the parents."""
    follow_up = names.get("follow_up")
    if follow_up is None:
        return None
    relationship = follow_up.relationship
    subject = str(relationship or follow_up.subclass.entity.mapper.class_.__name__)
    return Cause(f"{follow_up.strategy} load", subject, "")


_CAUSES: dict[CodeType, Callable[[Locals], Cause | None]] = {
    LazyStrategy.load.__code__: _lazy,
    DeferredStrategy.load.__code__: _deferred,
    load_expired.__code__: _missing,
    refresh_state.__code__: _refreshed,
    load_follow_ups.__code__: _followed,
    flushing.flush.__code__: lambda _: Cause("flush", "", ""),
    flushing.autoflush.__code__: lambda _: Cause("autoflush", "", ""),
}
# What is found further out, and says more of it.
_SAYS_MORE = {("flush", "autoflush"), ("lazy load", "immediate load")}
# What stands around methods and calls them.
_BETWEEN = frozenset(("forward", "guarded"))


class Place(FieldTuple):
    """A line of the user's code; no file where nobody waits for the statement in person."""

    file: str
    line: int

    @property
    def source(self) -> str:
        """The line itself, where its file can be read."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        if not self.file:
            return "?"
        return f"{self.file.removeprefix(os.getcwd() + os.sep)}:{self.line}"


def _frames_inside() -> Iterator[FrameType]:
    """The frames of Holdfast and Core around the statement, then the user's that has called them.

    Under asyncio these run in a greenlet, and the user's in the one that waits for it.
    """
    greenlets = sys.modules.get("greenlet")
    waiting: Any = None if greenlets is None else greenlets.getcurrent()
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001  the only way
    while frame is not None:
        yield frame
        if not is_passed(frame):
            return
        frame = frame.f_back
        if frame is None and waiting is not None:
            waiting = waiting.parent
            frame = None if waiting is None else waiting.gr_frame


def place_and_cause() -> tuple[Place, Cause | None, str]:
    """For which line a statement is sent, what for, and which public function was called there."""
    place, cause, called = Place("", 0), None, ""
    for frame in _frames_inside():
        code, module = frame.f_code, frame.f_globals.get("__name__", "")
        if not is_passed(frame):
            if not module.startswith("asyncio"):
                place = Place(code.co_filename, frame.f_lineno)
            break
        if code.co_name not in _BETWEEN:
            called = "" if module.startswith("holdfast.instrument") else code.co_name
        found = _CAUSES[code](frame.f_locals) if code in _CAUSES else None
        if found is not None and (cause is None or (cause.kind, found.kind) in _SAYS_MORE):
            cause = found if cause is None else Cause(found.kind, found.subject, cause.remedy)
    return place, cause, "" if called.startswith(("_", "<")) else called


# ------------------------------------------------------------------------------
# Listen to the statements of an engine, of a connection, or of sessions.

Listener = Callable[..., None]


@contextmanager
def hearing(target: Any, **listeners: Listener) -> Iterator[None]:
    """Listen to events of Core's connections inside the block.

    Args:
        target: An engine or connection; or a session, a class of sessions or a `sessionmaker`,
            whose connections are listened to as they come. Those of asyncio too.
        **listeners: By the name of the event.

    Raises:
        ArgumentError: `target` is something else.
    """
    target = _heard_of(ordinary(target))
    of_sessions = not isinstance(target, Engine | Connection)
    heard: WeakSet[Any] = WeakSet()

    def follow(*begun: Any) -> None:
        source = begun[-1]
        if source not in heard:
            heard.add(source)
            for name, listener in listeners.items():
                event.listen(source, name, listener)

    if of_sessions:
        event.listen(target, "after_begin", follow)
    for source in _open_connections(target) if of_sessions else (target,):
        follow(source)
    try:
        yield
    finally:
        if of_sessions:
            event.remove(target, "after_begin", follow)
            session_hooks.note_silence(target)
        for source in list(heard):
            for name, listener in listeners.items():
                event.remove(source, name, listener)
            sqlalchemy_core.note_silence(source)


def _open_connections(target: Any) -> set[Connection]:
    """The connections of the transactions that a session, or those of a class, are in."""
    among = list(LIVING.values()) if isinstance(target, type) else [target]
    begun = [s.innermost for s in among if s.innermost and (s is target or isinstance(s, target))]
    levels = [level for innermost in begun for level in innermost.levels()]
    return {connection for level in levels for connection in level.connections}


def _heard_of(target: Any) -> Any:
    """What listeners can be registered for."""
    if isinstance(target, Engine | Connection | Session):
        return target
    found = target if isinstance(target, type) else getattr(target, "class_", None)
    if isinstance(found, type) and issubclass(found, Session):
        return found
    raise errors.SessionArgumentError.not_watched(
        target if isinstance(target, type) else type(target)
    )


# ------------------------------------------------------------------------------
# Record the statements.


class Statement:
    """One statement that was sent; `str()` tells all of it.

    Attributes:
        sql: Its text.
        parameters: As the driver got them; None where the engine has `hide_parameters`.
        count: How many parameters there were, or sets of them.
        seconds: How long it took; None when it failed.
        rowcount: How many rows it changed, as the driver says; None when it does not.
        doing: What the session did, as "lazy load of Author.books" or "flush in commit()".
        place: The line of the user's code: `file`, `line` and `source`.
    """

    __slots__ = ("count", "doing", "parameters", "place", "rowcount", "seconds", "sql", "start")

    def __init__(self, connection: Connection, sql: str, parameters: Any) -> None:
        place, cause, called = place_and_cause()
        self.place: Place = place
        if cause is None:
            self.doing: str = f"{called}()" if called else "statement"
        else:
            self.doing = f"{cause.kind} of {cause.subject}" if cause.subject else cause.kind
            self.doing += f" in {called}()" if called not in ("", cause.kind) else ""
        self.sql: str = sql
        self.count: int = len(parameters or ())
        self.parameters: Any = None if connection.engine.hide_parameters else parameters
        self.seconds: float | None = None
        self.rowcount: int | None = None
        self.start: float = perf_counter()

    def __str__(self) -> str:
        took = "failed" if self.seconds is None else f"{self.seconds * 1000:.2f} ms"
        rows = "" if self.rowcount is None else f", rows: {self.rowcount}"
        values = f"  [{_values_text(self.parameters, self.count)}]" if self.count else ""
        sql = " ".join(self.sql.split())
        return f"{self.place}  {self.place.source}\n   {self.doing}, {took}{rows}: {sql}{values}"

    def __repr__(self) -> str:
        return f"<Statement of {self.place}: {self.doing}>"


def _values_text(values: Any, count: int) -> str:
    """Parameters in short, of several sets the first."""
    if values is None:
        return f"{count} hidden"
    if isinstance(values, Mapping):
        shown = [f"{name}={describe_value(value)}" for name, value in values.items()]
    elif isinstance(values, list) and isinstance(values[0], list | tuple | Mapping):
        return f"{count} sets, first {_values_text(values[0], 0)}"
    else:
        shown = [describe_value(value) for value in values]
    return shortened(shown[:SHOWN], len(shown))


class Trace(list[Statement]):
    """The statements of a `trace()` block, in the order in which they were sent."""

    def __str__(self) -> str:
        if not self:
            return "no statements"
        return "\n".join(f"{number}. {each}" for number, each in enumerate(self, start=1))


@contextmanager
def trace(target: Any) -> Iterator[Trace]:
    """Record every statement of the block, with the line of your code that caused it.

    Nothing runs otherwise than without: the SQL is the same, and so is the way it takes.

    Args:
        target: An engine, a connection or a session, also of asyncio; or a `sessionmaker` or class
            of sessions, for all of its sessions.

    Raises:
        ArgumentError: `target` is something else.

    Example:
        >>> with trace(session) as statements:  # doctest: +SKIP
        ...     for author in session.scalars(select(Author)):
        ...         print(author.books)
        >>> print(statements[1])  # doctest: +SKIP
        shop.py:14  print(author.books)
           lazy load of Author.books, 0.09 ms: SELECT book.id, ... WHERE ? = book.author_id  [1]
    """
    found = Trace()
    # Cursor's id -> its statement, while that runs.
    running: dict[int, Statement] = {}

    def before(connection: Any, cursor: Any, sql: str, parameters: Any, *more: Any) -> None:
        running[id(cursor)] = Statement(connection, sql, parameters)
        found.append(running[id(cursor)])

    def after(connection: Any, cursor: Any, *more: Any) -> None:
        statement = running.pop(id(cursor), None)
        if statement is not None:
            statement.seconds = perf_counter() - statement.start
            if cursor.description is None and cursor.rowcount >= 0:
                statement.rowcount = cursor.rowcount

    with hearing(target, before_cursor_execute=before, after_cursor_execute=after):
        yield found
