"""This file defines the `Query` of sharded sessions."""

from __future__ import annotations

from typing import Any, Self, TypeVar

from holdfast.queries.facade.query import Query
from holdfast.sharding.choose import SHARD_OPTION

T = TypeVar("T")


class ShardedQuery(Query[T]):
    """A query that can be told its shard."""

    def set_shard(self, shard_id: Any) -> Self:
        """The same query for one shard (XT-84).

        Args:
            shard_id: A key of the session's `shards`.
        """
        return self.execution_options(**{SHARD_OPTION: shard_id})
