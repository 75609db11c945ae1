"""See what a session is about to do.

- `explain`: the FlushPlan of a session or the LoadPlan of a statement, without running it.

Called by users; nothing in Holdfast depends on it.
"""

from holdfast.diagnostics.explain import Explanation, explain, explain_select

__all__ = ["Explanation", "explain", "explain_select"]
