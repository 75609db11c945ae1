"""Define `MapperOptions`: what a class may say about its own mapping beside its attributes.

They come from `__mapper_args__`, or from the keywords of `registry.map_imperatively`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Self

from holdfast.errors.mapping import UnknownOptionError
from holdfast.foundation.record import record


@record(eq=False)
class MapperOptions:
    """The documented mapper options, with their defaults (MP-120)."""

    # Columns or attribute names that form the identity; the table's primary key when None.
    primary_key: Sequence[Any] | None = None
    # Which of the table's columns are mapped without being named, and how they are called.
    include_properties: Collection[Any] | None = None
    exclude_properties: Collection[Any] | None = None
    column_prefix: str | None = None
    # Inheritance.
    inherits: Any = None
    inherit_condition: Any = None
    inherit_foreign_keys: Any = None
    concrete: bool = False
    polymorphic_on: Any = None
    polymorphic_identity: Any = None
    polymorphic_abstract: bool = False
    polymorphic_load: str | None = None
    with_polymorphic: Any = None
    # Version counter.
    version_id_col: Any = None
    version_id_generator: Callable[[Any], Any] | bool | None = None
    # Reading and writing.
    eager_defaults: bool | str = "auto"
    always_refresh: bool = False
    allow_partial_pks: bool = True
    batch: bool = True
    confirm_deleted_rows: bool = True
    legacy_is_orphan: bool = False
    passive_updates: bool = True
    passive_deletes: bool = False

    @classmethod
    def checked(cls, class_: Any, options: Mapping[str, Any]) -> Self:
        """The options that a class was mapped with.

        Raises:
            UnknownOptionError: There is none of one of the names.
        """
        for name in options:
            if name not in cls.__annotations__:
                raise UnknownOptionError.of_mapper(class_, name, cls.__annotations__)
        return cls(**options)
