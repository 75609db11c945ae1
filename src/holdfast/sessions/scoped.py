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
from holdfast.foundation.codegen import build_function
from holdfast.foundation.deprecated import warn
from holdfast.foundation.sqlalchemy_core import ScopedRegistry, ThreadLocalRegistry
from holdfast.sessions.session import Session, SessionClassMethods

S = TypeVar("S", bound=Session)

OBJECTS = (
    "add",
    "add_all",
    "delete",
    "delete_all",
    "enable_relationship_loading",
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
    """A function of the same signature, which passes every argument on."""
    target = getattr(Session, name)
    signature = inspect.signature(target)
    parameters = list(signature.parameters.values())[1:]
    passed = ", ".join(_passed(parameter) for parameter in parameters)
    taken = ", ".join(["self", *_taken(parameters)])
    source = f"def {name}({taken}):\n    return self.registry().{name}({passed})\n"
    defaults = {
        f"default_{each.name}": each.default
        for each in parameters
        if each.default is not inspect.Parameter.empty
    }
    forward = build_function(name, source, defaults, filename_hint=f"scoped_session.{name}")
    forward.__qualname__ = f"scoped_session.{name}"
    forward.__doc__ = f"Same as `Session.{name}` of the scope's session.\n\n{target.__doc__}"
    forward.__signature__ = signature  # type: ignore[attr-defined]
    return forward


def _taken(parameters: list[inspect.Parameter]) -> Iterator[str]:
    """The parameters as a `def` lists them."""
    seen_star = False
    for parameter in parameters:
        kind = parameter.kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            seen_star = True
            yield f"*{parameter.name}"
        elif kind is inspect.Parameter.VAR_KEYWORD:
            yield f"**{parameter.name}"
        else:
            if kind is inspect.Parameter.KEYWORD_ONLY and not seen_star:
                seen_star = True
                yield "*"
            has_default = parameter.default is not inspect.Parameter.empty
            yield f"{parameter.name}=default_{parameter.name}" if has_default else parameter.name


def _passed(parameter: inspect.Parameter) -> str:
    """One argument as a call passes it on: by keyword where it must be so, or has a default."""
    name = parameter.name
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return f"*{name}"
    if parameter.kind is inspect.Parameter.VAR_KEYWORD:
        return f"**{name}"
    by_keyword = (
        parameter.kind is inspect.Parameter.KEYWORD_ONLY
        or parameter.default is not inspect.Parameter.empty
    )
    return f"{name}={name}" if by_keyword else name


def forward_attribute(name: str, *, assignable: bool) -> property:
    """An attribute of the registry that is the one of the scope's session."""

    def read(self: Any) -> Any:
        return getattr(self.registry(), name)

    def assign(self: Any, value: Any) -> None:
        setattr(self.registry(), name, value)

    return property(read, assign if assignable else None, doc=f"`{name}` of the scope's session.")


for _name in METHODS:
    setattr(scoped_session, _name, _forward_method(_name))
for _name in READABLE:
    setattr(scoped_session, _name, forward_attribute(_name, assignable=False))
for _name in ASSIGNABLE:
    setattr(scoped_session, _name, forward_attribute(_name, assignable=True))
