"""This file defines `scoped_session`: one session per thread, or per whatever a function names.

Methods and attributes of `Session` that are listed below are available on the registry and act on
the session of the present scope. They are generated from the signatures of `Session`, so that the
two cannot drift apart.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from holdfast.errors.session import SessionUseError, scope_configured_warning
from holdfast.foundation.deprecated import warn
from holdfast.foundation.sqlalchemy_core import ScopedRegistry, ThreadLocalRegistry
from holdfast.sessions.session import Session, SessionClassMethods

S = TypeVar("S", bound=Session)

METHODS = (
    "add",
    "add_all",
    "begin",
    "begin_nested",
    "close",
    "commit",
    "connection",
    "delete",
    "delete_all",
    "execute",
    "expire",
    "expire_all",
    "expunge",
    "expunge_all",
    "flush",
    "get",
    "get_bind",
    "get_one",
    "is_modified",
    "merge",
    "merge_all",
    "query",
    "refresh",
    "reset",
    "rollback",
    "scalar",
    "scalars",
)
READABLE = (
    "binds",
    "deleted",
    "dirty",
    "execution_options",
    "identity_map",
    "info",
    "is_active",
    "new",
    "no_autoflush",
)
ASSIGNABLE = ("autoflush", "bind")


class QueryPropertyDescriptor:
    """Read on a mapped class, a query against it in the scope's session (SC-100)."""

    def __init__(self, registry: Any, query_cls: type[Any] | None) -> None:
        self.registry = registry
        self.query_cls = query_cls

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        session = self.registry()
        if self.query_cls is not None:
            return self.query_cls(owner, session=session)
        return session.query(owner)


class scoped_session(SessionClassMethods, Generic[S]):  # noqa: N801  public name
    """A registry that makes one session per scope and stands for it.

    Example:
        >>> sessions = scoped_session(sessionmaker(engine))
        >>> sessions.add(Book(title="Ice"))
        >>> sessions.remove()
    """

    _support_async = False

    session_factory: Any
    registry: Any

    def __init__(self, session_factory: Any, scopefunc: Callable[[], Any] | None = None) -> None:
        """Make an empty registry.

        Args:
            session_factory: Makes the sessions, mostly a `sessionmaker`.
            scopefunc: Names the present scope; the thread when omitted.
        """
        self.session_factory = session_factory
        if scopefunc is None:
            self.registry = ThreadLocalRegistry(session_factory)
        else:
            self.registry = ScopedRegistry(session_factory, scopefunc)

    def __call__(self, **kw: Any) -> S:
        """The scope's session; arguments are for making it, so it must not exist yet (SC-3)."""
        if not kw:
            found: S = self.registry()
            return found
        if self.registry.has():
            raise SessionUseError.scoped_present()
        session: S = self.session_factory(**kw)
        self.registry.set(session)
        return session

    def configure(self, **kwargs: Any) -> None:
        """Configure the factory, for sessions made from now on (SC-7)."""
        if self.registry.has():
            warn(scope_configured_warning())
        self.session_factory.configure(**kwargs)

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

    def __contains__(self, instance: object) -> bool:
        return instance in self.registry()

    def __iter__(self) -> Iterator[object]:
        return iter(self.registry())


def _forward_method(name: str) -> Callable[..., Any]:
    def forward(self: Any, *args: Any, **kw: Any) -> Any:
        return getattr(self.registry(), name)(*args, **kw)

    target = getattr(Session, name)
    forward.__name__ = name
    forward.__qualname__ = f"scoped_session.{name}"
    forward.__doc__ = f"Same as `Session.{name}` of the scope's session.\n\n{target.__doc__}"
    forward.__signature__ = inspect.signature(target)  # type: ignore[attr-defined]
    return forward


def _forward_attribute(name: str, *, assignable: bool) -> property:
    def read(self: Any) -> Any:
        return getattr(self.registry(), name)

    def assign(self: Any, value: Any) -> None:
        setattr(self.registry(), name, value)

    return property(read, assign if assignable else None, doc=f"`{name}` of the scope's session.")


for _name in METHODS:
    setattr(scoped_session, _name, _forward_method(_name))
for _name in READABLE:
    setattr(scoped_session, _name, _forward_attribute(_name, assignable=False))
for _name in ASSIGNABLE:
    setattr(scoped_session, _name, _forward_attribute(_name, assignable=True))
