"""Map a class from its body: scan, complete, make the table, make the mapper.

`declare_class` is the story in one function; `add_attribute` does the same for one attribute that
is assigned to a mapped class later. Called by the base classes and by `registry`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Table

from holdfast.errors.declarative import DeclarationArgumentError, DeclarationError, UnmappingError
from holdfast.foundation.deprecated import warn_deprecated
from holdfast.foundation.describe import class_text
from holdfast.foundation.sqlalchemy_core import refresh_columns
from holdfast.instrument.descriptor import QueryableAttribute
from holdfast.instrument.manager import manager_of_class
from holdfast.mapping.declarative.annotated.columns import complete_column, name_column
from holdfast.mapping.declarative.annotated.composites import complete_composite
from holdfast.mapping.declarative.annotated.read import AttributeAnnotation
from holdfast.mapping.declarative.annotated.targets import check_default, complete_relationship
from holdfast.mapping.declarative.dataclass_arguments import ImpliedArguments
from holdfast.mapping.declarative.dataclass_fields import (
    FieldSource,
    given_default,
    has_descriptor_defaults,
    make_dataclass,
    unset_value,
)
from holdfast.mapping.declarative.mapped_column import MappedColumn
from holdfast.mapping.declarative.mixins import declared_attr, declaring
from holdfast.mapping.declarative.scan import (
    DEFERRED_NAME,
    SETTINGS_NAME,
    ClassBody,
    Declared,
    is_mapped_class,
    scan,
    set_attribute,
)
from holdfast.mapping.declarative.table import (
    add_to_inherited,
    check_table_arguments,
    table_of,
    warn_of_shared_columns,
)
from holdfast.mapping.imperative import map_class
from holdfast.mapping.properties.base import MapperProperty
from holdfast.mapping.properties.column import ColumnProperty
from holdfast.mapping.properties.composite import CompositeProperty
from holdfast.mapping.properties.relationship import Relationship
from holdfast.mapping.properties.synonym import SynonymProperty

DEFERS_NAME = "__sa_defers_mapping__"
"""Class attribute that is true where mapping waits for `prepare()`."""


@dataclass(slots=True)
class _Columns:
    """The columns that a class body declares."""

    # (place, column, attribute name, whether a sibling's column may be taken) in body order.
    placed: list[tuple[int, Column[Any], str, bool]] = field(default_factory=list)
    # Attribute name -> what the mapper is given.
    properties: dict[str, Any] = field(default_factory=dict)
    # Attribute names whose columns are in the table and not mapped.
    unmapped: list[str] = field(default_factory=list)
    # Column name -> attributes that name it.
    names: dict[str, list[str]] = field(default_factory=dict)

    def add(
        self, key: str, column: Column[Any], place: int = 0, *, use_existing: bool = False
    ) -> None:
        """One more column, declared for the attribute `key`."""
        if not self.has(column):
            self.placed.append((place, column, key, use_existing))
        named = self.names.setdefault(column.name, [])
        if key not in named:
            named.append(key)

    def has(self, column: Column[Any]) -> bool:
        """Whether the column is there, declared as an attribute of its own."""
        return any(column is other for _, other, _, _ in self.placed)

    def in_order(self) -> list[tuple[int, Column[Any], str, bool]]:
        """The columns in the order of the table: by place, then as they were written."""
        return sorted(self.placed, key=lambda each: each[0])


@dataclass(slots=True)
class PreparedClass:
    """A class whose body was read and whose table was made; the mapper is still to come."""

    registry: Any
    cls: type
    table: Any
    # The nearest mapped base class.
    inherits: type | None
    options: dict[str, Any]
    columns: _Columns


def declare_class(registry: Any, cls: type) -> Any:
    """Map `cls` as its body says.

    Returns:
        The mapper; None for a class that waits for its table to be reflected.
    """
    prepared = prepare_class(registry, cls)
    if getattr(cls, DEFERS_NAME, False):
        set_attribute(cls, DEFERRED_NAME, prepared)
        return None
    return finish_class(prepared)


def prepare_class(registry: Any, cls: type, table: Any = None) -> PreparedClass:
    """Read the body of a class, complete what it declares, and make its table, unless given."""
    settings = cls.__dict__.get(SETTINGS_NAME)
    if settings is not None and "__table__" in cls.__dict__:
        raise DeclarationError.table_of_dataclass(cls)
    with declaring(cls):
        body = scan(cls)
        if settings is not None:
            make_dataclass(cls, settings, _fields_of(body), is_mapped=True)
        else:
            _refuse_dataclass_arguments(body)
        registry.add_class(cls.__name__, cls)
        check_table_arguments(body)
        inherits = mapped_base(cls)
        columns = _complete(body, registry)
        warn_of_shared_columns(cls, columns.names)
        if table is None:
            own = [each for _, each, _, _ in columns.in_order()]
            table = table_of(body, own, registry, inherits)
        options = _mapper_options(body, columns)
    for key in columns.unmapped:
        if key in cls.__dict__:
            type.__delattr__(cls, key)
    return PreparedClass(registry, cls, table, inherits, options, columns)


def finish_class(prepared: PreparedClass) -> Any:
    """Make the mapper of a class whose table stands."""
    cls, options, columns = prepared.cls, prepared.options, prepared.columns
    properties = _explicit_properties(columns)
    inherits = prepared.inherits
    shares_table = inherits if prepared.table is None and not options.get("concrete") else None
    if inherits is not None:
        options.setdefault("inherits", inherits)
    if shares_table is not None:
        _share_table(cls, columns, shares_table)
        properties = columns.properties
    properties = {**options.pop("properties", {}), **properties}
    _drop_excluded(cls, columns, properties, options)
    _exclude(options, [each for _, each, key, _ in columns.placed if key in columns.unmapped])
    if shares_table is not None:
        _exclude(options, _columns_of_siblings(shares_table))
    mapper = map_class(
        prepared.registry,
        cls,
        prepared.table,
        properties=properties,
        **options,
    )
    if DEFERRED_NAME in cls.__dict__:
        type.__delattr__(cls, DEFERRED_NAME)
    set_attribute(cls, "__mapper__", mapper)
    return mapper


def _fields_of(body: ClassBody) -> dict[str, FieldSource]:
    """The attributes that are fields: annotated with `Mapped[]`, mapped or not at all."""
    return {
        key: FieldSource(declared.value, declared.raw)
        for key, declared in body.attributes.items()
        if declared.annotation is not None and not declared.annotation.is_unmapped
    }


def _refuse_dataclass_arguments(body: ClassBody) -> None:
    """Refuse `init=` and its kin on attributes of a class that is not made a dataclass."""
    for key, declared in body.attributes.items():
        arguments = getattr(declared.value, "dataclass_arguments", None)
        if arguments is None or isinstance(arguments, ImpliedArguments):
            continue
        names = [name for name in arguments.given() if not _is_plain(declared.value, name)]
        if names:
            raise DeclarationArgumentError.no_dataclass(body.cls, key, sorted(names))


def _is_plain(value: Any, name: str) -> bool:
    """Whether an argument means something without dataclasses too."""
    return name == "default" and isinstance(value, MappedColumn)


def mapped_base(cls: type) -> type | None:
    """The nearest base class that is mapped.

    Raises:
        DeclarationError: Several base classes are, or inherit from different mapped ones.
    """
    nearest = (_nearest_mapped(base) for base in cls.__bases__)
    found = list(dict.fromkeys(base for base in nearest if base is not None))
    if len(found) > 1:
        raise DeclarationError.several_bases(cls, found)
    return found[0] if found else None


def _nearest_mapped(cls: type) -> type | None:
    return next((base for base in cls.__mro__ if is_mapped_class(base)), None)


# -- attributes ----------------------------------------------------------------------------------


def _complete(body: ClassBody, registry: Any) -> _Columns:
    """Complete everything declared with its annotation; gather the columns."""
    columns = _Columns()
    is_dataclass = SETTINGS_NAME in body.cls.__dict__
    for key, declared in body.attributes.items():
        value = declared.value
        _check_unmapped(body.cls, key, declared)
        if isinstance(value, MappedColumn):
            complete_column(value, body.cls, key, declared.annotation, registry)
            _place(columns, key, value)
        elif isinstance(value, Column):
            name_column(value, key)
            columns.add(key, value)
            columns.properties[key] = value
        else:
            _complete_property(body.cls, key, declared, columns, registry)
            columns.properties[key] = value
        if is_dataclass:
            _set_unset_value(body.cls, key, value, columns)
    if is_dataclass and has_descriptor_defaults(body.cls):
        _check_synonym_defaults(body)
    return columns


def _check_synonym_defaults(body: ClassBody) -> None:
    """Refuse a default for a synonym that its target does not have (MP-71)."""
    for key, declared in body.attributes.items():
        if not isinstance(declared.value, SynonymProperty):
            continue
        default = given_default(declared.value)
        target = body.attributes.get(declared.value.name)
        if default is None or target is None:
            continue
        expected = given_default(target.value)
        if expected != default:
            raise DeclarationArgumentError.synonym_default(
                key, default, declared.value.name, expected
            )


def _set_unset_value(cls: type, key: str, value: Any, columns: _Columns) -> None:
    """Let a column attribute of a dataclass read as its default while it is not set."""
    if not isinstance(value, MappedColumn | ColumnProperty) or key not in columns.properties:
        return
    default = unset_value(cls, value)
    if default is None:
        return
    prop = columns.properties[key]
    if not isinstance(prop, ColumnProperty):
        prop = columns.properties[key] = ColumnProperty(prop)
    prop.unset_value = default


def _check_unmapped(cls: type, key: str, declared: Declared) -> None:
    """Refuse `Unmapped[]` for anything but `unmapped_column()`."""
    annotation = declared.annotation
    if annotation is None or not annotation.is_unmapped:
        return
    if not isinstance(declared.value, MappedColumn) or declared.value.is_mapped:
        raise DeclarationArgumentError.unmapped_needs_column(cls, key)


def _place(columns: _Columns, key: str, made: MappedColumn[Any]) -> None:
    ((column, place),) = made.columns_to_assign
    columns.add(key, column, place, use_existing=made.use_existing_column)
    if made.is_mapped:
        columns.properties[key] = made.mapper_property_to_assign or column
    else:
        columns.unmapped.append(key)


def _complete_property(
    cls: type, key: str, declared: Declared, columns: _Columns, registry: Any
) -> None:
    prop: MapperProperty = declared.value
    if isinstance(prop, Relationship):
        if declared.annotation is not None:
            complete_relationship(prop, key, declared.annotation, owner=cls, registry=registry)
        elif prop.argument is None and declared.raw is None:
            raise DeclarationArgumentError.annotation_required(cls, key, "Relationship")
        if SETTINGS_NAME in cls.__dict__:
            check_default(prop, cls, key)
    elif isinstance(prop, ColumnProperty):
        for column in _own_columns(prop, key, cls, declared.annotation, registry):
            columns.add(key, column)
    elif isinstance(prop, CompositeProperty):
        for column in complete_composite(prop, cls, key, declared.annotation, registry):
            if not columns.has(column):
                # One that takes another's name is refused by the table.
                columns.placed.append((0, column, column.key, False))


def _own_columns(
    prop: ColumnProperty,
    key: str,
    cls: type,
    annotation: AttributeAnnotation | None,
    registry: Any,
) -> list[Column[Any]]:
    """The columns of a `column_property()` or `deferred()` that the class's table is to have."""
    for each in getattr(prop, "declared_columns", ()):
        if isinstance(each, MappedColumn):
            complete_column(each, cls, key, annotation, registry)
    found = [each for each in prop.columns if isinstance(each, Column) and each.table is None]
    for column in found:
        name_column(column, key)
    return found


