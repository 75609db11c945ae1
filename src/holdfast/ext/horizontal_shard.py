"""Offer sessions over many databases, as `sqlalchemy.ext.horizontal_shard` does."""

from holdfast.sharding.choose import ShardedQuery, set_shard_id
from holdfast.sharding.session import ShardedSession

__all__ = ["ShardedQuery", "ShardedSession", "set_shard_id"]
