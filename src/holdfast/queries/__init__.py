"""From a statement over classes to a statement over tables.

Its files, in reading order:

- `entities`: what stands in a select list.
- `aliases`: the same class a second time.
- `adapt`: columns and conditions rewritten onto an alias.
- `hierarchies`: classes that inherit: their FROM, their rows, their columns.
- `options`: what is to be loaded how.
- `criteria`: the SQL operators of class attributes.
- `joins`: the ON clause of `join(Author.books)`.
- `bundles`: elements under one name.
- `select`: Core's compile hook.
- `planning`: the plan, made together with the select list.
- `load_plan`: which result columns feed which attributes.
- `eager_joins`: what is loaded eagerly, joined to the statement.
- `unions`: entities from the rows of another statement.
- `dml`: Core's hooks for INSERT, UPDATE and DELETE over classes.
- `facade`: the chained `Query`.

Called by Core's compiler, by `reading` and by `sessions`.
"""
