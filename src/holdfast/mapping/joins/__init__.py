"""Work out how two classes are joined.

`condition` runs the work in order: `deduce` finds the ON clause, `remote` marks its columns,
`direction` decides who refers to whom, `pairs` extracts the columns to compare and to copy.
`lazy_clause` and `targets` turn the result into the WHERE of a lazy load and the ON of a query.
Called by `properties.relationship` at configuration; knows selectables, not mappers.
"""
