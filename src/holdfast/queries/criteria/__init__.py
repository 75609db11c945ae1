"""The SQL operators of class attributes, and what they say of related objects.

- `relating`: criteria over a relationship and a given object.
- `comparators`: the operators.

`mapping.sockets` finds the comparators by kind of property; users call `with_parent()`.
"""
