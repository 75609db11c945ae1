"""This file records what a flush has written so far, for `settle` and for the session's rollback.

Filled by `insert`, `update` and `delete`, step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from holdfast.states.instance import InstanceState
from holdfast.unitofwork.work_set import WorkSet

ConnectionSource = Callable[[Any], Any]


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
        inserted: Pairs of objects of one hierarchy and their new bare primary keys, by step.
        replaced: Objects marked for deletion whose row a new object took over; state -> successor.
        gone: Persistent objects that were found to have no row any more.
        cascaded: (object, attribute) of primary keys that the database changes by itself.
        step: What is being written just now; None before and afterwards.
        versions: Objects whose version counter this flush has written; state -> version.
    """

    def __init__(self, work: WorkSet, connection_for: ConnectionSource) -> None:
        self.work = work
        self.connection_for = connection_for
        self.inserted: list[tuple[Any, Sequence[InstanceState], Sequence[Any]]] = []
        self.replaced: dict[InstanceState, InstanceState] = {}
        self.gone: list[InstanceState] = []
        self.cascaded: set[tuple[InstanceState, str]] = set()
        self.step: Any = None
        self.versions: dict[InstanceState, Any] = {}
