"""One session over many databases with the same tables: which shard holds which row.

The shard of an object is the identity token in its key, so equal keys of two shards coexist. Three
functions of the application decide: one for objects to be written, one for keys, and one for
statements. Nothing below knows of shards but by three means: `get_bind`, `connection_callable` and
a `do_orm_execute` listener. In reading order:

- `choose`: names the shard of one statement; `Query` with a shard; which shards a statement goes
  to, and its result.
- `session`: `ShardedSession`.

Users import all of it from `holdfast.ext.horizontal_shard`.
"""
