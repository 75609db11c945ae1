"""Hold what the rest of the house stands on and what knows nothing of mapping, sessions or rows.

Everybody imports from here; nothing here imports from elsewhere in Holdfast. In reading order:

- `sqlalchemy_core`: the one door to undocumented Core names; the name by which Core finds our
  compile states.
- `sqlalchemy_asyncio`: the door to what Core offers for asyncio.
- `codegen`: classes with brackets in annotations; generated functions that show in tracebacks;
  frozen classes of named fields.
- `load_policy`: the values that stand for the absence of a value; what a read may do when the
  value is not in memory.
- `describe`: how a message names an object, a state or a class; the user's own code above us in
  the stack; warnings that point at the user's own line.
- `graph`: topological order, strongly connected components, cycles.
- `result_rows`: the pause of the garbage collector; rows of a result, with their values
  processed.
- `fixed_statement`: statements compiled once and run close to the driver.
"""
