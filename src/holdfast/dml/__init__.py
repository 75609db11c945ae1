"""Run `insert()`, `update()` and `delete()` over classes, and carry their effect to objects.

- `update_delete`: which of these it is; UPDATE by primary key, from a list of dictionaries;
  UPDATE and DELETE with criteria.
- `insert`: rows in bulk, one statement, upserts.
- `synchronize`: criteria and values computed in Python; how far text compares in Python as in the
  database; what they mean for objects in memory.

Called by `sessions.execution`.
"""
