"""Read the rows of a statement that was not made for its plan: `select().from_statement()`.

The columns of the plan are found in the cursor by name. A column that the statement lacks leaves
its attribute unloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from holdfast.foundation.record import replace
from holdfast.foundation.sqlalchemy_core import position_of_column
from holdfast.queries.load_plan import BundleResult, ColumnResult, EntityLoad, LoadPlan


def plan_for_cursor(compile_state: Any, cursor: Any, rows: Any) -> Any:
    """The rows with their columns where the plan, freed of what is not there, expects them."""
    positions = [
        _position_of(cursor, column, named)
        for column, named in zip(compile_state.wanted, compile_state.named, strict=True)
    ]
    missing = {index for index, position in enumerate(positions) if position is None}
    plan: LoadPlan = compile_state.plan
    if missing:
        needed = {index for load in plan.entity_loads() for index in load.pk_indexes}
        needed.update(
            element.index for element in plan.elements if isinstance(element, ColumnResult)
        )
        for index in sorted(missing & needed):
            position_of_column(cursor, compile_state.wanted[index], required=True)
        plan = _reduced_plan(compile_state, frozenset(missing))
    return type(rows)(rows.cursor, plan, picker([position or 0 for position in positions]))


def picker(positions: Sequence[int]) -> Callable[[Any], Any]:
    """A function that puts the columns of a row in another order."""
    if len(positions) == 1:
        only = positions[0]
        return lambda row: (row[only],)
    return itemgetter(*positions)


def _position_of(cursor: Any, column: Any, named: Any) -> int | None:
    found = position_of_column(cursor, column, required=False)
    if found is None and named is not None:
        return position_of_column(cursor, named, required=False)
    return found


def _reduced_plan(compile_state: Any, missing: frozenset[int]) -> LoadPlan:
    plan: LoadPlan = compile_state.plan
    name = ("without", missing)
    found = plan.memo.get(name)
    if found is None:
        elements = tuple(_reduced(element, missing) for element in plan.elements)
        found = replace(plan, elements=elements, memo={})
        plan.memo[name] = found
    return found


def _reduced(element: Any, missing: frozenset[int]) -> Any:
    if isinstance(element, EntityLoad):
        columns = tuple(step for step in element.columns if step.index not in missing)
        return replace(element, columns=columns, memo={})
    if isinstance(element, BundleResult):
        members = tuple(_reduced(member, missing) for member in element.members)
        return replace(element, members=members)
    return element
