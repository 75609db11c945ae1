"""Add criteria to a class wherever it stands in a statement: `with_loader_criteria()`.

The compile hook puts a statement's criteria *in force* while it rewrites it; whoever brings an
entity into the statement asks `row_criterion` what its rows must satisfy.

Rules kept here:
1. A callable is asked once for each class: the values that it refers to are bound parameters of
   the statement, as those of an expression are (LD-131, LD-136). For a mixin it is asked for the
   classes that statements about the same class have needed, and for any class when it is needed.
2. An option is not in force within its own criteria (LD-137).
3. What continues the loading of a statement is filtered, reloads of columns are not (LD-133).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from operator import is_
from types import FunctionType
from typing import Any

from sqlalchemy import and_, inspect
from sqlalchemy.sql.expression import SelectBase
from sqlalchemy.sql.visitors import cloned_traverse, iterate

from holdfast import errors
from holdfast.foundation.codegen import record
from holdfast.foundation.sqlalchemy_core import coercions, deep_annotate, roles
from holdfast.instrument.manager import iter_subclasses
from holdfast.queries.entities import (
    SelectedElement,
    entities_in,
    joined_entities,
    mentioned_entities,
    reads_own_tables,
    single_table_criterion,
)
from holdfast.queries.options import LoaderOption
from holdfast.queries.statement_options import UNFILTERED, StartsAt, replaced_options

WITHIN = "within_loader_criteria"


class LoaderCriteriaOption(LoaderOption):
    """Criteria for a class wherever a statement, or what loads below it, has the class.

    Args:
        entity_or_base: A mapped class, or a base or mixin of mapped classes.
        where_criteria: An expression, or a function of the class that gives one.
        loader_only: Leave the statement itself alone, and filter what is loaded below it.
        include_aliases: Also for aliases of the class in the statement.
        propagate_to_loaders: Also for lazy loads of the objects that are loaded.
        track_closure_variables: Accepted; the callable is asked anew for each option, whatever its
            closure holds, so there is nothing that could be left out.

    Example:
        >>> select(Author).options(with_loader_criteria(Book, Book.pages > 100))
    """

    def __init__(
        self,
        entity_or_base: Any,
        where_criteria: Any,
        loader_only: bool = False,  # noqa: FBT001, FBT002  SQLAlchemy's form
        include_aliases: bool = False,  # noqa: FBT001, FBT002
        propagate_to_loaders: bool = True,  # noqa: FBT001, FBT002
        track_closure_variables: bool = True,  # noqa: FBT001, FBT002
    ) -> None:
        self.given: tuple[Any, Any] = (entity_or_base, where_criteria)
        # Whether the criteria are those of a callable.
        self.is_asked: bool = callable(where_criteria)
        self.loader_only: bool = loader_only
        self.include_aliases: bool = include_aliases
        self.propagate_to_loaders: bool = propagate_to_loaders
        found = inspect(entity_or_base, raiseerr=False)
        # What marks the SELECTs within the criteria: the form of the criteria, without values.
        self.texts: list[Any] = []
        # None for a base or mixin that is not mapped.
        self.entity: Any = found if hasattr(found, "mapper") else None
        # Class -> what its rows must satisfy; classes below it share that of the nearest one.
        self.criteria: dict[type[Any], Any] = {}
        # For which classes of a mixin the criteria are part of the cache key.
        self.asked: AskedClasses | None = None
        if self.entity is not None:
            self.criteria[self.entity.class_] = self._made(where_criteria, self.entity.entity)
        elif not isinstance(entity_or_base, type):
            raise errors.EntityError.expected(entity_or_base)

    def about(self, mapper: Any | None) -> LoaderCriteriaOption:
        """For a mixin, the same for one execution of a statement about this mapper.

        PERF: a lambda for a mixin of 50 classes, which is to be asked for those alone that matter.
        """
        base, function = self.given
        if mapper is None or self.entity is not None or not isinstance(function, FunctionType):
            return self
        made = copy(self)
        key = ("criteria", base, function.__code__)
        made.asked = AskedClasses(mapper.memo.setdefault(key, []))
        return made

    def _criterion_of(self, class_: type[Any]) -> Any:
        """What rows of a class must satisfy; None when the option does not speak of it."""
        found = self.criteria.get(class_)
        if found is None and self.entity is None and issubclass(class_, self.given[0]):
            if self.asked is not None and class_ not in self.asked.classes:
                self.asked.grow(class_)
            found = self.criteria[class_] = self._made(self.given[1], class_)
        return found

    def _made(self, criteria: Any, subject: Any) -> Any:
        given = criteria(subject) if self.is_asked else criteria
        made: Any = coercions.expect(roles.WhereHavingRole, given)
        if any(isinstance(each, SelectBase) for each in iterate(made)):
            text = made._generate_cache_key()
            self.texts.append(text and text.key)
            return deep_annotate(made, {WITHIN: self.texts[-1]})
        return made

    def criterion_for(self, entity: Any, *, is_eager: bool) -> Any | None:
        """What the rows of an entity must satisfy; None when the option does not speak of it."""
        if self.entity is not None and self.entity.is_aliased_class:
            return self.criteria[self.entity.class_] if entity is self.entity else None
        is_users = entity.is_aliased_class and entity.stands_for is None
        if is_users and not (self.include_aliases or is_eager):
            return None
        asked = map(self._criterion_of, entity.mapper.class_.__mro__)
        found = next((each for each in asked if each is not None), None)
        if found is not None and self.is_asked:
            # Parameters of its own wherever it stands.
            found = cloned_traverse(found, {}, {})
        if found is None or entity.adapter is None:
            return found
        return entity.adapter.traverse(found)

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> Any:
        if self.entity is not None:
            criteria = list(self.criteria.items())
        else:
            below = iter_subclasses(self.given[0])
            classes = self.asked.classes if self.asked else tuple(filter(_is_mapped, below))
            criteria = [(each, self._criterion_of(each)) for each in classes]
        return (
            LoaderCriteriaOption,
            self.entity or self.given[0],
            self.asked,
            self.loader_only,
            self.include_aliases,
            self.propagate_to_loaders,
            *((class_, each._gen_cache_key(anon_map, bindparams)) for class_, each in criteria),
        )

    def __reduce__(self) -> Any:
        how = (self.loader_only, self.include_aliases, self.propagate_to_loaders)
        return LoaderCriteriaOption, (*self.given, *how)


with_loader_criteria = LoaderCriteriaOption


class AskedClasses:
    """The classes of a mixin whose criteria are in the cache key of one execution.

    INVARIANT: a statement that needed another class while it was compiled is never found in a cache
    again, since its parameters for that class would be those of the first execution.
    """

    __slots__ = ("classes", "is_whole", "needed")

    def __init__(self, needed: list[type[Any]]) -> None:
        # Those that statements about the same class have needed so far.
        self.needed: list[type[Any]] = needed
        self.classes: tuple[type[Any], ...] = tuple(needed)
        # Whether no other class was needed.
        self.is_whole: bool = True

    def grow(self, class_: type[Any]) -> None:
        """Note that a class is needed of which the key knows nothing."""
        self.is_whole = False
        if class_ not in self.needed:
            self.needed.append(class_)

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, AskedClasses)
            and self.is_whole
            and other.is_whole
            and self.classes == other.classes
        )

    def __hash__(self) -> int:
        return hash(self.classes)


def criteria_about(statement: Any) -> Any:
    """The statement with criteria that are asked for the classes alone which matter to it."""
    given = statement._with_options
    mapper = statement._propagate_attrs["plugin_subject"].mapper
    options = [
        each.about(mapper) if isinstance(each, LoaderCriteriaOption) else each for each in given
    ]
    if all(map(is_, options, given)):
        return statement
    made = statement._generate()
    made._with_options = tuple(options)
    return made


def _is_mapped(class_: type[Any]) -> bool:
    return inspect(class_, raiseerr=False) is not None


@record(eq=False)
class CriteriaInForce:
    """The criteria of the statement that is compiled."""

    options: Sequence[LoaderCriteriaOption]
    # Those that apply to what the statement itself selects.
    roots: Sequence[LoaderCriteriaOption]


_NONE = CriteriaInForce((), ())
_in_force: ContextVar[CriteriaInForce] = ContextVar("criteria_in_force", default=_NONE)


def criteria_of(statement: Any, compiler: Any = None) -> CriteriaInForce:
    """The criteria of a statement, those of the statement that is compiled around it included."""
    given = [*statement._with_options, *replaced_options(statement)]
    own = _criteria_in(given)
    outermost = None if compiler is None else compiler.compile_state
    if outermost is not None:
        # A state of ours has criteria; of Core's the statement tells.
        known = getattr(outermost, "criteria", None)
        options = (
            _criteria_in(outermost.statement._with_options) if known is None else known.options
        )
        around = [statement, *(entry["selectable"] for entry in compiler.stack)] if options else []
        within = [each._annotations[WITHIN] for each in around if WITHIN in each._annotations]
        own += [each for each in options if not any(x in within for x in each.texts)]
    if not own:
        return _NONE
    if UNFILTERED in given:
        return CriteriaInForce(own, ())
    continues = any(isinstance(each, StartsAt) for each in given)
    return CriteriaInForce(own, [each for each in own if continues or not each.loader_only])


def _criteria_in(options: Iterable[Any]) -> list[LoaderCriteriaOption]:
    return [each for each in options if isinstance(each, LoaderCriteriaOption)]


@contextmanager
def in_force(criteria: CriteriaInForce) -> Iterator[None]:
    """Put criteria in force for what is done inside."""
    token = _in_force.set(criteria)
    try:
        yield
    finally:
        _in_force.reset(token)


def row_criterion(entity: Any, *, is_eager: bool = False, also: Sequence[Any] = ()) -> Any | None:
    """What keeps rows out that are not the entity's, or not wanted by the statement; or None.

    `is_eager`: an alias that only loading needs. `also`: other entities that read the same rows.
    """
    criteria = _in_force.get()
    plain = single_table_criterion(entity, also)
    given = criteria.options if is_eager else criteria.roots
    wanted = _wanted(given, entity, is_eager=is_eager)
    if not wanted:
        return plain
    return and_(*wanted) if plain is None else and_(plain, *wanted)


def given_criteria(entity: Any) -> list[Any]:
    """What options of the statement alone say of the rows of an entity."""
    return _wanted(_in_force.get().roots, entity)


def row_criteria(entities: Iterable[Any]) -> list[Any]:
    """What rows must satisfy for all of several entities.

    The parts of one `with_polymorphic()` read the same rows: what is any part's stays.
    """
    parts: dict[Any, list[Any]] = {}
    found = []
    for each in entities:
        whole = each.whole if each.is_aliased_class else None
        parts.setdefault(each if whole is None else whole, []).append(each)
    for whole, (first, *others) in parts.items():
        if whole in (first, *others):
            first, others = whole, []
        found.append(row_criterion(first, also=others))
        found += [and_(*wanted) for wanted in map(given_criteria, others) if wanted]
    return [each for each in found if each is not None]


def criteria_of_mentioned(
    statement: Any, elements: Sequence[SelectedElement]
) -> list[tuple[Any, list[Any]]]:
    """Entities that WHERE alone brings into a statement, with what their rows must satisfy."""
    known = {None, *mentioned_entities(statement, elements), *joined_entities(statement)} - {None}
    hierarchies = {each.mapper.base_mapper for each in known if reads_own_tables(each)}
    clauses = statement._where_criteria
    return [
        (each, row_criteria([each]))
        for each in dict.fromkeys(each for clause in clauses for each in entities_in(clause))
        if each not in known
        and (each.is_aliased_class or each.mapper.base_mapper not in hierarchies)
    ]


def _wanted(
    given: Iterable[LoaderCriteriaOption], entity: Any, *, is_eager: bool = False
) -> list[Any]:
    """What options say of an entity."""
    found = [each.criterion_for(entity, is_eager=is_eager) for each in given]
    return [each for each in found if each is not None]
