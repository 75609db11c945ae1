"""Hold the registries that higher layers fill: loader strategies and comparators.

`reading` registers strategies by name, `queries` registers comparators by kind of property. A
property asks here when it needs one; it never knows the modules that define them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

StrategyClass = TypeVar("StrategyClass", bound=type)
ComparatorFactory = Callable[..., Any]

strategies: dict[str, type[Any]] = {}
"""Strategy name ("select", "joined", "column", "deferred", ...) -> class; see `reading`."""

comparators: dict[str, ComparatorFactory] = {}
"""Kind of property ("column", "relationship", "composite") -> factory(prop, entity) of the object
behind class-level expressions; see `queries.comparators`."""


def register_strategy(*names: str) -> Callable[[StrategyClass], StrategyClass]:
    """Class decorator: serve the strategy names given."""

    def decorate(cls: StrategyClass) -> StrategyClass:
        for name in names:
            strategies[name] = cls
        return cls

    return decorate


def register_comparator(kind: str) -> Callable[[StrategyClass], StrategyClass]:
    """Class decorator: make the comparators of one kind of property."""

    def decorate(cls: StrategyClass) -> StrategyClass:
        comparators[kind] = cls
        return cls

    return decorate


class PluggedComparator:
    """Class attribute `Comparator` of a property class: what `queries` plugged for its kind."""

    def __get__(self, instance: object, owner: Any) -> ComparatorFactory:
        return comparators[owner.kind]
