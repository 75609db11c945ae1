"""The place where reading and writing meet: sessions and their transactions.

In reading order:

- `session`: `Session`, the public methods, each a few lines over the files below.
- `membership`: add, delete, expunge: who belongs to the session, and as what.
- `change_cascades`: an object linked to a member joins the session.
- `execution`: execute(): listeners, autoflush, connection, run, hand rows to `reading`.
- `execute_state`: what `do_orm_execute` listeners are given.
- `flushing`: when to flush, with what guard, inside which transaction.
- `transactions`: the levels of a transaction, and what rollback undoes in memory.
- `binds`: which engine serves which class, table or statement.
- `refresh`: get, expire, refresh.
- `merge`: copy an outside object onto the member with its key.
- `host`: a session as these files see it.
- `subjects`: the state, mapper or key behind what a user passes in.
- `state_functions`: make_transient, object_session, identity_key and their kin.
- `sessionmaker`: the factory of sessions.
- `scoped`: one session per thread or scope.

Called by users, and by `hooks`, `aio`, `diagnostics`, `sharding` and `compat`.
"""
