"""From rows to objects. Called by `sessions`; never imports `unitofwork`.

Its files, in reading order:

- `result`: a cursor and a plan become a Core `Result`.
- `named_rows`: the same for statements that were not made for their plan.
- `by_equality`: the most frequent statement, recognised and run as a fixed one.
- `context`: what one execution needs meanwhile.
- `assemble`: the columns of a batch of rows become objects linked to each other.
- `by_class`: the rows of a hierarchy, class by class.
- `populate`: one entity of the batch.
- `row_loader`: the functions generated for it.
- `follow_up`: SELECTs to run once the rows are in.
- `fetch`: run a SELECT of our own.
- `origin`: tell listeners what such a SELECT is for.
- `identity`: load or refresh one object by its key.
- `kept_options`: options of a statement that stay with its objects.
- `on_demand`: an unloaded attribute was touched.
- `strategies`: how each attribute is loaded.
"""
