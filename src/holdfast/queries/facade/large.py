"""Query and change collections that are never loaded whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

from sqlalchemy import Delete, Insert, Select, Update, bindparam, delete, insert, select, update
from sqlalchemy.sql.expression import Join

from holdfast import errors
from holdfast.foundation.describe import state_text, warn
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.sqlalchemy_core import IteratorResult, SimpleResultMetaData
from holdfast.instrument.descriptor import InstrumentedAttribute
from holdfast.mapping.mapped import AnnotationMarker
from holdfast.queries.comparators import condition_with_object, value_at_execution
from holdfast.queries.facade.base import LEGACY, QuerySettings
from holdfast.queries.facade.query import Query

# ------------------------------------------------------------------------------
# Define `WriteOnlyCollection`, what a relationship with `lazy="write_only"` reads as.
#
# Members come and go through it, and are read by the statements that it makes. The criterion for
# its object is evaluated when a statement is executed, so that the object may get its key after.

T = TypeVar("T", bound=Any)
T_co = TypeVar("T_co", bound=Any, covariant=True)
Collection = TypeVar("Collection", bound=Any, covariant=True)


class MemberChanges(Generic[T]):
    """Members that are added to, and removed from, the collection of one object.

    Attributes:
        instance: The object; held, so that the collection may outlive other references to it.
    """

    instance: Any
    relationship: Any

    def belong_to(self, relationship: Any, state: Any) -> None:
        """Be the collection of the object of `state`."""
        self.relationship = relationship
        self.instance = state()

    @property
    def state(self) -> Any:
        """State of the object."""
        return self.instance._sa_instance_state

    @property
    def slot(self) -> Any:
        """The attribute's slot."""
        return self.state.manager.slots[self.relationship.key]

    def add(self, item: T) -> None:
        """Add a member; the next flush writes it."""
        self.slot.append(self.state, self.instance.__dict__, item)

    def add_all(self, iterator: Iterable[T]) -> None:
        """Add members."""
        for item in iterator:
            self.add(item)

    def remove(self, item: T) -> None:
        """Take a member away; the next flush writes that."""
        self.slot.remove(self.state, self.instance.__dict__, item)


class WriteOnlyCollection(MemberChanges[T]):
    """A collection that is changed in memory and read by statements only (RL-160).

    ```python
    account.transactions.add(Transaction(amount=5))
    session.scalars(account.transactions.select().limit(10))
    ```
    """

    def __init__(self, relationship: Any, state: Any) -> None:
        self.belong_to(relationship, state)

    def __iter__(self) -> Iterator[T]:
        raise errors.IterationError.write_only(self.relationship)

    def select(self) -> Select[T]:
        """A SELECT of the members, in the order of the relationship."""
        statement: Select[T] = members_of(self.relationship, self.state)
        return statement

    def insert(self) -> Insert:
        """An INSERT whose rows are members: their foreign key is set (RL-161).

        Raises:
            InvalidRequestError: The members are linked by an association table.
        """
        relationship = self.relationship
        if relationship.secondary is not None:
            raise errors.LargeCollectionError.insert_with_association(relationship)
        return insert(relationship.mapper).values(
            {
                target: bindparam(
                    None,
                    callable_=value_at_execution(relationship.parent, self.state, source),
                    type_=target.type,
                )
                for source, target in relationship.synchronize_pairs
            }
        )

    def update(self) -> Update:
        """An UPDATE of the members."""
        return update(self.relationship.mapper).where(self._criterion())

    def delete(self) -> Delete:
        """A DELETE of the members."""
        return delete(self.relationship.mapper).where(self._criterion())

    def _criterion(self) -> Any:
        return condition_with_object(self.relationship, self.state, object_is_parent=True)


class LargeMapped(AnnotationMarker[T_co], Generic[T_co, Collection]):
    """What the annotations of collections that are never loaded whole derive from."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: Any) -> InstrumentedAttribute[T_co]: ...

        @overload
        def __get__(self, instance: object, owner: Any) -> Collection: ...

        def __get__(self, instance: object | None, owner: Any) -> Any: ...

        def __set__(self, instance: Any, value: Iterable[T_co]) -> None: ...


class WriteOnlyMapped(LargeMapped[T_co, WriteOnlyCollection[T_co]]):
    """Annotation of a collection that is never loaded whole: `lazy="write_only"`."""

    lazy_name: ClassVar[str | None] = "write_only"


def members_of(relationship: Any, state: Any) -> Any:
    """A SELECT of the members of a collection of one object."""
    target = relationship.entity
    criterion = condition_with_object(relationship, state, object_is_parent=True)
    statement: Any = select(target).where(criterion)
    if isinstance(relationship.secondary, Join):
        # Other association tables stand in the criterion.
        statement = statement.select_from(target, relationship.secondary)
    return statement.order_by(*(relationship.order_by or ()))


# ------------------------------------------------------------------------------
# Define `AppenderQuery`, what a relationship with `lazy="dynamic"` reads as.
#
# It is a query of the members, in the session of its object, to which members are added and from
# which they are removed. What its methods give is an ordinary query.
#
# Rules kept here:
# 1. An object without a row has no members in the database: those in memory are given (RL-166).


def appender_class(given: type[Query[Any]] | None) -> type[AppenderQuery[Any]]:
    """The class of the attribute of a relationship with that `query_class`."""
    if given is None:
        return AppenderQuery
    return type(f"Appender{given.__name__}", (AppenderQuery, given), {"query_class": given})


class AppenderQuery(MemberChanges[T], Query[T]):
    """The members of a dynamic relationship, as a query (RL-165)."""

    # Given with `relationship(query_class=...)`.
    query_class: type[Query[Any]] | None = None

    def __init__(self, relationship: Any, state: Any) -> None:
        self.belong_to(relationship, state)
        self.draft: Any = members_of(relationship, state).set_label_style(LEGACY)
        self.settings: QuerySettings = QuerySettings()

    def append(self, item: T) -> None:
        """Add one member, at the next flush."""
        self.add(item)

    def extend(self, iterator: Iterable[T]) -> None:
        """Add several members, at the next flush."""
        self.add_all(iterator)

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
            raise errors.DetachedInstanceError.lazy_load(self.state, self.relationship.key)
        return self._in_session().changed(draft, **settings)

    def _in_session(self) -> Query[T]:
        class_ = self.query_class or self.session.query_cls or Query
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


class DynamicMapped(LargeMapped[T_co, AppenderQuery[T_co]]):
    """Annotation of a collection that answers queries instead of being loaded: `lazy="dynamic"`."""

    lazy_name: ClassVar[str | None] = "dynamic"
