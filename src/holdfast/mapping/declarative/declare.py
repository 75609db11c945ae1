"""Map a class from its body."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from itertools import islice
from typing import Any

from sqlalchemy import Column, Table

from holdfast import errors
from holdfast.foundation.codegen import record
from holdfast.foundation.describe import class_text, warn, warn_deprecated
from holdfast.foundation.sqlalchemy_core import refresh_columns
from holdfast.instrument.descriptor import QueryableAttribute
from holdfast.instrument.manager import find_manager, manager_of_class
from holdfast.mapping.class_names import metadata_of
from holdfast.mapping.columns import leaves_out
from holdfast.mapping.declarative.annotated import (
    check_default,
    complete_column,
    complete_composite,
    complete_relationship,
    name_column,
)
from holdfast.mapping.declarative.annotations import AttributeAnnotation
from holdfast.mapping.declarative.constructs import ImpliedArguments, MappedColumn
from holdfast.mapping.declarative.dataclass_fields import (
    given_default,
    has_descriptor_defaults,
    make_dataclass,
)
from holdfast.mapping.declarative.scan import (
    DEFERRED_NAME,
    SETTINGS_NAME,
    ClassBody,
    Declared,
    declared_attr,
    declaring,
    is_mapped_class,
    scan,
    set_attribute,
)
from holdfast.mapping.properties import (
    ColumnProperty,
    CompositeProperty,
    MapperProperty,
    SynonymProperty,
)
from holdfast.mapping.registry import map_class, mapping_lock
from holdfast.mapping.relationship import Relationship

# ------------------------------------------------------------------------------
# Make the table that a class body describes, or fit the class to the table it shares or names.
#
# Called by `declare` with completed columns. Decides on `__table__`, `__tablename__`,
# `__table_args__`, and on columns that a subclass adds to the table of its base.


def table_of(
    body: ClassBody, columns: Sequence[Column[Any]], registry: Any, inherits: Any
) -> Any | None:
    """The table of the class: ready, made, or None when it has none of its own."""
    cls = body.cls
    given = body.directives.get("__table__")
    if given is not None:
        for column in columns:
            if not given.c.contains_column(column):
                raise errors.DeclarationArgumentError.column_beside_table(column.name, cls)
        if "__table__" not in cls.__dict__ or cls.__dict__["__table__"] is not given:
            set_attribute(cls, "__table__", given)
        return given
    name = body.directives.get("__tablename__")
    if name is None:
        if inherits is None:
            raise errors.DeclarationError.no_table(cls)
        return None
    positional, keywords = _table_arguments(body)
    maker = getattr(cls, "__table_cls__", Table)
    bind = getattr(cls, "__autoload_with__", None)
    if bind is not None:
        keywords = {"autoload_with": bind, **keywords}
    made = maker(name, metadata_of(cls, registry), *columns, *positional, **keywords)
    set_attribute(cls, "__table__", made)
    return made


def _table_arguments(body: ClassBody) -> tuple[Sequence[Any], Mapping[str, Any]]:
    given: Any = body.directives.get("__table_args__") or ()
    if isinstance(given, dict):
        return (), given
    ends_in_options = bool(given) and isinstance(given[-1], dict)
    return (given[:-1], given[-1]) if ends_in_options else (given, {})


def check_table_arguments(body: ClassBody) -> None:
    """Refuse wrong `__table_args__`, and those of a class that shares the table of its base."""
    given = body.directives.get("__table_args__")
    if given is not None and not isinstance(given, tuple | dict):
        raise errors.DeclarationArgumentError.table_arguments()
    has_table = "__tablename__" in body.directives or "__table__" in body.directives
    if given is not None and not has_table and body.table_args_from is body.cls:
        raise errors.DeclarationArgumentError.table_without_tablename(body.cls)


def add_to_inherited(
    cls: type, column: Column[Any], base_mapper: Any, *, use_existing: bool
) -> Column[Any]:
    """Put a column of a subclass without table into its base's, unless it is there; gives which."""
    table = base_mapper.local_table
    if not isinstance(table, Table):
        raise errors.DeclarationArgumentError.base_without_table(cls, base_mapper.class_)
    existing: Column[Any] | None = table.c.get(column.key)
    if existing is not None and (existing is column or use_existing):
        return existing
    if column.primary_key:
        raise errors.DeclarationArgumentError.primary_key_on_single_table()
    if existing is not None:
        raise errors.DeclarationArgumentError.column_conflict(column, cls, existing)
    table.append_column(column)
    refresh_columns(base_mapper.persist_selectable, column)
    return column


