"""This file rules which methods of an object may run in which of its phases.

A method that moves an object from one phase to another is declared with `moves`; the declaration
refuses calls from a wrong phase, calls while another such method is running (a listener, or another
thread), and methods that end in another phase than they promise.

Rules kept here:
1. While a declared method runs, only declared methods that leave the phase alone may be called, or
   those that lead to the phase named by `expecting`.
2. When a declared method raises, the phase is whatever it has left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import wraps
from typing import Any, TypeVar, cast

from holdfast.errors.session import StateChangeError

F = TypeVar("F", bound=Callable[..., Any])


class Shift(Enum):
    """What a declaration says in place of a phase."""

    ANY = 1
    """The method may start in every phase."""

    NO_CHANGE = 2
    """The method leaves the phase alone."""

    IN_PROGRESS = 3
    """A method is running and expects no other to change the phase."""


class Phased:
    """An object with phases; `phase` is any value, compared with `is`."""

    phase: Any = Shift.NO_CHANGE
    # Where the next declared method must lead: NO_CHANGE when none is running, IN_PROGRESS while
    # one is, and a phase inside `expecting`.
    expected: Any = Shift.NO_CHANGE
    # Name of the declared method that is running.
    running: str | None = None

    def refuse(self, method: str, phase: Any) -> None:
        """Raise because `method` may not start in `phase`."""
        raise StateChangeError.wrong_start(method, phase)

    @contextmanager
    def expecting(self, phase: Any) -> Iterator[None]:
        """Let the running method call another declared one that leads to `phase`."""
        if self.expected is Shift.NO_CHANGE:
            raise AssertionError(
                "Unexpected call to _expect_state outside of state-changing method"
            )
        before, self.expected = self.expected, phase
        try:
            yield
        finally:
            self.expected = before


def moves(before: Iterable[Any] | Shift, after: Any) -> Callable[[F], F]:
    """Declare that a method starts in one of the phases `before` and ends in `after`."""
    starts = None if before is Shift.ANY else frozenset(cast("Iterable[Any]", before))

    def declare(method: F) -> F:
        name = method.__name__

        @wraps(method)
        def guarded(self: Phased, *args: Any, **kw: Any) -> Any:
            found = self.phase
            if starts is not None and found not in starts:
                self.refuse(name, found)
            expected, outer = self.expected, self.running
            if after is not Shift.NO_CHANGE and expected is not Shift.NO_CHANGE:
                _check_expected(name, outer, after, expected)
            self.running, self.expected = name, Shift.IN_PROGRESS
            try:
                answer = method(self, *args, **kw)
            finally:
                self.running, self.expected = outer, expected
            if self.phase is not (found if after is Shift.NO_CHANGE else after):
                _complain(name, outer, found, after, self.phase)
            return answer

        return cast("F", guarded)

    return declare


def _check_expected(name: str, outer: str | None, after: Any, expected: Any) -> None:
    if expected is Shift.IN_PROGRESS:
        raise StateChangeError.during(name, str(outer), after)
    if expected is not after:
        raise StateChangeError.wrong_destination(name, after, expected)


def _complain(name: str, outer: str | None, found: Any, after: Any, reached: Any) -> None:
    if reached is found:
        raise StateChangeError.unmoved(name, after)
    raise StateChangeError.moved_elsewhere(name, outer, reached)
