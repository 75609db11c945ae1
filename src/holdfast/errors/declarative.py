"""Define the errors of declarative mapping: what a class body says and cannot mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError
from holdfast.foundation.describe import class_text, listed


class MappedAnnotationError(HoldfastError, exc.ArgumentError):
    """An annotation of a mapped class cannot be understood."""

    @classmethod
    def without_mapped(cls, owner: type, key: str) -> Self:
        """The annotation of a mapped attribute is not `Mapped[...]`."""
        name = f"{owner.__name__}.{key}"
        return cls.compose(
            f'Type annotation for "{name}" can\'t be correctly interpreted for Annotated '
            f"Declarative Table form.  Write it within Mapped[], as {key}: Mapped[...]; write "
            "ClassVar[...] when it is no mapped attribute, or set __allow_unmapped__ = True on the "
            "class or its base to have such annotations left alone. [annotation-without-mapped]",
            attribute=name,
        )

    @classmethod
    def names_unknown(cls, text: str) -> Self:
        """The outer name of the annotation is not known in the module."""
        return cls.compose(
            f"Could not interpret annotation {text}.  Check that it uses names that are correctly "
            "imported at the module level. Import them outside TYPE_CHECKING. [annotation-names]",
            annotation=text,
        )

    @classmethod
    def types_unknown(cls, text: str, names: Iterable[str]) -> Self:
        """Names within the brackets are not known in the module."""
        return cls.compose(
            f'Could not resolve all types within mapped annotation: "{text}".  Ensure all types '
            "are written correctly and are imported within the module in use. Unknown: "
            f"{listed(names)}. [annotation-types]",
            annotation=text,
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

    @classmethod
    def sql_type_given(cls, key: str, given: Any) -> Self:
        """A SQL type stands where a Python type is expected."""
        return cls.compose(
            f"The type provided inside the '{key}' attribute Mapped annotation is the SQLAlchemy "
            f"type {given}. Expected a Python type instead. Give the SQL type to mapped_column(). "
            "[annotation-sql-type]",
            attribute=key,
        )

    @classmethod
    def no_type_given(cls, key: str, given: Any) -> Self:
        """Something stands there that is no type at all."""
        return cls.compose(
            f"The object provided inside the '{key}' attribute Mapped annotation is not a Python "
            f"type, it's the object {given!r}. Expected a Python type. Give columns and their "
            "options to mapped_column(). [annotation-no-type]",
            attribute=key,
        )


class DeclarationArgumentError(HoldfastError, exc.ArgumentError):
    """An argument in a class body contradicts something else there."""

    @classmethod
    def annotation_required(cls, owner: type, key: str, construct: str) -> Self:
        """Neither arguments nor an annotation say what the attribute holds."""
        return cls.compose(
            f'Python typing annotation is required for attribute "{owner.__name__}.{key}" when '
            f'primary argument(s) for "{construct}" construct are None or not present. Annotate '
            f"it: {key}: Mapped[...], or pass the argument. [annotation-required]",
            attribute=key,
        )

    @classmethod
    def collection_is_abstract(cls, annotated: Any) -> Self:
        """The collection type of a relationship cannot be made."""
        return cls.compose(
            f"Collection annotation type {annotated} cannot be instantiated; please provide an "
            "explicit 'collection_class' parameter (e.g. list, set, etc.) to the relationship() "
            "function to accompany this annotation. [collection-abstract]"
        )

    @classmethod
    def wrong_factory(cls, owner: type, key: str, allowed: Sequence[Any]) -> Self:
        """The default factory of a relationship makes something else than its collection."""
        shown = " or ".join(str(each) for each in allowed)
        return cls.compose(
            f"For relationship {owner.__name__}.{key} using dataclass options, default_factory "
            f"must be exactly {shown}: new objects have the relationship's own empty collection. "
            "[dataclass-factory]"
        )

    @classmethod
    def base_without_table(cls, owner: type, base: type) -> Self:
        """A class without table adds columns to a base that is mapped to a query."""
        return cls.compose(
            f"Can't declare columns on single-table-inherited subclass {class_text(owner)}; "
            f"superclass {class_text(base)} is not mapped to a Table. Give the subclass a table. "
            "[base-without-table]"
        )

    @classmethod
    def default_of_collection(cls, owner: type, key: str) -> Self:
        """A collection has a dataclass default."""
        return cls.compose(
            f"On relationship {owner.__name__}.{key}, the dataclass default for relationship may "
            "only be set for a relationship that references a scalar value, i.e. many-to-one or "
            "explicitly uselist=False. Use default_factory. [dataclass-default]",
            attribute=key,
        )

    @classmethod
    def synonym_default(cls, key: str, default: Any, target: str, expected: Any) -> Self:
        """A synonym has another dataclass default than the attribute it stands for."""
        shown = "not set" if expected is None else repr(expected)
        return cls.compose(
            f"Synonym {key!r} default argument {default!r} must match the dataclasses default "
            f"value of proxied object {target!r}, currently {shown}. Both read the same value. "
            "[synonym-default]",
            attribute=key,
        )

    @classmethod
    def no_dataclass(cls, owner: type, key: str, names: Sequence[str]) -> Self:
        """Arguments for dataclasses on a class that is not made one."""
        shown = ", ".join(repr(name) for name in names)
        return cls.compose(
            f"Attribute {key!r} on class {class_text(owner)} includes dataclasses argument(s): "
            f"{shown} but class does not specify SQLAlchemy native dataclass configuration. Derive "
            "it from MappedAsDataclass, or leave them out. [no-dataclass]",
            attribute=key,
        )

    @classmethod
    def relationship_default(cls) -> Self:
        """A relationship has a default that is an object."""
        return cls.compose(
            "Only 'None' is accepted as dataclass default for a relationship(). Use "
            "default_factory for a collection, and assign objects in __post_init__. "
            "[dataclass-default]"
        )

    @classmethod
    def composite_unnamed(cls) -> Self:
        """A column of a composite has no name, and no field to take it from."""
        return cls.compose(
            "Composite class column arguments must be named unless a dataclass is used. Write "
            'mapped_column("name", Type). [composite-columns]'
        )

    @classmethod
    def template_without_dataclass(cls) -> Self:
        """Names of columns cannot be made from fields."""
        return cls.compose(
            "column_template is only supported when composite_class is a dataclass. Name each "
            "column instead. [composite-columns]"
        )

    @classmethod
    def bad_template(cls, template: Any) -> Self:
        """The template has not exactly one place for the field's name."""
        return cls.compose(
            f"{template!r} is not a valid template for column names: it needs exactly one %s, "
            "where the field's name goes. [composite-columns]"
        )

    @classmethod
    def unmapped_with_mapped(cls, owner: type, key: str) -> Self:
        """`unmapped_column()` goes with `Unmapped[]`."""
        return cls.compose(
            f'Attribute "{owner.__name__}.{key}" uses unmapped_column() with the Mapped[] '
            "annotation: a column cannot be both. Write Unmapped[...] instead. "
            "[unmapped-annotation]"
        )

    @classmethod
    def unmapped_needs_column(cls, owner: type, key: str) -> Self:
        """`Unmapped[]` goes with `unmapped_column()`."""
        return cls.compose(
            f'Attribute "{owner.__name__}.{key}" uses the Unmapped[] annotation, which must be '
            "used with unmapped_column() or alone. Replace what is assigned. [unmapped-annotation]"
        )

    @classmethod
    def unmapped_options(cls, owner: type, key: str, names: Sequence[str]) -> Self:
        """Options of mapped attributes for a column that is none."""
        shown = ", ".join(repr(name) for name in names)
        return cls.compose(
            f'Attribute "{owner.__name__}.{key}" is not mapped, and does not accept the '
            f"argument(s) {shown}. Leave them out, or map the column. [unmapped-annotation]"
        )

    @classmethod
    def column_beside_table(cls, owner: type, name: str) -> Self:
        """A class with `__table__` declares a column that the table lacks."""
        return cls.compose(
            f"Can't add additional column {name!r} when specifying __table__: {class_text(owner)} "
            "is mapped to a table that has no such column. Add it to the Table. "
            "[column-beside-table]",
            column=name,
        )

    @classmethod
    def table_arguments(cls) -> Self:
        """`__table_args__` is neither a tuple nor a dictionary."""
        return cls.compose(
            "__table_args__ value must be a tuple, dict, or None. Write a tuple of constraints "
            "that may end in a dictionary of options. [table-arguments]"
        )

    @classmethod
    def table_without_tablename(cls, owner: type) -> Self:
        """A single-table subclass gives arguments for a table that it does not have."""
        return cls.compose(
            f"Can't place __table_args__ on an inherited class with no table: {class_text(owner)} "
            "shares the table of its base. Move them to the base. [table-arguments]"
        )

    @classmethod
    def primary_key_on_single_table(cls) -> Self:
        """A subclass without table declares a primary key column."""
        return cls.compose(
            "Can't place primary key columns on an inherited class with no table. Give the class a "
            "__tablename__, or leave the column to its base. [primary-key-without-table]"
        )

    @classmethod
    def column_conflict(cls, column: Any, owner: type, existing: Any) -> Self:
        """Two classes that share a table declare a column of the same name."""
        return cls.compose(
            f"Column '{column.name}' on class {owner.__name__} conflicts with existing column "
            f"'{existing}'.  If using Declarative, consider using the use_existing_column "
            "parameter of mapped_column() to resolve conflicts. [column-conflict]"
        )


