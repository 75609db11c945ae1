"""Loader options: what a statement says about how attributes are loaded.

- `paths`: which attribute of which entity is meant, and what was chosen for it.
- `chain`: `Load`, the immutable object behind all of them.
- `functions`: the names that users call.
- `apply`: the options of a statement become one `OptionTable`.
- `statement`: the options of a whole statement, read and carried on.
- `criteria`: criteria that go with a class wherever a statement has it.
- `user_defined`: options of applications, for their listeners.

The compile hook and `reading` call `apply`; users make options through `functions`.
"""
