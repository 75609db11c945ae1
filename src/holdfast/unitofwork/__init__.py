"""Bring the database up to date with changed objects: collect, plan, write, settle.

In reading order:

- `flush`: the whole story in one function.
- `work_set`: `WorkSet`, what one flush has found to do.
- `collect`: fill it from the session's members, to a fixed point.
- `dependencies`: what each relationship asks of a flush.
- `plan`: `FlushPlan` and its steps.
- `planner`: the order of the steps.
- `journal`: what was written so far.
- `writing`: run a plan.
- `settle`: what is now clean, persistent or gone.
- `bulk`: write many rows without all that.

Called by `sessions.flushing`, and by `diagnostics.explain` up to the plan.
"""
