"""Map classes from what their bodies say.

In reading order:

- `declarative_base`: `DeclarativeBase` and its kin, which applications derive from;
  `MappedAsDataclass` and the decorators.
- `registry`: the public `registry`, with its decorators; the moment at which a class is mapped,
  or an attribute added.
- `declare`: the whole story of one class in a few functions; the table that a class body
  describes, or shares.
- `scan`: the class body, its mixins and abstract bases, in order; `declared_attr`, made anew for
  each class.
- `annotated`: a `mapped_column()` completed with its
  annotation; a `composite()` completed with its annotation; a `relationship()` completed with its
  annotation.
- `annotations`: which attribute is mapped, and what stands in the brackets; names and strings in
  annotations, also of what does not exist yet; the SQL type for a Python type.
- `constructs`: `mapped_column()`, `relationship()` and their siblings; what `mapped_column()`
  returns until the class is mapped; what an attribute asks of its field.
- `dataclass_fields`: the fields of a mapped dataclass.
- `late_tables`: classes with tables of their own, queried as one; classes completed from the
  database.
"""
