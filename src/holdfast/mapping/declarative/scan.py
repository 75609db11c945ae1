"""Walk a class body and its mixins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field
from inspect import signature
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from sqlalchemy import Column, ColumnElement, MetaData
from sqlalchemy.sql.schema import SchemaItem

from holdfast import errors
from holdfast.foundation.codegen import record
from holdfast.foundation.describe import class_text, warn
from holdfast.foundation.sqlalchemy_core import merge_lists_w_ordering, refers_to_bare_column
from holdfast.instrument.descriptor import InstrumentedAttribute, QueryableAttribute
from holdfast.mapping.declarative.annotations import (
    AttributeAnnotation,
    Evaluator,
    annotations_of,
    read_annotation,
)
from holdfast.mapping.declarative.constructs import MappedColumn
from holdfast.mapping.mapped import Mapped, T_co
from holdfast.mapping.properties import MapperProperty, SynonymProperty

# ------------------------------------------------------------------------------
# Define `declared_attr`: an attribute that is made anew for each class that a mixin is part of.
#
# `scan` opens a `declaring` block per class; within it each function runs once and what it returned
# is remembered, so that functions may refer to each other's columns as `cls.name`.

C = TypeVar("C", bound=type)

# Class that is being scanned -> declared_attr -> what it returned for that class.
_declaring: dict[type, dict[object, Any]] = {}


@contextmanager
def declaring(cls: type) -> Iterator[None]:
    """While a class is being scanned, remember what its `declared_attr` functions return."""
    _declaring[cls] = {}
    try:
        yield
    finally:
        del _declaring[cls]


class declared_attr(Generic[T_co]):  # noqa: N801 - the public name
    """Decorator for a method of a mixin or abstract class that returns a mapped attribute.

    ```python
    class HasOwner:
        @declared_attr
        def owner_id(cls) -> Mapped[int]:
            return mapped_column(ForeignKey("owner.id"))
    ```

    `declared_attr.directive` is for `__tablename__` and its kin; `declared_attr.cascading` runs for
    each subclass of a mapped class too.
    """

    is_cascading: bool = False
    is_directive = False

    def __init__(self, fn: Callable[..., Mapped[T_co]], cascading: bool = False) -> None:  # noqa: FBT001, FBT002 - the documented signature
        # Under @classmethod the function is one floor down.
        self.fget: Callable[..., Any] = fn.__func__ if isinstance(fn, classmethod) else fn
        if cascading:
            self.is_cascading = True
        self.__doc__ = fn.__doc__

    @property
    def return_annotation(self) -> Any:
        """What the function says it returns, or None."""
        return getattr(self.fget, "__annotations__", {}).get("return")

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: Any) -> InstrumentedAttribute[T_co]: ...

        @overload
        def __get__(self, instance: object, owner: Any) -> T_co: ...

        def __get__(
            self, instance: object | None, owner: Any
        ) -> InstrumentedAttribute[T_co] | T_co: ...

        def __set__(self, instance: Any, value: Any) -> None: ...

    else:

        def __get__(self, instance: object | None, owner: type) -> Any:
            remembered = _declaring.get(owner)
            if remembered is None:
                self._check_owner(owner)
                return self.fget(owner)
            if self not in remembered:
                remembered[self] = self.fget(owner)
            return remembered[self]

    def _check_owner(self, owner: type) -> None:
        """Warn of a use outside of mapping, where each access makes another column."""
        name = self.fget.__name__
        special = name.startswith("__") and name.endswith("__")
        if not special and "_sa_class_manager" not in owner.__dict__:
            warn(
                f"Unmanaged access of declarative attribute {name} from non-mapped class "
                f"{owner.__name__}: each access makes a new object. [declared-attr-unmanaged]"
            )

    if TYPE_CHECKING:

        @classmethod
        def directive(cls, fn: Callable[..., Any]) -> Any:
            """For a method that returns an option such as `__tablename__`, not an attribute."""

        cascading: type[declared_attr[Any]]


class _Flagged:
    """`declared_attr.cascading` and `.directive`: `declared_attr` with a flag set."""

    def __init__(self, **flags: bool) -> None:
        self.flags = flags

    def __get__(self, instance: object, owner: type[declared_attr[Any]]) -> Any:
        wanted = {name: True for name in self.flags if not getattr(owner, name)}
        return type(owner.__name__, (owner,), wanted) if wanted else owner


if not TYPE_CHECKING:
    declared_attr.cascading = _Flagged(is_cascading=True)
    declared_attr.directive = _Flagged(is_directive=True)


def declarative_mixin(cls: C) -> C:
    """Mark a class as a mixin, for type checkers that want to know; does nothing."""
    return cls


def has_inherited_table(cls: type) -> bool:
    """Whether a base of the class is mapped to a table.

    For `declared_attr` functions that must not repeat for subclasses what their base has.
    """
    return any(getattr(base, "__table__", None) is not None for base in cls.__mro__[1:])


# ------------------------------------------------------------------------------
# Walk a class body, its mixins and abstract bases in order, and collect what is to be mapped.
#
# Called by `declare`, once per mapped class. Nothing here makes a table or a property: columns are
# completed by `columns`, tables are made by `table`.
#
# Rules kept here:
# 1. The nearest definition of a name wins, as in Python; what a mapped base has is not taken again.
# 2. Columns of mixins are copied for each class, and put onto the class at once, so that
#    `declared_attr` functions refer to them as `cls.name`.
# 3. A class's own attributes come before those of its mixins, each in the order they were written.

DEFERRED_NAME = "__sa_deferred__"
"""Class attribute that holds what was prepared of a class whose mapping waits."""

SETTINGS_NAME = "__sa_dataclass_settings__"
"""Class attribute that holds the settings of a class that is to be made a dataclass."""

DIRECTIVES = ("__tablename__", "__table__", "__table_args__", "__mapper_args__")
_RESERVED = ("metadata", "registry")
_FIELD_MARKS = ("__dataclass_fields__", "__attrs_attrs__", SETTINGS_NAME)


@record(eq=False, frozen=False)
class Declared:
    """One attribute to be mapped."""

    value: Any  # MappedColumn, Column or MapperProperty
    annotation: AttributeAnnotation | None
    # The annotation as it was written, perhaps of no interest to the mapping; None when none.
    raw: Any = None


@record(eq=False, frozen=False)
class ClassBody:
    """What a class and its mixins say about the mapping."""

    cls: type
    # Attribute name -> what is declared for it, in mapping order.
    attributes: dict[str, Declared] = field(default_factory=dict)
    # The directives that are in force; absent when nothing was said.
    directives: dict[str, Any] = field(default_factory=dict)
    # Column written on a mixin -> its copy on this class; __mapper_args__ may name the former.
    copies: dict[Any, Any] = field(default_factory=dict)
    # The class that __table_args__ came from.
    table_args_from: type | None = None


def is_mapped_class(cls: type) -> bool:
    """Whether this class itself is mapped, or waits for its mapping to be completed."""
    manager = cls.__dict__.get("_sa_class_manager")
    return (manager is not None and manager.is_mapped) or DEFERRED_NAME in cls.__dict__


def set_attribute(cls: type, key: str, value: Any) -> None:
    """Set a class attribute past the metaclass, which would map it."""
    type.__setattr__(cls, key, value)


def scan(cls: type) -> ClassBody:
    """Collect what `cls` declares; to be run within `mixins.declaring(cls)`."""
    body = ClassBody(cls)
    bases = [base for base in cls.__mro__ if base is not object]
    metadata_key = getattr(cls, "__sa_dataclass_metadata_key__", None)
    mixins = [base for base in bases[1:] if not is_mapped_class(base)]
    _scan_directives(body, bases)
    # Taken before copies of the mixins' columns join the class's own attributes.
    own = list(_members(cls, metadata_key))
    for base in mixins:
        _copy_columns(body, base, metadata_key)
    for base in [cls, *mixins]:
        evaluator = Evaluator(base)
        for key, value, raw in own if base is cls else _members(base, metadata_key):
            if base is cls:
                _take_own(body, key, value, raw, evaluator)
            else:
                _take_inherited(body, base, key, value, evaluator)
    return body


def _members(base: type, metadata_key: str | None) -> Iterator[tuple[str, Any, Any]]:
    """Name, value (None when only annotated) and annotation, in the order they were written.

    For a dataclass, the value is what its field's metadata holds for the mapping, if anything.
    """
    annotations = annotations_of(base)
    values = dict(base.__dict__)
    if metadata_key is not None:
        for key, each in base.__dict__.get("__dataclass_fields__", {}).items():
            if metadata_key in each.metadata and (key in annotations or key in values):
                values[key] = _of_field(each.metadata[metadata_key])
    for key in merge_lists_w_ordering(list(values), list(annotations)):
        if not is_special(key):
            yield key, values.get(key), annotations.get(key)


def is_special(key: str) -> bool:
    """Whether a name begins and ends with two underscores."""
    return key.startswith("__") and key.endswith("__")


def _of_field(given: Any) -> Any:
    """What a dataclass field's metadata means; a function of no argument makes it per class."""
    maker = given.fget if isinstance(given, declared_attr) else given
    if isinstance(maker, Column | MappedColumn | MapperProperty) or not callable(maker):
        return given
    if signature(maker).parameters:
        return declared_attr(maker)
    return declared_attr(lambda cls: maker())


