"""Pause the garbage collector for the short time in which many rows become objects.

Objects made of rows live on, so each collection in between walks all of them for nothing; with
10,000 rows the collector takes half of the time. The pause is counted, since sessions in several
threads may overlap; it ends with the last of them. It never disables a collector that was on for
longer than the block, and never enables one that the application has switched off.
"""

from __future__ import annotations

import gc
from threading import Lock
from types import TracebackType

_lock = Lock()
_pauses = 0  # blocks that are open now
_resume = False  # whether the collector was on when the first of them began
_is_allowed = True


def set_collector_pausing(enabled: bool) -> None:  # noqa: FBT001  a switch with one argument
    """Allow or forbid the pauses, for the whole process. They are allowed at first."""
    global _is_allowed
    _is_allowed = enabled


def count_all_as_old() -> None:
    """Tell the collector that what exists now lives on, without letting it walk the objects.

    They are moved to the oldest generation at once, as several collections in turn would do.
    """
    if not gc.get_freeze_count():  # otherwise the application has frozen objects that stay so
        gc.freeze()
        gc.unfreeze()


class paused_collector:  # noqa: N801  reads as a function: `with paused_collector():`
    """A block in which the collector does not run."""

    __slots__ = ("_counted",)

    def __enter__(self) -> None:
        global _pauses, _resume
        self._counted = _is_allowed
        if not self._counted:
            return
        with _lock:
            if not _pauses:
                _resume = gc.isenabled()
                if _resume:
                    gc.disable()
            _pauses += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        global _pauses
        if not self._counted:
            return
        with _lock:
            _pauses -= 1
            if not _pauses and _resume:
                gc.enable()
