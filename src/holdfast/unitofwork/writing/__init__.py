"""Run a flush plan: rows as parameters, statements, and what comes back.

In reading order:

- `write`: run a plan, step by step.
- `copy_keys`: copy key values from parent to child.
- `rows`: objects as the parameters of statements.
- `hierarchy`: objects with rows in several tables.
- `forms`: statements, once per table and set of columns.
- `insert`: rows of new objects.
- `update`: rows of changed objects.
- `delete`: rows of deleted objects.
- `associations`: rows of association tables.
- `versions`: version counters of rows.
- `stale`: rows that a write has missed.
- `receive`: take back what the database made.

Called by `flush` with a plan; fills the journal.
"""
