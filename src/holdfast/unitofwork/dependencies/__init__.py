"""What each relationship asks of a flush.

In reading order:

- `base`: what all kinds have.
- `one_to_many`: children after parents.
- `many_to_one`: targets before holders.
- `many_to_many`: rows of the association table.
- `changed_keys`: a primary key changed: who must follow.

Called by `collect`, which hands in objects to save and to delete, and by `planner`, which asks for
the order.
"""
