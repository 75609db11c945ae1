"""Name the values that stand for the absence of a value.

They travel through attribute access, history and events in place of a real value, so they are
compared with `is` only. `None` is never one of them: it is a value like any other.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from holdfast.foundation.record import Choice


class LoaderCallableStatus(Enum):
    """What a loader or an attribute answers when there is no ordinary value to give."""

    PASSIVE_NO_RESULT = auto()
    """The caller's policy forbade the step that would have found the value."""

    PASSIVE_CLASS_MISMATCH = auto()
    """An object with the wanted key is present, but of a class that does not fit."""

    ATTR_WAS_SET = auto()
    """The loader has put the value into the object's dictionary itself."""

    ATTR_EMPTY = auto()
    """The loader knows nothing, and the attribute falls back to its empty value."""

    NO_VALUE = auto()
    """The attribute has no value in memory."""

    DONT_SET = auto()
    """Assigned by the `__init__` of a mapped dataclass for "not given": nothing is stored."""

    NEVER_SET = NO_VALUE
    """An older spelling of `NO_VALUE`."""

    def __repr__(self) -> str:
        return f"LoaderCallableStatus.{self.name}"


class KeyMarker(Choice):
    """What a collection event passes when the collection has no keys."""

    NO_KEY = 1


class ListenerAnswer(Choice):
    """What a listener of a mapper's events answers when it was asked for an answer."""

    EXT_CONTINUE = 1
    """Go on as usual."""

    EXT_STOP = 2
    """Ask no further listeners."""

    EXT_SKIP = 3
    """Leave this mapper out (EV-67)."""


EXT_CONTINUE: Final = ListenerAnswer.EXT_CONTINUE
EXT_STOP: Final = ListenerAnswer.EXT_STOP
EXT_SKIP: Final = ListenerAnswer.EXT_SKIP
PASSIVE_NO_RESULT: Final = LoaderCallableStatus.PASSIVE_NO_RESULT
PASSIVE_CLASS_MISMATCH: Final = LoaderCallableStatus.PASSIVE_CLASS_MISMATCH
ATTR_WAS_SET: Final = LoaderCallableStatus.ATTR_WAS_SET
ATTR_EMPTY: Final = LoaderCallableStatus.ATTR_EMPTY
NO_VALUE: Final = LoaderCallableStatus.NO_VALUE
DONT_SET: Final = LoaderCallableStatus.DONT_SET
NEVER_SET: Final = NO_VALUE
NO_KEY: Final = KeyMarker.NO_KEY
