"""Define `MapperProperty`, what every mapped attribute has.

Life of a property: made by the application or by the mapper; `attach` ties it to a mapper and a
name; in the second pass `resolve`, `link` and `finish` are called once each, in this order, every
step for all pending mappers before the next step begins.
"""

from __future__ import annotations

from typing import Any, ClassVar

from typing_extensions import TypeVar

from holdfast.foundation.deprecated import warn
from holdfast.foundation.sqlalchemy_core import HasCacheKey
from holdfast.foundation.subscripts import Subscripted
from holdfast.instrument.inspection import InspectionAttr
from holdfast.mapping.sockets import comparators, strategies

T = TypeVar("T", default=Any)


class MapperProperty(HasCacheKey, InspectionAttr, Subscripted[T]):
    """One mapped attribute of one mapper: a column, a relationship, a synonym or a composite.

    Subclass mappers of an inheritance hierarchy share the property objects of their base.
    """

    kind: ClassVar[str]
    """ "column", "relationship", "synonym" or "composite"; also the loader options' wildcard."""

    inherit_cache: bool = True
    is_property = True
    is_column: ClassVar[bool] = False
    is_relationship: ClassVar[bool] = False
    is_synonym: ClassVar[bool] = False
    is_composite: ClassVar[bool] = False

    # Name of the attribute, set by `attach`.
    key: str
    # The mapper that owns the property, set by `attach`.
    parent: Any

    def __init__(
        self,
        *,
        comparator_factory: Any = None,
        info: dict[Any, Any] | None = None,
        doc: str | None = None,
    ) -> None:
        self.comparator_factory: Any = comparator_factory or comparators.get(self.kind)
        self.doc = doc
        # Made when first read, unless given.
        self.given_info = info
        # What mapped_column(), relationship() ... were told about dataclass fields; kept by
        # `mapping.declarative`, not looked at here.
        self.dataclass_arguments: Any = None
        # The columns that were given before they had names; only `mapping.declarative` reads it.
        self.declared_columns: tuple[Any, ...] = ()
        # What the attribute of a new object reads as while it is not set: a dataclass default.
        self.unset_value: Any = None
        # Whether `finish` has run.
        self.configured: bool = False
        self.strategies: dict[str, Any] = {}

    @property
    def info(self) -> dict[Any, Any]:
        """Data of the application about this attribute."""
        if self.given_info is None:
            self.given_info = {}
        return self.given_info

    @info.setter
    def info(self, value: dict[Any, Any]) -> None:
        self.given_info = value

    # -- life --------------------------------------------------------------------------------

    def attach(self, mapper: Any, key: str) -> None:
        """Belong to `mapper` under the name `key`."""
        known = self.__dict__.get("key")
        if known is not None and known != key and self.__dict__.get("parent") is mapper:
            warn(
                f"ORM mapped property {self} being assigned to attribute {key!r} is already "
                f"associated with attribute {known!r}. The attribute will be de-associated from "
                f"{known!r}."
            )
        self.parent = mapper
        self.key = key

    def resolve(self) -> None:
        """Second pass, first step: find what strings and callables stand for."""

    def link(self) -> None:
        """Second pass, second step: find the properties that this one works together with."""

    def finish(self) -> None:
        """Second pass, last step: all properties are resolved and linked."""
        self.configured = True

    # -- what the attribute on the class asks --------------------------------------------------

    def make_comparator(self, entity: Any) -> Any:
        """The object that gives the class-level attribute its SQL operators.

        Args:
            entity: The mapper, or the `AliasedInsp` of an alias, that the attribute belongs to.
        """
        return self.comparator_factory(self, entity)

    @property
    def class_attribute(self) -> Any:
        """The descriptor on the mapped class."""
        return getattr(self.parent.class_, self.key)

    @property
    def comparator(self) -> Any:
        """The comparator of the attribute on the owning class."""
        return self.class_attribute.comparator

    # -- loading -------------------------------------------------------------------------------

    @property
    def strategy_name(self) -> str:
        """Name under which `reading` registered the strategy that loads this attribute."""
        raise AttributeError(f"a {self.kind} is not loaded by a strategy of its own")

    @property
    def strategy(self) -> Any:
        """The strategy object that loads this attribute when no option says otherwise."""
        return self.strategy_for(self.strategy_name)

    def strategy_for(self, name: str) -> Any:
        """The strategy object of that name for this property, made when first asked for."""
        found = self.strategies.get(name)
        if found is None:
            found = self.strategies[name] = strategies[name](self)
        return found

    # -- Core's protocols ------------------------------------------------------------------------

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> Any:
        return (self,)

    def __reduce_ex__(self, protocol: Any) -> Any:
        # Pickled as a name, once it has one.
        if "parent" in vars(self):
            return _named_property, (self.parent, self.key)
        return super().__reduce_ex__(protocol)

    def __str__(self) -> str:
        parent = getattr(self, "parent", None)
        if parent is None:
            return f"{type(self).__name__} without a mapper"
        return f"{parent.class_.__name__}.{self.key}"

    def __repr__(self) -> str:
        parent = getattr(self, "parent", None)
        name = "no key" if parent is None else f"{parent.class_.__name__}.{self.key}"
        return f"<{type(self).__name__} at 0x{id(self):x}; {name}>"


def _named_property(mapper: Any, key: str) -> MapperProperty:
    found: MapperProperty = mapper.get_property(key)
    return found
