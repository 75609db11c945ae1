"""This file defines `History`: how an attribute differs from what the database holds.

Builders here compare values that a slot hands them; they never load and never touch objects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from holdfast.foundation.markers import NO_VALUE


class History(NamedTuple):
    """Added, unchanged and deleted values of one attribute since the last flush (AH-20).

    Each part is a sequence. For a scalar a part holds at most one value.
    """

    added: Sequence[Any]
    unchanged: Sequence[Any]
    deleted: Sequence[Any]

    def __bool__(self) -> bool:
        """False only for the blank history (AH-26)."""
        return self != HISTORY_BLANK

    def empty(self) -> bool:
        """Whether nothing was added or deleted and nothing is unchanged (AH-24)."""
        return not self.added and not self.deleted and not self.unchanged

    def has_changes(self) -> bool:
        """Whether something was added or deleted (AH-23)."""
        return bool(self.added or self.deleted)

    def sum(self) -> Sequence[Any]:
        """Added, unchanged and deleted values, in this order (AH-25)."""
        return [*self.added, *self.unchanged, *self.deleted]

    def non_deleted(self) -> Sequence[Any]:
        """Added and unchanged values (AH-25)."""
        return [*self.added, *self.unchanged]

    def non_added(self) -> Sequence[Any]:
        """Unchanged and deleted values (AH-25)."""
        return [*self.unchanged, *self.deleted]

    def as_state(self) -> History:
        """The same with each object replaced by its state (AH-27)."""
        return History(*([state_or_none(each) for each in part] for part in self))


HISTORY_BLANK = History((), (), ())


def state_or_none(instance: Any) -> Any:
    """The state of a related object; None stays None."""
    return None if instance is None else instance.__dict__["_sa_instance_state"]


def value_history(
    current: object, committed: object, is_equal: Callable[[Any, Any], Any]
) -> History:
    """History of a column value that has a recorded change.

    Args:
        current: Present value, or `NO_VALUE` when the attribute has none.
        committed: Value that the database is known to hold, or `NO_VALUE`.
        is_equal: The column type's comparison.
    """
    if current is NO_VALUE:
        return HISTORY_BLANK if committed is NO_VALUE else History((), (), [committed])
    if committed is NO_VALUE:
        return History([current], (), ())
    # A comparison may answer with something that is no truth value, such as an array.
    if is_equal(current, committed) is True:
        return History((), [current], ())
    return History([current], (), [committed])


def reference_history(current: object, committed: object) -> History:
    """History of a reference to one object that has a recorded change."""
    if current is NO_VALUE:
        if committed is NO_VALUE:
            return HISTORY_BLANK
        return History((), (), [committed])
    if committed is NO_VALUE:
        return History([current], (), ())
    if current is committed:
        return History((), [current], ())
    # Nothing was there before: nothing was taken away.
    return History([current], (), () if committed is None else [committed])


def collection_history(current: Sequence[Any], committed: Sequence[Any]) -> History:
    """History of a collection, member by member, compared by identity and in their order."""
    before = set(map(id, committed))
    now = set(map(id, current))
    added = [each for each in current if id(each) not in before]
    unchanged = [each for each in current if id(each) in before]
    deleted = [each for each in committed if id(each) not in now]
    return History(added, unchanged, deleted)
