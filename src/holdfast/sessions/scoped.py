"""This file defines `scoped_session`: one session per thread, or per whatever a function names.

Methods and attributes of `Session` that are listed below are available on the registry and act on
the session of the present scope. They are made from the methods of `Session`, so that the two
cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, Unpack, overload

from holdfast.errors.session import SessionUseError, scope_configured_warning
from holdfast.foundation.deprecated import warn
from holdfast.foundation.sqlalchemy_core import ScopedRegistry, ThreadLocalRegistry
from holdfast.sessions.session import Session, SessionClassMethods

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import (
        Connection,
        CursorResult,
        Executable,
        Result,
        Row,
        ScalarResult,
        UpdateBase,
    )
    from sqlalchemy.sql.selectable import TypedReturnsRows

    from holdfast.foundation.sqlalchemy_core import IdentitySet, roles
    from holdfast.mapping.mapper import Mapper
    from holdfast.queries.facade.query import Query
    from holdfast.sessions.binds import Bind
    from holdfast.sessions.execution import Entity, ExecutionArguments, T, Ts
    from holdfast.sessions.refresh import LookupArguments
    from holdfast.sessions.transactions.transaction import SessionTransaction
    from holdfast.states.identity_map import IdentityMapView

AnySession = TypeVar("AnySession")
S = TypeVar("S", bound=Session)

OBJECTS = (
    "add",
    "add_all",
    "delete",
    "delete_all",
    "expunge",
    "expunge_all",
    "is_modified",
)
BULK = ("bulk_insert_mappings", "bulk_save_objects", "bulk_update_mappings")
VALUES = ("expire", "expire_all", "flush", "merge", "merge_all", "refresh")
READS = ("execute", "get", "get_bind", "get_one", "query", "scalar", "scalars")
LEVELS = ("begin", "begin_nested", "close", "commit", "connection", "reset", "rollback")
METHODS = (*OBJECTS, *BULK, *VALUES, *READS, *LEVELS)
"""Methods of `Session` that the registry has too (SC-20)."""

SETS = ("deleted", "dirty", "identity_map", "new")
SETTINGS = ("binds", "execution_options", "info", "is_active", "no_autoflush")
READABLE = (*SETS, *SETTINGS)
"""Attributes of `Session` that can be read on the registry (SC-21)."""

ASSIGNABLE = ("autoflush", "bind")


class QueryPropertyDescriptor:
    """Read on a mapped class, a query against it in the scope's session (SC-100)."""

    def __init__(self, registry: Any, query_cls: type[Any] | None) -> None:
        self.registry = registry
        self.query_cls = query_cls

    def __get__(self, instance: Any, owner: type[Entity]) -> Query[Entity]:
        session = self.registry()
        if self.query_cls is not None:
            made: Query[Entity] = self.query_cls(owner, session=session)
        else:
            made = session.query(owner)
        return made


class SessionRegistry(SessionClassMethods, Generic[AnySession]):
    """One session of any kind per scope."""

    def __init__(self, session_factory: Callable[..., AnySession], registry: Any) -> None:
        # Makes the sessions; and holds them, by scope.
        self.session_factory: Any = session_factory
        self.registry: Any = registry

    def __call__(self, **kw: Any) -> AnySession:
        """The scope's session; arguments are for making it, so it must not exist yet (SC-3)."""
        if not kw:
            found: AnySession = self.registry()
            return found
        if self.registry.has():
            raise SessionUseError.scoped_present()
        session: AnySession = self.session_factory(**kw)
        self.registry.set(session)
        return session

    def configure(self, **kwargs: Any) -> None:
        """Configure the factory, for sessions made from now on (SC-7)."""
        if self.registry.has():
            warn(scope_configured_warning())
        self.session_factory.configure(**kwargs)

    def __contains__(self, instance: object) -> bool:
        return instance in self.registry()

    def __iter__(self) -> Iterator[object]:
        return iter(self.registry())


