"""The behaviour of one attribute of one class: get, set, delete, history.

`base` has what all share; `value`, `reference` and `collection` the three kinds; `queued` the
changes of a collection that is not loaded. A slot holds nothing of any object: values live in the
object's `__dict__`, former values in its state.
"""
