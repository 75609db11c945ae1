"""How attributes are loaded: one file for each strategy.

A strategy adds its part to the SELECT that is compiled (`setup`) and loads the attribute of one
object when it is touched (`load`). `base` has what they share; `mapping.sockets` finds them by the
names that `relationship(lazy=...)` and the loader options use.
"""
