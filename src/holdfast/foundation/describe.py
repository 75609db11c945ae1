"""Say how a message names an object, its state, a class or an attribute.

Nothing here calls the user's code: no `repr()`, `str()`, `==` or attribute access on a mapped
object, since any of them may load, raise or recurse. What is shown comes from the class, the
address and the primary key that the state holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def class_text(cls: type) -> str:
    """`<class 'module.Name'>`, whatever the metaclass says."""
    return type.__repr__(cls)


def describe_class(cls: Any) -> str:
    """`module.Name`, as SQLAlchemy's messages have it; for other things, their type's name."""
    if isinstance(cls, type):
        return f"{cls.__module__}.{cls.__name__}"
    return f"{type(cls).__module__}.{type(cls).__name__}"


def object_text(obj: object) -> str:
    """`<Name at 0x...>`: how SQLAlchemy's messages name an object."""
    return f"<{type(obj).__name__} at 0x{id(obj):x}>"


def state_text(state: Any) -> str:
    """`<Name at 0x...>` of the object that a state belongs to, also when it was collected."""
    obj = None if state is None else state.obj()
    if obj is not None:
        return object_text(obj)
    if state is None:
        return "None"
    return f"<{state.class_.__name__} at 0x{id(state):x}>"


def state_class_text(state: Any) -> str:
    """`<Name>`: how SQLAlchemy's messages name the kind of an object."""
    return f"<{state.class_.__name__}>"


def describe_state(state: Any) -> str:
    """`<Author id=7>`, `<Author at 0x...>`: the key when there is one, never another value."""
    key = state.pk
    if key is None:
        return state_text(state)
    values = key if isinstance(key, tuple) else (key,)
    mapper = state.mapper
    names = getattr(mapper, "primary_key_keys", None) or ("key",) * len(values)
    shown = " ".join(
        f"{name}={_shown_key(value)}" for name, value in zip(names, values, strict=False)
    )
    return f"<{state.class_.__name__} {shown}>"


def _shown_key(value: object) -> str:
    """A key value in short; values of user-made types are named by type only."""
    if isinstance(value, str | int | float | bytes | None) or type(value).__module__ in (
        "datetime",
        "decimal",
        "uuid",
    ):
        text = repr(value)
        return text if len(text) <= 40 else f"{text[:37]}..."
    return f"<{type(value).__name__}>"


def describe_attribute(state: Any, key: str) -> str:
    """`Author.books`."""
    return f"{state.class_.__name__}.{key}"


def listed(names: Any, last: str = "and") -> str:
    """`a, b and c`."""
    words = [str(name) for name in names]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def nearest(name: str, existing: Iterable[str], most: int = 20) -> str:
    """Names that exist, those that begin like the one that does not first."""
    wanted = name[:2].lower()
    ordered = sorted(existing, key=lambda each: (not each.lower().startswith(wanted), each))
    return listed([*ordered[:most], "more"] if len(ordered) > most else ordered) or "none"
