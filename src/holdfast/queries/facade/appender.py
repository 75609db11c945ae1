"""Define `AppenderQuery`, what a relationship with `lazy="dynamic"` reads as.

It is a query of the members, in the session of its object, to which members are added and from
which they are removed. What its methods give is an ordinary query.

Rules kept here:
1. An object without a row has no members in the database: those in memory are given (RL-166).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

from holdfast.errors.loading import DetachedInstanceError
from holdfast.foundation.deprecated import warn
from holdfast.foundation.describe import state_text
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.sqlalchemy_core import IteratorResult, SimpleResultMetaData
from holdfast.instrument.descriptor import InstrumentedAttribute
from holdfast.mapping.mapped import AnnotationMarker
from holdfast.queries.facade.base import LEGACY, QuerySettings
from holdfast.queries.facade.query import Query
from holdfast.queries.facade.write_only import MemberChanges, members_of

T = TypeVar("T", bound=Any)
T_co = TypeVar("T_co", bound=Any, covariant=True)


class AppenderQuery(MemberChanges[T], Query[T]):
    """The members of a dynamic relationship, as a query (RL-165)."""

    # Given with `relationship(query_class=...)`.
    query_class: type[Query[Any]] | None = None

    def __init__(self, relationship: Any, state: Any) -> None:
        self.belong_to(relationship, state)
        self.draft: Any = members_of(relationship, state).set_label_style(LEGACY)
        self.settings: QuerySettings = QuerySettings()

    # -- members -------------------------------------------------------------------------------

    def append(self, item: T) -> None:
        """Add one member, at the next flush."""
        self.add(item)

    def extend(self, iterator: Iterable[T]) -> None:
        """Add several members, at the next flush."""
        self.add_all(iterator)

    # -- as a query ----------------------------------------------------------------------------

    @property
    def session(self) -> Any:  # type: ignore[override]
        """The session of the object."""
        return self.state.session

    def changed(self, draft: Any | None = None, **settings: Any) -> Any:
        """An ordinary query with another draft, or with other settings.

        Raises:
            DetachedInstanceError: The object is in no session.
        """
        if self.session is None:
            raise DetachedInstanceError.lazy_load(self.state, self.relationship.key)
        return self._in_session().changed(draft, **settings)

    def _in_session(self) -> Query[T]:
        class_ = self.query_class or self.session.query_cls
        made: Query[T] = class_((), self.session)
        made.draft, made.settings = self.draft, self.settings
        return made

    def _find_query(self) -> Query[T] | None:
        """The ordinary query, or None where only memory knows the members."""
        session = self.session
        if session is not None and self.state.pk is None:
            session.autoflush_if_enabled()
        return None if session is None or self.state.pk is None else self._in_session()

    def _in_memory(self) -> list[T]:
        """The members that wait for the flush."""
        if self.state.pk is not None:
            warn(
                f"Instance {state_text(self.state)} is detached, dynamic relationship cannot "
                "return a correct result.   This warning will become an exception in a future "
                "release."
            )
        members: list[T] = self.slot.get(self.state, self.instance.__dict__, LoadPolicy.MEMORY_ONLY)
        return members

    def result(self, **options: Any) -> Any:
        """The members, as a result of objects."""
        query = self._find_query()
        if query is not None:
            return query.result(**options)
        rows = ((each,) for each in self._in_memory())
        name = self.relationship.mapper.class_.__name__
        return IteratorResult(SimpleResultMetaData([name]), rows).scalars()

    def first(self) -> T | None:
        """The first member, or None."""
        query = self._find_query()
        if query is not None:
            return query.first()
        return next(iter(self._in_memory()), None)

    def count(self) -> int:
        """How many members there are, counted by the database."""
        query = self._find_query()
        return len(self._in_memory()) if query is None else query.count()

    def limited(self, start: int | None, stop: int | None) -> Iterable[T]:
        """The members from `start` up to `stop`."""
        query = self._find_query()
        if query is None:
            return self._in_memory()[start:stop]
        return query.limited(start, stop)


class DynamicMapped(AnnotationMarker[T_co]):
    """Annotation of a collection that answers queries instead of being loaded: `lazy="dynamic"`."""

    lazy_name: ClassVar[str | None] = "dynamic"

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: Any) -> InstrumentedAttribute[T_co]: ...

        @overload
        def __get__(self, instance: object, owner: Any) -> AppenderQuery[T_co]: ...

        def __get__(self, instance: object | None, owner: Any) -> Any: ...

        def __set__(self, instance: Any, value: Iterable[T_co]) -> None: ...