def warn_of_shared_columns(cls: type, names_of_column: Mapping[Any, Sequence[str]]) -> None:
    """Warn of a column that several attributes name."""
    for names in names_of_column.values():
        if len(names) > 1:
            warn(
                f"On class {cls.__name__!r}, Column object {names[0]!r} named directly multiple "
                f"times, only one will be used: {', '.join(names)}. Consider using orm.synonym "
                "instead: an attribute that is another name. [column-named-twice]"
            )


# ------------------------------------------------------------------------------
# Map a class from its body: scan, complete, make the table, make the mapper.
#
# `declare_class` is the story in one function; `add_attribute` does the same for one attribute that
# is assigned to a mapped class later. Called by the base classes and by `registry`.

DEFERS_NAME = "__sa_defers_mapping__"
"""Class attribute that is true where mapping waits for `prepare()`."""


_OPTIONS_OF_COLUMNS = (
    "exclude_properties",
    "include_properties",
    "polymorphic_on",
    "primary_key",
    "version_id_col",
)


@record(eq=False, frozen=False)
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

    def take(self, key: str, value: Any, columns: Iterable[Column[Any]]) -> None:
        """Take in an attribute, and the columns that were completed for it."""
        is_composite = isinstance(value, CompositeProperty)
        place, use_existing = 0, False
        if isinstance(value, MappedColumn):
            place, use_existing = value.place, value.use_existing_column
        for column in columns:
            if not any(column is other for _, other, _, _ in self.placed):
                # A composite's column that takes another's name is refused by the table.
                owner = column.key if is_composite else key
                self.placed.append((place, column, owner, use_existing))
            named = [] if is_composite else self.names.setdefault(column.name, [])
            if key not in named:
                named.append(key)
        if isinstance(value, MappedColumn) and not value.is_mapped:
            self.unmapped.append(key)
        else:
            self.properties[key] = _mapped_form(value)

    def in_order(self) -> list[tuple[int, Column[Any], str, bool]]:
        """The columns in the order of the table: by place, then as they were written."""
        return sorted(self.placed, key=lambda each: each[0])


@record(eq=False, frozen=False)
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
    """Map `cls` as its body says; None for a class that waits for its table to be reflected."""
    with mapping_lock:
        prepared = prepare_class(registry, cls)
        if getattr(cls, DEFERS_NAME, False):
            set_attribute(cls, DEFERRED_NAME, prepared)
            return None
        return finish_class(prepared)


def prepare_class(registry: Any, cls: type, table: Any = None) -> PreparedClass:
    """Read the body of a class, complete what it declares, and make its table, unless given."""
    settings = cls.__dict__.get(SETTINGS_NAME)
    if settings is not None and "__table__" in cls.__dict__:
        raise errors.DeclarationError.table_of_dataclass(cls)
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
        options = _mapper_options(body)
    for key in columns.unmapped:
        if key in cls.__dict__:
            type.__delattr__(cls, key)
    return PreparedClass(registry, cls, table, inherits, options, columns)


def finish_class(prepared: PreparedClass) -> Any:
    """Make the mapper of a class whose table stands."""
    cls, options, columns = prepared.cls, prepared.options, prepared.columns
    hidden = [each for _, each, key, _ in columns.placed if key in columns.unmapped]
    # The mapper finds by itself a column that is called like its attribute.
    own = {
        key: value
        for key, value in columns.properties.items()
        if not isinstance(value, Column) or value.key != key
    }
    if prepared.inherits is not None:
        options.setdefault("inherits", prepared.inherits)
        if prepared.table is None and not options.get("concrete"):
            hidden += _share_table(cls, columns, manager_of_class(prepared.inherits).mapper)
            own = columns.properties
    properties = {**options.pop("properties", {}), **own}
    _drop_excluded(cls, columns, properties, options)
    if hidden:
        options["exclude_properties"] = {*(options.get("exclude_properties") or ()), *hidden}
    mapper = map_class(prepared.registry, cls, prepared.table, properties=properties, **options)
    if DEFERRED_NAME in cls.__dict__:
        type.__delattr__(cls, DEFERRED_NAME)
    set_attribute(cls, "__mapper__", mapper)
    return mapper


