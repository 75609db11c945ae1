"""The chained `Query`, a thin skin over `select()`.

- `base`: what a query holds and how it is copied.
- `compound`: what a union changes.
- `joins`: joins and `select_from()`.
- `results`: what reads, through `session.execute()`.
- `writing`: `update()` and `delete()`, through `session.execute()` too.
- `query`: the class that users see.
- `write_only`: a collection that makes statements.
- `appender`: a collection that is a query.

Called by `Session.query()` and, for the collections, by `reading.strategies.large`.
"""
