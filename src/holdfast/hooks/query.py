"""This file defines the events of `Query`: a query is about to be compiled."""

from __future__ import annotations

from typing import Any

from holdfast.foundation.sqlalchemy_core import EventKey, Events
from holdfast.hooks.families import OwnDocstrings, listener_of, put_first
from holdfast.queries.facade.query import Query


@put_first
class QueryEvents(OwnDocstrings, Events[Any]):
    """Events of the `Query` class, or of a subclass (EV-153)."""

    _dispatch_target = Query

    @classmethod
    def _accept_with(cls, target: Any, identifier: str) -> Any:
        is_query = isinstance(target, type) and issubclass(target, Query)
        return target if is_query else None

    @classmethod
    def _listen(
        cls,
        event_key: EventKey[Any],
        *,
        retval: bool = False,
        bake_ok: bool = False,  # there are no baked queries that could go stale
        **kw: Any,
    ) -> None:
        listener = listener_of(event_key)
        if not retval:

            def call(query: Any, *args: Any, **more: Any) -> Any:
                listener(query, *args, **more)
                return query

            event_key = event_key.with_wrapper(call)
        event_key.base_listen(**kw)
        Query.has_listeners = True

    def before_compile(self, query: Any) -> Any:
        """A query is about to run; another one may be returned."""

    def before_compile_update(self, query: Any, update_context: Any) -> Any:
        """`Query.update()` is about to run; another query may be returned."""

    def before_compile_delete(self, query: Any, delete_context: Any) -> Any:
        """`Query.delete()` is about to run; another query may be returned."""
