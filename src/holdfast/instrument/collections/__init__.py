"""Lists, sets and dictionaries of related objects that report their changes.

`adapter` ties a collection to its owner; `lists`, `sets` and `dicts` make the methods of the three
kinds report; `roles` elects the methods of user-written classes and instruments them; `builtin`
has the three classes used by default, `keyed` the dictionaries keyed by their members; `replace`
puts new members in the place of old ones.

Knows slots by their methods only: `slots.collection` is above.
"""
