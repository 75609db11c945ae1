"""Tell rows of a hierarchy apart by the class that their discriminator names.

Rows of one class are then loaded together, by the function generated for it.

Rules kept here (MP-145):
1. A row without primary key has no object, whatever its discriminator.
2. No value, one that no class has, or a class beside the one asked for, is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from holdfast.errors.loading import RowClassError, UnknownIdentityError
from holdfast.foundation.record import replace
from holdfast.queries.load_plan import EntityLoad
from holdfast.reading.row_loader import Row


def parts_by_class(load: EntityLoad, rows: Sequence[Row]) -> list[tuple[EntityLoad, Sequence[int]]]:
    """How the rows of each class are loaded, and the places of these rows."""
    position = load.discriminator
    assert position is not None
    values = [row[position] for row in rows]
    kinds = dict.fromkeys(values)
    if len(kinds) == 1:
        (value,) = kinds
        return [(load_of_value(load, value, rows, values), range(len(rows)))]
    places: dict[Any, list[int]] = {value: [] for value in kinds}
    for place, value in enumerate(values):
        places[value].append(place)
    return [(load_of_value(load, value, rows, values), found) for value, found in places.items()]


def load_of_value(
    load: EntityLoad, value: Any, rows: Sequence[Row], values: Sequence[Any]
) -> EntityLoad:
    """How rows with this discriminator are loaded.

    Raises:
        AssertionError: No class has it.
        InvalidRequestError: It names a class that does not inherit from the one asked for.
    """
    known: dict[Any, EntityLoad] = load.memo.setdefault("by_value", {})
    found = known.get(value)
    if found is not None:
        return found
    mapper = load.mapper
    if value is None:
        key = key_with_value(load, None, rows, values)
        if key is not None:
            raise RowClassError.unknown(key, mapper.polymorphic_on)
        return load_of_class(load, mapper)
    named = mapper.polymorphic_map.get(value)
    if named is None:
        raise UnknownIdentityError.value(value)
    if not named.isa(mapper):
        key = key_with_value(load, value, rows, values)
        raise RowClassError.beside(key, mapper.polymorphic_on, named, mapper)
    known[value] = made = load_of_class(load, named)
    return made


def key_with_value(
    load: EntityLoad, value: Any, rows: Sequence[Row], values: Sequence[Any]
) -> tuple[Any, ...] | None:
    """The identity key of the first row with this discriminator; None when it has no object."""
    for row, each in zip(rows, values, strict=True):
        if each == value:
            pk = tuple(row[index] for index in load.pk_indexes)
            if any(part is not None for part in pk):
                key: tuple[Any, ...] = load.mapper.identity_key_from_primary_key(pk)
                return key
    return None


def load_of_class(load: EntityLoad, mapper: Any) -> EntityLoad:
    """How rows of one class are loaded: as planned for it or for its nearest base."""
    planned = {each.mapper: each for each in load.subclasses}
    planned[load.mapper] = replace(load, discriminator=None, subclasses=(), memo={})
    base = next(each for each in mapper.iterate_to_root() if each in planned)
    if base is mapper:
        return planned[mapper]
    return replace(planned[base], mapper=mapper, memo={})