def _fields_of(body: ClassBody) -> dict[str, tuple[Any, Any]]:
    """The attributes that are fields: annotated with `Mapped[]`, mapped or not at all."""
    return {
        key: (declared.value, declared.raw)
        for key, declared in body.attributes.items()
        if declared.annotation is not None and not declared.annotation.is_unmapped
    }


def _refuse_dataclass_arguments(body: ClassBody) -> None:
    """Refuse `init=` and its kin on attributes of a class that is not made a dataclass."""
    for key, declared in body.attributes.items():
        arguments = getattr(declared.value, "dataclass_arguments", None)
        if arguments is None or isinstance(arguments, ImpliedArguments):
            continue
        # The default of a column means something without dataclasses too.
        plain = {"default"} if isinstance(declared.value, MappedColumn) else set()
        names = sorted(arguments.given().keys() - plain)
        if names:
            raise errors.DeclarationArgumentError.no_dataclass(key, body.cls, names)


def mapped_base(cls: type) -> type | None:
    """The nearest base class that is mapped."""
    mapped = (filter(is_mapped_class, base.__mro__) for base in cls.__bases__)
    found = list(dict.fromkeys(base for bases in mapped for base in islice(bases, 1)))
    if len(found) > 1:
        raise errors.DeclarationError.several_bases(cls, found)
    return found[0] if found else None


def _complete(body: ClassBody, registry: Any) -> _Columns:
    """Complete everything declared with its annotation; gather the columns."""
    columns = _Columns()
    is_dataclass = SETTINGS_NAME in body.cls.__dict__
    reads_defaults = is_dataclass and has_descriptor_defaults(body.cls)
    for key, declared in body.attributes.items():
        _check(body.cls, key, declared)
        value = declared.value
        columns.take(key, value, complete(value, body.cls, key, declared.annotation, registry))
        if is_dataclass and isinstance(value, Relationship):
            check_default(value, body.cls, key)
        elif reads_defaults and isinstance(value, MappedColumn | ColumnProperty):
            _set_unset_value(key, value, columns)
    if reads_defaults:
        _check_synonym_defaults(body)
    return columns


def complete(
    value: Any, cls: type, key: str, annotation: AttributeAnnotation | None, registry: Any
) -> list[Column[Any]]:
    """Complete a declaration with its annotation; gives the columns the table is to have for it."""
    if isinstance(value, MappedColumn):
        complete_column(value, cls, key, annotation, registry)
        return [value.column]
    if isinstance(value, CompositeProperty):
        return complete_composite(value, cls, key, annotation, registry)
    found = []
    if isinstance(value, ColumnProperty):
        for each in value.declared_columns:
            if isinstance(each, MappedColumn):
                complete_column(each, cls, key, annotation, registry)
        found = [each for each in value.columns if isinstance(each, Column) and each.table is None]
    elif isinstance(value, Column):
        found = [value]
    elif isinstance(value, Relationship) and annotation is not None:
        complete_relationship(value, annotation, owner=cls, registry=registry)
    for column in found:
        name_column(column, key)
    return found


def _mapped_form(value: Any) -> Any:
    """What the mapper is given for something declared."""
    if isinstance(value, MappedColumn):
        return value.mapper_property_to_assign or value.column
    return value


def _check(cls: type, key: str, declared: Declared) -> None:
    """Refuse `Unmapped[]` for anything but `unmapped_column()`, and a relationship to nothing."""
    value, annotation = declared.value, declared.annotation
    is_mapped = not isinstance(value, MappedColumn) or value.is_mapped
    if annotation is not None and annotation.is_unmapped and is_mapped:
        raise errors.DeclarationArgumentError.unmapped_needs_column(cls, key)
    if isinstance(value, Relationship) and value.argument is None and declared.raw is None:
        raise errors.DeclarationArgumentError.annotation_required(cls, key, "Relationship")


def _check_synonym_defaults(body: ClassBody) -> None:
    """Refuse a default for a synonym that its target does not have (MP-71)."""
    for key, declared in body.attributes.items():
        prop = declared.value
        target = body.attributes.get(prop.name) if isinstance(prop, SynonymProperty) else None
        default = None if target is None else given_default(prop)
        expected = None if target is None else given_default(target.value)
        if default is not None and default != expected:
            raise errors.DeclarationArgumentError.synonym_default(
                key, default, prop.name, "not set" if expected is None else repr(expected)
            )


