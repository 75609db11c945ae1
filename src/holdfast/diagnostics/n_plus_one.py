"""This file finds loads that repeat from one line of code: the "N + 1 SELECTs" of a loop.

Counted is every SELECT that a touched attribute costs: lazy and immediate loads of relationships,
deferred columns, refreshes of expired objects, columns of subclasses. What is found in memory costs
none, and what the code asks for by name (`get()`, `refresh()`) is no surprise; neither counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from holdfast import errors
from holdfast.diagnostics.trace import Cause, Place, hearing, place_and_cause
from holdfast.foundation.codegen import FieldTuple


class RepeatedLoad(FieldTuple):
    """One line of code that has loaded the same attribute several times.

    Attributes:
        attribute: As "Author.books"; or the class of objects that were read anew as a whole.
        kind: "lazy load", "immediate load", "deferred load", "refresh" or "subclass load".
        place: The line of the user's code: `file`, `line` and `source`.
        times: How many SELECTs it has cost.
        remedy: What to write, as code.
    """

    attribute: str
    kind: str
    place: Place
    times: int
    remedy: str

    def __str__(self) -> str:
        source = self.place.source
        where = f"{self.place} ({source})" if source else self.place
        return f"{self.attribute} by {self.times} SELECTs ({self.kind}) at {where}: {self.remedy}"


class WatchedLoads:
    """What a `watch_loads()` block has seen so far; `str()` gives the findings, one a line."""

    def __init__(self) -> None:
        # (line of code, kind, attribute) -> the first cause, and how often.
        self._seen: dict[Any, tuple[Cause, int]] = {}

    def note(self, *_: Any) -> None:
        """Count a statement that is being sent, if a touched attribute is behind it."""
        place, cause, _called = place_and_cause()
        if cause is not None and cause.remedy:
            key = (place, cause.kind, cause.subject)
            first, times = self._seen.get(key, (cause, 0))
            self._seen[key] = (first, times + 1)

    def beyond(self, limit: int) -> list[RepeatedLoad]:
        """What was loaded more than `limit` times from one line, the most frequent first."""
        found = [
            RepeatedLoad(cause.subject, cause.kind, place, times, cause.remedy)
            for (place, _, _), (cause, times) in self._seen.items()
            if times > limit
        ]
        return sorted(found, key=lambda each: -each.times)

    @property
    def repeated(self) -> list[RepeatedLoad]:
        """What was loaded more than once from one line, the most frequent first."""
        return self.beyond(1)

    @property
    def times(self) -> int:
        """How many SELECTs touched attributes have cost in all."""
        return sum(times for _, times in self._seen.values())

    def __str__(self) -> str:
        return "\n".join(map(str, self.repeated)) or "no load repeats"


@contextmanager
def watch_loads(target: Any, *, limit: int | None = None) -> Iterator[WatchedLoads]:
    """Find attributes that one line of code loads for one object after the other.

    The statements of the block run as they would without.

    Args:
        target: A session, also of asyncio; a `sessionmaker` or class of sessions, for all of its
            sessions; or an engine or connection.
        limit: Raise at the end of the block if a line has loaded an attribute more often.

    Raises:
        RepeatedLoadError: A line has; its `findings` are those of `beyond(limit)`.
        ArgumentError: `target` is none of these.

    Example:
        >>> with watch_loads(session) as loads:  # doctest: +SKIP
        ...     for author in session.scalars(select(Author)):
        ...         print(author.books)
        >>> loads.repeated[0].remedy  # doctest: +SKIP
        'options(selectinload(Author.books))'
    """
    loads = WatchedLoads()
    with hearing(target, before_cursor_execute=loads.note):
        yield loads
    if limit is not None and (findings := loads.beyond(limit)):
        raise errors.RepeatedLoadError.beyond(limit, findings)
