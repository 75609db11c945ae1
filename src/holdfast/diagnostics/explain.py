"""This file shows the plan of the next flush, or of a SELECT, without running it.

The first is the flush without its last two lines: the same `collect`, kept from emitting SQL, and
the same `build_plan`. The second is what Core's compiler keeps for the statement. So neither can
drift from what is done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby
from typing import Any

from holdfast import errors
from holdfast.foundation.describe import describe_state
from holdfast.foundation.load_policy import NO_VALUE, LoadPolicy
from holdfast.queries.load_plan import LoadPlan
from holdfast.sessions.factories import SessionRegistry
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.collect import collect
from holdfast.unitofwork.plan import (
    SHOWN,
    CopyKeysStep,
    DeleteStep,
    FlushPlan,
    InsertStep,
    Step,
    UpdateStep,
    numbered,
)
from holdfast.unitofwork.planner import build_plan
from holdfast.unitofwork.rows import table_rows
from holdfast.unitofwork.work_set import WorkSet


class Explanation:
    """What the next flush of a session will do; `str()` gives the text.

    Attributes:
        plan: The steps, in order.
        columns: The attributes that each UPDATE sets; none for an object without a net change,
            which gets no UPDATE. Those of `post_update` are in the step itself.
        heirs: New objects with the key of an object that is to be deleted, and that object: its
            row is updated, in place of an INSERT and a DELETE.
        loads: Attributes, as "<Author id=7>.books", that a flush would have to load first. What
            follows from their contents is missing in the plan.
        leaving: Pending objects that will leave the session instead of being inserted.
        warnings: What the flush will warn of.
    """

    __slots__ = ("columns", "heirs", "leaving", "loads", "plan", "warnings")

    def __init__(
        self,
        plan: FlushPlan,
        heirs: dict[InstanceState, InstanceState],
        loads: tuple[str, ...],
        leaving: tuple[str, ...],
        warnings: tuple[str, ...],
    ) -> None:
        self.plan: FlushPlan = plan
        self.columns: dict[InstanceState, tuple[str, ...]] = columns_set(plan)
        self.heirs: dict[InstanceState, InstanceState] = heirs
        self.loads: tuple[str, ...] = loads
        self.leaving: tuple[str, ...] = leaving
        self.warnings: tuple[str, ...] = warnings

    def __str__(self) -> str:
        parts = [
            *(f"will first load {name}" for name in self.loads),
            *(f"will not insert {name}: no parent holds it any more" for name in self.leaving),
            *(f"will warn: {text}" for text in self.warnings),
            numbered([text for step in self.plan for text in self._step_texts(step)]),
        ]
        return "\n".join(parts)

    def _step_texts(self, step: Step) -> Iterator[str]:
        """A step, as what becomes of its rows."""
        if isinstance(step, UpdateStep):
            yield self._update_text(step)
        elif self.heirs and isinstance(step, InsertStep | DeleteStep):
            moot = {*self.heirs, *self.heirs.values()}
            for heir in [state for state in step.states if state in self.heirs]:
                text, former = self.plan.names.text, self.heirs[heir]
                yield f"UPDATE {step.mapper.class_.__name__}: {text(heir)} replaces {text(former)}"
            rest = [state for state in step.states if state not in moot]
            if rest:
                yield str(type(step)(step.names, step.mapper, rest))
        else:
            yield str(step)

    def _update_text(self, step: UpdateStep) -> str:
        """An UPDATE with the columns of each row, rows alike together."""
        names, states = self.plan.names, step.states
        shown = [
            f"{', '.join(map(names.text, alike))} ({', '.join(columns) or 'nothing'})"
            for columns, alike in groupby(states[:SHOWN], key=self.columns.__getitem__)
        ]
        more = f" and {len(states) - SHOWN} more" if len(states) > SHOWN else ""
        return f"{step.verb} {step.mapper.class_.__name__}: {', '.join(shown)}{more}"

    def __repr__(self) -> str:
        return f"<Explanation: {len(self.plan)} steps>"


def heirs_in(plan: FlushPlan, work: WorkSet) -> dict[InstanceState, InstanceState]:
    """New objects and those whose rows they take over, as far as keys are known yet (SB-91)."""
    heir_of: dict[InstanceState, InstanceState] = {}
    identity_map = work.members.identity_map
    for step in plan if work.deletes else ():
        if not isinstance(step, InsertStep):
            continue
        for state in step.states:
            pk = step.mapper.read_pk(state.dict)
            if pk is not None:
                former = identity_map.find_state(step.mapper, pk, state.identity_token)
                if former in work.deletes:
                    heir_of.setdefault(former, state)
    return {heir: former for former, heir in heir_of.items()}


def columns_set(plan: FlushPlan) -> dict[InstanceState, tuple[str, ...]]:
    """The attributes that each UPDATE of a plan sets, in the order of the tables."""
    copied: dict[InstanceState, list[str]] = {}
    found: dict[InstanceState, tuple[str, ...]] = {}
    for step in plan:
        if isinstance(step, CopyKeysStep):
            for source, holder in step.copies:
                for pair in step.dependency.pairs:
                    value = None if source is None else source.dict.get(pair.source, NO_VALUE)
                    if value is NO_VALUE or value != holder.dict.get(pair.holder):
                        copied.setdefault(holder, []).append(pair.holder)
        elif isinstance(step, UpdateStep):
            for state in step.states:
                found[state] = _columns_of(state, copied.get(state, ()))
    return found


def _columns_of(state: InstanceState, copied: Collection[str]) -> tuple[str, ...]:
    mapper = state.mapper
    tables = [table_rows(mapper, table) for table in mapper.tables]
    keys: list[str] = []
    for rows in tables:
        changed = {*rows.changed_keys(state, state.dict), *copied}.intersection(rows.keys)
        keys += rows.in_order(changed.union(rows.onupdate_keys if changed else ()))
    # The version rises with a change in any table.
    if keys and mapper.version_key is not None and mapper.version_id_generator:
        keys.append(mapper.version_key)
    return tuple(dict.fromkeys(keys))


def ordinary(target: Any) -> Any:
    """The session behind a scoped one; the session, engine or connection behind one of asyncio."""
    found: Any = target.registry() if isinstance(target, SessionRegistry) else target
    for side in ("sync_session", "sync_engine", "sync_connection"):
        found = getattr(found, side, None) or found
    return found


def explain(session: Any) -> Explanation:
    """Tell what `session.flush()` would write, in order. Emits nothing and changes nothing.

    Args:
        session: A `Session`, or a `scoped_session`.

    Example:
        >>> print(explain(session))  # doctest: +SKIP
        1. INSERT Author: <Author #1>
        2. COPY KEY Author.books: <Author #1> -> <Book #1>
        3. INSERT Book: <Book #1>
    """
    work = collect(ordinary(session).members, policy=LoadPolicy.MEMORY_ONLY)
    plan = build_plan(work)
    return Explanation(
        plan,
        heirs_in(plan, work),
        tuple(f"{describe_state(state)}.{key}" for state, key in work.unread),
        tuple(describe_state(state) for state in work.expelled),
        tuple(work.warnings),
    )


def explain_select(statement: Any) -> LoadPlan:
    """Tell how the rows of a `select()` over classes become objects. Emits nothing.

    Args:
        statement: The statement, or a `Query`.

    Raises:
        EntityError: The statement selects tables only, so there is nothing to plan.

    Example:
        >>> print(explain_select(select(Author)))  # doctest: +SKIP
        entity Author by column 0, if any
          id <- 0, name <- 1
    """
    target = getattr(statement, "statement", statement)
    plan = getattr(target.compile().compile_state, "plan", None)
    if not isinstance(plan, LoadPlan):
        raise errors.EntityError.expected(type(target))
    return plan
