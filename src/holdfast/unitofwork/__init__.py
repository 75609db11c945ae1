"""Bring the database up to date with changed objects: collect, plan, write, settle.

In reading order:

- `flush`: the whole story in one function; run a plan, step by step; what is now clean,
  persistent or gone.
- `work_set`: `WorkSet`, what one flush has found to do; what was written so far.
- `collect`: fill it from the session's members, to a fixed point.
- `dependencies`: what each relationship asks of a flush; what all kinds have; children after
  parents; targets before holders; rows of the association table; a primary key changed: who must
  follow.
- `plan`: `FlushPlan` and its steps.
- `planner`: the order of the steps.
- `copy_keys`: copy key values from parent to child; rows of association tables.
- `rows`: objects as the parameters of statements.
- `hierarchy`: objects with rows in several tables.
- `forms`: statements, once per table and set of columns; version counters of rows; rows that a
  write has missed; take back what the database made.
- `insert`: rows of new objects.
- `update_delete`: rows of changed objects; rows of deleted objects.
- `bulk`: write many rows without all that.

Called by `sessions.flushing`, and by `diagnostics.explain` up to the plan.
"""
