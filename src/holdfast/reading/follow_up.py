"""Run the SELECTs that follow a batch: selectin loading and its kin.

Called when the objects of a batch are complete. Each relationship's strategy loads for all parents
of the batch at once.
"""

from __future__ import annotations

from typing import Any

from holdfast.mapping.sockets import strategies
from holdfast.queries.load_plan import FollowUp
from holdfast.reading.context import LoadContext


def load_follow_ups(context: LoadContext) -> None:
    """Load what the plan leaves to further SELECTs, parents before what hangs on them."""
    parents, context.parents = context.parents, {}
    for follow_up, objects in sorted(parents.items(), key=_rank):
        relationship = follow_up.relationship
        distinct = list({id(each): each for each in objects if each is not None}.values())
        if relationship is None:
            strategy = strategies[follow_up.strategy](follow_up.subclass)
        else:
            strategy = relationship.strategy_for(follow_up.strategy)
            if context.is_lazy:
                distinct = [each for each in distinct if not _is_complete(each, relationship.key)]
        if distinct:
            strategy.load_for(distinct, follow_up, context)


def _rank(item: tuple[FollowUp, Any]) -> int:
    """Columns come before what hangs on them, those of the lowest subclasses first."""
    subclass = item[0].subclass
    return 0 if subclass is None else -subclass.depth


def _is_complete(instance: Any, key: str) -> bool:
    """Whether an object lacks neither the attribute nor any other."""
    values = instance.__dict__
    if key not in values:
        return False
    manager: Any = values["_sa_instance_state"].manager
    return bool(values.keys() >= manager.slots.keys())
