"""Define what a mapper knows of the classes above and below its own.

A part of `Mapper`, which fills the attributes named here; the rules are in `assembly.inheritance`
and `assembly.polymorphic`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from holdfast.foundation.sqlalchemy_core import ColumnAdapter, memoized_property
from holdfast.mapping.assembly import polymorphic


class HierarchyMember:
    """The place of one class in its hierarchy, and what a query for it selects from."""

    # Memoized attributes that depend on the properties or the descendants.
    DERIVED: ClassVar[tuple[str, ...]] = (
        "adapter",
        "all_equivalents",
        "own_identities",
        "selectable",
        "with_polymorphic_mappers",
    )

    inherits: Any
    base_mapper: Any
    inheriting_mappers: list[Any]
    ensure_configured: Callable[[], None]

    def iterate_to_root(self) -> Iterator[Any]:
        """This mapper, the one it inherits from, and so on."""
        mapper: Any = self
        while mapper is not None:
            yield mapper
            mapper = mapper.inherits

    @property
    def self_and_descendants(self) -> tuple[Any, ...]:
        """This mapper and all that inherit from it, nearest first."""
        found = [self]
        for mapper in found:
            found += mapper.inheriting_mappers
        return tuple(found)

    def isa(self, other: Any) -> bool:
        """Whether this mapper is `other` or inherits from it."""
        return any(mapper is other for mapper in self.iterate_to_root())

    def common_parent(self, other: Any) -> bool:
        """Whether both belong to one hierarchy."""
        return self.base_mapper is other.mapper.base_mapper

    def is_sibling(self, other: Any) -> bool:
        """Whether both belong to one hierarchy without one inheriting from the other."""
        return self.common_parent(other) and not self.isa(other) and not other.isa(self)

    @memoized_property
    def with_polymorphic_mappers(self) -> list[Any]:
        """Mappers of the hierarchy whose columns every query for this class selects (MP-150)."""
        chosen, _ = self.polymorphic_choice()
        inline = [self]
        for mapper in inline:
            # Classes below one that is not loaded so are selected in queries for that one.
            inline += [
                each for each in mapper.inheriting_mappers if each.polymorphic_load == "inline"
            ]
        wanted = {*chosen, *polymorphic.chosen_mappers(self, inline[1:])}
        return [each for each in self.self_and_descendants if each in wanted]

    def polymorphic_choice(
        self, classes: Any = None, *, selectable: Any = False, innerjoin: bool = False
    ) -> tuple[tuple[Any, ...], Any]:
        """What is selected for a choice of subclasses ("*": all): mappers, and from where.

        Without choice or selectable (False) those that the class is mapped with count.
        """
        if selectable is False:
            selectable = polymorphic.given_selectable(self)
        chosen = polymorphic.chosen_mappers(
            self, classes or polymorphic.given_choice(self), selectable
        )
        if selectable is None:
            selectable = polymorphic.polymorphic_selectable(self, chosen, innerjoin=innerjoin)
        return chosen, selectable

    @memoized_property
    def selectable(self) -> Any:
        """What a query for this class selects from."""
        given = polymorphic.given_selectable(self)
        if given is not None:
            return given
        return polymorphic.polymorphic_selectable(self, self.with_polymorphic_mappers)

    @memoized_property
    def all_equivalents(self) -> dict[Any, set[Any]]:
        """Column -> columns equal to it in every row, of this class or of one below it."""
        return polymorphic.all_equivalents(self)

    @memoized_property
    def adapter(self) -> ColumnAdapter | None:
        """Columns of the tables -> those of the selectable that `with_polymorphic` names."""
        given = polymorphic.given_selectable(self)
        if given is None:
            return None
        return ColumnAdapter(given, equivalents=self.all_equivalents)

    @memoized_property
    def own_identities(self) -> frozenset[Any]:
        """Discriminator values that an object of this class may have."""
        return polymorphic.own_identities(self)
