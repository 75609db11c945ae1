"""The chained `Query`, a thin skin over `select()`.

Read in this order: `base` (what a query holds and how it is copied), `compound` (what a union
changes), `joins`, `results`, `query` (the class that users see). Only `results` executes, through
`session.execute()`.
"""
