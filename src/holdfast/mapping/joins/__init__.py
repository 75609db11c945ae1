"""How two classes are joined.

In reading order:

- `elements`: looking through expressions for marked columns.
- `deduce`: the ON clause that foreign keys give.
- `direction`: which side refers to the other.
- `remote`: the marks `foreign`, `remote` and `local`.
- `pairs`: the columns to compare and to copy.
- `condition`: all of that in order, checked.
- `lazy_clause`: the WHERE clause in which one side is given by values.

Called by `properties.relationship` when mappers are configured; knows selectables, not mappers.
"""
