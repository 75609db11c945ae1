"""Define what every exception of Holdfast has: a slug, its parts, and one form of text.

The text says what cannot be done, the fact that prevents it, what to do instead, and ends with the
slug in brackets, which is a heading in `docs/errors.md`. Where SQLAlchemy raises for the same
cause, its phrase comes first (`COMPAT:`: users and tests search for it) and the rest follows.

A class stands for one kind of trouble and declares each `cause`. Raise sites give texts, classes,
keys and states; a message never shows another value of an object, and never calls its code.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any, Final, Self, TypeVar

from sqlalchemy import exc

from holdfast.foundation.describe import (
    class_text,
    describe_class,
    listed,
    object_text,
    state_class_text,
    state_text,
)

E = TypeVar("E", bound="HoldfastError")

NO_STATE = (AttributeError, KeyError)
"""What looking for an object's state raises when it has none."""

CONVERSIONS: Final[dict[str, Callable[[Any], str]]] = {
    "c": class_text,
    "d": describe_class,
    "i": state_text,
    "j": lambda values: ", ".join(map(str, values)),
    "k": state_class_text,
    "l": listed,
    "n": lambda value: type(value).__name__,
    "o": object_text,
    "p": object.__repr__,
    "q": lambda values: ", ".join(map(repr, values)),
    "t": lambda value: class_text(type(value)),
}
"""What a field may say after `!`, beside Python's own.

`c` and `d` name a class, as `<class 'module.Name'>` and as `module.Name`; `n` and `t` the class of
an object, as `Name` and as `<class 'module.Name'>`; `i` names the object of a state (an instance)
and `k` its class (a kind); `o` and `p` name an object without calling its code; `j` joins texts
with commas, `q` texts in quotes, `l` words with "and".
"""


class _Filler(string.Formatter):
    """Fills fields in; of those with a conversion of ours, it calls no code of the value."""

    def convert_field(self, value: Any, conversion: Any) -> Any:
        convert = CONVERSIONS.get(conversion)
        return convert(value) if convert else super().convert_field(value, conversion)


_FILLER = _Filler()
parsed: Callable[[str], Iterable[tuple[str, str | None, str | None, str | None]]] = _FILLER.parse
"""Text before a field, the field, its format and its conversion, for each field of a template."""


@cache
def fields_of(*templates: str) -> tuple[str, ...]:
    """The fields of templates, in the order in which they first appear."""
    names = (name for text in templates for _, name, _, _ in parsed(text))
    return tuple(dict.fromkeys(name.partition(".")[0] for name in names if name))


class wording:  # noqa: N801 - stands among functions, and is called like one
    """The text of a warning: called with its fields, in the order in which they first appear."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text: str = text

    def __call__(self, *values: Any, **named: Any) -> str:
        """The text with its fields filled in."""
        given = dict(zip(fields_of(self.text), values, strict=False)) | named
        return _FILLER.vformat(self.text, (), given)


class cause:  # noqa: N801 - stands among methods, as property does
    """One cause of a class of errors, as a method of the class that makes the error.

    A raise site passes the fields of the text, in the order in which they first appear, or by name.
    Nothing is read from the text before that.

    Args:
        text: The message, with fields as in `str.format()` and its `CONVERSIONS`, and its slug.
        kept: Fields that become attributes of the exception as they were passed.
        note: See `HoldfastError.compose()`.
        parts: Further attributes of the exception, which are texts with fields.
    """

    __slots__ = ("kept", "note", "parts", "text")

    def __init__(self, text: str, *kept: str, note: str = "", **parts: str) -> None:
        self.text: str = text
        self.kept: tuple[str, ...] = kept
        self.note: str = note
        self.parts: dict[str, str] = parts

    def __get__(self, error: object, owner: type[E]) -> Callable[..., E]:
        return partial(self._compose, owner)

    @property
    def fields(self) -> tuple[str, ...]:
        """What a raise site has to pass."""
        kept = (f"{{{name}}}" for name in self.kept)
        return fields_of(self.text, self.note, *kept, *self.parts.values())

    def _compose(self, owner: type[E], /, *values: Any, **named: Any) -> E:
        given = dict(zip(self.fields, values, strict=False)) | named
        parts = {name: given[name] for name in self.kept}
        parts |= {name: _FILLER.vformat(text, (), given) for name, text in self.parts.items()}
        return owner.compose(
            _FILLER.vformat(self.text, (), given),
            note=_FILLER.vformat(self.note, (), given),
            **parts,
        )


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
        for name, value in parts.items():
            setattr(error, name, value)
        return error


class HoldfastBug(HoldfastError, RuntimeError):
    """Something that Holdfast promises itself does not hold."""

    broken: cause = cause(
        "{promise}. This is a bug in Holdfast: report it with the traceback, and with the classes "
        "and steps that led here. [bug]"
    )


class StandInError(HoldfastError, RuntimeError):
    """Holdfast cannot take the place of `sqlalchemy.orm` now."""

    too_late: cause = cause(
        "Cannot stand in for sqlalchemy.orm: {module} is imported already. Call "
        "install_as_sqlalchemy_orm() before anything imports it. [stand-in-too-late]",
        "module",
    )


class AbsentNameError(HoldfastError, exc.InvalidRequestError):
    """A name is used that Holdfast only lets programs import."""

    used: cause = cause(
        "Holdfast has no {name} yet. Run this part of the program with sqlalchemy.orm itself. "
        "[absent-name]",
        "name",
    )
