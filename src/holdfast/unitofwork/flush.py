"""This file tells the whole story of a flush: collect, plan, write, settle.

Called by `sessions.flushing`, which guards against a flush within a flush, opens the transaction
and fires the session's events in between.

Rules kept here:
1. Nothing is settled before everything is written: listeners of `after_flush` see the session as
   it was, and after a failure the session's snapshot has only to be put back.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from holdfast.foundation.deprecated import warn
from holdfast.states.instance import InstanceState
from holdfast.states.members import Members
from holdfast.unitofwork.collect import collect
from holdfast.unitofwork.journal import ConnectionSource, FlushOutcome, Journal
from holdfast.unitofwork.plan import FlushPlan
from holdfast.unitofwork.planner import build_plan
from holdfast.unitofwork.settle import expel, settle
from holdfast.unitofwork.write import write


class FlushEvents(Protocol):
    """Who wants to know that all SQL of a flush was emitted."""

    def after_flush(self) -> None:
        """All rows are written; objects are not settled yet."""


class Flush:
    """One flush, in phases; also what listeners of flush events get as `flush_context`.

    Attributes:
        plan: What is written, once it was planned.
    """

    def __init__(
        self,
        members: Members,
        connection_for: ConnectionSource,
        only: Collection[InstanceState] | None = None,
    ) -> None:
        self.members = members
        self.only = only
        self.plan: FlushPlan | None = None
        self._connection_for = connection_for
        self._journal: Journal | None = None

    def collect_and_plan(self) -> bool:
        """Find out what to write; tells whether there is anything."""
        work = collect(self.members, self.only)
        for warning in work.warnings:
            warn(warning)
        if work.expelled:
            expel(work)
        if not work:
            return False
        self.plan = build_plan(work)
        self._journal = Journal(work, self._connection_for, self)
        return True

    def write(self) -> None:
        """Emit the SQL."""
        if self.plan is not None and self._journal is not None:
            write(self.plan, self._journal)

    def settle(self) -> FlushOutcome:
        """Bring the objects' states in line with what was written."""
        if self._journal is None:
            return FlushOutcome()
        return settle(self._journal)


def flush(
    members: Members,
    connection_for: ConnectionSource,
    only: Collection[InstanceState] | None = None,
    events: FlushEvents | None = None,
) -> FlushOutcome | None:
    """Bring the database up to date with the objects of a session.

    Args:
        members: What the session holds.
        connection_for: Gives the connection of the transaction for a mapper.
        only: Flush these objects and what follows from them; all when omitted.
        events: Told when all SQL was emitted.

    Returns:
        What was done, or None when there was nothing to do.
    """
    one = Flush(members, connection_for, only)
    if not one.collect_and_plan():
        return None
    one.write()
    if events is not None:
        events.after_flush()
    return one.settle()
