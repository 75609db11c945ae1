"""This file says what of a state travels when its object is pickled or deeply copied.

The session does not: an unpickled object is detached, or transient when it had no key (SM-178).
"""

from __future__ import annotations

from typing import Any, TypeAlias

# Stands above this file, and is named here without being imported.
InstanceState: TypeAlias = Any

_PLAIN = ("deferred", "identity_token", "info", "load_options", "load_path", "pending", "released")


def packed(state: InstanceState) -> dict[str, Any]:
    """What is known about an object, in a form that can be pickled."""
    values: dict[str, Any] = {"pk": state.pk}
    if state.changes is not None:
        values["changes"] = dict(state.changes)
    extra = state.extra
    if extra is not None:
        values.update((name, value) for name in _PLAIN if (value := getattr(extra, name)))
        if extra.was_deleted:
            values["was_deleted"] = True
        if extra.parents:
            values["parents"] = [
                (token.parent.class_, token.key, holder) for token, holder in _named(extra.parents)
            ]
    return values


def _named(parents: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """Slots and relationships, which are found again by class and name."""
    return [(token, holder) for token, holder in parents.items() if hasattr(token, "parent")]


def unpack(state: InstanceState, values: dict[str, Any]) -> None:
    """Give a new state what `packed` has kept."""
    state.pk = values["pk"]
    state.changes = values.get("changes")
    if values.keys() <= {"pk", "changes"}:
        return
    extra = state.more()
    for name in (*_PLAIN, "was_deleted"):
        if name in values:
            setattr(extra, name, values[name])
    if "parents" in values:
        extra.parents = {
            class_._sa_class_manager[key].slot.parent_token: holder
            for class_, key, holder in values["parents"]
        }