def _scan_directives(body: ClassBody, bases: list[type]) -> None:
    cls = body.cls
    for name in DIRECTIVES:
        for base in bases:
            if name not in base.__dict__:
                continue
            made_per_class = isinstance(base.__dict__[name], declared_attr)
            # A mapped base keeps its own directives, but a function of it speaks for each class.
            if base is not cls and is_mapped_class(base) and not made_per_class:
                continue
            if getattr(base.__dict__[name], "is_cascading", False) and name == "__tablename__":
                warn(
                    "@declared_attr.cascading is not supported on the __tablename__ attribute on "
                    f"class {class_text(base)}.  This attribute is already invoked for each "
                    "subclass: write @declared_attr.directive. [cascading-tablename]"
                )
            if name == "__mapper_args__":
                # Asked for by `mapper_options`, when there is a table that it may refer to.
                body.directives[name] = None
                break
            value = getattr(cls, name)
            if name == "__table_args__":
                if value is None or (isinstance(value, tuple | dict) and not value):
                    continue
                body.table_args_from = base
            body.directives[name] = value
            break


def _is_overridden(body: ClassBody, base: type, key: str) -> bool:
    if key in body.attributes:
        return True
    says = (each for each in body.cls.__mro__ if key in vars(each) or key in annotations_of(each))
    return next(says, None) is not base


