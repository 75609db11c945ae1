"""From rows to objects. Called by `sessions`; never imports `unitofwork`.

Its files, in reading order:

- `result`: a cursor and a plan become a Core `Result`; the same for statements that were not made
  for their plan; the most frequent statement, recognised and run as a fixed one.
- `context`: what one execution needs meanwhile; SELECTs to run once the rows are in; tell
  listeners what such a SELECT is for; options of a statement that stay with its objects.
- `fetch`: the columns of a batch of rows become objects linked to each other; run a SELECT of our
  own.
- `row_loader`: the rows of a hierarchy, class by class; one entity of the batch; the functions
  generated for it.
- `identity`: load or refresh one object by its key; an unloaded attribute was touched.
- `strategies`: how each attribute is loaded; what strategies of relationships have in common; a
  column, or an expression of the statement, loaded with its row; a column loaded when touched;
  collections that are never loaded whole; refuse to load, or read as empty.
- `lazy`: one SELECT when touched, or none; one SELECT for each parent, at once.
- `eager`: a JOIN in the same SELECT, the statement's own joins included; one SELECT ... IN for a
  batch of parents; one SELECT over the statement that found the parents; the columns of a
  subclass, by one SELECT for many objects.
"""
