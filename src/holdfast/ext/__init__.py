"""What applications import from `sqlalchemy.ext`, under the same names.

`import holdfast` imports none of them.

- `association_collections`: lists, sets and dictionaries that stand before related objects
- `associationproxy`: attributes that show an attribute of related objects
- `asyncio`: sessions and engines that are awaited
- `automap`: classes and relationships that are made for tables
- `baked`: queries put together from functions
- `horizontal_shard`: one session over many databases
- `hybrid`: attributes that are Python on objects and SQL on the class
- `indexable`: attributes that are one element of a column's value
- `instrumentation`: classes that keep their values in a way of their own
- `mutable`: values that tell of changes in place
- `orderinglist`: lists whose members keep their place in an attribute
"""