def _copy_columns(body: ClassBody, base: type, metadata_key: str | None) -> None:
    """Copy the columns of a mixin, and make those that are only annotated."""
    evaluator = Evaluator(base)
    for key, value, raw in _members(base, metadata_key):
        if _is_overridden(body, base, key):
            continue
        annotation = _annotation(body, key, value, raw, evaluator)
        if value is None and annotation is not None:
            if "__table__" in body.directives:
                continue
            made: Any = MappedColumn(is_mapped=not annotation.is_unmapped)
        elif isinstance(value, Column | MappedColumn):
            table = body.directives.get("__table__")
            if table is not None and (value.name or key) in table.c:
                continue
            made = _copied(value)
            body.copies[value] = made
            if isinstance(value, MappedColumn):
                body.copies[value.column] = made.column
        else:
            continue
        if isinstance(made, Column) and made.key is None:
            made.key = made.name = key
        set_attribute(body.cls, key, made)
        # The place is settled in the second round, where the mixins' own order counts.
        body.copies[base, key] = Declared(made, annotation, raw)


def _annotation(
    body: ClassBody,
    key: str,
    value: Any,
    raw: Any,
    evaluator: Evaluator,
    *,
    says_nothing: bool = False,
) -> AttributeAnnotation | None:
    """What an annotation says; a plain value, or a plain `Column`, says for itself what it is."""
    if raw is None:
        return None
    must_say = says_nothing or isinstance(value, MappedColumn | MapperProperty)
    required = must_say and not _allows_unmapped(body.cls)
    return read_annotation(key, raw, evaluator, required=required)


def _copied(value: Any) -> Any:
    column = value.column if isinstance(value, MappedColumn) else value
    if any(refers_to_bare_column(each) for each in column.foreign_keys):
        raise errors.DeclarationError.foreign_key_on_mixin()
    return value.copy() if isinstance(value, MappedColumn) else value._copy()


def _take_inherited(
    body: ClassBody, base: type, key: str, value: Any, evaluator: Evaluator
) -> None:
    """Take an attribute of a mixin or abstract base, unless something nearer overrides it."""
    prepared = body.copies.pop((base, key), None)
    if prepared is not None:
        body.attributes[key] = prepared
        return
    cascades = isinstance(value, declared_attr) and value.is_cascading
    if not cascades and _is_overridden(body, base, key):
        return
    if cascades and not isinstance(body.cls.__dict__.get(key, value), declared_attr):
        warn(
            f"Attribute {key!r} on class {class_text(body.cls)} cannot be processed due to "
            "@declared_attr.cascading; skipping: the function of the mixin is used. "
            "[cascading-overridden]"
        )
    if isinstance(value, declared_attr):
        _take_made(body, base, key, value, evaluator)
    elif isinstance(value, MapperProperty):
        raise errors.DeclarationError.property_on_mixin()
    else:
        _warn_if_stray(base, key, value)


