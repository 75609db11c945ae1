"""Define what every exception of Holdfast has: a slug, its parts, and one form of text.

The text says what cannot be done, the fact that prevents it, what to do instead, and ends with the
slug in brackets, which is a heading in `docs/errors.md`. Where SQLAlchemy raises for the same
cause, its phrase comes first (`COMPAT:`: users and tests search for it) and the rest follows.

A class stands for one kind of trouble and has a named constructor for each cause. Constructors take
texts, classes, keys and states, never show another value of an object, and never call its code.
"""

from __future__ import annotations

from typing import Any, Self

NO_STATE = (AttributeError, KeyError)
"""What looking for an object's state raises when it has none."""


class HoldfastError(Exception):
    """Mixed into every exception that Holdfast raises itself."""

    slug: str = "error"
    """The heading in `docs/errors.md` that explains the error."""

    @classmethod
    def compose(cls, text: str, *, note: str = "", **parts: Any) -> Self:
        """An exception with this text, which ends with its slug, and its parts as attributes.

        Parts should be names, keys and numbers: an exception may outlive the session and travel to
        another process.

        Args:
            text: The message.
            note: Its end, where programs that come from SQLAlchemy compare the phrase to its last
                letter: a note of the exception, which tracebacks show below the message.
            parts: Attributes of the exception.
        """
        error = cls(text)
        if note:
            error.add_note(note)
            text = note
        error.slug = text[text.rindex("[") + 1 : -1]
        error.__dict__.update(parts)
        return error


class HoldfastBug(HoldfastError, RuntimeError):
    """Something that Holdfast promises itself does not hold."""

    @classmethod
    def broken(cls, promise: str) -> Self:
        """An invariant of ours is broken."""
        return cls.compose(
            f"{promise}. This is a bug in Holdfast: report it with the traceback, and with the "
            "classes and steps that led here. [bug]"
        )
