"""This file shows the plan of the next flush, or of a SELECT, without running it.

The first is the flush without its last two lines: the same `collect`, kept from emitting SQL, and
the same `build_plan`. The second is what Core's compiler keeps for the statement. So neither can
drift from what is done.
"""

from __future__ import annotations

from typing import Any

from holdfast import errors
from holdfast.foundation.describe import describe_state
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.queries.load_plan import LoadPlan
from holdfast.unitofwork.collect import collect
from holdfast.unitofwork.plan import FlushPlan
from holdfast.unitofwork.planner import build_plan


class Explanation:
    """What the next flush of a session will do; `str()` gives the text.

    Attributes:
        plan: The steps, in order.
        loads: Attributes, as "<Author id=7>.books", that a flush would have to load first. What
            follows from their contents is missing in the plan.
        leaving: Pending objects that will leave the session instead of being inserted.
        warnings: What the flush will warn of.
    """

    __slots__ = ("leaving", "loads", "plan", "warnings")

    def __init__(
        self,
        plan: FlushPlan,
        loads: tuple[str, ...],
        leaving: tuple[str, ...],
        warnings: tuple[str, ...],
    ) -> None:
        self.plan: FlushPlan = plan
        self.loads: tuple[str, ...] = loads
        self.leaving: tuple[str, ...] = leaving
        self.warnings: tuple[str, ...] = warnings

    def __str__(self) -> str:
        parts = [
            *(f"will first load {name}" for name in self.loads),
            *(f"will not insert {name}: no parent holds it any more" for name in self.leaving),
            *(f"will warn: {text}" for text in self.warnings),
            str(self.plan),
        ]
        return "\n".join(parts)

    def __repr__(self) -> str:
        return f"<Explanation: {len(self.plan)} steps>"


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
    target = getattr(session, "registry", None)
    owner = session if target is None else target()
    work = collect(owner.members, policy=LoadPolicy.MEMORY_ONLY)
    return Explanation(
        build_plan(work),
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
