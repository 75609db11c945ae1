"""What is known about one object: its key, its changes, and the session that holds it.

In reading order:

- `ports`: the protocols and sockets through which this layer reaches upwards.
- `pickling`: what of a state travels.
- `instance`: `InstanceState`, the record kept beside every mapped object.
- `changes`: what an object looked like when the database was last known to agree.
- `history`: `History`, the difference between then and now.
- `identity`: identity keys, built and described.
- `identity_map`: weak map from key to object, one per session.
- `members`: what one session holds.
- `parents`: which parents claim an object.
- `expiry`: forget loaded values.
- `lifecycle`: the five states and every legal move between them.

Called by `instrument` and everything above it.
"""
