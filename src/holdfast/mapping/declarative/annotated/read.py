"""Read the annotations of a class body: which attribute is mapped, and as what Python type.

Called by `scan` for every annotated name. Says nothing of columns or relationships: `columns` and
`targets` take the `AttributeAnnotation` from here.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from typing import Any, ClassVar, ForwardRef, get_args, get_origin

from holdfast.errors.declarative import MappedAnnotationError
from holdfast.foundation.record import record
from holdfast.mapping.declarative.annotated.evaluate import Evaluator, UnresolvedName
from holdfast.mapping.mapped import AnnotationMarker, Unmapped
from holdfast.mapping.properties.base import MapperProperty

if sys.version_info >= (3, 14):
    import annotationlib


@record
class AttributeAnnotation:
    """`Mapped[...]` of one attribute, taken apart."""

    # Mapped, WriteOnlyMapped, Unmapped ...: what stands before the brackets.
    container: type
    # What stands within them, its outermost string evaluated; Any when there are none.
    inner: Any
    # The whole as it was written, for messages.
    text: str
    # Evaluates further strings, as the class that wrote the annotation sees them.
    evaluator: Evaluator
    # Whether the annotation was a string, so that its class names stand for mapped classes.
    was_text: bool

    @property
    def is_unmapped(self) -> bool:
        """Whether it declares a column of the table only: `Unmapped[]`."""
        return issubclass(self.container, Unmapped)


if sys.version_info >= (3, 14):

    def annotations_of(cls: type) -> dict[str, Any]:
        """The annotations that the class itself wrote; names that do not exist are kept."""
        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)

else:

    def annotations_of(cls: type) -> dict[str, Any]:
        """The annotations that the class itself wrote, as they are."""
        return inspect.get_annotations(cls)


def read_annotation(
    key: str, raw: Any, evaluator: Evaluator, *, required: bool
) -> AttributeAnnotation | None:
    """What an annotation says of a mapped attribute; None when it is of something else.

    Args:
        key: Name of the attribute.
        raw: The annotation, perhaps a string.
        evaluator: Of the class that wrote it.
        required: The attribute must be mapped or be declared as something else.

    Raises:
        MappedAnnotationError: It is required and not understood.
    """
    if isinstance(raw, ForwardRef):
        raw = raw.__forward_arg__
    if isinstance(raw, str):
        return _from_text(key, raw, evaluator, required=required)
    origin = get_origin(raw) or raw
    if is_container(origin):
        arguments = get_args(raw)
        inner = evaluator.resolved(arguments[0]) if arguments else Any
        return AttributeAnnotation(origin, inner, str(raw), evaluator, was_text=False)
    if required and not _declares_no_attribute(origin):
        raise MappedAnnotationError.without_mapped(evaluator.owner, key)
    return None


def _from_text(
    key: str, text: str, evaluator: Evaluator, *, required: bool
) -> AttributeAnnotation | None:
    try:
        origin, inside = evaluator.outer_of(text)
    except MappedAnnotationError:
        if required:
            raise
        return None
    if is_container(origin):
        inner = Any if inside is None else evaluator.evaluate_tree(inside, text)
        return AttributeAnnotation(origin, inner, text, evaluator, was_text=True)
    if not required or _declares_no_attribute(origin):
        return None
    if isinstance(origin, UnresolvedName) and inside is not None:
        raise MappedAnnotationError.names_unknown(text)
    raise MappedAnnotationError.without_mapped(evaluator.owner, key)


def is_container(origin: Any) -> bool:
    """Whether it is `Mapped` or a kin of it, a class of property included."""
    return isinstance(origin, type) and issubclass(origin, AnnotationMarker | MapperProperty)


def _declares_no_attribute(origin: Any) -> bool:
    """Whether such an annotation says by itself that the attribute is not mapped."""
    if origin is ClassVar or origin is dataclasses.InitVar:
        return True
    # The type of a descriptor, such as AssociationProxy[...], says so too.
    is_descriptor = isinstance(origin, type) and hasattr(origin, "__get__")
    return is_descriptor or isinstance(origin, dataclasses.InitVar)
