"""Keep the options of a statement with the objects that it loaded, for their later loads.

All objects of one execution share one `KeptOptions`, so that what the options say is worked out
once for each path.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from holdfast.queries.options.apply import build_option_table, propagated
from holdfast.queries.options.chain import Load
from holdfast.queries.options.paths import AttributeChoice, LoadPath, OptionTable
from holdfast.queries.options.statement import StartsAt


class KeptOptions(tuple[Any, ...]):  # noqa: SLOT001  tuples cannot have slots with values
    """The options that stay with loaded objects (LD-90)."""

    # Path of an object -> what the options say there and below.
    tables: dict[LoadPath, OptionTable]
    # Whether some option speaks of no attribute, and so stays with every object.
    for_all: bool
    # Those that apply when an attribute is touched: a "*" without entity ends with its statement.
    for_touched: tuple[Any, ...]

    def __reduce__(self) -> Any:
        return kept_options, (tuple(self),)


def kept_options(options: Iterable[Any]) -> tuple[Any, ...]:
    """Those of a statement's options that stay with its objects; () when none do."""
    kept = propagated(each for each in options if not isinstance(each, StartsAt))
    if not kept:
        return ()
    made = KeptOptions(kept)
    made.tables = {}
    made.for_touched = tuple(
        each for each in kept if not isinstance(each, Load) or each.root is not None
    )
    made.for_all = not all(isinstance(each, Load) for each in kept)
    return made


def table_at(options: tuple[Any, ...], path: LoadPath) -> OptionTable:
    """What kept options say of the entity in which `path` ends, and below it."""
    if not isinstance(options, KeptOptions):
        return build_option_table(options, [path.last], start=path)
    found: OptionTable | None = options.tables.get(path)
    if found is None:
        found = options.tables[path] = build_option_table(options, [path.last], start=path)
    return found


def kept_table(extra: Any) -> OptionTable:
    """What the options kept with an object say, by path."""
    return table_at(extra.load_options, extra.load_path)


def kept_choice(state: Any, prop: Any) -> AttributeChoice | None:
    """What the options kept with an object say of one of its relationships."""
    extra = state.extra
    if extra is None or not extra.load_options:
        return None
    return kept_table(extra).choice(extra.load_path, prop)


def lazy_choice(state: Any, prop: Any) -> AttributeChoice | None:
    """What they say of one that is touched; nothing any more, once it has expired."""
    extra = state.extra
    if extra is None or prop.key in extra.released:
        return None
    return kept_choice(state, prop)


def lazy_column_choice(state: Any, prop: Any) -> AttributeChoice | None:
    """The same for a column."""
    extra = state.extra
    if extra is None or not extra.load_options or prop.key in extra.released:
        return None
    return kept_table(extra).column_choice(extra.load_path, prop)