class DeclarationError(HoldfastError, exc.InvalidRequestError):
    """A class cannot be declared, or not changed, like this."""

    @classmethod
    def several_bases(cls, owner: type, bases: Sequence[type]) -> Self:
        """A class inherits from two hierarchies of mapped classes."""
        return cls.compose(
            f"Class {class_text(owner)} has multiple mapped bases: {list(bases)!r}. Let it inherit "
            "from one, and from mixins. [several-bases]"
        )

    @classmethod
    def no_table(cls, owner: type) -> Self:
        """Neither table nor mapped base."""
        return cls.compose(
            f"Class {class_text(owner)} does not have a __table__ or __tablename__ specified and "
            "does not inherit from an existing table-mapped class. Set __tablename__, or "
            "__abstract__ = True when the class is not to be mapped. [no-table]",
            class_name=owner.__name__,
        )

    @classmethod
    def property_on_mixin(cls) -> Self:
        """A relationship or other property stands directly on a mixin."""
        return cls.compose(
            "Mapper properties (i.e. deferred,column_property(), relationship(), etc.) must be "
            "declared as @declared_attr callables on declarative mixin classes.  For dataclass "
            "field() objects, use a lambda: each mapped class needs a property of its own. "
            "[property-on-mixin]"
        )

    @classmethod
    def foreign_key_on_mixin(cls) -> Self:
        """A column on a mixin refers to a column that belongs to no table yet."""
        return cls.compose(
            "Columns with foreign keys to non-table-bound columns must be declared as "
            "@declared_attr callables on declarative mixin classes.  For dataclass field() "
            "objects, use a lambda: the column is copied, and the copy would refer to nothing. "
            "[foreign-key-on-mixin]"
        )

    @classmethod
    def base_used_directly(cls, base: type) -> Self:
        """A mapped class derives from `DeclarativeBase` itself."""
        return cls.compose(
            f"Cannot use {base.__name__!r} directly as a declarative base class. Make a base of "
            f"your own first: class Base({base.__name__}): pass. [base-used-directly]"
        )

    @classmethod
    def no_registry(cls) -> Self:
        """A class with our metaclass has no registry."""
        return cls.compose(
            "Declarative base class has no 'registry' attribute, or registry is not a "
            "sqlalchemy.orm.registry() object. Set registry = registry() on it. [base-registry]"
        )

    @classmethod
    def wrong_registry(cls) -> Self:
        """The `registry` of a base is something else."""
        return cls.compose(
            "Declarative base class has a 'registry' attribute that is not an instance of "
            "sqlalchemy.orm.registry(). Rename the attribute. [base-registry]"
        )

    @classmethod
    def registry_and_type_map(cls) -> Self:
        """A base has a registry and a type map beside it."""
        return cls.compose(
            "Declarative base class has both a 'registry' attribute and a type_annotation_map "
            "entry.  Per-base type_annotation_maps are not supported. Give the map to the "
            "registry: registry(type_annotation_map={...}). [base-registry]"
        )

    @classmethod
    def not_a_table(cls, owner: type, key: str) -> Self:
        """An attribute is added to a class whose table cannot take it."""
        return cls.compose(
            f"Cannot add a new attribute to mapped class {owner.__name__!r} because it's not "
            "mapped against a table. Map the class to a Table. [attribute-without-table]",
            attribute=key,
        )

    @classmethod
    def dataclass_mixin(cls, owner: type, base: type, names: Sequence[str]) -> Self:
        """A dataclass takes attributes from a class that is none."""
        shown = ", ".join(repr(name) for name in names)
        return cls.compose(
            f"When transforming {class_text(owner)} to a dataclass, attribute(s) {shown} "
            f"originates from superclass {class_text(base)}, which is not a dataclass. Derive it "
            "from MappedAsDataclass, or decorate it with @unmapped_dataclass. [dataclass-mixin]",
            attributes=tuple(names),
        )

    @classmethod
    def table_of_dataclass(cls, owner: type) -> Self:
        """A dataclass that the library makes is mapped to a ready table."""
        return cls.compose(
            f"Class {class_text(owner)} already defines a '__table__'. ORM Annotated Dataclasses "
            "do not support a pre-existing '__table__' element. Use __tablename__, or apply "
            "@dataclass yourself and registry.mapped(). [dataclass-table]"
        )

    @classmethod
    def mapping_in_field(cls, owner: type) -> Self:
        """Mapping information in the fields of a class that is still to become a dataclass."""
        return cls.compose(
            "SQLAlchemy mapped dataclasses can't consume mapping information from the metadata of "
            f"dataclasses.field(): {class_text(owner)} is made a dataclass by the mapping. "
            "Annotate with Mapped[] instead, or apply @dataclass yourself and registry.mapped(). "
            "[dataclass-field-metadata]"
        )

    @classmethod
    def already_dataclass(cls, owner: type) -> Self:
        """`@dataclass` was applied before."""
        return cls.compose(
            f"Class {class_text(owner)} is already a dataclass; ensure that base classes / "
            "decorator styles of establishing dataclasses are not being mixed. This can happen if "
            "a class that inherits from 'MappedAsDataclass', even indirectly, is been mapped with "
            "'@registry.mapped_as_dataclass'. Use one of the two. [dataclass-twice]"
        )

    @classmethod
    def dataclass_failed(cls, name: str, error: Exception) -> Self:
        """Python's own dataclasses module refused."""
        return cls.compose(
            f"Python dataclasses error encountered when creating dataclass for {name!r}: "
            f"{error!r}. Please refer to Python dataclasses documentation for additional "
            "information. [dataclass-failed]"
        )


