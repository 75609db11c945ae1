"""Make a class a dataclass before it is mapped: which attributes are fields, and with what.

Called by `declare` for classes with settings, and by `dataclasses` for mixins. The class body comes
out as it was, plus what `dataclasses.dataclass()` adds; the fields' own leftovers are replaced when
the class is mapped.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

from sqlalchemy.schema import DefaultGenerator

from holdfast import errors
from holdfast.foundation.codegen import Keywords
from holdfast.foundation.describe import warn_deprecated
from holdfast.foundation.load_policy import DONT_SET
from holdfast.foundation.sqlalchemy_core import NO_ARG
from holdfast.mapping.declarative.annotations import (
    AttributeAnnotation,
    Evaluator,
    annotations_of,
    read_annotation,
)
from holdfast.mapping.declarative.constructs import NOTHING_GIVEN, DataclassArguments, MappedColumn
from holdfast.mapping.declarative.scan import (
    SETTINGS_NAME,
    is_mapped_class,
    is_special,
    set_attribute,
)
from holdfast.mapping.properties import ColumnProperty, CompositeProperty
from holdfast.mapping.relationship import Relationship

_ABSENT = object()


class DataclassSettings(Keywords, total=False):
    """Arguments of `dataclasses.dataclass()`; absent or None where nothing was said."""

    init: bool | None
    repr: bool | None
    eq: bool | None
    order: bool | None
    unsafe_hash: bool | None
    match_args: bool | None
    kw_only: bool | None
    # What is called instead of dataclasses.dataclass, such as pydantic's.
    dataclass_callable: Callable[..., type[Any]] | None


def check_settings(settings: DataclassSettings) -> None:
    """Refuse arguments that a mapped class cannot have."""
    unknown = sorted(settings.keys() - DataclassSettings.__annotations__.keys())
    if unknown:
        raise errors.DataclassSettingsError.unknown(unknown)


def make_unmapped_dataclass(cls: type, settings: DataclassSettings) -> None:
    """Apply `@dataclass` to a mixin, abstract class or base for mapped dataclasses."""
    sources = {}
    for key, raw, annotation in _read(cls):
        value = cls.__dict__.get(key)
        is_field = is_construct(value) if annotation is None else not annotation.is_unmapped
        if is_field:
            sources[key] = (value, raw)
    make_dataclass(cls, settings, sources, is_mapped=False)


def _read(cls: type) -> Iterator[tuple[str, Any, AttributeAnnotation | None]]:
    """The annotations of a class: name, as it was written, and what it says to the mapping."""
    evaluator = Evaluator(cls)
    for key, raw in annotations_of(cls).items():
        yield key, raw, read_annotation(key, raw, evaluator, required=False)


def make_dataclass(
    cls: type, settings: DataclassSettings, sources: dict[str, tuple[Any, Any]], *, is_mapped: bool
) -> None:
    """Apply `@dataclass` to a class whose attributes may be mapped.

    `sources` holds what stands in the class body for the mapped attributes, those of mixins
    included, and their annotations as they were written.
    """
    _check(cls)
    if is_mapped:
        _check_mixins(cls)
    written = annotations_of(cls)
    before = [(key, cls.__dict__[key]) for key in cls.__dict__ if not is_special(key)]
    # The columns of the table that are no attributes.
    unread = [key for key, _, annotation in _read(cls) if annotation and annotation.is_unmapped]
    # Descriptors of extensions, such as association proxies, say what they are as fields too.
    others = [each for each in before if each[0] in written and each[0] not in unread]
    sources = {
        **{key: (value, written[key]) for key, value in others if is_construct(value)},
        **sources,
    }
    # What comes from mixins stands first, as if the class had derived it: the class's own
    # annotations may hold KW_ONLY.
    fields = {
        **{key: raw for key, (_, raw) in sources.items() if key not in written},
        **{key: raw for key, raw in written.items() if key not in unread},
    }
    for key in unread:
        _set_or_remove(cls, key, _ABSENT)
    for key, (value, _) in sources.items():
        arguments = _field_arguments(cls, key, value, is_mapped=is_mapped)
        set_attribute(cls, key, dataclasses.field(**arguments))
    try:
        cls.__annotations__ = fields
        said = {name: each for name, each in settings.items() if each is not None}
        make: Any = said.pop("dataclass_callable", dataclasses.dataclass)
        make(cls, **said)
        _show_signature(cls)
    except TypeError as error:
        raise errors.DeclarationError.dataclass_failed(cls.__name__, error) from error
    finally:
        cls.__annotations__ = written
        _restore(cls, before, {*sources, *unread})


def _show_signature(cls: type) -> None:
    """Let the generated `__init__` show its parameters also when it is wrapped.

    COMPAT: without their annotations, as SQLAlchemy's own wrapper has them.
    """
    init = cls.__dict__.get("__init__")
    if not isinstance(init, FunctionType):
        return
    signature = inspect.signature(init)
    init.__dict__["__signature__"] = inspect.Signature(
        [each.replace(annotation=each.empty) for each in signature.parameters.values()]
    )


def _restore(cls: type, before: list[tuple[str, Any]], mapped: set[str]) -> None:
    """Put the class body back: what is mapped as it was, all in the order it was written.

    The order of columns depends on it, and a field that is taken out and put back comes last.
    """
    for key, value in before:
        if key in mapped:
            left = value
        elif isinstance(value, dataclasses.Field):
            # A field's default stays as class attribute; without one, nothing does.
            left = cls.__dict__.get(key, _ABSENT)
        else:
            left = cls.__dict__.get(key, value)
        _set_or_remove(cls, key, _ABSENT)
        _set_or_remove(cls, key, left)
    for key in mapped.difference([key for key, _ in before]):
        _set_or_remove(cls, key, _ABSENT)


def is_construct(value: Any) -> bool:
    """Whether a value of a class body brings dataclass arguments of its own."""
    return hasattr(value, "dataclass_arguments")


def _field_arguments(cls: type, key: str, value: Any, *, is_mapped: bool) -> dict[str, Any]:
    """Arguments of `dataclasses.field()` for what stands in the class body.

    A default is not stored in new objects of a mapped class (MP-71): `__init__` gets a marker in
    its place, which the attribute ignores, and the attribute reads as the default.
    """
    declared: DataclassArguments = getattr(value, "dataclass_arguments", None) or NOTHING_GIVEN
    arguments = declared.field_arguments()
    if isinstance(value, ColumnProperty) and value.is_sql_expression:
        # Read with the row and never written: no argument of __init__, no part of equality.
        arguments = {"init": False, "compare": False, **arguments}
    is_composite = isinstance(value, CompositeProperty)
    if is_mapped and not has_descriptor_defaults(cls) and not arguments.get("init", True):
        # Stored all the same, as by an `__init__` that takes it.
        default = arguments.pop("default", _ABSENT)
        if default is not _ABSENT:
            arguments["default_factory"] = lambda: default
        return arguments
    if not is_mapped or is_composite or not has_descriptor_defaults(cls):
        return arguments
    has_default = "default" in arguments
    if isinstance(value, Relationship):
        has_default = has_default or "default_factory" in arguments
        arguments.pop("default_factory", None)
    elif has_default and isinstance(value, MappedColumn) and callable(arguments["default"]):
        _warn_of_callable(key)
        return arguments
    if has_default and "default_factory" not in arguments:
        arguments.pop("default", None)
        if arguments.get("init", True):
            arguments["default"] = DONT_SET
        else:
            # What `__init__` does not take gets the marker, which the attribute ignores.
            arguments["default_factory"] = lambda: DONT_SET
    return arguments


def has_descriptor_defaults(cls: type) -> bool:
    """Whether defaults are read from the attribute rather than stored in each new object."""
    # COMPAT: SQLAlchemy 2.1 has this switch back to the behaviour of 2.0.
    return not getattr(cls, "_sa_disable_descriptor_defaults", False)


def given_default(value: Any) -> Any:
    """The plain value that an attribute has as default, or None."""
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


def _check(cls: type) -> None:
    """Refuse a class whose fields are made already, or hold what is to be mapped."""
    if "__dataclass_fields__" in cls.__dict__:
        raise errors.DeclarationError.already_dataclass(cls)
    metadata_key = getattr(cls, "__sa_dataclass_metadata_key__", None)
    if any(
        isinstance(each, dataclasses.Field) and metadata_key in each.metadata
        for each in cls.__dict__.values()
    ):
        raise errors.DeclarationError.mapping_in_field(cls)


def _check_mixins(cls: type) -> None:
    """Refuse mapped attributes of a mixin that is no dataclass: they would be no fields."""
    written = annotations_of(cls)
    for base in cls.__mro__[1:]:
        if base is object or is_mapped_class(base) or "__dataclass_fields__" in base.__dict__:
            continue
        names = [
            key
            for key, _, annotation in _read(base)
            if key not in written and annotation is not None and not annotation.is_unmapped
        ]
        if names and SETTINGS_NAME not in base.__dict__:
            raise errors.DeclarationError.dataclass_mixin(cls, tuple(names), base)
