"""Run the SELECTs that follow a batch: selectin loading and its kin.

Called when the objects of a batch are complete. Each relationship's strategy loads for all parents
of the batch at once.
"""

from __future__ import annotations

from holdfast.mapping.sockets import strategies
from holdfast.reading.context import LoadContext


def load_follow_ups(context: LoadContext) -> None:
    """Load what the plan leaves to further SELECTs, parents before what hangs on them."""
    parents, context.parents = context.parents, {}
    for follow_up, objects in parents.items():
        distinct = list({id(each): each for each in objects if each is not None}.values())
        if not distinct:
            continue
        if follow_up.relationship is None:
            strategy = strategies[follow_up.strategy](follow_up.mapper)
        else:
            strategy = follow_up.relationship.strategy_for(follow_up.strategy)
        strategy.load_for(distinct, follow_up, context)
