"""Define the errors of declarative mapping: what a class body says and cannot mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError, cause, wording


class MappedAnnotationError(HoldfastError, exc.ArgumentError):
    """An annotation of a mapped class cannot be understood."""

    without_mapped: cause = cause(
        'Type annotation for "{owner.__name__}.{key}" can\'t be correctly interpreted for '
        "Annotated Declarative Table form.  Write it within Mapped[], as {key}: Mapped[...]; "
        "write ClassVar[...] when it is no mapped attribute, or set __allow_unmapped__ = True on "
        "the class or its base to have such annotations left alone. [annotation-without-mapped]",
        attribute="{owner.__name__}.{key}",
    )
    names_unknown: cause = cause(
        "Could not interpret annotation {text}.  Check that it uses names that are correctly "
        "imported at the module level. Import them outside TYPE_CHECKING. [annotation-names]",
        annotation="{text}",
    )
    types_unknown: cause = cause(
        'Could not resolve all types within mapped annotation: "{text}".  Ensure all types are '
        "written correctly and are imported within the module in use. Unknown: {names!l}. "
        "[annotation-types]",
        annotation="{text}",
    )

    @classmethod
    def no_sql_type(cls, key: str, candidates: Sequence[Any]) -> Self:
        """No entry of the type map fits the Python type."""
        first = _type_text(candidates[0])
        if len(candidates) > 1:
            tried = ", ".join(_type_text(each) for each in candidates)
            reason = f"none of {tried} are resolvable by the registry"
        else:
            reason = "the type object is not resolvable by the registry"
        return cls.compose(
            "Could not locate SQLAlchemy Core type when resolving for Python type indicated by "
            f"{first} inside the Mapped[] annotation for the '{key}' attribute; {reason}. Name the "
            "SQL type in mapped_column(), or add the Python type to the registry's "
            "type_annotation_map. [type-unknown]",
            attribute=key,
        )

    sql_type_given: cause = cause(
        "The type provided inside the '{key}' attribute Mapped annotation is the SQLAlchemy type "
        "{given}. Expected a Python type instead. Give the SQL type to mapped_column(). "
        "[annotation-sql-type]",
        attribute="{key}",
    )
    no_type_given: cause = cause(
        "The object provided inside the '{key}' attribute Mapped annotation is not a Python type, "
        "it's the object {given!r}. Expected a Python type. Give columns and their options to "
        "mapped_column(). [annotation-no-type]",
        attribute="{key}",
    )


class DeclarationArgumentError(HoldfastError, exc.ArgumentError):
    """An argument in a class body contradicts something else there."""

    annotation_required: cause = cause(
        'Python typing annotation is required for attribute "{owner.__name__}.{key}" when primary '
        'argument(s) for "{construct}" construct are None or not present. Annotate it: {key}: '
        "Mapped[...], or pass the argument. [annotation-required]",
        attribute="{key}",
    )
    collection_is_abstract: cause = cause(
        "Collection annotation type {annotated} cannot be instantiated; please provide an "
        "explicit 'collection_class' parameter (e.g. list, set, etc.) to the relationship() "
        "function to accompany this annotation. [collection-abstract]"
    )
    wrong_factory: cause = cause(
        "For relationship {owner.__name__}.{key} using dataclass options, default_factory must be "
        "exactly {allowed}: new objects have the relationship's own empty collection. "
        "[dataclass-factory]"
    )
    base_without_table: cause = cause(
        "Can't declare columns on single-table-inherited subclass {owner!c}; superclass {base!c} "
        "is not mapped to a Table. Give the subclass a table. [base-without-table]"
    )
    default_of_collection: cause = cause(
        "On relationship {owner.__name__}.{key}, the dataclass default for relationship may only "
        "be set for a relationship that references a scalar value, i.e. many-to-one or explicitly "
        "uselist=False. Use default_factory. [dataclass-default]",
        attribute="{key}",
    )
    synonym_default: cause = cause(
        "Synonym {attribute!r} default argument {default!r} must match the dataclasses default "
        "value of proxied object {target!r}, currently {expected}. Both read the same value. "
        "[synonym-default]",
        "attribute",
    )
    no_dataclass: cause = cause(
        "Attribute {key!r} on class {owner!c} includes dataclasses argument(s): {names!q} but "
        "class does not specify SQLAlchemy native dataclass configuration. Derive it from "
        "MappedAsDataclass, or leave them out. [no-dataclass]",
        attribute="{key}",
    )
    relationship_default: cause = cause(
        "Only 'None' is accepted as dataclass default for a relationship(). Use default_factory "
        "for a collection, and assign objects in __post_init__. [dataclass-default]"
    )
    composite_unnamed: cause = cause(
        "Composite class column arguments must be named unless a dataclass is used. Write "
        'mapped_column("name", Type). [composite-columns]'
    )
    template_without_dataclass: cause = cause(
        "column_template is only supported when composite_class is a dataclass. Name each column "
        "instead. [composite-columns]"
    )
    bad_template: cause = cause(
        "{template!r} is not a valid template for column names: it needs exactly one %s, where "
        "the field's name goes. [composite-columns]"
    )
    unmapped_with_mapped: cause = cause(
        'Attribute "{owner.__name__}.{key}" uses unmapped_column() with the Mapped[] annotation: '
        "a column cannot be both. Write Unmapped[...] instead. [unmapped-annotation]"
    )
    unmapped_needs_column: cause = cause(
        'Attribute "{owner.__name__}.{key}" uses the Unmapped[] annotation, which must be used '
        "with unmapped_column() or alone. Replace what is assigned. [unmapped-annotation]"
    )
    unmapped_options: cause = cause(
        'Attribute "{owner.__name__}.{key}" is not mapped, and does not accept the argument(s) '
        "{names!q}. Leave them out, or map the column. [unmapped-annotation]"
    )
    column_beside_table: cause = cause(
        "Can't add additional column {name!r} when specifying __table__: {owner!c} is mapped to a "
        "table that has no such column. Add it to the Table. [column-beside-table]",
        column="{name}",
    )
    table_arguments: cause = cause(
        "__table_args__ value must be a tuple, dict, or None. Write a tuple of constraints that "
        "may end in a dictionary of options. [table-arguments]"
    )
    table_without_tablename: cause = cause(
        "Can't place __table_args__ on an inherited class with no table: {owner!c} shares the "
        "table of its base. Move them to the base. [table-arguments]"
    )
    primary_key_on_single_table: cause = cause(
        "Can't place primary key columns on an inherited class with no table. Give the class a "
        "__tablename__, or leave the column to its base. [primary-key-without-table]"
    )
    column_conflict: cause = cause(
        "Column '{column.name}' on class {owner.__name__} conflicts with existing column "
        "'{existing}'.  If using Declarative, consider using the use_existing_column parameter of "
        "mapped_column() to resolve conflicts. [column-conflict]"
    )


class DeclarationError(HoldfastError, exc.InvalidRequestError):
    """A class cannot be declared, or not changed, like this."""

    several_bases: cause = cause(
        "Class {owner!c} has multiple mapped bases: {bases!r}. Let it inherit from one, and from "
        "mixins. [several-bases]"
    )
    no_table: cause = cause(
        "Class {owner!c} does not have a __table__ or __tablename__ specified and does not "
        "inherit from an existing table-mapped class. Set __tablename__, or __abstract__ = True "
        "when the class is not to be mapped. [no-table]",
        class_name="{owner.__name__}",
    )
    property_on_mixin: cause = cause(
        "Mapper properties (i.e. deferred,column_property(), relationship(), etc.) must be "
        "declared as @declared_attr callables on declarative mixin classes.  For dataclass "
        "field() objects, use a lambda: each mapped class needs a property of its own. "
        "[property-on-mixin]"
    )
    foreign_key_on_mixin: cause = cause(
        "Columns with foreign keys to non-table-bound columns must be declared as @declared_attr "
        "callables on declarative mixin classes.  For dataclass field() objects, use a lambda: "
        "the column is copied, and the copy would refer to nothing. [foreign-key-on-mixin]"
    )
    base_used_directly: cause = cause(
        "Cannot use {base.__name__!r} directly as a declarative base class. Make a base of your "
        "own first: class Base({base.__name__}): pass. [base-used-directly]"
    )
    no_registry: cause = cause(
        "Declarative base class has no 'registry' attribute, or registry is not a "
        "sqlalchemy.orm.registry() object. Set registry = registry() on it. [base-registry]"
    )
    wrong_registry: cause = cause(
        "Declarative base class has a 'registry' attribute that is not an instance of "
        "sqlalchemy.orm.registry(). Rename the attribute. [base-registry]"
    )
    registry_and_type_map: cause = cause(
        "Declarative base class has both a 'registry' attribute and a type_annotation_map entry.  "
        "Per-base type_annotation_maps are not supported. Give the map to the registry: "
        "registry(type_annotation_map={{...}}). [base-registry]"
    )
    not_a_table: cause = cause(
        "Cannot add a new attribute to mapped class {owner.__name__!r} because it's not mapped "
        "against a table. Map the class to a Table. [attribute-without-table]",
        attribute="{key}",
    )
    dataclass_mixin: cause = cause(
        "When transforming {owner!c} to a dataclass, attribute(s) {attributes!q} originates from "
        "superclass {base!c}, which is not a dataclass. Derive it from MappedAsDataclass, or "
        "decorate it with @unmapped_dataclass. [dataclass-mixin]",
        "attributes",
    )
    table_of_dataclass: cause = cause(
        "Class {owner!c} already defines a '__table__'. ORM Annotated Dataclasses do not support "
        "a pre-existing '__table__' element. Use __tablename__, or apply @dataclass yourself and "
        "registry.mapped(). [dataclass-table]"
    )
    mapping_in_field: cause = cause(
        "SQLAlchemy mapped dataclasses can't consume mapping information from the metadata of "
        "dataclasses.field(): {owner!c} is made a dataclass by the mapping. Annotate with "
        "Mapped[] instead, or apply @dataclass yourself and registry.mapped(). "
        "[dataclass-field-metadata]"
    )
    already_dataclass: cause = cause(
        "Class {owner!c} is already a dataclass; ensure that base classes / decorator styles of "
        "establishing dataclasses are not being mixed. This can happen if a class that inherits "
        "from 'MappedAsDataclass', even indirectly, is been mapped with "
        "'@registry.mapped_as_dataclass'. Use one of the two. [dataclass-twice]"
    )
    dataclass_failed: cause = cause(
        "Python dataclasses error encountered when creating dataclass for {name!r}: {error!r}. "
        "Please refer to Python dataclasses documentation for additional information. "
        "[dataclass-failed]"
    )


class DataclassSettingsError(HoldfastError, TypeError):
    """A class is to be made a dataclass in a way that mapped classes cannot be."""

    unknown: cause = cause(
        "Dataclass argument(s) {names!q} are not accepted: attributes of a mapped class stand on "
        "the class. Leave them out. [dataclass-settings]"
    )


class UnmappingError(HoldfastError, NotImplementedError):
    """A mapped attribute is deleted from its class."""

    of: cause = cause(
        "Can't un-map individual mapped attributes on a mapped class. {owner.__name__}.{key} "
        "stays mapped; dispose the whole registry to unmap. [unmap-attribute]"
    )


class AnnotatedConstructError(HoldfastError, NotImplementedError):
    """`Annotated[]` holds a construct that it may not hold."""

    of: cause = cause(
        "Use of the '{construct!n}' construct inside of an Annotated object is not yet supported. "
        "Only mapped_column() may stand there. [annotated-construct]"
    )


class AutomapError(HoldfastError, exc.InvalidRequestError):
    """Classes cannot be made for tables."""

    module_and_class: cause = cause(
        'name "{name}" matches both a class name and a module name: by_module cannot have both '
        "on the way to {owner!c}. Let modulename_for_table name another module. "
        "[automap-module]",
        "name",
    )


class AutomapArgumentError(HoldfastError, TypeError):
    """A function for relationships is given what it does not know."""

    unknown_function: cause = cause(
        "Unknown relationship function: {given!r}. Pass relationship or backref on. "
        "[automap-function]"
    )


automap_name_warning: wording = wording(
    "Ignoring duplicate class name '{name}' received in automap base for table {table} without "
    "``__module__`` being set; the table gets no class. Give it a name of its own with "
    "classname_for_table, or a module with modulename_for_table. [automap-name]"
)


automap_engine_warning: wording = wording(
    "The prepare.engine and prepare.reflect arguments of AutomapBase are deprecated. Use "
    "autoload_with. [automap-engine]"
)


def _type_text(value: Any) -> str:
    """A type as messages show it: the text of classes and aliases in quotes."""
    return f"'{value}'"
