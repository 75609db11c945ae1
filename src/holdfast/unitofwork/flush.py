"""This file tells the whole story of a flush: collect, plan, write, settle.

Called by `sessions.flushing`, which guards against a flush within a flush, opens the transaction
and fires the session's events in between.

Rules kept here:
1. Nothing is settled before everything is written: listeners of `after_flush` see the session as
   it was, and after a failure the session's snapshot has only to be put back.
"""

from __future__ import annotations

from collections.abc import Collection

from holdfast.foundation.deprecated import warn
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.states.instance import InstanceState
from holdfast.states.members import Members
from holdfast.unitofwork.collect import collect
from holdfast.unitofwork.journal import (
    ConnectionSource,
    FlushOutcome,
    Journal,
    RowConnectionSource,
)
from holdfast.unitofwork.plan import FlushPlan
from holdfast.unitofwork.planner import build_plan
from holdfast.unitofwork.settle import expel, settle
from holdfast.unitofwork.work_set import WorkSet
from holdfast.unitofwork.writing.write import write


class Flush(Journal):
    """One flush, in phases; also what listeners of flush events get as `flush_context`.

    Attributes:
        only: Flush these objects and what follows from them; all when None.
        plan: What is written, once it was planned.
    """

    def __init__(
        self,
        members: Members,
        connection_for: ConnectionSource,
        only: Collection[InstanceState] | None = None,
        connection_for_row: RowConnectionSource | None = None,
    ) -> None:
        super().__init__(WorkSet(members, LoadPolicy.LOAD), connection_for, connection_for_row)
        self.only = only
        self.plan: FlushPlan | None = None

    def collect_and_plan(self) -> bool:
        """Find out what to write; tells whether there is anything."""
        self.work: WorkSet = collect(self.work.members, self.only)
        work = self.work
        for warning in work.warnings:
            warn(warning)
        if work.expelled:
            expel(work)
        if not work:
            return False
        self.plan = build_plan(work)
        return True

    def write(self) -> None:
        """Emit the SQL."""
        if self.plan is not None:
            write(self.plan, self)

    def settle(self) -> FlushOutcome:
        """Bring the objects' states in line with what was written."""
        return settle(self)
