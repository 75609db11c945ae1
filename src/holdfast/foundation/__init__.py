"""Hold what the rest of the house stands on and what knows nothing of mapping, sessions or rows.

In reading order: `sqlalchemy_core` (the one door to undocumented Core names), `markers`,
`load_policy`, `describe`, `deprecated`, `ordered`, `graph`, `codegen`, `batch` and
`fixed_statement`. Everybody imports from here; nothing here imports from elsewhere in Holdfast.
"""
