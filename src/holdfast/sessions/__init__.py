"""The place where reading and writing meet: sessions and their transactions.

In reading order:

- `session`: `Session`, the public methods, each a few lines over the files below.
- `membership`: add, delete, expunge: who belongs to the session, and as what; an object linked to
  a member joins the session; make_transient, object_session, identity_key and their kin.
- `execution`: execute(): listeners, autoflush, connection, run, hand rows to `reading`; what
  `do_orm_execute` listeners are given; which engine serves which class, table or statement.
- `flushing`: when to flush, with what guard, inside which transaction.
- `transaction`: `SessionTransaction`: begin, commit, roll back and close one level; which methods
  may run in which phase of a level.
- `connections`: the connections that one level holds, and how it ends them.
- `snapshot`: what the flushes of one level did, and how rollback undoes it in memory.
- `refresh`: get, expire, refresh.
- `merge`: copy an outside object onto the member with its key.
- `host`: a session as these files see it; the state, mapper or key behind what a user passes in.
- `factories`: the factory of sessions; one session per thread or scope.

Called by users, and by `hooks`, `aio`, `diagnostics`, `sharding` and `compat`.
"""
