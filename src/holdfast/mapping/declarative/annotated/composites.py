"""Complete a `composite()` with its annotation: the class of the value object, and its columns.

Called by `declare`. For a dataclass, columns that the call leaves out are made from its fields, and
those that it leaves unnamed or untyped are completed from them.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from sqlalchemy import Column

from holdfast.errors.declarative import DeclarationArgumentError, MappedAnnotationError
from holdfast.mapping.declarative.annotated.columns import complete_column, name_column
from holdfast.mapping.declarative.annotated.evaluate import (
    Evaluator,
    UnresolvedName,
    unresolved_names,
)
from holdfast.mapping.declarative.annotated.python_types import (
    candidates,
    includes_none,
)
from holdfast.mapping.declarative.annotated.read import AttributeAnnotation
from holdfast.mapping.declarative.mapped_column import MappedColumn
from holdfast.mapping.mapped import Mapped
from holdfast.mapping.properties.composite import CompositeProperty


def complete_composite(
    prop: CompositeProperty,
    owner: type,
    key: str,
    annotation: AttributeAnnotation | None,
    registry: Any,
) -> list[Column[Any]]:
    """Settle the class of the value object and the columns.

    Returns:
        The columns that the table of the class is to have.
    """
    if annotation is not None:
        _read_class(prop, annotation)
    if prop.composite_class is None:
        raise DeclarationArgumentError.annotation_required(owner, key, "Composite")
    template = getattr(prop, "column_template", None)
    made_of = prop.composite_class
    fields = _fields_of(made_of)
    if fields is None and template is not None:
        raise DeclarationArgumentError.template_without_dataclass()
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
        prop.return_none_on = _are_all_none
    if prop.composite_class is not None:
        return
    value = annotation.evaluator.resolved(candidates(annotation.inner)[-1])
    if isinstance(value, UnresolvedName):
        raise MappedAnnotationError.types_unknown(annotation.text, unresolved_names(value))
    prop.composite_class = value


def _are_all_none(*values: Any) -> bool:
    """When an attribute that may be None is None."""
    return all(value is None for value in values)


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
    made: MappedColumn[Any],
    owner: type,
    field: tuple[str, Any] | None,
    made_of: Any,
    registry: Any,
) -> None:
    """Complete one column of the composite from the field it stands for."""
    name, annotation = made.column.name, None
    if field is not None:
        name, python_type = field
        annotation = AttributeAnnotation(
            Mapped, python_type, str(python_type), Evaluator(made_of), was_text=False
        )
    elif name is None:
        raise DeclarationArgumentError.composite_unnamed()
    if made.column.table is None:
        complete_column(made, owner, name, annotation, registry)
