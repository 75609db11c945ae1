"""Sort the options of a statement by the entities and attributes they speak of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Any, ClassVar

from holdfast import errors
from holdfast.foundation.codegen import record, replace
from holdfast.foundation.sqlalchemy_core import immutabledict
from holdfast.queries.entities import SelectedElement, root_entities
from holdfast.queries.load_plan import (
    COLUMN,
    NO_OPTIONS,
    RELATIONSHIP,
    AttributeChoice,
    LoadPath,
    OptionTable,
)
from holdfast.queries.options import GROUP, SUBCLASSES, Load, LoaderOption, Saying, entity_text

# ------------------------------------------------------------------------------
# Resolve the options of one statement against its entities, into an `OptionTable`.
#
# Called by the compile hook once per compiled statement, and by `reading` where options with bound
# values take part in later SELECTs.
#
# Rules kept here:
# 1. An option belongs to the entity of the select list with which it begins, or it is an error.
# 2. In a statement that loads attributes of objects loaded before, options are those of the first
#    statement, and their paths begin there: nothing is an error.
# 3. Two options that want different things of one attribute are an error.


def build_option_table(
    options: Iterable[Any],
    roots: Sequence[Any],
    *,
    start: LoadPath = LoadPath.ROOT,
    check: bool = True,
    replaced: Iterable[Any] = (),
) -> OptionTable:
    """What `options` say, by path.

    `start` is where the entities of this statement are, seen from the first statement. With
    `check`, an option that belongs to no entity is an error, unless it is in `replaced`: those for
    earlier select lists.
    """
    resolver = _Resolver(list(roots), start, check=check and not start)
    for option in options:
        if isinstance(option, Load):
            resolver.add(option, check=resolver.check)
    for option in replaced:
        if isinstance(option, Load):
            resolver.add(option, check=False)
    return resolver.table


def propagated(options: Iterable[Any]) -> tuple[Any, ...]:
    """The options that stay with the objects that a statement loads."""
    return tuple(each for each in options if getattr(each, "propagate_to_loaders", False))


def replaced_options(statement: Any) -> list[Any]:
    """Options given before `with_only_columns()` replaced the select list."""
    return [
        option
        for earlier in getattr(statement, "_memoized_select_entities", ())
        for option in earlier._with_options
    ]


@record(eq=False, frozen=False)
class _Resolver:
    """Collects what the options of one statement say."""

    roots: list[Any]
    start: LoadPath
    check: bool
    table: OptionTable = field(default_factory=OptionTable)

    def add(self, option: Load, *, check: bool) -> None:
        """Enter everything that one option says."""
        for saying in option.sayings:
            if self.start and not saying.propagates:
                continue
            if not saying.path:
                self._enter(saying, LoadPath.ROOT)
                continue
            path = self._placed(saying.path)
            if path is not None:
                self._enter(saying, path)
            elif check and (self.roots or not saying.choice.wildcard) and not self._passes(saying):
                self._refuse(saying)

    def _passes(self, saying: Saying) -> bool:
        """Whether an option that loads nothing here does no harm: it speaks of a sibling class."""
        first = saying.path[0]
        return saying.kind == SUBCLASSES or any(
            root.is_mapper and first.is_mapper and root.common_parent(first) for root in self.roots
        )

    def _placed(self, path: LoadPath) -> LoadPath | None:
        """The path as it begins in this statement; None when it does not."""
        first = path[0]
        if self.start:
            known = _stands_for(self.start[0], first)
            return LoadPath((self.start[0], *path[1:])) if known else None
        for root in self.roots:
            if _stands_for(root, first):
                return LoadPath((root, *path[1:]))
        return None

    def _enter(self, saying: Saying, path: LoadPath) -> None:
        table, choice = self.table, saying.choice
        if saying.kind == GROUP:
            table.groups.setdefault(path, set()).add(choice.settings["group"])
        elif saying.kind == SUBCLASSES:
            named = {each.mapper: each for each in choice.settings["entities"]}
            table.subclasses.setdefault(path, {}).update(named)
        elif choice.wildcard:
            table.wildcards[path, saying.kind] = choice
        else:
            _check_kind(saying, path.last)
            known = table.choices.get(path)
            table.choices[path] = choice if known is None else _merged(known, choice, path.last)

    def _refuse(self, saying: Saying) -> None:
        if not self.roots:
            raise errors.LoaderOptionError.only_expressions(saying.choice.text)
        raise errors.LoaderOptionError.no_root(
            entity_text(saying.path[0]),
            saying.choice.text,
            [entity_text(root) for root in self.roots],
        )


def _check_kind(saying: Saying, prop: Any) -> None:
    """Refuse a loader of columns for a relationship, and the other way round (LD-85)."""
    if saying.kind == RELATIONSHIP and not prop.is_relationship:
        loader = f"{saying.choice.strategy or 'default'} loader"
        kind = (
            "mapped sql expression"
            if getattr(prop, "is_sql_expression", False)
            else f"{prop.kind} property"
        )
        raise errors.LoaderStrategyException.wrong_kind(loader, prop, kind, "relationship property")
    if saying.kind == COLUMN and prop.is_relationship:
        raise errors.LoaderStrategyException.wrong_kind(
            "column loader", prop, "relationship", "column property"
        )


def _stands_for(root: Any, entity: Any) -> bool:
    """Does an option that begins with `entity` speak of `root`?"""
    if root is entity or getattr(root, "stands_for", None) is entity:
        return True
    if entity.is_aliased_class and entity.whole is root:
        return True
    if root.is_aliased_class or entity.is_aliased_class:
        return False
    return bool(root.isa(entity) or entity.isa(root))


def _merged(known: AttributeChoice, added: AttributeChoice, prop: Any) -> AttributeChoice:
    """One choice out of two for the same attribute."""
    if known.of_type and added.of_type:
        target = _joint_target(known.of_type, added.of_type, prop)
        known, added = replace(known, of_type=target), replace(added, of_type=target)
    if added.strategy is None or known.strategy is None:
        leading, other = (known, added) if added.strategy is None else (added, known)
        return replace(
            leading,
            settings=immutabledict({**other.settings, **leading.settings}),
            criteria=leading.criteria or other.criteria,
            of_type=leading.of_type or other.of_type,
        )
    leads_on = known.strategy == added.strategy == "contains_eager"
    if leads_on and bool(known.settings) != bool(added.settings):
        # What leads further along need not repeat the alias.
        return known if known.settings else added
    if not _agree(known, added):
        raise errors.LoaderConflictError.between(added.text, known.text)
    return known


def _joint_target(known: Any, added: Any, prop: Any) -> Any:
    """What two options name with `of_type()`: one entity, or several subclasses together."""
    if known is added:
        return known
    mappers = [*(known if isinstance(known, tuple) else (known,)), added]
    if all(each.is_mapper for each in mappers):
        return tuple(dict.fromkeys(mappers))
    first, second = _target_text(known, prop), _target_text(added, prop)
    raise errors.LoaderConflictError.targets(first, second, prop)


def _target_text(target: Any, prop: Any) -> str:
    """How messages name a target that `of_type()` gave."""
    several = target if isinstance(target, tuple) else (target,)
    text = ", ".join(entity_text(each) for each in several)
    if several[0].is_mapper and target is not prop.mapper:
        return f"with_polymorphic({entity_text(prop.mapper)}, [{text}])"
    return text


def _agree(known: AttributeChoice, added: AttributeChoice) -> bool:
    return (
        known.strategy == added.strategy
        and known.settings == added.settings
        and known.of_type is added.of_type
        and len(known.criteria) == len(added.criteria)
        and all(
            one is two or one.compare(two)
            for one, two in zip(known.criteria, added.criteria, strict=True)
        )
    )


# ------------------------------------------------------------------------------
# Read the loader options of a statement, and carry them on to statements that continue it.
#
# Lazy loads, selectin loads and refreshes are statements of their own, under the options of the
# statement that loaded the parents. `StartsAt` tells at which path of those options they stand.


class MarkerOption(LoaderOption):
    """An option for one statement alone; most say all they have to say by being there."""

    __slots__ = ()
    propagate_to_loaders = False

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> tuple[Any, ...]:
        return (type(self),)


class WithoutEagerLoads(MarkerOption):
    """Let relationships that would be loaded with the rows load when touched instead."""

    __slots__ = ()


# An execution option: the cursor whose rows are read in place of what the statement would give.
CURSOR_OPTION = "holdfast_cursor"


class HeardBeforeCompile:
    """The target of the events of `Query`, which comes with its first use only."""

    # Core's dispatcher of query events, set by `hooks`, and whether it is worth a look.
    dispatch: Any = None
    has_listeners: ClassVar[bool] = False


class Unfiltered(MarkerOption):
    """Let no criteria of options keep out the object that is read again (LD-133)."""

    __slots__ = ()


UNFILTERED = Unfiltered()


class StartsAt(MarkerOption):
    """Say that a statement continues the loading of another one, at a path of its options.

    With `only`, the attributes of these names are loaded, columns whether deferred or not.
    """

    def __init__(self, path: LoadPath, *, only: frozenset[str] | None = None) -> None:
        self.path = path
        self.only = only

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> tuple[Any, ...]:
        return (StartsAt, self.path._gen_cache_key(anon_map, bindparams), self.only)


@record
class StatementOptions:
    """The loader options of one statement."""

    table: OptionTable = NO_OPTIONS
    # The path at which its own entity stands; empty in a statement that continues no other.
    start: LoadPath = LoadPath.ROOT
    # Names of the attributes to load; None for all that are not deferred.
    only: frozenset[str] | None = None
    # Whether relationships may be loaded with its rows, or right after.
    is_eager: bool = True


def statement_options(
    given: Sequence[Any], elements: Sequence[SelectedElement], replaced: Sequence[Any] = ()
) -> StatementOptions:
    """What the options of a statement say; those in `replaced` need not apply."""
    if not given and not replaced:
        return StatementOptions()
    start, only = LoadPath.ROOT, None
    is_eager = not any(isinstance(each, WithoutEagerLoads) for each in given)
    others = []
    for option in given:
        if isinstance(option, StartsAt):
            start, only = option.path, option.only
        else:
            others.append(option)
    if not others and not replaced:
        return StatementOptions(NO_OPTIONS, start, only)
    table = build_option_table(others, root_entities(elements), start=start, replaced=replaced)
    return StatementOptions(table, start, only, is_eager)
