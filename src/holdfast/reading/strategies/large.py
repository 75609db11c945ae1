"""Serve collections that are never loaded whole: `lazy="write_only"` and `lazy="dynamic"`.

They take no part in any SELECT of their parents. Their slots, `instrument.slots.large`, ask here
for what their attributes read as.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from holdfast.mapping.sockets import register_strategy
from holdfast.queries.facade.appender import AppenderQuery
from holdfast.queries.facade.query import Query
from holdfast.queries.facade.write_only import WriteOnlyCollection
from holdfast.reading.strategies.base import RelationshipStrategy


@register_strategy("write_only")
class WriteOnlyStrategy(RelationshipStrategy):
    """The attribute makes statements (RL-160)."""

    title = "write only loader"
    fetch_members = None

    def collection_of(self, state: Any) -> WriteOnlyCollection[Any]:
        """What reading the attribute gives."""
        return WriteOnlyCollection(self.relationship, state)


@register_strategy("dynamic")
class DynamicStrategy(RelationshipStrategy):
    """The attribute is a query (RL-165)."""

    title = "dynamic loader"

    def __init__(self, prop: Any) -> None:
        super().__init__(prop)
        given: type[Query[Any]] | None = prop.query_class
        self.class_: type[AppenderQuery[Any]] = AppenderQuery
        if given is not None:
            bases = (AppenderQuery, given)
            self.class_ = type(f"Appender{given.__name__}", bases, {"query_class": given})

    def collection_of(self, state: Any) -> AppenderQuery[Any]:
        """What reading the attribute gives."""
        return self.class_(self.relationship, state)

    def fetch_members(self, state: Any, *, autoflush: bool) -> Sequence[Any]:
        """The members that the database holds."""
        return self.collection_of(state).autoflush(autoflush).all()
