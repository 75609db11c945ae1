"""How classes correspond to tables; everything here is read-only once configured.

In reading order:

- `sockets`: the registries that higher layers fill, strategies and comparators.
- `cascades`: cascade rules, and the walk along them.
- `joins`: how two classes are joined.
- `class_names`: the class, column or table that a string names.
- `properties`: what one mapped attribute is.
- `marks`: methods of a class that the mapping calls.
- `assembly`: how a mapper is put together.
- `hierarchy`: the classes above and below a mapped one.
- `mapper`: `Mapper`, what one class maps to.
- `class_mapper`: the mapper of a class, or the error that it has none.
- `imperative`: mapping a class on request.
- `configure`: the second pass, over all mappers that wait for it.
- `registry`: the mappers, class names and types of one model.
- `mapped`: the annotation `Mapped`, and what all such annotations share.
- `declarative`: classes that say in their bodies how they are mapped.

Called by whoever maps classes; read by queries, reading and unitofwork. Emits no SQL.
"""
