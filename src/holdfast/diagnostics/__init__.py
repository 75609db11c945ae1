"""See what a session is about to do.

- `explain`: the FlushPlan of a session, without running it.

Called by users; nothing in Holdfast depends on it.
"""

from holdfast.diagnostics.explain import Explanation, explain

__all__ = ["Explanation", "explain"]
