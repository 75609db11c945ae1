"""Queries that are put together from functions, as `sqlalchemy.ext.baked` has them.

Kept for programs that use it: the functions are called each time, and it is Core's cache that keeps
the SQL of equal statements (XT-122). So a function may read whatever it likes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

from holdfast.queries.facade.query import Query
from holdfast.sessions.session import Session

__all__ = ["BakedQuery", "Bakery", "Result", "bakery"]


class BakedQuery:
    """A query as a list of functions: the first is given a session, the others a query.

    Example:
        >>> baked = bakery()(lambda session: session.query(Book))
        >>> baked += lambda query: query.filter(Book.title == bindparam("title"))
        >>> baked(session).params(title="Ice").all()
    """

    __slots__ = ("steps",)

    def __init__(self, *steps: Callable[[Any], Any]) -> None:
        self.steps: tuple[Callable[[Any], Any], ...] = steps

    @classmethod
    def bakery(cls, size: int = 200, _size_alert: Any = None) -> Bakery:
        """What makes such queries.

        Args:
            size: Without effect.
        """
        return Bakery(cls)

    def add_criteria(self, fn: Callable[..., Any], *args: Any) -> Self:
        """Add a function to this query; the same as `+=`.

        Args:
            fn: Called with the query and the further arguments.
            *args: See `fn`.
        """
        self.steps += (_with_arguments(fn, args),)
        return self

    def with_criteria(self, fn: Callable[..., Any], *args: Any) -> Self:
        """A query with one more function; the same as `+`."""
        return type(self)(*self.steps, _with_arguments(fn, args))

    def __iadd__(self, other: Any) -> Self:
        return self.add_criteria(*_parts_of(other))

    def __add__(self, other: Any) -> Self:
        return self.with_criteria(*_parts_of(other))

    def spoil(self, full: bool = False) -> Self:  # noqa: FBT001, FBT002  public signature
        """Without effect, as nothing is kept.

        Args:
            full: See above.
        """
        return self

    def to_query(self, query_or_session: Query[Any] | Session) -> Query[Any]:
        """The query, for use within a function of another one.

        Args:
            query_or_session: What that function was given.
        """
        made: Any = query_or_session
        if isinstance(query_or_session, Query):
            made = query_or_session.session
        for step in self.steps:
            made = step(made)
        found: Query[Any] = made
        return found

    def for_session(self, session: Session) -> Result:
        """The same as calling it."""
        return Result(self, session)

    __call__ = for_session


def _with_arguments(fn: Callable[..., Any], args: tuple[Any, ...]) -> Callable[[Any], Any]:
    return (lambda made: fn(made, *args)) if args else fn


def _parts_of(other: Any) -> tuple[Any, ...]:
    return other if isinstance(other, tuple) else (other,)


class Bakery:
    """Makes queries out of functions."""

    __slots__ = ("cls",)

    def __init__(self, cls: type[BakedQuery]) -> None:
        self.cls: type[BakedQuery] = cls

    def __call__(self, initial_fn: Callable[..., Any], *args: Any) -> BakedQuery:
        """A query whose first function is this one.

        Args:
            initial_fn: Called with the session and the further arguments.
            *args: See above.
        """
        return self.cls(_with_arguments(initial_fn, args))


bakery: Callable[..., Bakery] = BakedQuery.bakery


class Result:
    """A query and its session; asks the database when one of the methods below is called."""

    __slots__ = ("baked", "session", "steps")

    def __init__(self, baked: BakedQuery, session: Session) -> None:
        self.baked: BakedQuery = baked
        self.session: Session = session
        self.steps: list[Callable[[Query[Any]], Query[Any]]] = []

    def params(self, *args: Any, **kw: Any) -> Self:
        """Give values to parameters, as `Query.params()`."""
        return self.with_post_criteria(lambda query: query.params(*args, **kw))

    def with_post_criteria(self, fn: Callable[[Query[Any]], Query[Any]]) -> Self:
        """Add a function to this query in this session."""
        self.steps.append(fn)
        return self

    @property
    def query(self) -> Query[Any]:
        """The query itself."""
        made = self.baked.to_query(self.session)
        for step in self.steps:
            made = step(made)
        return made

    def __str__(self) -> str:
        return str(self.query)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.query)

    def all(self) -> list[Any]:
        """All rows."""
        return self.query.all()

    def first(self) -> Any:
        """The first row, or None."""
        return self.query.first()

    def one(self) -> Any:
        """The only row."""
        return self.query.one()

    def one_or_none(self) -> Any:
        """The only row, or None."""
        return self.query.one_or_none()

    def scalar(self) -> Any:
        """The first element of the only row, or None."""
        return self.query.scalar()

    def count(self) -> int:
        """The number of rows."""
        return self.query.count()

    def get(self, ident: Any) -> Any:
        """The object with this primary key, or None."""
        return self.query.load_by_key(ident)
