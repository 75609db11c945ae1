"""This file says what of a state travels when its object is pickled or deeply copied.

The session does not: an unpickled object is detached, or transient when it had no key (SM-178).
"""

from __future__ import annotations

from typing import Any

_RARE = (
    "deferred",
    "identity_token",
    "info",
    "load_options",
    "load_path",
    "parents",
    "pending",
    "released",
    "unset",
    "was_deleted",
)


def packed(state: Any) -> dict[str, Any]:
    """What is known about an object, in a form that can be pickled."""
    values: dict[str, Any] = {"pk": state.pk}
    if state.changes is not None:
        values["changes"] = dict(state.changes)
    extra = state.extra
    if extra is not None:
        values.update((name, value) for name in _RARE if (value := getattr(extra, name)))
    return values


def unpack(state: Any, values: dict[str, Any]) -> None:
    """Give a new state what `packed` has kept."""
    state.pk = values["pk"]
    state.changes = values.get("changes")
    for name in _RARE:
        if name in values:
            setattr(state.more(), name, values[name])
