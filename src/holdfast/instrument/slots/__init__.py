"""The behaviour of one attribute of one class: get, set, delete, history.

In reading order:

- `base`: what all slots share.
- `value`: a column value.
- `reference`: one related object.
- `queued`: changes of a collection that is not loaded.
- `collection`: many related objects.
- `large`: many related objects that are never loaded whole.

A slot holds nothing of any object: values live in the object's `__dict__`, former values in its
state.
"""
