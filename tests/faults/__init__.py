"""What becomes of a session, its pool and the database when the database fails it.

- `proxy`: a proxy on loopback that cuts connections and loses or delays answers.
- `scripts`: what the sessions do, and what a database holds of it.
- `campaign`: injects faults, one after the other, and judges what is left after each.
- `contention`: two sessions that stand in each other's way, and a disk that is full.
- `run`: the program that prints the figures.
"""
