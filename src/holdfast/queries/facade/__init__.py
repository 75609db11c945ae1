"""The chained `Query`, a thin skin over `select()`.

- `base`: what a query holds and how it is copied; what a union changes; joins and
  `select_from()`.
- `results`: what reads, through `session.execute()`; `update()` and `delete()`, through
  `session.execute()` too.
- `query`: the class that users see.
- `large`: a collection that makes statements; a collection that is a query.

Called by `Session.query()` and, for the collections, by `reading.strategies`.
"""