# -- the mapper's arguments ----------------------------------------------------------------------


def _explicit_properties(columns: _Columns) -> dict[str, Any]:
    """What the mapper must be told; it finds by itself a column called like its attribute."""
    return {
        key: value
        for key, value in columns.properties.items()
        if not isinstance(value, Column) or value.key != key
    }


def _share_table(cls: type, columns: _Columns, inherits: type) -> None:
    """Put the columns of a class without table into the table of its base."""
    base_mapper = manager_of_class(inherits).mapper
    for _, column, key, use_existing in columns.in_order():
        placed = add_to_inherited(cls, column, base_mapper, use_existing=use_existing)
        if placed is column:
            continue
        mapped = columns.properties.get(key)
        if isinstance(mapped, ColumnProperty):
            mapped.columns[mapped.columns.index(column)] = placed
        elif mapped is not None:
            columns.properties[key] = placed


def _drop_excluded(
    cls: type, columns: _Columns, properties: dict[str, Any], options: dict[str, Any]
) -> None:
    """Leave out columns that the class declares and its options exclude, with a warning."""
    included, excluded = options.get("include_properties"), options.get("exclude_properties")
    for _, column, key, _ in columns.placed:
        if key in columns.unmapped or not _is_excluded(column, key, included, excluded):
            continue
        warn_deprecated(
            f"Attribute {key!r} declared on class {class_text(cls)} is excluded from the mapping "
            "by the include_properties or exclude_properties option. Declare it with "
            "Unmapped[...] = unmapped_column() instead. [declared-excluded]",
            version="2.1",
        )
        properties.pop(key, None)


