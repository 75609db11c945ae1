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

from sqlalchemy.schema import DefaultGenerator

from holdfast.errors.declarative import DeclarationError
from holdfast.foundation.deprecated import warn_deprecated
from holdfast.foundation.markers import DONT_SET
from holdfast.foundation.sqlalchemy_core import NO_ARG
from holdfast.mapping.declarative.annotations import annotations_of, read_annotation
from holdfast.mapping.declarative.dataclass_arguments import NOTHING_GIVEN, DataclassArguments
from holdfast.mapping.declarative.mapped_column import MappedColumn
from holdfast.mapping.declarative.names import Evaluator
from holdfast.mapping.declarative.scan import is_mapped_class, set_attribute
from holdfast.mapping.mapped import Unmapped
from holdfast.mapping.properties.base import MapperProperty
from holdfast.mapping.properties.column import ColumnProperty
from holdfast.mapping.properties.relationship import Relationship

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
            arguments = _field_arguments(cls, key, value)
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


def _field_arguments(cls: type, key: str, value: Any) -> dict[str, Any]:
    """Arguments of `dataclasses.field()` for what stands in the class body.

    A default is not stored in new objects (MP-71): `__init__` gets a marker in its place, which the
    attribute ignores, and the attribute reads as the default.
    """
    declared: DataclassArguments = value.dataclass_arguments or NOTHING_GIVEN
    arguments = declared.field_arguments()
    if isinstance(value, ColumnProperty) and value.is_sql_expression:
        # Read with the row and never written: no argument of __init__, no part of equality.
        arguments = {"init": False, "compare": False, **arguments}
    if isinstance(value, Relationship):
        replaced = "default" in arguments or "default_factory" in arguments
        arguments.pop("default_factory", None)
    else:
        replaced = "default" in arguments
        if replaced and is_ambiguous_callable(value, arguments["default"]):
            _warn_of_callable(key)
            return arguments
    if replaced and "default_factory" not in arguments:
        arguments.pop("default", None)
        if arguments.get("init", True):
            arguments["default"] = DONT_SET
        else:
            arguments["default_factory"] = _nothing
    return arguments


def _nothing() -> Any:
    """Default factory of what `__init__` does not take: the attribute ignores the marker."""
    return DONT_SET


def is_ambiguous_callable(value: Any, default: Any) -> bool:
    """Whether a default may be meant for the column or for the attribute."""
    return isinstance(value, MappedColumn) and callable(default)


def unset_value(value: Any) -> Any:
    """What an attribute reads as when the dataclass's `__init__` was not given it."""
    default = (value.dataclass_arguments or NOTHING_GIVEN).default
    if default is NO_ARG or isinstance(default, DefaultGenerator) or callable(default):
        return None
    return default


def _warn_of_callable(key: str) -> None:
    warn_deprecated(
        f"Callable object passed to the ``default`` parameter for attribute {key!r} in a "
        "ORM-mapped Dataclasses context is ambiguous, and this use will raise an error in a future "
        "release.  If this callable is intended to produce Core level INSERT default values for an "
        "underlying Column, use insert_default; to make values for __init__, use default_factory. "
        "[dataclass-callable]",
        version="2.0",
    )


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
