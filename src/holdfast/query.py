"""Offer the chained queries, as `sqlalchemy.orm.query` does."""

from holdfast.queries.aliases import aliased
from holdfast.queries.bundles import Bundle
from holdfast.queries.facade.query import Query
from holdfast.queries.select import FromStatement

__all__ = [
    "Bundle",
    "FromStatement",
    "Query",
    "aliased",
]
