"""Find the mapper of a class or of an object.

Called by applications; inside Holdfast a state's `mapper` is at hand wherever one is needed.
"""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import inspect

from holdfast.errors.mapping import MappingArgumentError, UnmappedClassError, UnmappedInstanceError
from holdfast.instrument.manager import find_manager, find_state
from holdfast.mapping.mapper import Mapper

Entity = TypeVar("Entity", bound=object)


def class_mapper(class_: type[Entity] | Mapper[Entity], configure: bool = True) -> Mapper[Entity]:  # noqa: FBT001, FBT002  API
    """The mapper of a class.

    Args:
        class_: A mapped class, or a mapper, which is given back.
        configure: Configure all mappers first, if that has not been done.

    Raises:
        ArgumentError: `class_` is no class.
        UnmappedClassError: The class is not mapped.
    """
    if isinstance(class_, Mapper):
        mapper = class_
    else:
        manager = find_manager(class_) if isinstance(class_, type) else None
        if manager is None or not manager.is_mapped:
            found = None if isinstance(class_, type) else inspect(class_, raiseerr=False)
            if found is None and not isinstance(class_, type):
                raise MappingArgumentError.class_expected(class_)
            if found is None or not getattr(found, "is_mapper", False):
                raise UnmappedClassError(class_)
            return class_mapper(found, configure)
        mapper = manager.mapper
    if configure:
        mapper.ensure_configured()
    return mapper


def object_mapper(instance: Entity) -> Mapper[Entity]:
    """The mapper of an object's class.

    Raises:
        UnmappedInstanceError: The object's class is not mapped.
    """
    state = find_state(instance)
    if state is None:
        raise UnmappedInstanceError(instance)
    mapper: Mapper[Entity] = state.mapper
    return mapper
