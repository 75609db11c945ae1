"""Give load paths the form of SQLAlchemy's path registry."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from sqlalchemy import exc, inspect

from holdfast.foundation.describe import warn
from holdfast.queries.entities import parse_elements, root_entities
from holdfast.queries.load_plan import RELATIONSHIP, LoadPath
from holdfast.queries.options import Load
from holdfast.queries.statement_options import CURSOR_OPTION, StartsAt, build_option_table
from holdfast.reading.context import kept_table, lazy_choice

# ------------------------------------------------------------------------------
# Show paths as the class that SQLAlchemy's tests of paths look into.
#
# A `LoadPath` always ends with what it was made of; there a path to all attributes of one kind ends
# with a token, and which entity of a hierarchy is meant is worked out when the path is made.

TOKENS: dict[str, PathToken] = {}


class PathToken(str):
    """The end of a path to all attributes of one kind."""

    __slots__ = ()
    _intern: ClassVar[dict[str, PathToken]] = TOKENS


TOKENS.update(
    (name, PathToken(name))
    for kind in ("column", "relationship")
    for name in (f"{kind}:*", f"{kind}:_sa_default")
)


class PathRegistry(LoadPath):
    """A path whose last item may be a token."""

    __slots__ = ()
    root: ClassVar[PathRegistry]

    @classmethod
    def coerce(cls, items: Any) -> PathRegistry:
        """The path of some items, each attribute with the entity that it belongs to."""
        found = [
            _entity_for(item, items[place + 1])
            if place % 2 == 0 and place + 1 < len(items)
            else item
            for place, item in enumerate(items)
        ]
        return PathRegistry(found)

    @property
    def path(self) -> tuple[Any, ...]:
        """The items."""
        return tuple(self)

    @property
    def natural_path(self) -> tuple[Any, ...]:
        """The items, with mappers in place of aliases behind relationships."""
        found = list(self)
        for place in range(2, len(found), 2):
            if found[place].is_aliased_class:
                attribute = found[place + 1] if place + 1 < len(found) else None
                found[place] = found[place].mapper if attribute is None else attribute.parent
        return tuple(found)

    @property
    def length(self) -> int:
        """How many items there are."""
        return len(self)

    @property
    def parent(self) -> PathRegistry:
        """The path without its last item."""
        return PathRegistry(self[:-1])

    @property
    def is_token(self) -> bool:
        """Does it end in a token?"""
        return isinstance(self.last, PathToken)

    @property
    def is_aliased_class(self) -> bool:
        """Does it end in an alias?"""
        return bool(self.last.is_aliased_class)

    def contains_mapper(self, mapper: Any) -> bool:
        """Is the mapper itself on the path?"""
        return mapper in self.path[::2]

    def token(self, name: str) -> PathRegistry:
        """The path to all attributes of one kind."""
        if name not in TOKENS:
            raise exc.ArgumentError(f"invalid token: {name}")
        return PathRegistry((*self, TOKENS[name]))

    def path_string(self) -> str:
        """The path as messages show it."""
        words: list[str] = []
        name = ""
        for place, item in enumerate(self):
            if place % 2:
                words.append(f"{name}.{item.key}")
                continue
            name = _entity_text(item)
            if place and item.is_aliased_class:
                words[-1] += f".of_type({name})"
        return " -> ".join(words) or name

    def serialize(self) -> list[tuple[type[Any] | None, str | None]]:
        """Classes and names, in pairs."""
        names = [getattr(item, "class_", None) or getattr(item, "key", item) for item in self]
        if len(names) % 2:
            names = (
                [*names, None] if isinstance(names[-1], type) else [*names[:-1], None, names[-1]]
            )
        return list(zip(names[::2], names[1::2], strict=True))

    @staticmethod
    def deserialize(pairs: Any) -> PathRegistry:
        """The path of some pairs."""
        items: list[Any] = []
        for class_, key in pairs:
            mapper: Any = None if class_ is None else inspect(class_)
            items += [] if mapper is None else [mapper]
            if key is not None:
                items.append(TOKENS.get(key) or mapper.get_property(key))
        return PathRegistry(items)

    # -- as the key of a dictionary ------------------------------------------------------------

    def set(self, registry: dict[Any, Any], key: str, value: Any) -> None:
        """Put a value for this path into a dictionary of many."""
        registry[key, self.path] = value

    def setdefault(self, registry: dict[Any, Any], key: str, value: Any) -> None:
        """The same, unless there is one."""
        registry.setdefault((key, self.path), value)

    def get(self, registry: dict[Any, Any], key: str, value: Any = None) -> Any:
        """The value for this path."""
        return registry.get((key, self.path), value)

    def contains(self, registry: dict[Any, Any], key: str) -> bool:
        """Is there a value for this path?"""
        return (key, self.path) in registry

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, int | slice):
            return tuple.__getitem__(self, item)
        if self.is_token:
            raise IndexError(item)
        return PathRegistry((*self, item)) if self else root_path(item)

    def __add__(self, other: Any) -> PathRegistry:
        return PathRegistry((*self, *other))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, tuple):
            warn(f"Comparison of PathRegistry to {type(other)!r} is not supported")
            return False
        return tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__: ClassVar[Any] = tuple.__hash__


PathRegistry.root = PathRegistry()

_roots: WeakKeyDictionary[Any, PathRegistry] = WeakKeyDictionary()


def root_path(entity: Any) -> PathRegistry:
    """The path that consists of one entity."""
    found = _roots.get(entity)
    if found is None:
        found = _roots[entity] = PathRegistry((entity,))
    return found


def _entity_for(entity: Any, attribute: Any) -> Any:
    """The entity of a hierarchy to which an attribute belongs."""
    owner = getattr(attribute, "parent", None)
    if owner is None or entity.mapper is owner:
        return entity
    if entity.is_mapper or entity.stands_for is not None:
        return owner
    part = getattr(entity.entity, owner.class_.__name__, None)
    return inspect(part) if owner in entity.with_polymorphic_mappers and part else entity


def _entity_text(entity: Any) -> str:
    name: str = entity.class_.__name__
    if entity.is_mapper:
        return name
    if not entity.with_polymorphic_mappers:
        return f"aliased({name})"
    others = [each.class_.__name__ for each in entity.with_polymorphic_mappers]
    return f"with_polymorphic({name}, [{', '.join(each for each in others if each != name)}])"


# ------------------------------------------------------------------------------
# Show paths and loader options in the form in which SQLAlchemy's tests look into them.
#
# Holdfast says "all attributes" by a choice that is a wildcard; SQLAlchemy by a token that ends the
# path, one of four.

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
