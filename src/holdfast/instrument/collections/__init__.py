"""Lists, sets and dictionaries of related objects that report their changes.

In reading order:

- `adapter`: the tie between a collection and its owner.
- `reporting`: what the reporting methods of all kinds share.
- `lists`: the methods of lists.
- `sets`: the methods of sets.
- `dicts`: the methods of dictionaries.
- `roles`: the methods that a class elects, and the instrumenting of classes.
- `builtin`: the classes that take the place of `list`, `set` and `dict`.
- `keyed`: dictionaries keyed by their members.
- `replace`: new members in the place of old ones.

Knows slots by their methods only: `slots.collection` is above.
"""
