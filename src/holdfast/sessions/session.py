"""This file defines `Session`: the place where reading and writing meet.

Its methods are a few lines each over the other files of this folder. Lower layers know it as
`states.ports.SessionPort`; the objects that it holds point to its `Members`, which know it weakly.

Rules kept here:
1. Constructing a session touches no database and begins nothing (SB-3).
2. Whatever needs a bind asks `get_bind`, whatever writes goes through `flush`, so that subclasses
   can override both (API-4).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, Unpack, cast, overload

from sqlalchemy.engine import Connection, CursorResult, Engine, Result, Row, ScalarResult
from sqlalchemy.schema import DefaultGenerator
from sqlalchemy.sql import Executable

from holdfast import errors
from holdfast.foundation.codegen import late_function
from holdfast.foundation.describe import public_call, warn_deprecated
from holdfast.foundation.sqlalchemy_core import (
    EMPTY_DICT,
    EventTarget,
    IdentitySet,
    TransactionalContext,
    immutabledict,
    in_greenlet,
    roles,
)
from holdfast.mapping.mapper import Mapper
from holdfast.sessions import execution, flushing, membership, refresh
from holdfast.sessions.connections import JOIN_MODES, JoinMode
from holdfast.sessions.execution import Bind, Listener, add_bind, find_bind
from holdfast.sessions.host import SessionHost, state_of
from holdfast.sessions.membership import (
    differs,
    identity_key,
    mapper_of_class,
)
from holdfast.sessions.merge import merge, merge_all
from holdfast.sessions.transaction import (
    CLOSED,
    PREPARED,
    SessionTransaction,
    SessionTransactionOrigin,
)
from holdfast.states.identity_map import IdentityMapView, Members, Space
from holdfast.states.instance import IdentityKey, InstanceState

if TYPE_CHECKING:
    from sqlalchemy import UpdateBase
    from sqlalchemy.sql._typing import _TypedColumnClauseArgument as Typed
    from sqlalchemy.sql.selectable import TypedReturnsRows as Rows

    from holdfast.queries.facade.query import Query
    from holdfast.sessions.execution import T2, T3, Entity, ExecutionArguments, T, Ts
    from holdfast.unitofwork.bulk import insert_mappings, update_mappings
else:
    Query = late_function("holdfast.queries.facade.query", "Query")
    insert_mappings = late_function("holdfast.unitofwork.bulk", "insert_mappings")
    update_mappings = late_function("holdfast.unitofwork.bulk", "update_mappings")


NUMBERS = count(1)
# Number -> session, for `close_all_sessions`.
LIVING: weakref.WeakValueDictionary[int, Session] = weakref.WeakValueDictionary()


def object_session(instance: object) -> Session | None:
    """The session that holds an object, or None (SB-170).

    Raises:
        UnmappedInstanceError: The object's class is not mapped.
    """
    return cast("Session | None", state_of(instance).session)


class SessionClassMethods:
    """What can be asked of a session class, and of factories of sessions alike."""

    identity_key: staticmethod[..., IdentityKey] = staticmethod(identity_key)
    object_session: staticmethod[[object], Session | None] = staticmethod(object_session)


class SessionServices(EventTarget):
    """What lower layers (`SessionPort`) and this folder (`SessionHost`) ask of a session.

    Applications have no use for it.
    """

    dispatch: Any
    # Set by `hooks` once somebody listens to the class or the session.
    has_listeners: bool = False
    intercepts_execution: bool = False
    # Whether a new object with the key of a persistent one fails in the flush, before its INSERT.
    refuses_taken_identities: bool = False
    # The last level of the transaction, and the last nested one.
    innermost: SessionTransaction | None = None
    innermost_nested: SessionTransaction | None = None
    # In `flush()`; and within it, while rows are being written.
    is_flushing: bool = False
    is_writing: bool = False
    # Part of Core's protocol for transactions as context managers.
    _trans_context_manager: Any = None
    # Weak reference to the asyncio session that works through this one; set by it.
    async_reference: Any = None
    # Called with a mapper and an object to be written, gives the connection; None where one
    # connection serves all objects of a mapper.
    connection_callable: Any = None
    members: Members
    execution_options: Any
    shortcuts: dict[Any, tuple[Space, str]]

    def autobegin(self: Any, *, explicitly: bool = False) -> SessionTransaction:
        """The innermost level of the transaction, begun when there is none (SB-140).

        Raises:
            InvalidRequestError: The session is closed for good, or must not begin by itself.
        """
        innermost: SessionTransaction | None = self.innermost
        if innermost is not None:
            return innermost
        if self.closed_by is not None:
            raise errors.SessionUseError.permanently_closed(public_call("begin"), self.closed_by)
        if not explicitly and not self.autobegins:
            raise errors.SessionUseError.autobegin_disabled()
        origin = SessionTransactionOrigin
        return SessionTransaction(self, origin.BEGIN if explicitly else origin.AUTOBEGIN)

    def autobegin_for_change(self) -> None:
        """Begin because a member is about to change."""
        if self.innermost is None:
            self.autobegin()

    def connection_for_bind(
        self, bind: Engine | Connection, execution_options: Mapping[str, Any] | None = None
    ) -> Connection:
        """The connection of the current transaction to an engine."""
        if self._trans_context_manager is not None:
            TransactionalContext._trans_ctx_check(self)  # noqa: SLF001  Core's protocol
        level = self.innermost or self.autobegin()
        return level.connection_for_bind(bind, execution_options)

    @property
    def async_session(self) -> Any:
        """The asyncio session that works through this one, or None (XT-108)."""
        reference = self.async_reference
        return None if reference is None else reference()

    def tokens_for(self, mapper: Any, pk: Any, state: InstanceState) -> Sequence[Any]:
        """Identity tokens under which the target of a reference of an object may be known.

        Args:
            mapper: Of the target.
            pk: Its bare primary key.
            state: The object that refers to it.
        """
        return (state.identity_token,)

    def check_awaitable(self) -> None:
        """Raise where SQL would have to be awaited and nothing can be (XT-101)."""
        if not in_greenlet():
            raise errors.OutsideGreenletError.unexpected_sql()

    def connection_for(self: SessionHost, mapper: Any) -> Connection:
        """The connection of the current transaction that serves a mapper."""
        if self.async_reference is not None:
            self.check_awaitable()
        return self.connection_for_bind(self.get_bind(mapper))

    def execute_internal(
        self: SessionHost,
        statement: Executable,
        params: Any = None,
        *,
        execution_options: Mapping[str, Any] = EMPTY_DICT,
        bind_arguments: Mapping[str, Any] | None = None,
    ) -> Result[Any]:
        """Run a statement on behalf of a load, which has flushed already where it should."""
        return execution.execute(
            self, statement, params, execution_options, bind_arguments, autoflush=False
        )

    def execute_past(
        self: SessionHost,
        statement: Executable,
        params: Any,
        execution_options: Mapping[str, Any],
        bind_arguments: Mapping[str, Any],
        listeners: Sequence[Listener],
    ) -> Result[Any]:
        """Run a statement past the `do_orm_execute` listeners that saw it already."""
        return execution.execute(
            self,
            statement,
            params,
            execution_options,
            bind_arguments,
            listeners=listeners,
        )

    def autoflush_if_enabled(self: SessionHost) -> None:
        """Flush before a read, where the settings ask for it and there is anything to flush."""
        if self.autoflush and not self.is_flushing:
            members = self.members
            if members.modified or members.new or members.deleted:
                flushing.autoflush(self)

    def remember_space(self, mapper: Any) -> None:
        """Let `get` find objects of a mapper without detours from now on."""
        if "populate_existing" in self.execution_options:
            return
        space = self.members.identity_map.space_of(mapper.base_mapper)
        self.shortcuts[mapper.class_] = (space, mapper.primary_key_keys[0])


class Session(SessionClassMethods, SessionServices):
    """Objects of one conversation with a database: loaded once, changed freely, written together.

    Args:
        bind: Engine or connection for all operations.
        autoflush: Write pending changes before each read.
        future: Only True.
        expire_on_commit: Forget loaded values at commit.
        autobegin: Begin a transaction by itself; otherwise `begin()` is demanded.
        twophase: Commit in two phases.
        binds: Class, mapper or table -> engine or connection.
        enable_baked_queries: Stored; without effect.
        info: First contents of `session.info`.
        query_cls: Class of what `query()` returns.
        autocommit: Only False.
        join_transaction_mode: What to do with a transaction begun outside on the connection.
        close_resets_only: False forbids use after `close()`.
        execution_options: Options for every connection and statement.

    Example:
        >>> with Session(engine) as session, session.begin():
        ...     session.add(Book(title="Ice"))
        ...     books = session.scalars(select(Book)).all()
    """

    _is_asyncio: ClassVar[bool] = False

    def __init__(
        self,
        bind: Bind | None = None,
        *,
        autoflush: bool = True,
        future: Literal[True] = True,
        expire_on_commit: bool = True,
        autobegin: bool = True,
        twophase: bool = False,
        binds: Mapping[Any, Bind] | None = None,
        enable_baked_queries: bool = True,
        info: dict[Any, Any] | None = None,
        query_cls: type[Any] | None = None,
        autocommit: Literal[False] = False,
        join_transaction_mode: JoinMode = "conditional_savepoint",
        close_resets_only: bool | None = None,
        execution_options: Mapping[str, Any] = EMPTY_DICT,
    ) -> None:
        """Make a session; nothing is connected or begun yet."""
        if autocommit:
            raise errors.SessionArgumentError.autocommit()
        if future is not True:
            raise errors.SessionArgumentError.not_future()
        if join_transaction_mode not in JOIN_MODES:
            raise errors.SessionArgumentError.bad_join_mode(join_transaction_mode)
        self.hash_key: int = next(NUMBERS)
        self.bind = bind
        self.binds: Any = EMPTY_DICT
        self.autoflush: bool = autoflush
        self.expire_on_commit = expire_on_commit
        self.autobegins = autobegin
        self.twophase = twophase
        self.enable_baked_queries = enable_baked_queries
        self.join_transaction_mode = join_transaction_mode
        self.execution_options: Any = (
            immutabledict(execution_options) if execution_options else EMPTY_DICT
        )
        self.query_cls: type[Query[Any]] | None = query_cls
        self.members: Members = Members(self)
        # Class -> its space of the identity map and a key attribute: see `get`.
        self.shortcuts: dict[Any, tuple[Space, str]] = {}
        self.close_forbids_use: bool = close_resets_only is False
        # The method that closed it for good.
        self.closed_by: str | None = None
        self.first_info = info
        if binds is not None:
            for key, each in binds.items():
                self._add_bind(key, each)
        LIVING[self.hash_key] = self

    # -- opening and closing ---------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(self, type_: Any, value: Any, traceback: Any) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all objects and connections; what was not committed is rolled back."""
        self._end(invalidate=False)
        if self.close_forbids_use:
            self.closed_by = "close"

    def reset(self) -> None:
        """Do what `close()` does, and leave the session usable in any case."""
        self._end(invalidate=False)

    def invalidate(self) -> None:
        """Close, and make sure that nobody uses the connections again."""
        self._end(invalidate=True)
        if self.close_forbids_use:
            self.closed_by = "invalidate"

    def _end(self, *, invalidate: bool) -> None:
        self._check_free("close")
        self.expunge_all()
        self._end_levels(lambda level: level.end(invalidate=invalidate))

    def _levels(self) -> list[SessionTransaction]:
        return [] if self.innermost is None else list(self.innermost.levels())

    def _check_free(self, method: str) -> None:
        for level in self._levels():
            level.check_free(method, CLOSED)

    def _end_levels(self, end: Callable[[SessionTransaction], None]) -> None:
        """End the levels of the transaction, the innermost first, also when one fails."""
        with ExitStack() as stack:
            for level in reversed(self._levels()):
                stack.callback(_end_unless_closed, level, end)

    @property
    def info(self) -> dict[Any, Any]:
        """A dictionary for the application (SM-65)."""
        info: dict[Any, Any] | None = self.__dict__.get("_info")
        if info is None:
            info = self.__dict__["_info"] = dict(self.first_info or ())
        return info

    # -- transactions ----------------------------------------------------------------------------

    def begin(self, nested: bool = False) -> SessionTransaction:  # noqa: FBT001, FBT002
        """Begin a transaction, or a SAVEPOINT in the present one.

        Args:
            nested: Same as `begin_nested()`.

        Raises:
            InvalidRequestError: A transaction is begun already, and `nested` is false.
        """
        level = self.innermost
        if level is None:
            level = self.autobegin(explicitly=True)
            if not nested:
                return level
        if not nested:
            raise errors.SessionUseError.already_begun()
        inner: SessionTransaction = level.begin_nested()
        return inner

    def begin_nested(self) -> SessionTransaction:
        """Flush, and begin a SAVEPOINT; it is emitted when a connection is next used (TX-31)."""
        return self.begin(nested=True)

    def commit(self) -> None:
        """Flush and commit, whatever SAVEPOINTs are open (TX-21)."""
        if self.is_flushing:
            raise errors.StateChangeError.during("commit", "flush", PREPARED)
        level: SessionTransaction | None = self.autobegin()
        while level is not None:
            parent = level.parent
            level.commit()
            level = parent

    def rollback(self) -> None:
        """Roll back, whatever SAVEPOINTs are open; silent without a transaction (SB-160)."""
        self._check_free("rollback")
        self._end_levels(lambda level: level.rollback())

    def prepare(self) -> None:
        """Flush and prepare a two-phase transaction (TX-102)."""
        self.autobegin().prepare()

    @property
    def is_active(self) -> bool:
        """False while a failed transaction waits for `rollback()` (TX-60)."""
        return self.innermost is None or self.innermost.is_active

    def in_transaction(self) -> bool:
        """Whether a transaction is begun."""
        return self.innermost is not None

    def in_nested_transaction(self) -> bool:
        """Whether a SAVEPOINT is open."""
        return self.innermost_nested is not None

    def get_transaction(self) -> SessionTransaction | None:
        """The root transaction, if one is begun."""
        level = self.innermost
        while level is not None and level.parent is not None:
            level = level.parent
        return level

    def get_nested_transaction(self) -> SessionTransaction | None:
        """The innermost SAVEPOINT, if one is open."""
        return self.innermost_nested

    # -- connections -----------------------------------------------------------------------------

    def connection(
        self,
        bind_arguments: Mapping[str, Any] | None = None,
        execution_options: Mapping[str, Any] | None = None,
    ) -> Connection:
        """The connection of the current transaction (TX-80).

        Args:
            bind_arguments: Arguments for `get_bind`, where more than one engine is known.
            execution_options: Applied if this call acquires the connection.
        """
        arguments = dict(bind_arguments.items()) if bind_arguments else {}
        bind = arguments.pop("bind", None)
        if bind is None:
            bind = self.get_bind(**arguments)
        return self.connection_for_bind(bind, execution_options)

    def get_bind(
        self,
        mapper: Any = None,
        *,
        clause: Any = None,
        bind: Bind | None = None,
        **kw: Any,
    ) -> Bind:
        """The engine or connection for a mapper or statement (PT-104).

        Args:
            mapper: A mapper or mapped class.
            clause: A statement or table.
            bind: Given back as it is.
            **kw: Whatever `bind_arguments` held, for overriding methods.

        Raises:
            UnboundExecutionError: None is known.
        """
        if bind is not None:
            return bind
        if not self.binds and self.bind is not None:
            return self.bind
        return find_bind(self.binds, self.bind, mapper, clause)

    def bind_mapper(self, mapper: Any, bind: Bind) -> None:
        """Route a mapped class, and its tables, to a bind."""
        self._add_bind(mapper, bind)

    def bind_table(self, table: Any, bind: Bind) -> None:
        """Route a table to a bind."""
        self._add_bind(table, bind)

    def _add_bind(self, key: Any, bind: Bind) -> None:
        routes = dict(self.binds)
        add_bind(routes, key, bind)
        self.binds = immutabledict(routes)

    # -- executing -------------------------------------------------------------------------------

    @overload
    def execute(
        self, statement: Rows[*Ts], params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> Result[*Ts]: ...

    @overload
    def execute(
        self, statement: UpdateBase, params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> CursorResult[*tuple[Any, ...]]: ...

    @overload
    def execute(
        self, statement: Executable, params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> Result[*tuple[Any, ...]]: ...

    def execute(
        self,
        statement: Executable,
        params: Any = None,
        *,
        execution_options: Mapping[str, Any] = EMPTY_DICT,
        bind_arguments: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run a statement over classes or tables.

        Args:
            statement: Anything that Core can execute.
            params: A dictionary of parameters, or a list of them.
            execution_options: Options of this call.
            bind_arguments: Arguments for `get_bind`.
        """
        return execution.execute(self, statement, params, execution_options, bind_arguments)

    @overload
    def scalars(
        self, statement: Rows[T], params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> ScalarResult[T]: ...

    @overload
    def scalars(
        self, statement: Executable, params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> ScalarResult[Any]: ...

    def scalars(
        self,
        statement: Executable,
        params: Any = None,
        *,
        execution_options: Mapping[str, Any] = EMPTY_DICT,
        bind_arguments: Mapping[str, Any] | None = None,
    ) -> ScalarResult[Any]:
        """Run a statement and give the first element of each row."""
        return execution.execute(
            self, statement, params, execution_options, bind_arguments
        ).scalars()

    @overload
    def scalar(
        self, statement: Rows[T], params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> T | None: ...

    @overload
    def scalar(
        self, statement: Executable, params: Any = None, **how: Unpack[ExecutionArguments]
    ) -> Any: ...

    def scalar(
        self,
        statement: Executable,
        params: Any = None,
        *,
        execution_options: Mapping[str, Any] = EMPTY_DICT,
        bind_arguments: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run a statement and give the first element of its first row, or None."""
        if isinstance(statement, DefaultGenerator):
            execution_options = {**execution_options, execution.VALUE_OPTION: True}
            return execution.execute(self, statement, params, execution_options, bind_arguments)
        return execution.execute(
            self, statement, params, execution_options, bind_arguments
        ).scalar()

    @overload
    def query(self, entity: type[Entity], /) -> Query[Entity]: ...

    @overload
    def query(self, column: roles.TypedColumnsClauseRole[T], /) -> Query[Row[T]]: ...

    @overload
    def query(self, first: Typed[T], second: Typed[T2], /) -> Query[Row[T, T2]]: ...

    @overload
    def query(
        self, first: Typed[T], second: Typed[T2], third: Typed[T3], /
    ) -> Query[Row[T, T2, T3]]: ...

    @overload
    def query(self, *entities: Any, **kw: Any) -> Query[Any]: ...

    def query(self, *entities: Any, **kw: Any) -> Any:
        """The chained form of a SELECT over entities."""
        return (self.query_cls or Query)(entities, self, **kw)

    # -- membership ------------------------------------------------------------------------------

    def add(self, instance: object, *, _warn: bool = True) -> None:
        """Bring an object, and what it is linked to, into the session (SB-60 to SB-70)."""
        if _warn and self.is_writing:
            membership.warn_inside_flush(self, "Session.add()")
        membership.add(self, instance)

    def add_all(self, instances: Iterable[object]) -> None:
        """Bring several objects into the session, in order."""
        if self.is_writing:
            membership.warn_inside_flush(self, "Session.add_all()")
        membership.add_all(self, instances)

    def delete(self, instance: object) -> None:
        """Mark an object, and what its cascades reach, for deletion (SB-80 to SB-91)."""
        if self.is_writing:
            membership.warn_inside_flush(self, "Session.delete()")
        membership.delete(self, instance)

    def delete_all(self, instances: Iterable[object]) -> None:
        """Mark several objects for deletion."""
        if self.is_writing:
            membership.warn_inside_flush(self, "Session.delete_all()")
        for instance in instances:
            membership.delete(self, instance)

    def expunge(self, instance: object) -> None:
        """Take an object, and what its cascades reach, out of the session (SM-100)."""
        membership.expunge(self, instance)

    def expunge_all(self) -> None:
        """Empty the session of objects; the transaction goes on (SM-105)."""
        self.shortcuts.clear()
        membership.expunge_all(self)

    def merge(
        self, instance: Entity, *, load: bool = True, options: Sequence[Any] | None = None
    ) -> Entity:
        """Copy the values of an object onto the member with its key (SM-70).

        Args:
            instance: Object to copy from; it does not join the session.
            load: Look the key up in the database where the session does not have it.
            options: Loader options for that look-up.
        """
        if self.is_writing:
            membership.warn_inside_flush(self, "Session.merge()")
        merged: Entity = merge(self, instance, load=load, options=options)
        return merged

    def merge_all(
        self,
        instances: Iterable[Entity],
        *,
        load: bool = True,
        options: Sequence[Any] | None = None,
    ) -> list[Entity]:
        """Merge several objects, in order (SM-90)."""
        if self.is_writing:
            membership.warn_inside_flush(self, "Session.merge()")
        return merge_all(self, instances, load=load, options=options)

    def enable_relationship_loading(self, obj: object) -> None:
        """Let an object load related ones by its key values, without adding it (API-60)."""
        membership.enable_relationship_loading(self, obj)

    def __contains__(self, instance: object) -> bool:
        return self.members.is_member(state_of(instance))

    def __iter__(self) -> Iterator[object]:
        return iter(self.members.objects())

    @property
    def identity_map(self) -> IdentityMapView:
        """Persistent objects by identity key (SM-45)."""
        view: IdentityMapView | None = self.__dict__.get("_view")
        if view is None:
            view = self.__dict__["_view"] = IdentityMapView(self.members)
        return view

    @property
    def new(self) -> IdentitySet:
        """Pending objects (SM-42)."""
        return IdentitySet(self.members.new.values())

    @property
    def dirty(self) -> IdentitySet:
        """Changed objects that are not marked for deletion (SM-42, SM-43)."""
        deleted = self.members.deleted
        return IdentitySet(
            [each for state, each in self.members.modified.items() if state not in deleted]
        )

    @property
    def deleted(self) -> IdentitySet:
        """Objects marked for deletion (SM-42)."""
        return IdentitySet(self.members.deleted.values())

    def is_modified(self, instance: object, include_collections: bool = True) -> bool:  # noqa: FBT001, FBT002
        """Whether an object differs from what was last flushed; never loads (SM-46)."""
        return differs(state_of(instance), include_collections=include_collections)

    # -- flushing --------------------------------------------------------------------------------

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what is new, changed and deleted (SB-100).

        Args:
            objects: Deprecated: write these only.
        """
        if objects is not None:
            warn_deprecated(
                "The `objects` parameter of `Session.flush` is deprecated. Flush everything.",
                version="2.1",
            )
        flushing.flush(self, objects)

    def bulk_save_objects(
        self,
        objects: Iterable[object],
        return_defaults: bool = False,  # noqa: FBT001, FBT002
        update_changed_only: bool = True,  # noqa: FBT001, FBT002
        preserve_order: bool = True,  # noqa: FBT001, FBT002
    ) -> None:
        """Write objects without attaching them, firing events or following links (PT-120).

        Args:
            objects: INSERTed without an identity key, UPDATEd with one.
            return_defaults: Put generated keys onto new objects, which are detached then.
            update_changed_only: UPDATE attributes with changes, in place of all that are loaded.
            preserve_order: Keep the order of the objects; else those of a class go together.
        """
        flushing.bulk_save_objects(
            self,
            objects,
            returns=return_defaults,
            changed_only=update_changed_only,
            keeps_order=preserve_order,
        )

    def bulk_insert_mappings(
        self,
        mapper: Any,
        mappings: Iterable[dict[str, Any]],
        return_defaults: bool = False,  # noqa: FBT001, FBT002
        render_nulls: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        """INSERT dictionaries by attribute name (PT-125).

        Args:
            mapper: A mapped class or mapper.
            mappings: Consecutive ones with the same keys go in one statement.
            return_defaults: Put generated keys into the dictionaries.
            render_nulls: Send None as NULL, in place of leaving its column out.
        """
        flushing.write_in_bulk(
            self,
            partial(
                insert_mappings,
                mapper=mapper_of_class(mapper),
                mappings=mappings,
                returns=return_defaults,
                render_nulls=render_nulls,
            ),
        )

    def bulk_update_mappings(self, mapper: Any, mappings: Iterable[dict[str, Any]]) -> None:
        """UPDATE rows by primary key from dictionaries by attribute name (PT-127).

        Raises:
            InvalidRequestError: A dictionary lacks a part of the key.
        """
        flushing.write_in_bulk(
            self,
            partial(update_mappings, mapper=mapper_of_class(mapper), mappings=mappings),
        )

    @property
    def _flushing(self) -> bool:
        # COMPAT: documented for overrides of get_bind that tell reads from writes (PT-111).
        return self.is_flushing

    @property
    @contextmanager
    def no_autoflush(self) -> Iterator[Session]:
        """A block without autoflush (SB-106)."""
        before, self.autoflush = self.autoflush, False
        try:
            yield self
        finally:
            self.autoflush = before

    # -- reading by key --------------------------------------------------------------------------

    def get(
        self,
        entity: type[Entity] | Mapper[Entity],
        ident: Any,
        *,
        options: Sequence[Any] | None = None,
        populate_existing: bool | None = None,
        with_for_update: Any = None,
        identity_token: Any = None,
        execution_options: Mapping[str, Any] = EMPTY_DICT,
        bind_arguments: Mapping[str, Any] | None = None,
    ) -> Entity | None:
        """The object with a primary key, or None (SB-120 to SB-133).

        Args:
            entity: A mapped class or mapper.
            ident: Key value; tuple in key order, or dictionary by attribute, for several columns.
            options: Loader options for the SELECT, if there is one.
            populate_existing: Emit the SELECT and overwrite what is loaded.
            with_for_update: True or arguments of `Select.with_for_update`: emit and lock.
            identity_token: Tells apart rows of equal key.
            execution_options: For the SELECT.
            bind_arguments: For `get_bind`.
        """
        # PERF: get_hit. A loaded object of a class asked for before costs two look-ups.
        if (
            populate_existing is None
            and with_for_update is None
            and identity_token is None
            and not execution_options
        ):
            try:
                space, key = self.shortcuts[entity]
                instance = space[ident]()
                if key in instance.__dict__ and isinstance(instance, entity):  # type: ignore[arg-type]
                    return instance
            except (KeyError, TypeError, AttributeError):
                # Not asked for before, not present, or a key of another form.
                pass
        how = refresh.Lookup(
            with_for_update, populate_existing, identity_token, execution_options, bind_arguments
        )
        return refresh.get(self, entity, ident, how, options)

    def get_one(
        self,
        entity: type[Entity] | Mapper[Entity],
        ident: Any,
        *,
        options: Sequence[Any] | None = None,
        populate_existing: bool | None = None,
        with_for_update: Any = None,
        identity_token: Any = None,
        execution_options: Mapping[str, Any] = EMPTY_DICT,
        bind_arguments: Mapping[str, Any] | None = None,
    ) -> Entity:
        """Same as `get`, but a missing row raises (SB-130)."""
        how: dict[str, Any] = {
            "bind_arguments": bind_arguments,
            "execution_options": execution_options,
        }
        how |= {"identity_token": identity_token, "with_for_update": with_for_update}
        how |= {"populate_existing": populate_existing, "options": options}
        instance = self.get(entity, ident, **how)
        if instance is None:
            raise errors.NoRowError.required()
        return instance

    def expire(self, instance: object, attribute_names: Iterable[str] | None = None) -> None:
        """Forget loaded values, so that the next access reads them again (SM-110).

        Unsaved changes to the forgotten attributes are lost. Nothing is sent to the database.

        Args:
            instance: An object that is persistent in this session.
            attribute_names: What to forget; everything when omitted.

        Raises:
            InvalidRequestError: The object is not persistent in this session.
        """
        refresh.expire(self, instance, attribute_names)

    def expire_all(self) -> None:
        """Forget the loaded values of all persistent objects (SM-114)."""
        refresh.expire_all(self)

    def refresh(
        self,
        instance: object,
        attribute_names: Iterable[str] | None = None,
        with_for_update: Any = None,
    ) -> None:
        """Read an object anew now (SM-120).

        Args:
            instance: An object that is persistent in this session.
            attribute_names: What to read; everything that does not load lazily when omitted.
            with_for_update: True or arguments of `Select.with_for_update`.
        """
        refresh.refresh(self, instance, attribute_names, with_for_update)


def _end_unless_closed(
    level: SessionTransaction, end: Callable[[SessionTransaction], None]
) -> None:
    # A listener that the end of a level inside called may have ended this one too.
    if level.phase is not CLOSED:
        end(level)


def close_all_sessions() -> None:
    """Close every session that is alive in the process (SM-177)."""
    for session in list(LIVING.values()):
        session.close()
