"""Read the loader options of a statement, and carry them on to statements that continue it.

Lazy loads, selectin loads and refreshes are statements of their own, under the options of the
statement that loaded the parents. `StartsAt` tells at which path of those options they stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from holdfast.foundation.record import record
from holdfast.foundation.sqlalchemy_core import ExecutableOption, HasCacheKey
from holdfast.queries.entities import SelectedElement, root_entities
from holdfast.queries.options.apply import build_option_table
from holdfast.queries.options.chain import LoaderOption
from holdfast.queries.options.paths import NO_OPTIONS, LoadPath, OptionTable


class WithoutEagerLoads(LoaderOption):
    """Let relationships that would be loaded with the rows load when touched instead."""

    __slots__ = ()
    propagate_to_loaders = False

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> tuple[Any, ...]:
        return (WithoutEagerLoads,)


class Unfiltered(LoaderOption):
    """Let no criteria of options keep out the object that is read again (LD-133)."""

    __slots__ = ()
    propagate_to_loaders = False

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> tuple[Any, ...]:
        return (Unfiltered,)


UNFILTERED = Unfiltered()


class StartsAt(HasCacheKey, ExecutableOption):
    """Say that a statement continues the loading of another one, at a path of its options.

    With `only`, the attributes of these names are loaded, columns whether deferred or not.
    """

    _is_has_cache_key = True
    propagate_to_loaders = False

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
    """What the options of a statement say.

    Args:
        given: `statement._with_options`.
        elements: What the statement selects.
        replaced: Options that were given for an earlier select list.

    Raises:
        LoaderOptionError: An option speaks of no entity of the statement.
    """
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
