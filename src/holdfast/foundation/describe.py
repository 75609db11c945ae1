"""Say in messages what is meant: objects, classes, calls, and old spellings."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable
from types import CodeType, FrameType
from typing import Any, TypeVar

from sqlalchemy import exc

# ------------------------------------------------------------------------------
# Say how a message names an object, its state, a class or an attribute.
#
# Nothing here calls the user's code: no `repr()`, `str()`, `==` or attribute access on a mapped
# object, since any of them may load, raise or recurse. What is shown comes from the class, the
# address and the primary key that the state holds.


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
        f"{name}={describe_value(value)}" for name, value in zip(names, values, strict=False)
    )
    return f"<{state.class_.__name__} {shown}>"


def describe_value(value: object) -> str:
    """A value in short; values of user-made types are named by type only."""
    text = f"<{type(value).__name__}>"
    if value is None or type(value).__module__ in ("datetime", "decimal", "uuid"):
        text = repr(value)
    for plain in (bool, str, int, float, bytes):
        if isinstance(value, plain):
            # A subclass may have a text of its own.
            text = plain.__repr__(value)
            break
    return text if len(text) <= 40 else f"{text[:37]}..."


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


# ------------------------------------------------------------------------------
# Find the user's own code above us in the stack: for warnings, and for errors that name a call.

# What stands between the user's code and ours: context managers run through `contextlib`.
_PASSED = ("holdfast.", "sqlalchemy.", "contextlib.")


def is_passed(frame: FrameType) -> bool:
    """Whether a frame is of Holdfast, of Core or between them, and so not the user's own code."""
    return f"{frame.f_globals.get('__name__', '')}.".startswith(_PASSED)


def _frames_to_user() -> list[FrameType]:
    """The caller's caller and those above it, up to the first of neither Holdfast nor Core."""
    frames: list[FrameType] = []
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001  the only cheap way
    while frame is not None and is_passed(frame):
        frames.append(frame)
        frame = frame.f_back
    return frames


def levels_to_user() -> int:
    """How many levels above the caller the user's own code is, as `warnings.warn` counts."""
    return 1 + len(_frames_to_user())


def public_call(otherwise: str) -> str:
    """The name of the public function that the user's own code has called.

    Args:
        otherwise: The name to give when it is a special method or the like.
    """
    name = _frames_to_user()[-1].f_code.co_name
    return otherwise if name.startswith(("_", "<")) else name


def user_place() -> tuple[str, int]:
    """The file and line of the user's own code that has called."""
    frame = _frames_to_user()[-1].f_back
    return ("", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)


# ------------------------------------------------------------------------------
# Warn, and warn of old spellings, always at the line of the user's own code.
#
# Python's default of counting stack levels breaks with every helper in between; these functions
# walk out of Holdfast and Core instead.

Function = TypeVar("Function", bound=Callable[..., Any])

# Functions that run without being called by the user -> what warnings say of it.
_origins: dict[CodeType, str] = {}


def origin_of_warnings(text: str) -> Callable[[Function], Function]:
    """Function decorator: warnings from within say that they come from what `text` describes."""

    def remember(function: Function) -> Function:
        _origins[function.__code__] = text
        return function

    return remember


def _origin() -> str:
    frame = sys._getframe(2)  # noqa: SLF001  as above
    while frame is not None:
        if frame.f_code in _origins:
            return f" ({_origins[frame.f_code]})"
        frame = frame.f_back  # type: ignore[assignment]
    return ""


def warn(message: str, *, category: type[Warning] = exc.SAWarning) -> None:
    """Warn of something that is probably a mistake."""
    warnings.warn(f"{message}{_origin()}", category, stacklevel=levels_to_user())


def warn_deprecated(
    message: str, *, version: str = "2.0", category: type[exc.SADeprecationWarning] | None = None
) -> None:
    """Warn of a spelling that will go.

    Args:
        message: What is deprecated and what to write instead.
        version: The version since which it is deprecated, as SQLAlchemy counts.
        category: A subclass, e.g. `sqlalchemy.exc.LegacyAPIWarning` for 1.x spellings.
    """
    kind = category or exc.SADeprecationWarning
    warning = kind(f"{message} (deprecated since: {version})")
    warning.deprecated_since = version
    warnings.warn(warning, stacklevel=levels_to_user())
