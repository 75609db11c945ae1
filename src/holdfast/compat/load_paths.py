"""Show paths and loader options in the form in which SQLAlchemy's tests look into them.

Holdfast says "all attributes" by a choice that is a wildcard; SQLAlchemy by a token that ends the
path, one of four.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

from sqlalchemy import exc, inspect

from holdfast.queries.options.paths import RELATIONSHIP, LoadPath
from holdfast.reading.kept_options import kept_table, lazy_choice

# Ways to load later, as they are named in `relationship(lazy=...)`.
_LATER = {"select", "raise", "raise_on_sql", "noload"}


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

    @property
    def path(self) -> tuple[Any, ...]:
        """The items."""
        return tuple(self)

    def token(self, name: str) -> PathRegistry:
        """The path to all attributes of one kind."""
        if name not in TOKENS:
            raise exc.ArgumentError(f"invalid token: {name}")
        return PathRegistry((*self, TOKENS[name]))

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


PathRegistry.root = PathRegistry()


class OptionElement:
    """One thing that an option says."""

    def __init__(self, saying: Any) -> None:
        self.saying = saying
        self.local_opts = dict(saying.choice.settings)
        path = PathRegistry(saying.path)
        if saying.is_general:
            path = path.token(f"{saying.kind}:{'*' if path else '_sa_default'}")
        self.path = path


def elements(option: Any) -> tuple[OptionElement, ...]:
    """What an option says, one by one."""
    return tuple(OptionElement(saying) for saying in option.sayings)


def load_path(state: Any) -> PathRegistry:
    """Where an object stood in the statement that loaded it."""
    path = LoadPath.ROOT if state.extra is None else state.extra.load_path
    return PathRegistry(path or (state.mapper,))


class LoadLazyAttribute:
    """How one relationship of one object loads, where an option has said so."""

    extra_criteria = None

    def __init__(self, state: Any, key: str, strategy: str) -> None:
        self.strategy_key = (("lazy", strategy),)
        path, table = state.extra.load_path, kept_table(state.extra)
        named = path.down(state.mapper.properties[key])
        if named in table.choices:
            found = PathRegistry(named)
        elif (path, RELATIONSHIP) in table.wildcards:
            found = PathRegistry(path).token("relationship:*")
        else:
            found = PathRegistry.root.token("relationship:_sa_default")
        self.loadopt = SimpleNamespace(path=found)


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
