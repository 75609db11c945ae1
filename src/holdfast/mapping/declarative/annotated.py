"""Make columns, composites and targets of relationships from annotations."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Collection, Mapping
from typing import Any, get_args, get_origin

from sqlalchemy import Column

from holdfast import errors
from holdfast.foundation.describe import warn_deprecated
from holdfast.foundation.sqlalchemy_core import (
    NO_ARG,
    is_left_out,
    is_null_type,
    merge_column,
    nullability_given,
    set_column_type,
)
from holdfast.instrument.manager import find_manager
from holdfast.mapping.declarative.annotations import (
    AttributeAnnotation,
    Evaluator,
    UnresolvedName,
    annotated_of,
    candidates,
    includes_none,
    is_alias,
    is_union,
    sql_type_for,
    sql_type_from_listeners,
    unresolved_names,
    without_none,
)
from holdfast.mapping.declarative.constructs import MappedColumn
from holdfast.mapping.mapped import Mapped
from holdfast.mapping.properties import CompositeProperty, MapperProperty
from holdfast.mapping.relationship import Relationship

# ------------------------------------------------------------------------------
# Complete a `mapped_column()` with its annotation: type, nullability, `Annotated[]` options, name.
#
# Called by `declare` for each column, in the order of the table to be. Afterwards the `Column`
# inside is as if it had been written in full.


def complete_column(
    made: MappedColumn[Any],
    owner: type,
    key: str,
    annotation: AttributeAnnotation | None,
    registry: Any,
) -> None:
    """Give the column what the annotation says and the call does not."""
    column = made.column
    if annotation is not None:
        if not made.is_mapped and not annotation.is_unmapped:
            raise errors.DeclarationArgumentError.unmapped_with_mapped(owner, key)
        _apply_python_type(made, owner, key, annotation, registry)
    elif is_null_type(column.type) and not column.foreign_keys:
        raise errors.DeclarationArgumentError.annotation_required(owner, key, "MappedColumn")
    if not made.is_mapped and made.attribute_options:
        raise errors.DeclarationArgumentError.unmapped_options(owner, key, made.attribute_options)
    name_column(column, key)


def name_column(column: Any, key: str) -> None:
    """Call a column like its attribute, as far as it has no name of its own."""
    if column.key is None:
        column.key = key
    if column.name is None:
        column.name = key


def _apply_python_type(
    made: MappedColumn[Any], owner: type, key: str, annotation: AttributeAnnotation, registry: Any
) -> None:
    """Take type, nullability and the options in `Annotated[]` from what stands in `Mapped[]`."""
    python_type = annotation.inner
    column = made.column
    annotated = annotated_of(python_type)
    if annotated is not None:
        _merge_annotated(made, annotated)
    if not nullability_given(column) and column.identity is None and not is_left_out(column):
        column.nullable = not column.primary_key and includes_none(python_type)
    if is_null_type(column.type) and not column.foreign_keys:
        unknown = list(unresolved_names(python_type))
        if unknown:
            raise errors.MappedAnnotationError.types_unknown(annotation.text, unknown)
        if isinstance(without_none(python_type), MappedColumn):
            raise errors.MappedAnnotationError.no_type_given(key, python_type)
        found = sql_type_from_listeners(python_type, registry, owner)
        if found is None:
            found = sql_type_for(python_type, registry.type_annotation_map, key)
        set_column_type(column, found)


def _merge_annotated(made: MappedColumn[Any], annotated: Any) -> None:
    """Take over what a `mapped_column()` within `Annotated[]` says."""
    for each in annotated.__metadata__:
        if isinstance(each, MapperProperty):
            raise errors.AnnotatedConstructError.of(each)
        if isinstance(each, MappedColumn):
            _warn_of_ignored(each)
            merge_column(each.column, made.column, keep_default=made.has_default)
            _merge_attribute_options(each, made)
            break


def _merge_attribute_options(source: MappedColumn[Any], made: MappedColumn[Any]) -> None:
    if made.sort_order is NO_ARG:
        made.sort_order = source.sort_order
    if made.deferred_given is NO_ARG:
        made.deferred_given = source.deferred_given
    made.deferred_group = made.deferred_group or source.deferred_group
    if made.deferred_raiseload is None:
        made.deferred_raiseload = source.deferred_raiseload
    made.active_history = made.active_history or source.active_history
    made.use_existing_column = made.use_existing_column or source.use_existing_column


def _warn_of_ignored(source: MappedColumn[Any]) -> None:
    if source.column.name is not None or source.column.key is not None:
        warn_deprecated(
            "Can't use the 'key' or 'name' arguments in Annotated with mapped_column(); this will "
            "be ignored: each attribute has a column of its own. Name it in the class. "
            "[annotated-name]",
            version="2.0.22",
        )
    for name in source.dataclass_arguments.given():
        if name != "default":
            warn_deprecated(
                f"Argument '{name}' is a dataclass argument and cannot be specified within a "
                "mapped_column() bundled inside of an Annotated object: give it in the class. "
                "[annotated-dataclass]",
                version="2.0.22",
            )


# ------------------------------------------------------------------------------
# Complete a `composite()` with its annotation: the class of the value object, and its columns.
#
# Called by `declare`. For a dataclass, columns that the call leaves out are made from its fields,
# and those that it leaves unnamed or untyped are completed from them.


def complete_composite(
    prop: CompositeProperty,
    owner: type,
    key: str,
    annotation: AttributeAnnotation | None,
    registry: Any,
) -> list[Column[Any]]:
    """Settle the class of the value object and the columns; gives those the table is to have."""
    if annotation is not None:
        _read_class(prop, annotation)
    if prop.composite_class is None:
        raise errors.DeclarationArgumentError.annotation_required(owner, key, "Composite")
    template = getattr(prop, "column_template", None)
    made_of = prop.composite_class
    fields = _fields_of(made_of)
    if fields is None and template is not None:
        raise errors.DeclarationArgumentError.template_without_dataclass()
    named = list((fields or {}).items())
    left_out = [[] if template is None else [template % name] for name, _ in named]
    attrs = [*prop.attrs, *(MappedColumn(*name) for name in left_out[len(prop.attrs) :])]
    found: list[Column[Any]] = []
    for number, attr in enumerate(attrs):
        field = named[number] if number < len(named) else None
        if isinstance(attr, MappedColumn):
            _complete_part(attr, owner, field, made_of, registry)
            attrs[number] = attr.column
        column = attrs[number]
        if isinstance(column, Column) and column.table is None:
            if field is not None:
                name_column(column, field[0])
            found.append(column)
    prop.attrs = tuple(attrs)
    return found


def _read_class(prop: CompositeProperty, annotation: AttributeAnnotation) -> None:
    given: Any = prop
    if includes_none(annotation.inner) and given.return_none_on_default:
        prop.return_none_on = lambda *values: all(value is None for value in values)
    if prop.composite_class is not None:
        return
    value = annotation.evaluator.resolved(candidates(annotation.inner)[-1])
    if isinstance(value, UnresolvedName):
        raise errors.MappedAnnotationError.types_unknown(annotation.text, unresolved_names(value))
    prop.composite_class = value


def _fields_of(made_of: Any) -> dict[str, Any] | None:
    """Field name -> Python type, of a dataclass; None for what is none."""
    if not (isinstance(made_of, type) and dataclasses.is_dataclass(made_of)):
        return None
    evaluator = Evaluator(made_of)
    return {
        field.name: evaluator.resolved(field.type)
        for field in dataclasses.fields(made_of)
        if field.init
    }


def _complete_part(
    made: MappedColumn[Any], owner: type, field: tuple[str, Any] | None, made_of: Any, registry: Any
) -> None:
    """Complete one column of the composite from the field it stands for."""
    name, annotation = made.column.name, None
    if field is not None:
        name, python_type = field
        annotation = AttributeAnnotation(
            Mapped, python_type, str(python_type), Evaluator(made_of), was_text=False
        )
    elif name is None:
        raise errors.DeclarationArgumentError.composite_unnamed()
    if made.column.table is None:
        complete_column(made, owner, name, annotation, registry)


# ------------------------------------------------------------------------------
# Complete a `relationship()` with its annotation: target, scalar or collection, and its class.
#
# Called by `declare`. What the call says stays; a target that does not exist yet is left as a name,
# which the mapping looks up when it is configured.


def complete_relationship(
    prop: Relationship, annotation: AttributeAnnotation, *, owner: type, registry: Any
) -> None:
    """Give the relationship what the annotation says and the call does not."""
    lazy = getattr(annotation.container, "lazy_name", None)
    if lazy is not None:
        prop.lazy = lazy
    target = _opened(annotation.inner, annotation.evaluator)
    collection = get_origin(target)
    if _is_collection(collection):
        if prop.collection_class is None:
            if inspect.isabstract(collection):
                raise errors.DeclarationArgumentError.collection_is_abstract(collection)
            prop.collection_class = collection
        if prop.uselist is None:
            prop.uselist = True
        arguments = get_args(target)
        target = arguments[-1 if issubclass(collection, Mapping) else 0]
    elif prop.collection_class is None and prop.uselist is None:
        prop.uselist = lazy is not None
    if prop.argument is None:
        prop.argument = _target(target, owner, annotation, registry)


def check_default(prop: Relationship, owner: type, key: str) -> None:
    """Refuse a dataclass default that is not what the attribute reads as anyway (MP-73)."""
    arguments = prop.dataclass_arguments
    if arguments is None:
        return
    if prop.uselist and arguments.default is not NO_ARG:
        raise errors.DeclarationArgumentError.default_of_collection(owner, key)
    if arguments.default_factory is NO_ARG:
        return
    expected = prop.collection_class or list
    allowed = [expected]
    if isinstance(expected, type):
        plain = next((each for each in (list, set, dict) if issubclass(expected, each)), expected)
        if plain is not expected:
            allowed.append(plain)
    if not any(arguments.default_factory is each for each in allowed):
        raise errors.DeclarationArgumentError.wrong_factory(
            owner, key, " or ".join(map(str, allowed))
        )


def _is_collection(origin: Any) -> bool:
    return (
        isinstance(origin, type) and issubclass(origin, Collection) and find_manager(origin) is None
    )


def _opened(value: Any, evaluator: Evaluator) -> Any:
    """A type without its wrappings; the name of an alias that stands for no class."""
    bare = evaluator.resolved(without_none(value))
    found = evaluator.resolved(candidates(bare)[-1])
    is_name = is_alias(bare) and (is_union(found) or is_alias(found))
    return UnresolvedName(bare.__name__) if is_name else found


def _target(value: Any, owner: type, annotation: AttributeAnnotation, registry: Any) -> Any:
    """The class, or the name under which it will be found."""
    was_text = annotation.was_text or not isinstance(value, type)
    value = _opened(value, annotation.evaluator)
    if isinstance(value, UnresolvedName):
        return value.name
    if get_origin(value) is not None and not _is_collection(get_origin(value)):
        value = get_origin(value)
    if was_text and isinstance(value, type) and value is not owner:
        # A name in a string means the mapped class of that name in this registry; the module
        # may know it as something else.
        manager = find_manager(value)
        if manager is None or manager.mapper is None or manager.mapper.registry is not registry:
            return value.__name__
    return value
