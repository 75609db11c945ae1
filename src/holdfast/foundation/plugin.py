"""Name our plugin in Core's statements, so that Core compiles them with our classes.

What stands for a class carries the name and the class; a statement takes both over from it. The
layers that make such expressions call `marks_of`, compile states register with `compiles_over`.

Rules kept here:
1. The name is our own, so that SQLAlchemy's ORM may live in the same process; where Holdfast stands
   in for it, the name is SQLAlchemy's, which programs look for in statements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from holdfast.foundation.sqlalchemy_core import CompileState, immutabledict

C = TypeVar("C", bound=type[CompileState])

_names = ["holdfast"]
_states: dict[str, type[CompileState]] = {}


def marks_of(entity: Any) -> immutabledict[str, Any]:
    """What an expression that stands for an entity passes on to the statements that it is in."""
    return immutabledict({"compile_state_plugin": _names[-1], "plugin_subject": entity})


def has_marks(attributes: Mapping[str, Any]) -> bool:
    """Whether a statement with these attributes is ours to compile."""
    return attributes.get("compile_state_plugin") in _names


def compiles_over(kind: str) -> Callable[[C], C]:
    """Class decorator: compile statements of this kind, e.g. "select"."""

    def register(state: C) -> C:
        _states[kind] = state
        return CompileState.plugin_for(_names[0], kind)(state)

    return register


def take_name(name: str) -> None:
    """Mark what is made from now on with another name; what has the old one stays ours."""
    _names.append(name)
    for kind, state in _states.items():
        CompileState.plugin_for(name, kind)(state)
