"""Attributes on classes: what a mapped class does when its objects are made, read and changed.

In reading order:

- `slots`: who started a change, and by what kind of operation; the behaviour of one attribute:
  get, set, delete, history; what all slots share; both ends of a relationship kept in step.
- `reference_slot`: a column value; one related object.
- `collection_slot`: changes of a collection that is not loaded; many related objects.
- `large_slot`: many related objects that are never loaded whole.
- `collection_adapter`: the tie between a collection and its owner; new members in the place of
  old ones.
- `collection_types`: what the reporting methods of all kinds share; the methods of lists; the
  methods of sets; the methods of dictionaries.
- `collection_roles`: the methods that a class elects, and the instrumenting of classes; the
  classes that take the place of `list`, `set` and `dict`.
- `keyed_dicts`: dictionaries keyed by their members.
- `descriptor`: the functions by which a value is read, set and deleted; what
  `sqlalchemy.inspect()` answers; what stands on a mapped class under the name of an attribute.
- `proxies`: descriptors that stand for another attribute.
- `manager`: what `inspect(obj).attrs.name` answers; the `__init__` of an instrumented class;
  `ClassManager`, which instruments one class.
- `access`: attribute access as functions.

Called by `mapping`, which installs attributes; by `reading` and `unitofwork`, which read and fill
slots; and by the application, through plain attribute access. Knows no mapper, session or row:
what it needs of those comes through the sockets of `states.ports`.
"""
