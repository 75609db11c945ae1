"""What applications import from `sqlalchemy.ext`, under the same names.

`import holdfast` imports none of them.

- `asyncio`: sessions and engines that are awaited
- `horizontal_shard`: one session over many databases
- `hybrid`: attributes that are Python on objects and SQL on the class
- `mutable`: values that tell of changes in place
"""
