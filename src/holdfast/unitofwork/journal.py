"""This file records what a flush has written so far, for `settle` and for the session's rollback.

Filled by `insert`, `update` and `delete`, step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, TypeVar

from holdfast.states.instance import InstanceState
from holdfast.unitofwork.work_set import WorkSet

T = TypeVar("T")

ConnectionSource = Callable[[Any], Any]

RowConnectionSource = Callable[..., Any]
"""Gives the connection for a mapper and one object; see `Session.connection_callable`."""


class FlushOutcome:
    """What a flush did, once objects are settled.

    Attributes:
        inserted: Objects that are persistent now.
        updated: Objects that were persistent before and are clean now.
        deleted: Objects whose rows are gone.
        rekeyed: (object, bare primary key before, and now) where it changed.
        expelled: Pending objects that left the session.
    """

    __slots__ = ("deleted", "expelled", "inserted", "rekeyed", "updated")

    def __init__(self) -> None:
        self.inserted: list[InstanceState] = []
        self.updated: list[InstanceState] = []
        self.deleted: list[InstanceState] = []
        self.rekeyed: list[tuple[InstanceState, Any, Any]] = []
        self.expelled: list[InstanceState] = []


class Journal:
    """What was written so far, and what writing needs to know.

    Attributes:
        work: What the flush has to do.
        connection_for: Gives the connection of the transaction for a mapper.
        connection_for_row: The same for one object, where they are spread over several databases.
        inserted: Pairs of objects of one hierarchy and their new bare primary keys, by step.
        replaced: Objects marked for deletion whose row a new object took over; state -> successor.
        gone: Persistent objects that were found to have no row any more.
        cascaded: (object, attribute) of primary keys that the database changes by itself.
        step: What is being written just now; None before and afterwards.
        versions: Objects whose version counter this flush has written; state -> version.
    """

    def __init__(
        self,
        work: WorkSet,
        connection_for: ConnectionSource,
        connection_for_row: RowConnectionSource | None = None,
    ) -> None:
        self.work: WorkSet = work
        self.connection_for = connection_for
        self.connection_for_row = connection_for_row
        self.inserted: list[tuple[Any, Sequence[InstanceState], Sequence[Any]]] = []
        self.replaced: dict[InstanceState, InstanceState] = {}
        self.gone: list[InstanceState] = []
        self.cascaded: set[tuple[InstanceState, str]] = set()
        self.step: Any = None
        self.versions: dict[InstanceState, Any] = {}

    def batches(
        self, mapper: Any, states: Sequence[InstanceState]
    ) -> Iterator[tuple[Any, Sequence[InstanceState]]]:
        """Connections, each with objects of one hierarchy to be written on it together."""
        for connection, batch in self.by_connection(mapper, states):
            if mapper.batch:
                yield connection, batch
            else:
                yield from ((connection, (state,)) for state in batch)

    def by_connection(
        self,
        mapper: Any,
        items: Sequence[T],
        state_of: Callable[[T], InstanceState] | None = None,
    ) -> Iterator[tuple[Any, Sequence[T]]]:
        """Connections, each with consecutive items whose rows are in its database.

        Args:
            mapper: Of the objects.
            items: The objects, or what belongs to them.
            state_of: The object that an item belongs to.
        """
        find = self.connection_for_row
        if not items:
            return
        if find is None:
            yield self.connection_for(mapper), items
            return

        def place(item: Any) -> tuple[Any, Any]:
            state: InstanceState = item if state_of is None else state_of(item)
            # It may give the object its token, and so comes first.
            connection = find(mapper, state())
            return connection, state.identity_token

        for (connection, _), group in groupby(items, place):
            yield connection, list(group)
