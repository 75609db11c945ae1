"""Import everything that plugs into a socket of a lower layer, so that every socket is filled.

Imported first of all by `holdfast/__init__.py` and by nothing else. The sockets are described in
`docs/architecture/sockets.md`; a module that plugs says so with `plug`, `register_strategy`,
`register_comparator` or a decorator of Core's, at its own top level.
"""

from holdfast.foundation.result_rows import count_all_as_old, paused_collector

# All that is made now stays; the collector would walk it several times for nothing.
with paused_collector():
    from holdfast.hooks import mappers, objects, sessions
    from holdfast.instrument import descriptor
    from holdfast.queries import comparators, dml, select
    from holdfast.reading import eager, identity, lazy, strategies
    from holdfast.sessions import membership

    count_all_as_old()

PLUGS = (
    # `sqlalchemy.inspect()` of classes and objects
    descriptor,
    # operators of mapped attributes
    comparators,
    # Core's compile hooks
    select,
    dml,
    # values that are missing in memory
    identity,
    # ways to load, by name
    strategies,
    strategies,
    lazy,
    eager,
    strategies,
    lazy,
    eager,
    strategies,
    eager,
    eager,
    # objects that are linked to members of a session
    membership,
    # Core's dispatch of events
    objects,
    objects,
    objects,
    mappers,
    sessions,
    mappers,
    sessions,
)
"""The modules that fill sockets, by socket."""