def _is_excluded(column: Column[Any], key: str, included: Any, excluded: Any) -> bool:
    def names(options: Any) -> bool:
        return any(
            each is column or (isinstance(each, str) and each in (key, column.key))
            for each in options
        )

    return (included is not None and not names(included)) or (bool(excluded) and names(excluded))


def _columns_of_siblings(inherits: type) -> list[Column[Any]]:
    """Columns that other classes have put into the table of a base (MP-147)."""
    mapper = manager_of_class(inherits).mapper
    known = mapper.key_of_column
    return [column for column in mapper.persist_selectable.c if column not in known]


def _exclude(options: dict[str, Any], columns: Iterable[Column[Any]]) -> None:
    """Leave columns unmapped, unless the class itself names them."""
    hidden = [*(options.get("exclude_properties") or ()), *columns]
    if hidden:
        options["exclude_properties"] = set(hidden)


def _mapper_options(body: ClassBody, columns: _Columns) -> dict[str, Any]:
    """`__mapper_args__`, with the columns of this class where those of a mixin are named."""
    has_options = "__mapper_args__" in body.directives
    options = dict(body.cls.__mapper_args__ or {}) if has_options else {}  # type: ignore[attr-defined]
    for name in ("version_id_col", "polymorphic_on"):
        if name in options:
            options[name] = _column_meant(options[name], body)
    if "primary_key" in options:
        primary_key = options["primary_key"]
        several = isinstance(primary_key, list | tuple)
        options["primary_key"] = [
            _key_column(each, body, columns) for each in (primary_key if several else [primary_key])
        ]
    for name in ("include_properties", "exclude_properties"):
        if options.get(name):
            options[name] = {_column_meant(each, body) for each in options[name]}
    return options


