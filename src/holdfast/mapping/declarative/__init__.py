"""Map classes from what their bodies say.

In reading order: `declarative_base` and `registry` are what applications derive from or decorate
with, `metaclasses` the moment at which a class is mapped; `declare` tells the whole story. `scan`
walks the body and `mixins` runs its functions; `annotations`, `names` and `python_types` read
`Mapped[...]`; `columns`, `targets` and `table` complete what was found. `constructs` offers the
functions of the class body, `mapped_column` what one of them returns; `dataclasses`,
`dataclass_fields` and `dataclass_arguments` make mapped classes dataclasses; `reflection` completes
classes from the database.
"""
