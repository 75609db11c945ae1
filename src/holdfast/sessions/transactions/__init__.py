"""The levels of a session's transaction, and what rollback needs to know of them.

In reading order:

- `transaction`: `SessionTransaction`: begin, commit, roll back and close one level.
- `phases`: which methods may run in which phase of a level.
- `connections`: the connections that one level holds, and how it ends them.
- `snapshot`: what the flushes of one level did, and how rollback undoes it in memory.

Called by the files of `sessions`; knows sessions by their public attributes only.
"""
