"""Attributes on classes: what a mapped class does when its objects are made, read and changed.

In reading order:

- `tokens`: who started a change, and by what kind of operation.
- `slots`: the behaviour of one attribute: get, set, delete, history.
- `backrefs`: both ends of a relationship kept in step.
- `collections`: lists, sets and dictionaries that report their changes.
- `accessors`: the functions by which a value is read, set and deleted.
- `inspection`: what `sqlalchemy.inspect()` answers.
- `descriptor`: what stands on a mapped class under the name of an attribute.
- `proxies`: descriptors that stand for another attribute.
- `attribute_state`: what `inspect(obj).attrs.name` answers.
- `construction`: the `__init__` of an instrumented class.
- `manager`: `ClassManager`, which instruments one class.
- `access`: attribute access as functions.

Called by `mapping`, which installs attributes; by `reading` and `unitofwork`, which read and fill
slots; and by the application, through plain attribute access. Knows no mapper, session or row:
what it needs of those comes through the sockets of `states.ports`.
"""
