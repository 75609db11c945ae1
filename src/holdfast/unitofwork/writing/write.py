"""This file runs a plan, step by step.

Called by `flush`. It decides nothing: each step goes to the file that knows how to write it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from holdfast.unitofwork.journal import Journal
from holdfast.unitofwork.plan import (
    AssociationStep,
    CopyKeysStep,
    DeleteStep,
    FlushPlan,
    InsertStep,
    PostUpdateStep,
    Step,
    UpdateStep,
)
from holdfast.unitofwork.writing.associations import write_associations
from holdfast.unitofwork.writing.copy_keys import copy_keys
from holdfast.unitofwork.writing.delete import write_deletes
from holdfast.unitofwork.writing.insert import write_inserts
from holdfast.unitofwork.writing.update import write_post_updates, write_updates


def write(plan: FlushPlan, journal: Journal) -> None:
    """Emit the SQL of a plan, and note in the journal what was done."""
    for step in plan.steps:
        journal.step = step
        WRITERS[type(step)](journal, step)
    journal.step = None


def write_copies(journal: Journal, step: CopyKeysStep) -> None:
    """Copy keys in memory."""
    copy_keys(journal, step.dependency, step.copies)


WRITERS: dict[type[Step], Callable[[Journal, Any], None]] = {
    CopyKeysStep: write_copies,
    InsertStep: write_inserts,
    UpdateStep: write_updates,
    AssociationStep: write_associations,
    PostUpdateStep: write_post_updates,
    DeleteStep: write_deletes,
}
