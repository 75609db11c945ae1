"""Make sessions: sessionmaker, and one session for each thread or scope."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, singledispatch, wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar, overload

from holdfast import errors
from holdfast.foundation.describe import warn, warn_deprecated
from holdfast.foundation.sqlalchemy_core import ScopedRegistry, ThreadLocalRegistry
from holdfast.sessions.execution import Bind
from holdfast.sessions.session import Session, SessionClassMethods

if TYPE_CHECKING:
    from holdfast.queries.facade.query import Query
    from holdfast.sessions.execution import Entity


# ------------------------------------------------------------------------------
# Define `sessionmaker`, the factory of sessions that share arguments.
#
# What it has in common with the factory of asyncio sessions is `SessionFactory`.

AnySession = TypeVar("AnySession")
S = TypeVar("S", bound=Session)


@singledispatch
@contextmanager
def in_one_transaction(session: Any) -> Iterator[Any]:
    """A block in a transaction of a session, which is closed at the end.

    The block of an asyncio session is an asyncio block.
    """
    with session, session.begin():
        yield session


class SessionFactory(SessionClassMethods, Generic[AnySession]):
    """Makes sessions of any kind with the same arguments."""

    def __init__(
        self, class_: type[Any], info: dict[Any, Any] | None, arguments: dict[str, Any]
    ) -> None:
        self.kw: dict[str, Any] = arguments
        if info is not None:
            self.kw["info"] = info
        self.class_: type[Any] = type(class_.__name__, (class_,), {})

    def __call__(self, **local_kw: Any) -> AnySession:
        """A new session; the arguments given here win over the stored ones."""
        arguments = {**self.kw, **local_kw}
        stored = self.kw.get("info")
        given = local_kw.get("info")
        if stored is not None and given is not None:
            arguments["info"] = {**stored, **given}
        session: AnySession = self.class_(**arguments)
        return session

    def configure(self, **new_kw: Any) -> None:
        """Change the stored arguments, for sessions made from now on (SB-33)."""
        self.kw.update(new_kw)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.kw.items())
        return f"{type(self).__name__}(class_={self.class_.__name__!r}, {arguments})"


class sessionmaker(SessionFactory[S]):  # noqa: N801  public name
    """Makes sessions with the same arguments.

    Example:
        >>> make = sessionmaker(engine, expire_on_commit=False)
        >>> with make.begin() as session:
        ...     session.add(Book(title="Ice"))
    """

    if TYPE_CHECKING:

        @overload
        def __init__(
            self, bind: Bind | None = None, *, class_: type[S], **arguments: Any
        ) -> None: ...

        @overload
        def __init__(
            self: sessionmaker[Session], bind: Bind | None = None, **arguments: Any
        ) -> None: ...

    def __init__(
        self,
        bind: Bind | None = None,
        *,
        class_: type[Any] = Session,
        autoflush: bool = True,
        expire_on_commit: bool = True,
        info: dict[Any, Any] | None = None,
        **kw: Any,
    ) -> None:
        """Store the arguments.

        Args:
            bind: Engine or connection of the sessions.
            class_: Their class; listeners of the factory get a subclass of their own (SB-37).
            autoflush: As in `Session`.
            expire_on_commit: As in `Session`.
            info: As in `Session`; merged with what a call gives.
            **kw: Further arguments of the class.
        """
        kw |= {"bind": bind, "autoflush": autoflush, "expire_on_commit": expire_on_commit}
        super().__init__(class_, info, kw)

    def begin(self) -> AbstractContextManager[S]:
        """A new session in a transaction: committed or rolled back, and closed, at the end."""
        found: AbstractContextManager[S] = in_one_transaction(self())
        return found


def create_session(bind: Bind | None = None, **kwargs: Any) -> Session:
    """A session that neither flushes nor expires objects by itself.

    Args:
        bind: Engine or connection for all operations.
        **kwargs: Further arguments of `Session`.
    """
    return Session(bind, **{"autoflush": False, "expire_on_commit": False, **kwargs})


# ------------------------------------------------------------------------------
# Define `scoped_session`: one session per thread, or per whatever a function names.
#
# Methods and attributes of `Session` that are listed below are available on the registry and act on
# the session of the present scope. They are made from the methods of `Session`, so that the two
# cannot drift apart.

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

    _support_async: ClassVar[bool] = False

    def __init__(self, session_factory: Callable[..., AnySession], registry: Any) -> None:
        # Makes the sessions; and holds them, by scope.
        self.session_factory: Any = session_factory
        self.registry: Any = registry

    def __call__(self, **kw: Any) -> AnySession:
        """The scope's session; arguments are for making it, so it must not exist yet (SC-3)."""
        if not kw:
            found: AnySession = self.registry()
            if not self._support_async and getattr(found, "_is_asyncio", False):
                warn_deprecated(
                    "Using `scoped_session` with asyncio is deprecated and will raise an error in "
                    "a future version. Please use `async_scoped_session` instead.",
                    version="1.4.23",
                )
            return found
        if self.registry.has():
            raise errors.SessionUseError.scoped_present()
        session: AnySession = self.session_factory(**kw)
        self.registry.set(session)
        return session

    def configure(self, **kwargs: Any) -> None:
        """Configure the factory, for sessions made from now on (SC-7)."""
        if self.registry.has():
            warn(errors.scope_configured_warning())
        self.session_factory.configure(**kwargs)

    def __contains__(self, instance: object) -> bool:
        return instance in self.registry()

    def __iter__(self) -> Iterator[object]:
        return iter(self.registry())


if TYPE_CHECKING:
    # Type checkers see the methods that are generated below as those of the session.
    Forwarded: TypeAlias = Session
else:
    Forwarded = object


class scoped_session(SessionRegistry[S], Forwarded):  # noqa: N801  public name
    """A registry that makes one session per scope and stands for it.

    Example:
        >>> sessions = scoped_session(sessionmaker(engine))
        >>> sessions.add(Book(title="Ice"))
        >>> sessions.remove()
    """

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
    """A function of the same signature, which passes defaults on too: those of `target`."""

    @wraps(target)
    def forward(self: Any, *args: Any, **kw: Any) -> Any:
        others = _defaults_beside(target)
        passed = others[min(len(args), len(others) - 1)] | kw
        return getattr(self.registry(), name)(*args, **passed)

    return forward


@cache
def _defaults_beside(target: Callable[..., Any]) -> list[dict[str, Any]]:
    """By how many arguments come without their name: the defaults of the others."""
    parameters = list(signature(target).parameters.values())[1:]
    places = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    defaults = {each.name: each.default for each in parameters if each.default is not each.empty}
    return [
        {key: value for key, value in defaults.items() if key not in places[:count]}
        for count in range(len(places) + 1)
    ]


def _forward_attribute(name: str, *, assignable: bool) -> property:
    """An attribute of the registry that is the one of the scope's session."""

    def read(self: Any) -> Any:
        return getattr(self.registry(), name)

    def assign(self: Any, value: Any) -> None:
        setattr(self.registry(), name, value)

    return property(read, assign if assignable else None, doc=f"`{name}` of the scope's session.")


forward_methods(scoped_session, Session, METHODS)
forward_attributes(scoped_session, (*READABLE, *ASSIGNABLE), assignable=ASSIGNABLE)
