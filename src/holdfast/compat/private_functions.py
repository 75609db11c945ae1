"""Define what SQLAlchemy's tests and extensions expect and Holdfast says otherwise.

Each is a translation of a line; what they answer is found out elsewhere.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import signature
from typing import Any, get_origin

from sqlalchemy import inspect
from sqlalchemy.sql.expression import Alias, FromGrouping, Join, Subquery

from holdfast.dml.synchronize import evaluator_of
from holdfast.foundation.describe import object_text
from holdfast.foundation.sqlalchemy_core import EMPTY_DICT
from holdfast.mapping import class_names
from holdfast.mapping.declarative import annotated, constructs
from holdfast.mapping.mapped import Mapped
from holdfast.mapping.properties import MapperProperty
from holdfast.mapping.registry import registries
from holdfast.queries import aliases
from holdfast.queries.facade.large import DynamicMapped, WriteOnlyMapped
from holdfast.sessions import execution
from holdfast.sessions.execution import run_over_classes
from holdfast.sessions.session import Session
from holdfast.unitofwork.planner import sorted_by_key

DECLARATIVE_MAPPED = (Mapped, MapperProperty)
"""What may stand in a class body for an attribute, for `isinstance()`."""


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


def execute(
    session: Any,
    statement: Any,
    params: Any = None,
    *,
    execution_options: Mapping[str, Any] = EMPTY_DICT,
    bind_arguments: Mapping[str, Any] | None = None,
    _parent_execute_state: Any = None,
    _add_event: Any = None,
) -> Any:
    """`Session.execute()` with what sessions of other libraries, such as SQLModel's, pass on."""
    listeners = None
    if _parent_execute_state is not None:
        listeners = _parent_execute_state.remaining
    elif _add_event is not None:
        listeners = (*session.dispatch.do_orm_execute, _add_event)
    return execution.execute(
        session, statement, params, execution_options, bind_arguments, listeners=listeners
    )


def object_session(instance: Any) -> Any:
    """The session of an object, by the function that a test may have replaced."""
    return sys.modules["sqlalchemy.orm.session"].object_session(instance)


def has_identity(instance: Any) -> bool:
    """Whether an object has the key of a row."""
    return bool(inspect(instance).has_identity)


def unconfigured_mappers() -> list[Any]:
    """Mappers of all registries that wait for the second pass."""
    waiting = [each for each in registries if each.needs_configure]
    return [mapper for each in waiting for mapper in each.iter_mappers() if not mapper.configured]


def all_registries() -> set[Any]:
    """Every registry of the process."""
    return set(registries)


def is_mapped_class(entity: Any) -> bool:
    """Whether something is a mapped class, an alias of one, or a mapper."""
    found = inspect(entity, raiseerr=False)
    return found is not None and (found.is_mapper or found.is_aliased_class)


def is_aliased_class(entity: Any) -> bool:
    """Whether something is an alias of a mapped class."""
    found = inspect(entity, raiseerr=False)
    return found is not None and bool(getattr(found, "is_aliased_class", False))


def entity_descriptor(entity: Any, key: str) -> Any:
    """The attribute of a class, alias or mapper, or the column of a table, of that name."""
    found = inspect(entity)
    return getattr(found.c if found.is_selectable else found.entity, key)


def quoted_annotation(annotation: str, _module: str) -> str:
    """The text of an annotation with its innermost types in quotes."""
    heads, inner = [], annotation
    while match := re.fullmatch(r"([\w.]+)\[(.+)\]", inner):
        heads.append(match[1])
        inner = match[2]
    if not heads or "[" in inner or "]" in inner:
        return annotation
    parts = (part.strip() for part in inner.split(","))
    quoted = [part if part[0] in "\"'" else f'"{part}"' for part in parts]
    return "[".join([*heads, ", ".join(quoted)]) + "]" * len(heads)


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
        self.mapper: Any = mapper_or_none(target_cls)

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


