"""Run `insert()`, `update()` and `delete()` over classes, and carry their effect to objects.

- `run`: which of these it is.
- `insert`: rows in bulk, one statement, upserts.
- `bulk_update`: UPDATE by primary key, from a list of dictionaries.
- `update_delete`: UPDATE and DELETE with criteria.
- `evaluate`: criteria and values computed in Python.
- `text`: how far text compares in Python as in the database.
- `synchronize`: what they mean for objects in memory.

Called by `sessions.execution`.
"""
