"""How attributes are loaded: one file for each strategy.

A strategy adds its part to the SELECT that is compiled (`setup`) and loads the attribute of one
object when it is touched (`load`). `mapping.sockets` finds them by the names that
`relationship(lazy=...)` and the loader options use.

- `base`: what strategies of relationships have in common.
- `column`: a column, or an expression of the statement, loaded with its row.
- `deferred`: a column loaded when touched.
- `lazy`: one SELECT when touched, or none.
- `immediate`: one SELECT for each parent, at once.
- `joined`: a JOIN in the same SELECT, the statement's own joins included.
- `selectin`: one SELECT ... IN for a batch of parents.
- `subquery`: one SELECT over the statement that found the parents.
- `polymorphic`: the columns of a subclass, by one SELECT for many objects.
- `large`: collections that are never loaded whole.
- `raising`: refuse to load, or read as empty.
"""
