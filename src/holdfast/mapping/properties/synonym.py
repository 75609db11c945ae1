"""Define `SynonymProperty`: a second name for an attribute."""

from __future__ import annotations

from typing import Any, ClassVar

from holdfast.errors.mapping import MappingArgumentError, MappingError
from holdfast.mapping.properties.base import MapperProperty, T


class SynonymProperty(MapperProperty[T]):
    """Another name under which an attribute is read, written and used in SQL."""

    kind: ClassVar[str] = "synonym"
    is_synonym: ClassVar[bool] = True

    def __init__(
        self,
        name: str,
        map_column: bool | None = None,  # noqa: FBT001 - the documented position
        descriptor: Any = None,
        comparator_factory: Any = None,
        info: dict[Any, Any] | None = None,
        doc: str | None = None,
    ) -> None:
        super().__init__(comparator_factory=comparator_factory, info=info, doc=doc)
        # The attribute that this one stands for.
        self.name = name
        # Map the table's column of this name as `name`, since the synonym takes its place.
        self.map_column = map_column
        # A Python descriptor of the class that does the reading and writing.
        self.descriptor = descriptor

    def attach(self, mapper: Any, key: str) -> None:
        """Belong to a mapper; with `map_column`, map the column under the other name too."""
        super().attach(mapper, key)
        if not self.map_column:
            return
        if self.name in mapper.given_properties:
            raise MappingArgumentError.synonym_column_taken(self)
        column = mapper.persist_selectable.c.get(key)
        if column is None:
            raise MappingArgumentError.synonym_without_column(self)
        mapper.add_property(self.name, column)

    @property
    def target_attribute(self) -> Any:
        """The class-level attribute that this one stands for."""
        return self._target_of(self.parent.class_)

    def _target_of(self, class_: Any) -> Any:
        target = getattr(class_, self.name)
        if not getattr(target, "is_attribute", False):
            raise MappingError.synonym_target(self, target)
        return target

    def make_comparator(self, entity: Any) -> Any:
        """The target's comparator, or one of our own factory around the target's property."""
        target = self._target_of(entity.entity)
        if self.comparator_factory is not None:
            return self.comparator_factory(target.property, entity)
        return target.comparator
