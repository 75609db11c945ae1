"""What each relationship asks of a flush.

In reading order: `base` (what all have), `one_to_many`, `many_to_one`, `many_to_many`,
`changed_keys` (a primary key changed: who must follow).

Called by `collect`, which hands in objects to save and to delete, and by `planner`, which asks for
the order.
"""
