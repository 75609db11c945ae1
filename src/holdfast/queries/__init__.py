"""From a statement over classes to a statement over tables.

Its files, in reading order:

- `entities`: what stands in a select list; classes that inherit: their FROM, their rows, their
  columns.
- `aliases`: the same class a second time; columns and conditions rewritten onto an alias.
- `options`: what is to be loaded how; `Load`, the immutable object behind all of them.
- `load_plan`: which attribute of which entity is meant, and what was chosen for it; which result
  columns feed which attributes.
- `option_functions`: the names that users call; options of applications, for their listeners.
- `statement_options`: the options of a statement become one `OptionTable`; the options of a whole
  statement, read and carried on.
- `loader_criteria`: criteria that go with a class wherever a statement has it.
- `comparators`: criteria over a relationship and a given object; the operators.
- `joins`: the ON clause of `join(Author.books)`.
- `bundles`: elements under one name.
- `select`: Core's compile hook; entities from the rows of another statement.
- `planning`: the plan, made together with the select list.
- `eager_joins`: what is loaded eagerly, joined to the statement.
- `dml`: Core's hooks for INSERT, UPDATE and DELETE over classes.
- `facade`: the chained `Query`.

Called by Core's compiler, by `reading` and by `sessions`.
"""
