"""Complete a `mapped_column()` with its annotation: type, nullability, `Annotated[]` options, name.

Called by `declare` for each column, in the order of the table to be. Afterwards the `Column` inside
is as if it had been written in full.
"""

from __future__ import annotations

from typing import Any

from holdfast.errors.declarative import (
    AnnotatedConstructError,
    DeclarationArgumentError,
    MappedAnnotationError,
)
from holdfast.foundation.deprecated import warn_deprecated
from holdfast.foundation.sqlalchemy_core import (
    NO_ARG,
    is_left_out,
    is_null_type,
    merge_column,
    nullability_given,
    set_column_type,
)
from holdfast.mapping.declarative.annotated.evaluate import unresolved_names
from holdfast.mapping.declarative.annotated.python_types import (
    annotated_of,
    includes_none,
    sql_type_for,
    sql_type_from_listeners,
    without_none,
)
from holdfast.mapping.declarative.annotated.read import AttributeAnnotation
from holdfast.mapping.declarative.mapped_column import MappedColumn
from holdfast.mapping.properties.base import MapperProperty


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
            raise DeclarationArgumentError.unmapped_with_mapped(owner, key)
        _apply_python_type(made, owner, key, annotation, registry)
    elif is_null_type(column.type) and not column.foreign_keys:
        raise DeclarationArgumentError.annotation_required(owner, key, "MappedColumn")
    if not made.is_mapped and made.attribute_options:
        raise DeclarationArgumentError.unmapped_options(owner, key, made.attribute_options)
    name_column(column, key)


def name_column(column: Any, key: str) -> None:
    """Call a column like its attribute, as far as it has no name of its own."""
    if column.key is None:
        column.key = key
    if column.name is None:
        column.name = key


def _apply_python_type(
    made: MappedColumn[Any],
    owner: type,
    key: str,
    annotation: AttributeAnnotation,
    registry: Any,
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
            raise MappedAnnotationError.types_unknown(annotation.text, unknown)
        if isinstance(without_none(python_type), MappedColumn):
            raise MappedAnnotationError.no_type_given(key, python_type)
        found = sql_type_from_listeners(python_type, registry, owner)
        if found is None:
            found = sql_type_for(python_type, registry.type_annotation_map, key)
        set_column_type(column, found)


def _merge_annotated(made: MappedColumn[Any], annotated: Any) -> None:
    """Take over what a `mapped_column()` within `Annotated[]` says."""
    for each in annotated.__metadata__:
        if isinstance(each, MapperProperty):
            raise AnnotatedConstructError.of(each)
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