def _take_made(
    body: ClassBody, base: type, key: str, maker: declared_attr[Any], evaluator: Evaluator
) -> None:
    """Run a `declared_attr` for the class and take what it returns."""
    value = maker.__get__(None, body.cls)
    annotation = None
    if isinstance(value, Column | MappedColumn | MapperProperty):
        if maker.return_annotation is not None:
            annotation = read_annotation(key, maker.return_annotation, evaluator, required=False)
        if isinstance(value, Column) and value.key is None:
            value.key = value.name = key
        documented = value.column if isinstance(value, MappedColumn) else value
        if maker.__doc__ is not None and documented.doc is None:
            documented.doc = maker.__doc__
        body.attributes[key] = Declared(value, annotation, maker.return_annotation)
    else:
        _warn_if_stray(body.cls, key, value)
    set_attribute(body.cls, key, value)


def _allows_unmapped(cls: type) -> bool:
    # In a dataclass or attrs class, an annotation that is not Mapped[] declares a field of its own.
    has_fields = not cls.__dict__.keys().isdisjoint(_FIELD_MARKS)
    return has_fields or bool(getattr(cls, "__allow_unmapped__", False))


def _take_own(body: ClassBody, key: str, value: Any, raw: Any, evaluator: Evaluator) -> None:
    """Take an attribute of the class itself."""
    cls = body.cls
    if key in _RESERVED and not isinstance(value, MetaData | type(None)):
        owner = "MetaData" if key == "metadata" else "registry"
        warn(
            f"Attribute name '{key}' should be left reserved for the {owner} instance when using a "
            "Declarative class. Give the attribute another name, and name the column. "
            "[reserved-name]"
        )
    if isinstance(value, declared_attr):
        if value.is_cascading:
            warn(
                "Use of @declared_attr.cascading only applies to Declarative 'mixin' and "
                "'abstract' classes.  Currently, this flag is ignored on mapped class "
                f"{class_text(cls)}. [cascading-on-mapped]"
            )
        _take_made(body, cls, key, value, evaluator)
        return
    value = _as_declared(cls, key, value)
    says_nothing = value is None and key not in cls.__dict__
    annotation = _annotation(body, key, value, raw, evaluator, says_nothing=says_nothing)
    if says_nothing and annotation is not None:
        if "__table__" in body.directives and not annotation.is_unmapped:
            return
        value = MappedColumn(is_mapped=not annotation.is_unmapped)
    if isinstance(value, Column | MappedColumn | MapperProperty):
        body.attributes[key] = Declared(value, annotation, raw)
    elif annotation is not None and annotation.is_unmapped:
        raise errors.DeclarationArgumentError.unmapped_needs_column(cls, key)


def _as_declared(cls: type, key: str, value: Any) -> Any:
    """The value as it is to be mapped; warns of what looks like a mistake."""
    if isinstance(value, QueryableAttribute):
        # Another name for an attribute that the class inherits.
        if value.class_ is not cls and value.key != key:
            made = SynonymProperty(value.key)
            set_attribute(cls, key, made)
            return made
        return value
    if isinstance(value, tuple) and len(value) == 1:
        if isinstance(value[0], Column | MappedColumn | MapperProperty):
            warn(
                f"Ignoring declarative-like tuple value of attribute '{key}': possibly a "
                "copy-and-paste error with a comma accidentally placed at the end of the line? "
                "[tuple-value]"
            )
    else:
        _warn_if_stray(cls, key, value)
    return value


def _warn_if_stray(cls: type, key: str, value: Any) -> None:
    """Warn of an expression that is neither column nor property: `column_property` is missing."""
    if isinstance(value, ColumnElement) and not isinstance(value, SchemaItem):
        warn(
            f"Attribute '{key}' on class {class_text(cls)} appears to be a non-schema SQLAlchemy "
            "expression object; this won't be part of the declarative mapping. To map it, write "
            "column_property(). [stray-expression]"
        )
