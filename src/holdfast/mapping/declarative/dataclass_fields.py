"""Make a class a dataclass before it is mapped: which attributes are fields, and with what.

Called by `declare` for classes with settings, and by `dataclasses` for mixins. The class body comes
out as it was, plus what `dataclasses.dataclass()` adds; the fields' own leftovers are replaced when
the class is mapped.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from holdfast.errors.declarative import DeclarationError
from holdfast.mapping.declarative.annotations import annotations_of, read_annotation
from holdfast.mapping.declarative.dataclass_arguments import NOTHING_GIVEN, DataclassArguments
from holdfast.mapping.declarative.mapped_column import MappedColumn
from holdfast.mapping.declarative.names import Evaluator
from holdfast.mapping.declarative.scan import is_mapped_class, set_attribute
from holdfast.mapping.mapped import Unmapped
from holdfast.mapping.properties.base import MapperProperty

SETTINGS_NAME = "__sa_dataclass_settings__"
"""Class attribute that holds the settings of a class that is to be made a dataclass."""

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class DataclassSettings:
    """Arguments of `dataclasses.dataclass()`; None where nothing was said."""

    init: bool | None = None
    repr: bool | None = None
    eq: bool | None = None
    order: bool | None = None
    unsafe_hash: bool | None = None
    match_args: bool | None = None
    kw_only: bool | None = None
    # What is called instead of dataclasses.dataclass, such as pydantic's.
    dataclass_callable: Callable[..., type[Any]] | None = None

    def over(self, base: DataclassSettings | None) -> DataclassSettings:
        """These settings, and those of a base class where nothing was said."""
        if base is None:
            return self
        return DataclassSettings(
            *(
                getattr(base, name) if getattr(self, name) is None else getattr(self, name)
                for name in self.__slots__
            )
        )

    def keywords(self) -> dict[str, Any]:
        """What was said, for the call."""
        return {
            name: value
            for name in self.__slots__
            if name != "dataclass_callable" and (value := getattr(self, name)) is not None
        }


def make_dataclass(cls: type, settings: DataclassSettings) -> None:
    """Apply `@dataclass` to a class whose attributes may be mapped."""
    if "__dataclass_fields__" in cls.__dict__:
        raise DeclarationError.already_dataclass(cls)
    _check_mixins(cls)
    written = annotations_of(cls)
    before = {key: cls.__dict__.get(key, _ABSENT) for key in cls.__dict__}
    evaluator = Evaluator(cls)
    fields: dict[str, Any] = {}
    for key, raw in written.items():
        annotation = read_annotation(key, raw, evaluator, required=False)
        if annotation is not None and issubclass(annotation.container, Unmapped):
            _set_or_remove(cls, key, _ABSENT)
            continue
        fields[key] = raw
        value = cls.__dict__.get(key, _ABSENT)
        if value is not _ABSENT and is_construct(value):
            arguments = field_arguments(value)
            made = dataclasses.field(**arguments) if arguments else _ABSENT
            _set_or_remove(cls, key, made)
    try:
        cls.__annotations__ = fields
        (settings.dataclass_callable or dataclasses.dataclass)(cls, **settings.keywords())
    except TypeError as error:
        raise DeclarationError.dataclass_failed(cls.__name__, error) from error
    finally:
        cls.__annotations__ = written
        for key, value in before.items():
            if key in written and (value is _ABSENT or is_construct(value)):
                _set_or_remove(cls, key, value)


def is_construct(value: Any) -> bool:
    """Whether a value of a class body brings dataclass arguments of its own."""
    return isinstance(value, MappedColumn | MapperProperty) or hasattr(value, "dataclass_arguments")


def field_arguments(value: Any) -> dict[str, Any]:
    """Arguments of `dataclasses.field()` for what stands in the class body."""
    arguments: DataclassArguments | None = value.dataclass_arguments
    return (arguments or NOTHING_GIVEN).field_arguments()


def _set_or_remove(cls: type, key: str, value: Any) -> None:
    if value is not _ABSENT:
        set_attribute(cls, key, value)
    elif key in cls.__dict__:
        type.__delattr__(cls, key)


def _check_mixins(cls: type) -> None:
    """Refuse mapped attributes from a mixin that is no dataclass: they would be no fields."""
    for base in cls.__mro__[1:]:
        if base is object or is_mapped_class(base) or "__dataclass_fields__" in base.__dict__:
            continue
        evaluator = Evaluator(base)
        names = [
            key
            for key, raw in annotations_of(base).items()
            if key not in cls.__dict__
            and (found := read_annotation(key, raw, evaluator, required=False)) is not None
            and not issubclass(found.container, Unmapped)
        ]
        if names and SETTINGS_NAME not in base.__dict__:
            raise DeclarationError.dataclass_mixin(cls, base, names)
