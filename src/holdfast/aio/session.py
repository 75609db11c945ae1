"""This file defines `AsyncSession`: a session whose methods are awaited where they may emit SQL.

Every such method calls the one of the same name of `sync_session` in a greenlet; the others call it
as they are.

Rules kept here:
1. One task at a time awaits the database (VC-86).
2. Results of `execute` are read from the database before they are handed out (XT-102).
3. Whether something may emit SQL is seen in the method, never in its arguments: `delete` is awaited
   since cascades may load, `add` is not (XT-109).
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Concatenate,
    ParamSpec,
    Self,
    TypeVar,
    Unpack,
    overload,
)

from sqlalchemy.engine import Result, ScalarResult
from sqlalchemy.sql import Executable

from holdfast import errors
from holdfast.aio.greenlets import (
    AsyncBind,
    AsyncSessionTransaction,
    KnownBinds,
    OneTask,
    run_to_completion,
    sync_side,
)
from holdfast.foundation.describe import warn_deprecated
from holdfast.foundation.sqlalchemy_asyncio import (
    AsyncConnection,
    AsyncResult,
    AsyncScalarResult,
    async_connection,
    greenlet_spawn,
    reads_from_server,
)
from holdfast.foundation.sqlalchemy_core import EMPTY_DICT, IdentitySet, immutabledict
from holdfast.sessions.execution import Bind
from holdfast.sessions.session import Session, SessionClassMethods, object_session
from holdfast.sessions.session import close_all_sessions as close_all_now
from holdfast.sessions.transaction import SessionTransaction
from holdfast.states.identity_map import IdentityMapView

if TYPE_CHECKING:
    from sqlalchemy.engine import CursorResult
    from sqlalchemy.sql.dml import UpdateBase
    from sqlalchemy.sql.selectable import TypedReturnsRows as Rows

    from holdfast.mapping.mapper import Mapper
    from holdfast.sessions.execution import Entity, ExecutionArguments, T, Ts
    from holdfast.sessions.refresh import LookupArguments

P = ParamSpec("P")
Made = TypeVar("Made")

Options = Mapping[str, Any]


class AsyncSession(SessionClassMethods):
    """A session for asyncio, around an ordinary one (XT-100).

    Listeners are registered on `sync_session`, or on its class (XT-107).

    Example:
        >>> async with AsyncSession(engine) as session, session.begin():
        ...     session.add(Book(title="Ice"))
    """

    _is_asyncio: ClassVar[bool] = True

    sync_session_class: Any = Session
    """Makes the ordinary session; subclasses and instances may have another."""

    def __init__(
        self,
        bind: AsyncBind | None = None,
        *,
        binds: Mapping[Any, AsyncBind] | None = None,
        sync_session_class: Callable[..., Session] | None = None,
        **kw: Any,
    ) -> None:
        """Make a session; nothing is connected or begun yet.

        Args:
            bind: Asyncio engine or connection for all operations.
            binds: Class, mapper or table -> asyncio engine or connection.
            sync_session_class: Makes the ordinary session: a class or a `sessionmaker`.
            **kw: Further arguments of `Session`.

        Raises:
            ArgumentError: A bind is none of asyncio.
        """
        self.known_binds: KnownBinds = KnownBinds()
        self.one_task: OneTask = OneTask()
        # Those that somebody holds, by the id of the level that they stand for.
        self.transactions: weakref.WeakValueDictionary[int, AsyncSessionTransaction] = (
            weakref.WeakValueDictionary()
        )
        # Closes the session by itself once it can.
        self.closing: asyncio.Task[None] | None = None
        if sync_session_class is not None:
            self.sync_session_class = sync_session_class
        enter = self.known_binds.enter
        self.sync_session: Session = self.sync_session_class(
            bind=None if bind is None else enter(bind),
            binds=None if binds is None else {key: enter(each) for key, each in binds.items()},
            **kw,
        )
        self.sync_session.async_reference = weakref.ref(self)

    # -- opening and closing ---------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, type_: Any, value: Any, traceback: Any) -> None:
        if self.one_task.task is None:
            await run_to_completion(self.close())
        else:
            # Another task may take its time: whoever is cancelled need not wait for it.
            self.closing = asyncio.ensure_future(self._close_when_free())
            await asyncio.shield(self.closing)

    async def _close_when_free(self) -> None:
        await self.one_task.wait()
        await self.close()

    async def close(self) -> None:
        """Let go of all objects and connections; what was not committed is rolled back."""
        await self.one_task.run("close", self.sync_session.close)

    async def aclose(self) -> None:
        """Same as `close()`, for `contextlib.aclosing`."""
        await self.close()

    async def reset(self) -> None:
        """Do what `close()` does, and leave the session usable in any case."""
        await self.one_task.run("reset", self.sync_session.reset)

    async def invalidate(self) -> None:
        """Close, and make sure that nobody uses the connections again."""
        await self.one_task.run("invalidate", self.sync_session.invalidate)

    @classmethod
    async def close_all(cls) -> None:
        """Deprecated: use `close_all_sessions()`."""
        warn_deprecated(
            f"The {cls.__name__}.close_all() method is deprecated and will be removed in a future "
            "release.  Please refer to close_all_sessions()."
        )
        await close_all_sessions()

    # -- transactions ----------------------------------------------------------------------------

    def begin(self) -> AsyncSessionTransaction:
        """A transaction, begun when it is awaited or entered (XT-103)."""
        return AsyncSessionTransaction(self)

    def begin_nested(self) -> AsyncSessionTransaction:
        """A SAVEPOINT, begun when it is awaited or entered."""
        return AsyncSessionTransaction(self, nested=True)

    async def commit(self) -> None:
        """Flush and commit."""
        await self.one_task.run("commit", self.sync_session.commit)

    async def rollback(self) -> None:
        """Roll back."""
        await self.one_task.run("rollback", self.sync_session.rollback)

    @property
    def is_active(self) -> bool:
        """False while a failed transaction waits for `rollback()`."""
        return self.sync_session.is_active

    def in_transaction(self) -> bool:
        """Whether a transaction is begun."""
        return self.sync_session.in_transaction()

    def in_nested_transaction(self) -> bool:
        """Whether a SAVEPOINT is open."""
        return self.sync_session.in_nested_transaction()

    def get_transaction(self) -> AsyncSessionTransaction | None:
        """The root transaction, if one is begun."""
        return self._async_side(self.sync_session.get_transaction())

    def get_nested_transaction(self) -> AsyncSessionTransaction | None:
        """The innermost SAVEPOINT, if one is open."""
        return self._async_side(self.sync_session.get_nested_transaction())

    def _async_side(self, level: SessionTransaction | None) -> AsyncSessionTransaction | None:
        if level is None:
            return None
        found = self.transactions.get(id(level))
        if found is None:
            found = AsyncSessionTransaction(self, nested=level.nested, started=level)
            self.transactions[id(level)] = found
        return found

    # -- connections -----------------------------------------------------------------------------

    async def connection(
        self,
        bind_arguments: Options | None = None,
        execution_options: Options | None = None,
        **kw: Any,
    ) -> AsyncConnection:
        """The connection of the current transaction.

        Args:
            bind_arguments: Arguments for `get_bind`, where more than one engine is known.
            execution_options: Applied if this call acquires the connection.
            **kw: Further arguments of a `Session` class of the application's own.
        """
        found = await self.one_task.run(
            "connection",
            self.sync_session.connection,
            bind_arguments=bind_arguments,
            execution_options=execution_options,
            **kw,
        )
        return async_connection(found)

    @property
    def bind(self) -> AsyncBind | None:
        """The asyncio engine or connection for all operations (XT-106).

        Raises:
            AsyncBindNotFound: `sync_session` has another than this session was given.
        """
        found: Bind | None = self.sync_session.bind
        return None if found is None else self.known_binds.async_side(found)

    @bind.setter
    def bind(self, bind: AsyncBind | None) -> None:
        self.sync_session.bind = None if bind is None else self.known_binds.enter(bind)

    @property
    def binds(self) -> Mapping[Any, AsyncBind]:
        """Class or table -> asyncio engine or connection; see `bind`."""
        side = self.known_binds.async_side
        return immutabledict({key: side(bind) for key, bind in self.sync_session.binds.items()})

    def bind_mapper(self, mapper: Any, bind: AsyncBind) -> None:
        """Route a mapped class, and its tables, to a bind."""
        self.sync_session.bind_mapper(mapper, self.known_binds.enter(bind))

    def bind_table(self, table: Any, bind: AsyncBind) -> None:
        """Route a table to a bind."""
        self.sync_session.bind_table(table, self.known_binds.enter(bind))

    def get_bind(
        self, mapper: Any = None, clause: Any = None, bind: Bind | None = None, **kw: Any
    ) -> Bind:
        """The ordinary engine or connection for a mapper or statement (XT-106).

        Nothing asks it: override `get_bind` of `sync_session_class`.

        Args:
            mapper: A mapper or mapped class.
            clause: A statement or table.
            bind: Given back as it is.
            **kw: Further arguments of `Session.get_bind`.
        """
        return self.sync_session.get_bind(mapper, clause=clause, bind=bind, **kw)

    def get_async_bind(
        self, mapper: Any = None, clause: Any = None, bind: AsyncBind | None = None, **kw: Any
    ) -> AsyncBind:
        """The asyncio engine or connection for a mapper or statement (XT-106).

        Args:
            mapper: A mapper or mapped class.
            clause: A statement or table.
            bind: Given back as it is.
            **kw: Further arguments of `Session.get_bind`.

        Raises:
            AsyncBindNotFound: This session was not given it.
        """
        inner = None if bind is None else sync_side(bind)
        found = self.get_bind(mapper, clause, inner, **kw)
        if bind is not None and found is inner:
            return bind
        return self.known_binds.async_side(found)

    # -- executing -------------------------------------------------------------------------------

    @overload
    async def execute(
        self, statement: Rows[*Ts], params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> Result[*Ts]: ...

    @overload
    async def execute(
        self, statement: UpdateBase, params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> CursorResult[*tuple[Any, ...]]: ...

    @overload
    async def execute(
        self, statement: Executable, params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> Result[*tuple[Any, ...]]: ...

    async def execute(
        self, statement: Executable, params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> Any:
        """Run a statement, and fetch all of its rows (XT-102).

        Args:
            statement: Anything that Core can execute.
            params: A dictionary of parameters, or a list of them.
            **how: `execution_options` and `bind_arguments`, as for `Session.execute`.

        Raises:
            AsyncMethodRequired: Its rows are to come in portions: use `stream`.
        """
        result = await self._run("execute", statement, params, how, prebuffer_rows=True)
        if reads_from_server(result):
            await greenlet_spawn(result.close)
            raise errors.AsyncMethodError.server_side("execute")
        return result

    @overload
    async def scalars(
        self, statement: Rows[T], params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> ScalarResult[T]: ...

    @overload
    async def scalars(
        self, statement: Executable, params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> ScalarResult[Any]: ...

    async def scalars(
        self, statement: Executable, params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> ScalarResult[Any]:
        """Run a statement and give the first element of each row; see `execute`."""
        return (await self.execute(statement, params, **how)).scalars()

    @overload
    async def scalar(
        self, statement: Rows[T], params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> T | None: ...

    @overload
    async def scalar(
        self, statement: Executable, params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> Any: ...

    async def scalar(
        self, statement: Executable, params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> Any:
        """Run a statement and give the first element of its first row, or None."""
        return await self.one_task.run("scalar", self.sync_session.scalar, statement, params, **how)

    @overload
    async def stream(
        self, statement: Rows[*Ts], params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> AsyncResult[*Ts]: ...

    @overload
    async def stream(
        self, statement: Executable, params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> AsyncResult[*tuple[Any, ...]]: ...

    async def stream(
        self, statement: Executable, params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> AsyncResult[*tuple[Any, ...]]:
        """Run a statement whose rows are awaited while they are read; see `execute`."""
        return AsyncResult(await self._run("stream", statement, params, how, stream_results=True))

    @overload
    async def stream_scalars(
        self, statement: Rows[T], params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> AsyncScalarResult[T]: ...

    @overload
    async def stream_scalars(
        self, statement: Executable, params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> AsyncScalarResult[Any]: ...

    async def stream_scalars(
        self, statement: Executable, params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> AsyncScalarResult[Any]:
        """Stream the first element of each row; see `stream`."""
        return (await self.stream(statement, params, **how)).scalars()

    async def _run(
        self,
        method: str,
        statement: Executable,
        params: Any,
        how: ExecutionArguments,
        **options: bool,
    ) -> Result[Any]:
        """What the session answers, with some more execution options."""
        inner: ExecutionArguments = {
            **how,
            "execution_options": {**how.get("execution_options", EMPTY_DICT), **options},
        }
        return await self.one_task.run(
            method, self.sync_session.execute, statement, params, **inner
        )

    async def run_sync(
        self, fn: Callable[Concatenate[Session, P], Made], *arg: P.args, **kw: P.kwargs
    ) -> Made:
        """Call a function where attributes may load and ordinary methods emit SQL (XT-104).

        Args:
            fn: Called with `sync_session` and the further arguments.
            *arg: See `fn`.
            **kw: See `fn`.
        """
        return await self.one_task.run("run_sync", fn, self.sync_session, *arg, **kw)

    # -- membership ------------------------------------------------------------------------------

    def add(self, instance: object) -> None:
        """Bring an object, and what it is linked to, into the session."""
        self.sync_session.add(instance)

    def add_all(self, instances: Iterable[object]) -> None:
        """Bring several objects into the session, in order."""
        self.sync_session.add_all(instances)

    async def delete(self, instance: object) -> None:
        """Mark an object, and what its cascades reach, for deletion (XT-109)."""
        await self.one_task.run("delete", self.sync_session.delete, instance)

    async def delete_all(self, instances: Iterable[object]) -> None:
        """Mark several objects for deletion."""
        await self.one_task.run("delete_all", self.sync_session.delete_all, instances)

    def expunge(self, instance: object) -> None:
        """Take an object, and what its cascades reach, out of the session."""
        self.sync_session.expunge(instance)

    def expunge_all(self) -> None:
        """Empty the session of objects; the transaction goes on."""
        self.sync_session.expunge_all()

    async def merge(
        self, instance: Entity, *, load: bool = True, options: Sequence[Any] | None = None
    ) -> Entity:
        """Copy the values of an object onto the member with its key.

        Args:
            instance: Object to copy from; it does not join the session.
            load: Look the key up in the database where the session does not have it.
            options: Loader options for that look-up.
        """
        return await self.one_task.run(
            "merge", self.sync_session.merge, instance, load=load, options=options
        )

    async def merge_all(
        self,
        instances: Iterable[Entity],
        *,
        load: bool = True,
        options: Sequence[Any] | None = None,
    ) -> Sequence[Entity]:
        """Merge several objects, in order."""
        return await self.one_task.run(
            "merge_all", self.sync_session.merge_all, instances, load=load, options=options
        )

    def __contains__(self, instance: object) -> bool:
        return instance in self.sync_session

    def __iter__(self) -> Iterator[object]:
        return iter(self.sync_session)

    @property
    def identity_map(self) -> IdentityMapView:
        """Persistent objects by identity key."""
        return self.sync_session.identity_map

    @property
    def new(self) -> IdentitySet:
        """Pending objects."""
        return self.sync_session.new

    @property
    def dirty(self) -> IdentitySet:
        """Changed objects that are not marked for deletion."""
        return self.sync_session.dirty

    @property
    def deleted(self) -> IdentitySet:
        """Objects marked for deletion."""
        return self.sync_session.deleted

    def is_modified(self, instance: object, include_collections: bool = True) -> bool:  # noqa: FBT001, FBT002
        """Whether an object differs from what was last flushed; never loads."""
        return self.sync_session.is_modified(instance, include_collections=include_collections)

    # -- flushing --------------------------------------------------------------------------------

    async def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what is new, changed and deleted.

        Args:
            objects: Deprecated: write these only.
        """
        await self.one_task.run("flush", self.sync_session.flush, objects)

    @property
    def autoflush(self) -> bool:
        """Whether reads flush first."""
        return self.sync_session.autoflush

    @autoflush.setter
    def autoflush(self, value: bool) -> None:
        self.sync_session.autoflush = value

    @property
    def no_autoflush(self) -> AbstractContextManager[Session]:
        """A block without autoflush."""
        return self.sync_session.no_autoflush

    @property
    def info(self) -> dict[Any, Any]:
        """A dictionary for the application."""
        return self.sync_session.info

    @property
    def execution_options(self) -> Any:
        """Options for every connection and statement."""
        return self.sync_session.execution_options

    # -- reading by key --------------------------------------------------------------------------

    async def get(
        self,
        entity: type[Entity] | Mapper[Entity],
        ident: Any,
        **how: Unpack[LookupArguments],
    ) -> Entity | None:
        """The object with a primary key, or None.

        Args:
            entity: A mapped class or mapper.
            ident: The primary key.
            **how: Further arguments of `Session.get`.
        """
        return await self.one_task.run("get", self.sync_session.get, entity, ident, **how)

    async def get_one(
        self,
        entity: type[Entity] | Mapper[Entity],
        ident: Any,
        **how: Unpack[LookupArguments],
    ) -> Entity:
        """Same as `get`, but a missing row raises."""
        return await self.one_task.run("get_one", self.sync_session.get_one, entity, ident, **how)

    def expire(self, instance: object, attribute_names: Iterable[str] | None = None) -> None:
        """Forget loaded values; the next access would load them, so prefer `refresh`."""
        self.sync_session.expire(instance, attribute_names)

    def expire_all(self) -> None:
        """Forget the loaded values of all persistent objects."""
        self.sync_session.expire_all()

    async def refresh(
        self,
        instance: object,
        attribute_names: Iterable[str] | None = None,
        with_for_update: Any = None,
    ) -> None:
        """Read an object anew now.

        Args:
            instance: An object that is persistent in this session.
            attribute_names: What to read, relationships too; everything that does not load lazily
                when omitted.
            with_for_update: True or arguments of `Select.with_for_update`.
        """
        await self.one_task.run(
            "refresh", self.sync_session.refresh, instance, attribute_names, with_for_update
        )


async def close_all_sessions() -> None:
    """Close every session that is alive in the process."""
    await greenlet_spawn(close_all_now)


def async_session(session: Session) -> AsyncSession | None:
    """The asyncio session that works through an ordinary one, or None (XT-108)."""
    found: AsyncSession | None = session.async_session
    return found


def async_object_session(instance: object) -> AsyncSession | None:
    """The asyncio session that holds an object, or None (XT-108).

    Raises:
        UnmappedInstanceError: The object's class is not mapped.
    """
    session = object_session(instance)
    return None if session is None else async_session(session)
