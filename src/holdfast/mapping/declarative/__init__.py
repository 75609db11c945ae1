"""Map classes from what their bodies say.

In reading order:

- `declarative_base`: `DeclarativeBase` and its kin, which applications derive from
- `registry`: the public `registry`, with its decorators
- `metaclasses`: the moment at which a class is mapped, or an attribute added
- `declare`: the whole story of one class in a few functions
- `scan`: the class body, its mixins and abstract bases, in order
- `mixins`: `declared_attr`, made anew for each class
- `annotated`: what `Mapped[...]` says (folder)
- `table`: the table that a class body describes, or shares
- `constructs`: `mapped_column()`, `relationship()` and their siblings
- `mapped_column`: what `mapped_column()` returns until the class is mapped
- `dataclasses`: `MappedAsDataclass` and the decorators
- `dataclass_fields`: the fields of a mapped dataclass
- `dataclass_arguments`: what an attribute asks of its field
- `concrete`: classes with tables of their own, queried as one
- `reflection`: classes completed from the database
"""
