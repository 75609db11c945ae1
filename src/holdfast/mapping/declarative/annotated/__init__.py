"""Read `Mapped[...]`: what it says, and what follows for columns and relationships.

In reading order:

- `read`: which attribute is mapped, and what stands in the brackets
- `evaluate`: names and strings in annotations, also of what does not exist yet
- `python_types`: the SQL type for a Python type
- `columns`: a `mapped_column()` completed with its annotation
- `composites`: a `composite()` completed with its annotation
- `targets`: a `relationship()` completed with its annotation
"""
