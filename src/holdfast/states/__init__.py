"""What is known about one object: its key, its changes, and the session that holds it.

In reading order:

- `ports`: the protocols and sockets through which this layer reaches upwards.
- `instance`: what of a state travels; `InstanceState`, the record kept beside every mapped
  object; identity keys, built and described.
- `changes`: what an object looked like when the database was last known to agree; `History`, the
  difference between then and now; which parents claim an object; forget loaded values.
- `identity_map`: weak map from key to object, one per session; what one session holds.
- `lifecycle`: the five states and every legal move between them.

Called by `instrument` and everything above it.
"""