def with_polymorphic(*arguments: Any, _use_mapper_path: bool = False, **keywords: Any) -> Any:
    """`with_polymorphic()` with the keyword that lets options for the class speak of the alias."""
    made = aliases.with_polymorphic(*arguments, **keywords)
    if _use_mapper_path:
        entity = inspect(made)
        entity.stands_for = entity.mapper
    return made


class ModuleEntry:
    """The modules of a registry's classes, as a mapping in a mapping."""

    # It stands among the classes.
    __name__: str = "_sa_module_registry"

    def __init__(self, names: Any, *parts: str) -> None:
        self.names = names
        self.parts: tuple[str, ...] = parts

    @property
    def contents(self) -> ModuleEntry:
        """What lies in the module: its classes, and modules below it."""
        return self

    def __contains__(self, name: str) -> bool:
        return class_names.ModulePath(self.names, *self.parts, name).exists()

    def __getitem__(self, name: str) -> ModuleEntry:
        return ModuleEntry(self.names, *self.parts, name)

    def __delitem__(self, name: str) -> None:
        del self.names[name]


def add_class(name: str, cls: Any, names: Any) -> None:
    """Record a class in the dictionary of a registry, which then leads to its module too."""
    kept = vars(names).setdefault("kept_names", {})
    kept["_sa_module_registry"] = names["_sa_module_registry"] = ModuleEntry(names)
    class_names.add_class(names, name, cls, kept)


def is_name_unused(name: str, names: Any, is_meant: Any) -> bool:
    """Whether no class with that name is one of those that are meant."""
    return not any(is_meant(cls) for cls in class_names.classes_of(names, name))


def name_column(name: str, column: Any) -> None:
    """Call a column like its attribute, as far as it has no name of its own."""
    annotated.name_column(column, name)


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


def is_alias_of_selectable(selectable: Any, target: Any) -> bool:
    """Whether a FROM element is another one, or an alias of it, table by table."""
    if selectable is target:
        return True
    if isinstance(selectable, FromGrouping):
        return is_alias_of_selectable(selectable.element, target)
    if isinstance(target, FromGrouping):
        return is_alias_of_selectable(selectable, target.element)
    if type(selectable) is Alias:
        inner: Any = selectable.element
        if isinstance(inner, Subquery):
            inner = inner.element
        return inner is target
    return (
        isinstance(selectable, Join)
        and isinstance(target, Join)
        and (selectable.isouter, selectable.full) == (target.isouter, target.full)
        and _is_side(selectable.left, target.left)
        and _is_side(selectable.right, target.right)
    )


def _is_side(selectable: Any, target: Any) -> bool:
    """The same for one side of a join: joins within it are no aliases as a whole."""
    is_alias_of_join = isinstance(target, Join) and isinstance(selectable, Alias)
    return not is_alias_of_join and is_alias_of_selectable(selectable, target)


def names_mapped(annotation: Any) -> bool:
    """Whether an annotation is `Mapped[...]` or one of its kin, even if it cannot be evaluated."""
    text = getattr(annotation, "__forward_arg__", annotation)
    if isinstance(text, str):
        return bool(re.match(r"[\w.]*Mapped\[", text))
    origin = get_origin(annotation)
    return origin in (Mapped, DynamicMapped, WriteOnlyMapped)


def forward_with_defaults(name: str) -> Callable[..., Any]:
    """A method of `scoped_session` that hands on defaults too, which tests see in a mock."""
    shape = signature(getattr(Session, name))

    def forward(self: Any, *args: Any, **kw: Any) -> Any:
        bound = shape.bind(self, *args, **kw)
        bound.apply_defaults()
        given: list[Any] = []
        named: dict[str, Any] = {}
        for each in list(shape.parameters.values())[1:]:
            value = bound.arguments[each.name]
            if each.kind is each.VAR_POSITIONAL:
                given += value
            elif each.kind is each.VAR_KEYWORD:
                named |= value
            elif each.default is each.empty and each.kind is not each.KEYWORD_ONLY:
                given.append(value)
            else:
                named[each.name] = value
        return getattr(self.registry(), name)(*given, **named)

    return forward
