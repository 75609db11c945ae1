"""Loader options: what a statement says about how attributes are loaded.

Read in this order: `chain` (`Load`, the immutable object behind all of them), `functions` (the
names that users call), `apply` (the options of a statement become one `OptionTable`), `switches`,
`user_defined`.
The compile hook and `reading` call `apply`; users make options through `functions`.
"""