def _set_unset_value(key: str, value: Any, columns: _Columns) -> None:
    """Let a column attribute of a dataclass read as its default while it is not set."""
    default = given_default(value)
    if default is None or key not in columns.properties:
        return
    prop = columns.properties[key]
    if not isinstance(prop, ColumnProperty):
        prop = columns.properties[key] = ColumnProperty(prop)
    prop.unset_value = default


def _share_table(cls: type, columns: _Columns, base_mapper: Any) -> list[Column[Any]]:
    """Put the columns of a class without table into its base's; gives those of others (MP-147)."""
    known = base_mapper.key_of_column
    others = [each for each in base_mapper.persist_selectable.c if each not in known]
    for _, column, key, use_existing in columns.in_order():
        placed = add_to_inherited(cls, column, base_mapper, use_existing=use_existing)
        if placed is column:
            continue
        mapped = columns.properties.get(key)
        if isinstance(mapped, ColumnProperty):
            mapped.columns[mapped.columns.index(column)] = placed
        elif mapped is not None:
            columns.properties[key] = placed
    return others


def _drop_excluded(
    cls: type, columns: _Columns, properties: dict[str, Any], options: dict[str, Any]
) -> None:
    """Leave out columns that the class declares and its options exclude, with a warning."""
    chosen = options.get("include_properties"), options.get("exclude_properties")
    for _, column, key, _ in columns.placed:
        if key in columns.unmapped or not leaves_out(*chosen, column, key, column.key):
            continue
        warn_deprecated(
            f"Attribute {key!r} declared on class {class_text(cls)} is excluded from the mapping "
            "by the include_properties or exclude_properties option. Declare it with "
            "Unmapped[...] = unmapped_column() instead. [declared-excluded]",
            version="2.1",
        )
        properties.pop(key, None)


def _mapper_options(body: ClassBody) -> dict[str, Any]:
    """`__mapper_args__`, with the columns of this class where those of a mixin are named."""
    has_options = "__mapper_args__" in body.directives
    options = dict(body.cls.__mapper_args__ or {}) if has_options else {}  # type: ignore[attr-defined]
    for name in _OPTIONS_OF_COLUMNS:
        given = options.get(name)
        if isinstance(given, list | tuple | set | frozenset):
            kind: Any = list if name == "primary_key" else set
            options[name] = kind(_column_meant(each, body) for each in given)
        elif given is not None:
            options[name] = _column_meant(given, body)
    return options


def _column_meant(value: Any, body: ClassBody) -> Any:
    if isinstance(value, declared_attr):
        # Ran for this class before, so this gives what it returned then.
        value = value.__get__(None, body.cls)
    if not isinstance(value, Column | MappedColumn):
        return value
    value = body.copies.get(value, value)
    return value.column if isinstance(value, MappedColumn) else value


def add_attribute(cls: type, key: str, value: Any) -> None:
    """Set an attribute of a class that may be mapped; what can be mapped is mapped (MP-31)."""
    mapper = _own_mapper(cls)
    if mapper is not None and isinstance(value, Column | MappedColumn | MapperProperty):
        for column in complete(value, cls, key, None, mapper.registry):
            if column.table is None:
                if not isinstance(mapper.local_table, Table):
                    raise errors.DeclarationError.not_a_table(cls, key)
                mapper.local_table.append_column(column, replace_existing=True)
                refresh_columns(mapper.persist_selectable, column)
        if not isinstance(value, MappedColumn) or value.is_mapped:
            mapper.add_property(key, _mapped_form(value))
    elif mapper is not None and isinstance(value, QueryableAttribute) and value.key != key:
        mapper.add_property(key, SynonymProperty(value.key))
    else:
        set_attribute(cls, key, value)
        if mapper is not None:
            mapper.forget_derived()


def _own_mapper(cls: type) -> Any:
    manager = find_manager(cls)
    return None if manager is None else manager.mapper


def delete_attribute(cls: type, key: str) -> None:
    """Delete an attribute of a class, unless it is mapped (MP-32)."""
    mapper = _own_mapper(cls)
    is_mapped = mapper is not None and mapper.has_property(key) and not mapper.disposed
    if is_mapped and key in cls.__dict__:
        raise errors.UnmappingError.of(cls, key)
    type.__delattr__(cls, key)
    if mapper is not None:
        mapper.forget_derived()
