"""Define what SQLAlchemy's tests and extensions expect and Holdfast says otherwise.

Each is a translation of a line; what they answer is found out elsewhere.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import inspect

from holdfast.dml.evaluate import evaluator_of
from holdfast.foundation.describe import object_text
from holdfast.mapping import class_names
from holdfast.mapping.declarative import constructs
from holdfast.sessions.execution import run_over_classes
from holdfast.unitofwork.planner import sorted_by_key


class OverClasses:
    """What runs statements over classes, as a class whose methods tests replace."""

    @staticmethod
    def orm_execute_statement(*arguments: Any) -> Any:
        """Run one on a connection."""
        return run_over_classes(*arguments)

    @staticmethod
    def orm_setup_cursor_result(*arguments: Any) -> Any:
        """Make objects from a cursor: part of the former."""


def execute_over_classes(*arguments: Any) -> Any:
    """Run a statement over classes, by the method that a test may have replaced."""
    return OverClasses.orm_execute_statement(*arguments)


def object_session(instance: Any) -> Any:
    """The session of an object, by the function that a test may have replaced."""
    return sys.modules["sqlalchemy.orm.session"].object_session(instance)


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


class EvaluatorCompiler:
    """What computes expressions in Python; its functions take None for an object that is absent."""

    def __init__(self, target_cls: type[Any] | None = None) -> None:
        self.mapper = mapper_or_none(target_cls)

    def process(self, *clauses: Any) -> Any:
        """The function for one expression, or for several that are joined by AND."""
        evaluate = evaluator_of(*clauses, mapper=self.mapper)
        return lambda obj: None if obj is None else evaluate(obj)


def sort_states(_mapper: Any, states: Iterable[Any]) -> list[Any]:
    """New states as they were added, then the others in the order of their primary keys."""
    listed = list(states)
    return [
        *(state for state in listed if state.pk is None),
        *sorted_by_key([state for state in listed if state.pk is not None]),
    ]


def relationship(
    *arguments: Any,
    _legacy_inactive_history_style: bool = False,
    _local_remote_pairs: Sequence[tuple[Any, Any]] | None = None,
    **keywords: Any,
) -> Any:
    """`relationship()` with the two keywords that are SQLAlchemy's own secret.

    The first wants a former object loaded before another replaces it; the second names both sides
    of the join where `remote_side` names one.
    """
    if _legacy_inactive_history_style and keywords.get("uselist") is False:
        keywords["active_history"] = True
    if _local_remote_pairs is not None:
        keywords["remote_side"] = [remote for _, remote in _local_remote_pairs]
    return constructs.relationship(*arguments, **keywords)


def backref(name: str, **keywords: Any) -> Any:
    """`backref()` with the same secret keyword."""
    keywords.pop("_legacy_inactive_history_style", None)
    return constructs.backref(name, **keywords)


def add_class(name: str, cls: Any, names: Any) -> None:
    """Record a class in the dictionary of a registry."""
    class_names.add_class(names, name, cls, vars(names).setdefault("kept_names", {}))


def resolvers(cls: Any, prop: Any) -> tuple[Any, Any]:
    """Functions from a text to a function that finds what it names: by name, and evaluated."""
    registry = cls._sa_class_manager.registry
    owner = SearchOwner(registry, cls, prop.parent)

    def by_name(text: str) -> Any:
        return lambda: class_names.find_class(text, owner)

    def evaluated(text: str) -> Any:
        return lambda: class_names.evaluate(text, owner)

    return by_name, evaluated


class SearchOwner:
    """Stands for the mapper for which a name is looked up."""

    def __init__(self, registry: Any, class_: Any, name: object) -> None:
        self.registry = registry
        self.class_ = class_
        self.name = name

    def __str__(self) -> str:
        return str(self.name)


class ConfigureLock:
    """Stands for the lock around configuration, which Holdfast takes by itself."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_error: object) -> None: ...


class HasDataclassArguments:
    """Base of descriptors of extensions that a mapped dataclass may hold."""

    __slots__ = ()
