"""Import everything that plugs into a socket of a lower layer, so that every socket is filled.

Imported first of all by `holdfast/__init__.py` and by nothing else. The sockets are described in
`docs/architecture/sockets.md`; a module that plugs says so with `plug`, `register_strategy` or a
decorator of Core's, at its own top level.
"""

from holdfast import hooks, instrument, queries, reading, sessions
from holdfast.hooks import (
    attribute,
    class_instrumentation,
    instance,
    mapper,
    query,
    session,
)
from holdfast.instrument import inspection
from holdfast.queries import comparators, select
from holdfast.reading import on_demand
from holdfast.reading.strategies import (
    column,
    deferred,
    immediate,
    joined,
    lazy,
    raising,
    selectin,
)
from holdfast.sessions import change_cascades

PLUGS = (
    attribute,
    change_cascades,
    class_instrumentation,
    column,
    comparators,
    deferred,
    hooks,
    immediate,
    inspection,
    instance,
    instrument,
    joined,
    lazy,
    mapper,
    on_demand,
    queries,
    query,
    raising,
    reading,
    select,
    selectin,
    session,
    sessions,
)
"""Every module that fills a socket, for the test that compares the list with the code."""
