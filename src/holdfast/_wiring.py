"""Import everything that plugs into a socket of a lower layer, so that every socket is filled.

Imported first of all by `holdfast/__init__.py` and by nothing else. The sockets are described in
`docs/architecture/sockets.md`; a module that plugs says so with `plug`, `register_strategy`,
`register_comparator` or a decorator of Core's, at its own top level.
"""

from holdfast.foundation.batch import count_all_as_old, paused_collector

# All that is made now stays; the collector would walk it several times for nothing.
with paused_collector():
    from holdfast.hooks import (
        attribute,
        class_instrumentation,
        instance,
        mapper,
        query,
        registry,
        session,
    )
    from holdfast.instrument import inspection
    from holdfast.queries import dml, select
    from holdfast.queries.criteria import comparators
    from holdfast.reading import on_demand
    from holdfast.reading.strategies import (
        column,
        deferred,
        immediate,
        joined,
        large,
        lazy,
        polymorphic,
        raising,
        selectin,
        subquery,
    )
    from holdfast.sessions import change_cascades

    count_all_as_old()

PLUGS = (
    # `sqlalchemy.inspect()` of classes and objects
    inspection,
    # operators of mapped attributes
    comparators,
    # Core's compile hooks
    select,
    dml,
    # values that are missing in memory
    on_demand,
    # ways to load, by name
    column,
    deferred,
    immediate,
    joined,
    large,
    lazy,
    polymorphic,
    raising,
    selectin,
    subquery,
    # objects that are linked to members of a session
    change_cascades,
    # Core's dispatch of events
    attribute,
    class_instrumentation,
    instance,
    mapper,
    query,
    registry,
    session,
)
"""The modules that fill sockets, by socket."""