def _column_meant(value: Any, body: ClassBody) -> Any:
    if isinstance(value, declared_attr):
        # Ran for this class before, so this gives what it returned then.
        value = value.__get__(None, body.cls)
    if not isinstance(value, Column | MappedColumn):
        return value
    value = body.copies.get(value, value)
    return value.column if isinstance(value, MappedColumn) else value


def _key_column(value: Any, body: ClassBody, columns: _Columns) -> Any:
    """A column for `primary_key`, which may also be named by its attribute."""
    if not isinstance(value, str):
        return _column_meant(value, body)
    found = columns.properties.get(value)
    if isinstance(found, ColumnProperty) and len(found.columns) == 1:
        found = found.columns[0]
    if isinstance(found, Column):
        return found
    if found is not None:
        raise DeclarationArgumentError.primary_key_not_column(value)
    if mapped_base(body.cls) is None and "__table__" not in body.directives:
        raise DeclarationArgumentError.primary_key_name(value)
    return value


# -- later ---------------------------------------------------------------------------------------


def add_attribute(cls: type, key: str, value: Any) -> None:
    """Set an attribute of a class that may be mapped; what can be mapped is mapped (MP-31)."""
    manager = cls.__dict__.get("_sa_class_manager")
    mapper = None if manager is None else manager.mapper
    if mapper is None:
        set_attribute(cls, key, value)
    elif isinstance(value, MappedColumn):
        complete_column(value, cls, key, None, mapper.registry)
        _append(cls, mapper, value.column, key)
        if value.is_mapped:
            mapper.add_property(key, value.mapper_property_to_assign or value.column)
    elif isinstance(value, Column | MapperProperty):
        for column in _columns_added_with(value, key, cls, mapper.registry):
            _append(cls, mapper, column, key)
        mapper.add_property(key, value)
    elif isinstance(value, QueryableAttribute) and value.key != key:
        mapper.add_property(key, SynonymProperty(value.key))
    else:
        set_attribute(cls, key, value)
        mapper.forget_derived()


def _columns_added_with(value: Any, key: str, cls: type, registry: Any) -> list[Any]:
    """The columns that the table gets together with an attribute."""
    if isinstance(value, Column):
        name_column(value, key)
        return [value]
    if isinstance(value, ColumnProperty):
        return _own_columns(value, key, cls, None, registry)
    if isinstance(value, CompositeProperty):
        return complete_composite(value, cls, key, None, registry)
    return []


def _append(cls: type, mapper: Any, column: Column[Any], key: str) -> None:
    if column.table is not None:
        return
    if not isinstance(mapper.local_table, Table):
        raise DeclarationError.not_a_table(cls, key)
    mapper.local_table.append_column(column, replace_existing=True)
    refresh_columns(mapper.persist_selectable, column)


def delete_attribute(cls: type, key: str) -> None:
    """Delete an attribute of a class, unless it is mapped (MP-32)."""
    manager = cls.__dict__.get("_sa_class_manager")
    mapper = None if manager is None else manager.mapper
    if mapper is not None and key in cls.__dict__:
        if mapper.has_property(key) and not mapper.disposed:
            raise UnmappingError.of(cls, key)
        type.__delattr__(cls, key)
        mapper.forget_derived()
    else:
        type.__delattr__(cls, key)
