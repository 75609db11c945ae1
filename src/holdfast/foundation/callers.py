"""Find the user's own code above us in the stack: for warnings, and for errors that name a call."""

from __future__ import annotations

import sys
from types import FrameType

# What stands between the user's code and ours: context managers run through `contextlib`.
_PASSED = ("holdfast.", "sqlalchemy.", "contextlib.")


def _frames_to_user() -> list[FrameType]:
    """The caller's caller and those above it, up to the first of neither Holdfast nor Core."""
    frames: list[FrameType] = []
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001  the only cheap way
    while frame is not None and f"{frame.f_globals.get('__name__', '')}.".startswith(_PASSED):
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
