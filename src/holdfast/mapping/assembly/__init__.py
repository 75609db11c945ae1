"""Put one mapper together while its class is mapped.

In reading order:

- `options`: what a class may say about its own mapping beside its attributes.
- `tables`: the tables of a mapper, and the columns that form the identity.
- `columns`: which column feeds which attribute.
- `class_attributes`: the descriptors and slots that the class gets.
- `inheritance`: the mapper's place in a hierarchy.
- `polymorphic`: how the classes of a hierarchy are told apart.
- `unions`: several tables as one, for concrete classes.
- `versioning`: the version counter.

Called by `mapper` only; a mapper that is finished does not come back here, except for attributes
that are added later.
"""
