"""How classes correspond to tables; everything here is read-only once configured.

In reading order:

- `sockets`: the registries that higher layers fill, strategies and comparators.
- `cascades`: cascade rules, and the walk along them.
- `remote`: looking through expressions for marked columns; the marks `foreign`, `remote` and
  `local`; the columns to compare and to copy.
- `condition`: the ON clause that foreign keys give; which side refers to the other; all of that
  in order, checked; the WHERE clause in which one side is given by values.
- `class_names`: the class, column or table that a string names.
- `properties`: what one mapped attribute is; `MapperProperty`, what all share; columns and SQL
  expressions; a second name for an attribute; several columns seen as one value object.
- `relationship_arguments`: what was given to `relationship()` as string or callable; the
  relationship on the other side; the warning about relationships that write the same column.
- `relationship`: `Relationship`, an attribute that refers to objects of another class.
- `mapped`: methods of a class that the mapping calls; the annotation `Mapped`, and what all such
  annotations share.
- `tables`: what a class may say about its own mapping beside its attributes; the tables of a
  mapper, and the columns that form the identity; the version counter.
- `columns`: which column feeds which attribute; the descriptors and slots that the class gets.
- `inheritance`: the mapper's place in a hierarchy; how the classes of a hierarchy are told apart;
  several tables as one, for concrete classes; the classes above and below a mapped one.
- `mapper`: `Mapper`, what one class maps to.
- `registry`: the mapper of a class, or the error that it has none; mapping a class on request;
  the second pass, over all mappers that wait for it; the mappers, class names and types of one
  model.
- `declarative`: classes that say in their bodies how they are mapped.

Called by whoever maps classes; read by queries, reading and unitofwork. Emits no SQL.
"""
