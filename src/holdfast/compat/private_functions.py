"""Define what SQLAlchemy's tests and extensions expect and Holdfast says otherwise.

Each is a translation of a line; what they answer is found out elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import inspect

from holdfast.foundation.describe import object_text


def is_mapped_class(entity: Any) -> bool:
    """Whether something is a mapped class, an alias of one, or a mapper."""
    found = inspect(entity, raiseerr=False)
    return found is not None and (found.is_mapper or found.is_aliased_class)


def is_aliased_class(entity: Any) -> bool:
    """Whether something is an alias of a mapped class."""
    found = inspect(entity, raiseerr=False)
    return found is not None and bool(getattr(found, "is_aliased_class", False))


def mapper_or_none(entity: Any) -> Any:
    """The mapper of a class, alias or mapper, or None."""
    found = inspect(entity, raiseerr=False)
    return getattr(found, "mapper", None)


def instance_str(obj: Any) -> str:
    """How SQLAlchemy's messages name an object."""
    return object_text(obj)


def sort_states(_mapper: Any, states: Iterable[Any]) -> list[Any]:
    """States in the order of their primary keys, those without one first as they were added."""
    return sorted(states, key=lambda state: (state.pk is not None, state.pk))


class ConfigureLock:
    """Stands for the lock around configuration, which Holdfast takes by itself."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_error: object) -> None: ...


class HasDataclassArguments:
    """Base of descriptors of extensions that a mapped dataclass may hold."""

    __slots__ = ()
