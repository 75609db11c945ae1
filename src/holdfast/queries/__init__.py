"""From a statement over classes to a statement over tables.

Read in this order: `entities` (what stands in a select list), `aliases` and `adapt` (the same
columns elsewhere), `paths` and `options` (what is to be loaded how), `comparators` and `relating`
(criteria over relationships), `joins`, `bundles`, then `select`, `unions` and `load_plan` (the
statement that the database gets, and what its columns mean), and `facade` (the chained `Query`).
Called by Core's compiler, by `reading` and by `sessions`.
"""
