"""Show paths and loader options in the form in which SQLAlchemy's tests look into them.

Holdfast says "all attributes" by a choice that is a wildcard; SQLAlchemy by a token that ends the
path, one of four.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

from holdfast.compat.path_registry import PathRegistry
from holdfast.queries.entities import parse_elements, root_entities
from holdfast.queries.facade.results import CURSOR_OPTION
from holdfast.queries.options.apply import build_option_table
from holdfast.queries.options.chain import Load
from holdfast.queries.options.paths import RELATIONSHIP, LoadPath
from holdfast.queries.options.statement import StartsAt
from holdfast.reading.kept_options import kept_table, lazy_choice

# Ways to load later, as they are named in `relationship(lazy=...)`.
_LATER = {"select", "raise", "raise_on_sql", "noload"}


class OptionElement:
    """One thing that an option says."""

    __slots__ = ("_of_type", "choice", "local_opts", "path", "strategy")

    is_class_strategy = False

    def __init__(self, path: PathRegistry, choice: Any) -> None:
        self.path: PathRegistry = path
        self.choice: Any = choice
        self.strategy: Any = choice.strategy
        self.local_opts: dict[Any, Any] = dict(choice.settings)
        self._of_type = choice.of_type

    @property
    def is_opts_only(self) -> bool:
        """Does it leave the way of loading as it is?"""
        return self.strategy is None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OptionElement) and other.choice is self.choice

    __hash__: ClassVar[Any] = None

    def __str__(self) -> str:
        return str(self.choice.text)


def elements(option: Any) -> tuple[OptionElement, ...]:
    """What an option says, one by one."""
    found = []
    for saying in option.sayings:
        path = PathRegistry(saying.path)
        if saying.is_general:
            path = path.token(f"{saying.kind}:{'*' if len(path) else '_sa_default'}")
        found.append(OptionElement(path, saying.choice))
    return tuple(found)


class CompileStateView:
    """The compile state of a query, with a dictionary for what options say by path."""

    def __init__(self, state: Any, statement: Any) -> None:
        self.state = state
        self.given = statement
        self.attributes: dict[Any, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.state, name)


def process_compile_state(option: Load, view: CompileStateView) -> None:
    """Enter what an option says into the dictionary of a compile state."""
    given = view.given
    starts = [each.path for each in given._with_options if isinstance(each, StartsAt)]
    start = starts[0] if starts else LoadPath.ROOT
    roots = root_entities(parse_elements(given._raw_columns, given._label_style))
    _enter([option], roots, start, view.attributes)


def compile_state(query: Any, **_how: Any) -> CompileStateView:
    """The compile state of a query."""
    statement = query.built()
    made = statement._compile_state_factory(statement, statement._default_compiler())
    view = CompileStateView(made, statement)
    roots = root_entities(parse_elements(statement._raw_columns, statement._label_style))
    _enter(statement._with_options, roots, LoadPath.ROOT, view.attributes)
    return view


def compile_context(query: Any, **_how: Any) -> SimpleNamespace:
    """The same, as what the rows are read with."""
    view = compile_state(query)
    return SimpleNamespace(compile_state=view, attributes=view.attributes, query=query)


def instances(cursor: Any, context: Any) -> Any:
    """The objects of a query, from rows that a connection has fetched already."""
    query = context.query.changed(from_statement=cursor.context.compiled.statement)
    return query.session.execute(query.drafted(), execution_options={CURSOR_OPTION: cursor})


def _enter(options: Any, roots: Any, start: LoadPath, attributes: dict[Any, Any]) -> None:
    table = build_option_table(options, roots, start=start, check=not start)
    for path, choice in table.choices.items():
        if path.starts_with(start) and len(path) > len(start):
            found = PathRegistry.coerce(path)
            attributes["loader", found.path[len(start) :]] = OptionElement(found, choice)


def set_column_strategy(option: Any, keys: Any, strategy: Any, opts: Any) -> Any:
    """An option of a test's own for one column."""
    return option.with_column("option", keys[0], "deferred" if strategy else None, opts)


def with_current_path(query: Any, path: PathRegistry) -> Any:
    """A query that goes on with the loading of another one."""
    return query.options(StartsAt(LoadPath(path)))


def generate_from_keys(
    method: Any,
    keys: Any,
    chained: bool,  # noqa: FBT001  their form
    keywords: dict[str, Any],
) -> Load:
    """The option that a chain of attributes gives."""
    option = Load(keys[0].parent)
    renamed = {
        "_propagates" if name == "_propagate_to_loaders" else name: value
        for name, value in keywords.items()
    }
    for place, key in enumerate(keys):
        named = chained or place == len(keys) - 1
        option = method(option, key, **renamed) if named else option.defaultload(key)
    return option


class AttributeStrategyLoad:
    """What an option says of one attribute."""

    @staticmethod
    def create(path: Any, attr: Any, *_more: Any, raiseerr: bool = True) -> SimpleNamespace | None:
        """The path to an attribute from an entity; None where it does not lead on from there."""
        if not raiseerr and not path.last.isa(attr.parent):
            return None
        prop = attr.property
        found = PathRegistry(path).path
        after = (prop, prop.mapper) if prop.is_relationship else (prop,)
        return SimpleNamespace(path=PathRegistry((*found, *after)))


def load_path(state: Any) -> PathRegistry:
    """Where an object stood in the statement that loaded it."""
    path = LoadPath.ROOT if state.extra is None else state.extra.load_path
    return PathRegistry(path or (state.mapper,))


class LoadLazyAttribute:
    """How one relationship of one object loads, where an option has said so."""

    extra_criteria = None

    def __init__(self, state: Any, key: str, strategy: str) -> None:
        self.strategy_key: tuple[tuple[str, str]] = (("lazy", strategy),)
        path, table = state.extra.load_path, kept_table(state.extra)
        named = path.down(state.mapper.properties[key])
        if named in table.choices:
            found = PathRegistry(named)
        elif (path, RELATIONSHIP) in table.wildcards:
            found = PathRegistry(path).token("relationship:*")
        else:
            found = PathRegistry.root.token("relationship:_sa_default")
        self.loadopt: SimpleNamespace = SimpleNamespace(path=found)


class LoadDeferredColumns:
    """That one column of one object loads by itself."""


def callables(state: Any) -> dict[str, Any]:
    """The attributes of an object that load otherwise than they are mapped to."""
    if state.extra is None:
        return {}
    found: dict[str, Any] = {key: LoadDeferredColumns() for key in state.extra.deferred}
    for key in state.mapper.relationship_keys:
        prop = state.mapper.properties[key]
        choice = lazy_choice(state, prop)
        if choice is not None and choice.strategy in _LATER and choice.strategy != prop.lazy:
            found[key] = LoadLazyAttribute(state, key, choice.strategy)
    return {key: each for key, each in found.items() if key not in state.dict}
