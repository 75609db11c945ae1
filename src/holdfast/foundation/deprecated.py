"""Warn, and warn of old spellings, always at the line of the user's own code.

Python's default of counting stack levels breaks with every helper in between; these functions walk
out of Holdfast and Core instead.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from types import CodeType
from typing import Any, TypeVar

from sqlalchemy import exc

from holdfast.foundation.callers import levels_to_user

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
