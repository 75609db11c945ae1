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
from functools import wraps
from typing import Any, TypeVar, cast

from holdfast.errors.session import StateChangeError
from holdfast.foundation.record import Choice

F = TypeVar("F", bound=Callable[..., Any])


class Shift(Choice):
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

    def check_free(self, method: str, after: Any) -> None:
        """Raise if a method is running that does not let `method` lead to `after`."""
        expected = self.expected
        if expected is Shift.IN_PROGRESS:
            raise StateChangeError.during(method, str(self.running), after)
        if expected is not Shift.NO_CHANGE and expected is not after:
            raise StateChangeError.wrong_destination(method, after, expected)

    def occupy(self, method: str) -> None:
        """From now on `method` is running; it moves the object on inside `expecting` alone."""
        self.running, self.expected = method, Shift.IN_PROGRESS

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


def moves(before: Iterable[Any] | Shift, after: Any, *, name: str = "") -> Callable[[F], F]:
    """Declare that a method starts in one of the phases `before` and ends in `after`.

    Args:
        before: The phases, or `Shift.ANY`.
        after: The phase, or `Shift.NO_CHANGE`.
        name: What users call, where that is not the method itself.
    """
    starts = None if before is Shift.ANY else frozenset(cast("Iterable[Any]", before))

    def declare(method: F) -> F:
        called = name or method.__name__

        @wraps(method)
        def guarded(self: Phased, *args: Any, **kw: Any) -> Any:
            found, expected, outer = self.phase, self.expected, self.running
            if after is not Shift.NO_CHANGE:
                self.check_free(called, after)
            if starts is not None and found not in starts:
                self.refuse(called, found)
            # A step of `commit()` goes by that name.
            self.running = outer if expected is after and outer else called
            self.expected = Shift.IN_PROGRESS
            try:
                answer = method(self, *args, **kw)
            finally:
                self.running, self.expected = outer, expected
            if self.phase is not (found if after is Shift.NO_CHANGE else after):
                _complain(called, outer, found, after, self.phase)
            return answer

        return cast("F", guarded)

    return declare


def _complain(name: str, outer: str | None, found: Any, after: Any, reached: Any) -> None:
    if reached is found:
        raise StateChangeError.unmoved(name, after)
    raise StateChangeError.moved_elsewhere(name, outer, reached)