class DataclassSettingsError(HoldfastError, TypeError):
    """A class is to be made a dataclass in a way that mapped classes cannot be."""

    @classmethod
    def unknown(cls, names: Sequence[str]) -> Self:
        """Arguments of `dataclass()` that do not go with mapping, or are none."""
        shown = ", ".join(repr(name) for name in names)
        return cls.compose(
            f"Dataclass argument(s) {shown} are not accepted: attributes of a mapped class stand "
            "on the class. Leave them out. [dataclass-settings]"
        )


class UnmappingError(HoldfastError, NotImplementedError):
    """A mapped attribute is deleted from its class."""

    @classmethod
    def of(cls, owner: type, key: str) -> Self:
        """`del Author.name`."""
        return cls.compose(
            f"Can't un-map individual mapped attributes on a mapped class. {owner.__name__}.{key} "
            "stays mapped; dispose the whole registry to unmap. [unmap-attribute]"
        )


class AnnotatedConstructError(HoldfastError, NotImplementedError):
    """`Annotated[]` holds a construct that it may not hold."""

    @classmethod
    def of(cls, construct: object) -> Self:
        """Anything but `mapped_column()`."""
        return cls.compose(
            f"Use of the {type(construct).__name__!r} construct inside of an Annotated object is "
            "not yet supported. Only mapped_column() may stand there. [annotated-construct]"
        )


def _type_text(value: Any) -> str:
    """A type as messages show it: the text of classes and aliases in quotes."""
    return f"'{value}'"
