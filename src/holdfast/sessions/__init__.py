"""The place where reading and writing meet: sessions and their transactions.

In reading order:

- `session`: `Session`, the public methods, each a few lines over the files below.
- `membership`: add, delete, expunge: who belongs to the session, and as what.
- `change_cascades`: an object linked to a member joins the session.
- `execution`: execute(): listeners, autoflush, connection, run, hand rows to `reading`.
- `execute_state`: what `do_orm_execute` listeners are given.
- `flushing`: when to flush, with what guard, inside which transaction.
- `phases`: which methods may run in which phase of a transaction.
- `transaction`: the levels of a transaction: begin, commit, roll back, close.
- `connections`: the connections that one level holds, and how it ends them.
- `savepoints`: nested levels.
- `snapshot`: what the flushes of one level did, and how rollback undoes it in memory.
- `binds`: which engine serves which class, table or statement.
- `refresh`: get, expire, refresh.
- `merge`: copy an outside object onto the member with its key.
- `state_functions`: make_transient, object_session, identity_key and their kin.
- `sessionmaker`: the factory of sessions.
- `scoped`: one session per thread or scope.

Called by users, and by `hooks`, `diagnostics` and `compat`.
"""