if TYPE_CHECKING:

    class _SessionMethods:
        """What the end of this file adds, for type checkers."""

        deleted: IdentitySet
        dirty: IdentitySet
        identity_map: IdentityMapView
        new: IdentitySet
        binds: Any
        execution_options: Any
        info: dict[Any, Any]
        is_active: bool
        no_autoflush: AbstractContextManager[Session]
        autoflush: bool
        bind: Bind | None

        def add(self, instance: object, *, _warn: bool = True) -> None: ...
        def add_all(self, instances: Iterable[object]) -> None: ...
        def delete(self, instance: object) -> None: ...
        def delete_all(self, instances: Iterable[object]) -> None: ...
        def expunge(self, instance: object) -> None: ...
        def expunge_all(self) -> None: ...
        def is_modified(self, instance: object, include_collections: bool = True) -> bool: ...  # noqa: FBT001, FBT002
        def bulk_save_objects(self, objects: Iterable[object], *how: bool, **by: bool) -> None: ...
        def bulk_insert_mappings(
            self, mapper: Any, mappings: Iterable[dict[str, Any]], *how: bool, **by: bool
        ) -> None: ...
        def bulk_update_mappings(self, mapper: Any, mappings: Iterable[dict[str, Any]]) -> None: ...
        def expire(
            self, instance: object, attribute_names: Iterable[str] | None = None
        ) -> None: ...
        def expire_all(self) -> None: ...
        def flush(self, objects: Sequence[Any] | None = None) -> None: ...
        def merge(
            self, instance: Entity, *, load: bool = True, options: Sequence[Any] | None = None
        ) -> Entity: ...
        def merge_all(
            self,
            instances: Iterable[Entity],
            *,
            load: bool = True,
            options: Sequence[Any] | None = None,
        ) -> list[Entity]: ...
        def refresh(
            self,
            instance: object,
            attribute_names: Iterable[str] | None = None,
            with_for_update: Any = None,
        ) -> None: ...
        @overload
        def execute(
            self,
            statement: TypedReturnsRows[*Ts],
            params: Any = None,
            **how: Unpack[ExecutionArguments],
        ) -> Result[*Ts]: ...
        @overload
        def execute(
            self, statement: UpdateBase, params: Any = None, **how: Unpack[ExecutionArguments]
        ) -> CursorResult[*tuple[Any, ...]]: ...
        @overload
        def execute(
            self, statement: Executable, params: Any = None, **how: Unpack[ExecutionArguments]
        ) -> Result[*tuple[Any, ...]]: ...
        def execute(self, statement: Executable, params: Any = None, **how: Any) -> Any: ...
        @overload
        def scalars(
            self,
            statement: TypedReturnsRows[T],
            params: Any = None,
            **how: Unpack[ExecutionArguments],
        ) -> ScalarResult[T]: ...
        @overload
        def scalars(
            self, statement: Executable, params: Any = None, **how: Unpack[ExecutionArguments]
        ) -> ScalarResult[Any]: ...
        def scalars(self, statement: Executable, params: Any = None, **how: Any) -> Any: ...
        @overload
        def scalar(
            self,
            statement: TypedReturnsRows[T],
            params: Any = None,
            **how: Unpack[ExecutionArguments],
        ) -> T | None: ...
        @overload
        def scalar(
            self, statement: Executable, params: Any = None, **how: Unpack[ExecutionArguments]
        ) -> Any: ...
        def scalar(self, statement: Executable, params: Any = None, **how: Any) -> Any: ...
        def get(
            self, entity: type[Entity] | Mapper[Entity], ident: Any, **how: Unpack[LookupArguments]
        ) -> Entity | None: ...
        def get_one(
            self, entity: type[Entity] | Mapper[Entity], ident: Any, **how: Unpack[LookupArguments]
        ) -> Entity: ...
        def get_bind(
            self, mapper: Any = None, *, clause: Any = None, bind: Bind | None = None, **kw: Any
        ) -> Bind: ...
        @overload
        def query(self, entity: type[Entity], /) -> Query[Entity]: ...
        @overload
        def query(self, column: roles.TypedColumnsClauseRole[T], /) -> Query[Row[T]]: ...
        @overload
        def query(self, *entities: Any, **kw: Any) -> Query[Any]: ...
        def query(self, *entities: Any, **kw: Any) -> Any: ...
        def begin(self, nested: bool = False) -> SessionTransaction: ...  # noqa: FBT001, FBT002
        def begin_nested(self) -> SessionTransaction: ...
        def close(self) -> None: ...
        def commit(self) -> None: ...
        def connection(
            self,
            bind_arguments: Mapping[str, Any] | None = None,
            execution_options: Mapping[str, Any] | None = None,
        ) -> Connection: ...
        def reset(self) -> None: ...
        def rollback(self) -> None: ...
else:
    _SessionMethods = object


class scoped_session(SessionRegistry[S], _SessionMethods):  # noqa: N801  public name
    """A registry that makes one session per scope and stands for it.

    Example:
        >>> sessions = scoped_session(sessionmaker(engine))
        >>> sessions.add(Book(title="Ice"))
        >>> sessions.remove()
    """

    _support_async: ClassVar[bool] = False

    def __init__(
        self, session_factory: Callable[..., S], scopefunc: Callable[[], Any] | None = None
    ) -> None:
        """Make an empty registry.

        Args:
            session_factory: Makes the sessions, mostly a `sessionmaker`.
            scopefunc: Names the present scope; the thread when omitted.
        """
        registry: Any = (
            ThreadLocalRegistry(session_factory)
            if scopefunc is None
            else ScopedRegistry(session_factory, scopefunc)
        )
        super().__init__(session_factory, registry)

    def remove(self) -> None:
        """Close the scope's session, if any, and forget it (SC-5)."""
        if self.registry.has():
            self.registry().close()
        self.registry.clear()

    def query_property(self, query_cls: type[Any] | None = None) -> QueryPropertyDescriptor:
        """A class attribute that gives a query against the class it is read on (SC-100).

        Args:
            query_cls: Class of the query; the session's when omitted.
        """
        return QueryPropertyDescriptor(self, query_cls)


def forward_methods(registry: type[Any], source: type[Any], names: Iterable[str]) -> None:
    """Let a registry have methods of the sessions that it makes.

    Args:
        registry: The class that gets them.
        source: The class of the sessions.
        names: Of the methods.
    """
    for name in names:
        setattr(registry, name, _forward_method(name, getattr(source, name)))


def forward_attributes(
    registry: type[Any], names: Iterable[str], *, assignable: Collection[str]
) -> None:
    """Let a registry have attributes of its sessions, some of which can be set."""
    for name in names:
        setattr(registry, name, _forward_attribute(name, assignable=name in assignable))


def _forward_method(name: str, target: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the same signature, as far as anybody can see."""

    @wraps(target)
    def forward(self: Any, *args: Any, **kw: Any) -> Any:
        return getattr(self.registry(), name)(*args, **kw)

    return forward


def _forward_attribute(name: str, *, assignable: bool) -> property:
    """An attribute of the registry that is the one of the scope's session."""

    def read(self: Any) -> Any:
        return getattr(self.registry(), name)

    def assign(self: Any, value: Any) -> None:
        setattr(self.registry(), name, value)

    return property(read, assign if assignable else None, doc=f"`{name}` of the scope's session.")


forward_methods(scoped_session, Session, METHODS)
forward_attributes(scoped_session, (*READABLE, *ASSIGNABLE), assignable=ASSIGNABLE)
