"""Run `insert()`, `update()` and `delete()` over classes, and carry their effect to objects.

- `update_delete`: UPDATE and DELETE with criteria.
- `evaluate`: criteria and values computed in Python.
- `synchronize`: what they mean for objects in memory.

Called by `sessions.execution`.
"""
