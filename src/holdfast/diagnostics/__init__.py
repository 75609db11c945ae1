"""See what a session is about to do, what it holds, and what it has done and for which line.

- `explain`: the FlushPlan of a session or the LoadPlan of a statement, without running it.
- `view`: a session, an object or a plan as readable text.
- `trace`: which line of the user's code caused which statement.
- `n_plus_one`: loads that repeat from one line.

Called by users; nothing in Holdfast depends on it.
"""

from holdfast.diagnostics.explain import Explanation, explain, explain_select
from holdfast.diagnostics.n_plus_one import RepeatedLoad, WatchedLoads, watch_loads
from holdfast.diagnostics.trace import Place, Statement, Trace, trace
from holdfast.diagnostics.view import view

__all__ = [
    "Explanation",
    "Place",
    "RepeatedLoad",
    "Statement",
    "Trace",
    "WatchedLoads",
    "explain",
    "explain_select",
    "trace",
    "view",
    "watch_loads",
]
