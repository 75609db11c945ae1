"""Define the errors of mappings: classes, tables, columns and relationships that do not fit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError
from holdfast.foundation.describe import class_text, listed, nearest


class MappingError(HoldfastError, exc.InvalidRequestError):
    """A class or its mapper is used in a way that the mapping does not provide for."""

    @classmethod
    def not_in_hierarchy(cls, given: Any, mapper: Any) -> Self:
        """`with_polymorphic` names a class that does not inherit from this one."""
        return cls.compose(
            f"{given!r} does not inherit from {mapper!r}. Name subclasses. [not-in-hierarchy]"
        )

    @classmethod
    def made_directly(cls) -> Self:
        """`Mapper()` is called by an application."""
        return cls.compose(
            "The _mapper() function and Mapper() constructor may not be invoked directly outside "
            "of a declarative registry. Call registry.map_imperatively(). [mapper-directly]"
        )

    @classmethod
    def abstract_class(cls, mapper: Any) -> Self:
        """An object of a `polymorphic_abstract` class is to be made."""
        return cls.compose(
            f"Can't instantiate class for {mapper}; mapper is marked polymorphic_abstract=True. "
            "Make an object of one of its subclasses. [abstract-class]"
        )

    @classmethod
    def abstract_without_discriminator(cls, mapper: Any) -> Self:
        """`polymorphic_abstract` in a hierarchy whose rows do not name their class."""
        return cls.compose(
            "The Mapper.polymorphic_abstract parameter may only be used on a mapper hierarchy "
            "which includes the Mapper.polymorphic_on parameter at the base of the hierarchy. "
            f"Give the base of {mapper} a discriminator column. [abstract-without-discriminator]"
        )

    @classmethod
    def foreign_discriminator(cls, mapper: Any, column: Any) -> Self:
        """`polymorphic_on` is a column of another table."""
        return cls.compose(
            f"Could not map polymorphic_on column '{column.description}' to the mapped table - "
            "polymorphic loads will not function properly. Use a column of "
            f"{mapper.persist_selectable.description}. [discriminator]"
        )

    @classmethod
    def discriminator_taken(cls, name: str, column: Any) -> Self:
        """`polymorphic_union()` is to add a column whose name a table has already."""
        return cls.compose(
            f"Polymorphic union can't use '{name}' as the discriminator column due to mapped "
            f"column {column!r}; please apply the 'typecolname' argument; this is available on "
            "ConcreteBase as '_concrete_discriminator_name' [discriminator-taken]"
        )

    @classmethod
    def no_property(cls, mapper: Any, key: str) -> Self:
        """The mapper has no attribute of this name."""
        return cls.compose(
            f"Mapper '{mapper}' has no property '{key}'.  If this property was indicated from "
            "other mappers or configure events, ensure registry.configure() has been called. "
            "[no-property]",
            key=key,
        )

    @classmethod
    def validator_exists(cls, key: str, mapper: Any) -> Self:
        """A second validator for an attribute."""
        return cls.compose(
            f"A validation function for mapped attribute {key!r} on mapper {mapper} already "
            "exists. Join the two functions. [validator-exists]"
        )

    @classmethod
    def earlier_failure(cls, mapper: Any, cause: BaseException) -> Self:
        """Another mapper failed before, so none can be used."""
        return cls.compose(
            "One or more mappers failed to initialize - can't proceed with initialization of other "
            f"mappers. Triggering mapper: '{mapper}'. Original exception was: {cause} "
            "[mapper-failed]"
        )

    @classmethod
    def viewonly_reverse(cls, relationship: Any, other: Any) -> Self:
        """`sync_backref` where the other side is view-only."""
        return cls.compose(
            f"Relationship {relationship} cannot specify sync_backref=True since {other} includes "
            "viewonly=True. Leave one of them out. [viewonly]"
        )

    @classmethod
    def back_populates_column(cls, relationship: str, attribute: str, kind: str) -> Self:
        """`back_populates` names something that is no relationship.

        Args:
            relationship: The relationship, as `Parent.children`.
            attribute: What it names, as `Child.parent_id`.
            kind: What that is, e.g. "column".
        """
        return cls.compose(
            f"back_populates on relationship '{relationship}' refers to attribute '{attribute}' "
            "that is not a relationship.  The back_populates parameter should refer to the name of "
            f"a relationship on the target class. It is a {kind}. [back-populates]"
        )

    @classmethod
    def name_not_found(cls, owner: Any, expression: str, name: str, known: Iterable[str]) -> Self:
        """A string names a class or table that does not exist (yet); the message says which do."""
        return cls.compose(
            f"When initializing mapper {owner}, expression {expression!r} failed to locate a name "
            f"({name!r}). If this is a class name, consider adding this relationship() to the "
            "class after both dependent classes have been defined, or import its module. "
            f"There are {nearest(name, known)}. [name-not-found]",
            name=name,
        )

    @classmethod
    def generic_target(cls, owner: Any, expression: str, key: str) -> Self:
        """`relationship("List['Book']")`: collections are for annotations."""
        return cls.compose(
            f'When initializing mapper {owner}, expression "relationship("{expression}")" '
            "seems to be using a generic class as the argument to relationship(); please state the "
            f'generic argument using an annotation, e.g. "{key}: Mapped[{expression}] = '
            'relationship()". [generic-target]'
        )

    @classmethod
    def ambiguous_name(cls, name: str, paths: Iterable[str]) -> Self:
        """Several classes have the name."""
        return cls.compose(
            f'Multiple classes found for path "{name}" in the registry of this declarative base. '
            f"Please use a fully module-qualified path. They are {listed(paths)}. "
            "[ambiguous-name]",
            name=name,
        )

    @classmethod
    def not_a_column(cls, prop: Any) -> Self:
        """A string expression uses an attribute that holds no column."""
        return cls.compose(
            f"Property '{prop.key}' is not an instance of ColumnProperty (i.e. does not correspond "
            f"directly to a Column). {prop} is a {prop.kind}; name a column attribute. "
            "[not-a-column]"
        )

    @classmethod
    def synonym_target(cls, prop: Any, target: Any) -> Self:
        """A synonym stands for something that is no mapped attribute."""
        return cls.compose(
            f'synonym() attribute "{prop.parent.class_.__name__}.{prop.name}" only supports ORM '
            f"mapped attributes, got {object.__repr__(target)}. Use it from Python only. "
            "[synonym-target]"
        )

    @classmethod
    def implicit_combination(cls, known: Any, column: Any, key: str) -> Self:
        """Two columns of one name that no join makes equal."""
        return cls.compose(
            f"Implicitly combining column {known} with column {column} under attribute '{key}'.  "
            "Please configure one or more attributes for these same-named columns explicitly. Give "
            f"one of them another name in `properties`, or both one: {key!r}: [a, b]. "
            "[implicit-combination]"
        )

    @classmethod
    def registry_behind(cls, registry: Any, other: Any) -> Self:
        """`configure(cascade=False)` where another registry has to be configured first."""
        return cls.compose(
            "configure was called with cascade=False but additional registries need to be "
            f"configured. {registry} leads to classes of {other}; pass cascade=True. "
            "[registry-behind]"
        )

    @classmethod
    def registry_needed(cls, registry: Any, other: Any) -> Self:
        """`dispose(cascade=False)` where another registry leads here."""
        return cls.compose(
            "Registry has dependent registries that are not disposed; pass cascade=True to clear "
            f"these also. {other} leads to classes of {registry}. [registry-needed]"
        )


class UnknownNameError(HoldfastError, NameError):
    """A string names something that does not exist where it is looked for."""

    @classmethod
    def not_in_module(cls, module: str, name: str, known: Iterable[str]) -> Self:
        """A dotted path leads to a module without such a class."""
        error = cls.compose(
            f"Module '{module}' has no mapped classes registered under the name '{name}', only "
            f"{nearest(name, known)}. [module-without-class]"
        )
        error.name = name
        return error


class MappingArgumentError(HoldfastError, exc.ArgumentError):
    """An argument of a mapping is of no use."""

    @classmethod
    def no_primary_key(cls, mapper: Any, table: Any) -> Self:
        """The table has no primary key."""
        return cls.compose(
            f"Mapper {mapper} could not assemble any primary key columns for mapped table "
            f"'{table}'. Mark a column with primary_key=True, or name columns in __mapper_args__ = "
            '{"primary_key": [...]}. [no-primary-key]'
        )

    @classmethod
    def mapped_twice(cls, mapped: type) -> Self:
        """The class has a mapper."""
        return cls.compose(
            f"Class '{class_text(mapped)}' already has a primary mapper defined. Make another "
            "class, or alias this one with aliased(). [mapped-twice]"
        )

    @classmethod
    def class_expected(cls, given: Any) -> Self:
        """Something else than a class is mapped."""
        return cls.compose(
            f"Class object expected, got '{given!r}'. Pass the class itself. [class-expected]"
        )

    @classmethod
    def primary_key_not_mapped(cls, mapper: Any, column: Any) -> Self:
        """A primary key column was left out of the mapping."""
        return cls.compose(
            f"Mapper {mapper} could not assemble any primary key columns for mapped table: column "
            f"'{column}' forms the key and is not mapped. Do not exclude it. "
            "[primary-key-not-mapped]"
        )

    @classmethod
    def no_such_key(cls, mapper: Any, key: str) -> Self:
        """The `primary_key` option names an attribute that does not exist."""
        return cls.compose(
            f"Can't determine primary_key column '{key}' - no attribute is mapped to this name by "
            f"{mapper}. Name mapped attributes, or columns. [primary-key-not-mapped]",
            key=key,
        )

    @classmethod
    def key_not_column(cls, mapper: Any, key: str) -> Self:
        """The `primary_key` option names something that is no column."""
        return cls.compose(
            f"Can't determine primary_key column '{key}'; property does not refer to a single "
            f"mapped Column of {mapper}. Name an attribute that holds one. [primary-key-name]",
            key=key,
        )

    @classmethod
    def no_table_given(cls, mapper: Any) -> Self:
        """A class without table that inherits from no mapped class."""
        return cls.compose(
            f"Mapper[{mapper.class_.__name__}(None)] has None for a primary table argument and "
            "does not specify 'inherits'. Give it a table. [no-table]"
        )

    @classmethod
    def select_given(cls, given: Any) -> Self:
        """A SELECT stands where a table or subquery is needed."""
        return cls.compose(
            f"mapping target must be a Table, join(), alias or subquery, not {given!r}. Use "
            ".subquery() to give a SELECT a name. [select-mapped]"
        )

    @classmethod
    def not_a_subclass(cls, mapped: type, base: type) -> Self:
        """`inherits` names a class that is no base class."""
        return cls.compose(
            f"Class '{mapped.__name__}' does not inherit from '{base.__name__}'. Make it a "
            "subclass, or leave out `inherits`. [not-a-subclass]"
        )

    @classmethod
    def foreign_column(cls, mapper: Any, column: Any) -> Self:
        """A column of a table that the class is not mapped to."""
        return cls.compose(
            f"Column '{column}' is not represented in the mapper's table.  Use the "
            "`column_property()` function to force this column to be mapped as a read-only "
            f"attribute. {mapper} is mapped to other tables. [foreign-column]"
        )

    @classmethod
    def column_hides(cls, key: str, mapper: Any, column: Any, existing: Any) -> Self:
        """A column's name is that of an attribute of another kind."""
        return cls.compose(
            f"WARNING: when configuring property '{key}' on {mapper}, column '{column.key}' "
            f"conflicts with property '{existing!r}'. To resolve this, map the column to the class "
            "under a different name in the 'properties' dictionary.  Or, to remove all awareness "
            "of the column entirely (i.e. prevent it from being mapped), use the "
            "'include_properties' or 'exclude_properties' mapper arguments to control specifically "
            "which table columns get mapped. [column-hides]",
            key=key,
        )

    @classmethod
    def not_a_property(cls, mapper: Any, key: str, given: Any) -> Self:
        """Something that cannot be mapped as an attribute."""
        return cls.compose(
            f"Cannot map attribute '{key}' of {mapper}: expected a column, a list of columns or a "
            f"property such as relationship(), got {class_text(type(given))}. [not-a-property]",
            key=key,
        )

    @classmethod
    def unknown_discriminator(cls, mapper: Any, key: str) -> Self:
        """`polymorphic_on` names an attribute that does not exist."""
        return cls.compose(
            f"Can't determine polymorphic_on value '{key}' - no attribute is mapped to this name. "
            f"Name a column attribute of {mapper}. [discriminator]",
            key=key,
        )

    @classmethod
    def bad_discriminator(cls, mapper: Any, prop: Any) -> Self:
        """`polymorphic_on` is an attribute that holds no column."""
        return cls.compose(
            "Only direct column-mapped property or SQL expression can be passed for "
            f"polymorphic_on; {prop} of {mapper} is a {prop.kind}. [discriminator]"
        )

    @classmethod
    def synonym_without_column(cls, prop: Any) -> Self:
        """`map_column=True` where the table has no column of the synonym's name."""
        return cls.compose(
            f"Can't compile synonym '{prop.name}': no column on table "
            f"'{prop.parent.local_table.description}' named '{prop.key}'. Leave out map_column. "
            "[synonym-column]"
        )

    @classmethod
    def synonym_column_taken(cls, prop: Any) -> Self:
        """`map_column=True` where the column is mapped under the target's name already."""
        return cls.compose(
            f"Can't call map_column=True for synonym {prop.key!r}={prop.name!r}, a ColumnProperty "
            f"already exists keyed to the name {prop.name!r} for column {prop.key!r}. Leave out "
            "map_column. [synonym-column]"
        )

    @classmethod
    def composite_part(cls, prop: Any, given: Any) -> Self:
        """A part of a composite is no mapped column."""
        return cls.compose(
            "Composite expects Column objects or mapped attributes/attribute names as arguments, "
            f"got: {given!r} for {prop}. Map the column first. [composite-part]"
        )


class UnknownOptionError(HoldfastError, exc.ArgumentError, TypeError):
    """A class is mapped with an option that mappers do not have."""

    @classmethod
    def of_mapper(cls, mapped: type, name: str, known: Iterable[str]) -> Self:
        """An option of no mapper, or one that there was before SQLAlchemy 2.0."""
        advice = (
            "a class has one mapper only. Read it from elsewhere with aliased(Class, subquery), "
            "which may be the target of a relationship() too"
            if name == "non_primary"
            else f"no mapper has this option. There are {nearest(name, known)}"
        )
        return cls.compose(
            f"Mapper() got an unexpected keyword argument '{name}' for "
            f"{class_text(mapped)}: {advice}. [unknown-mapper-option]",
            name=name,
        )


class AmbiguousInheritError(HoldfastError, exc.AmbiguousForeignKeysError):
    """Several foreign keys lead from a subclass's table to its base's."""

    @classmethod
    def several_foreign_keys(cls, base: Any, table: Any) -> Self:
        """The tables `base` and `table` are related in several ways."""
        return cls.compose(
            f"Can't determine the inherit condition between inherited table '{base.description}' "
            f"and inheriting table '{table.description}'; tables have more than one foreign key "
            "relationship established.  Please specify the 'on clause' using the "
            "'inherit_condition' mapper argument. [inherit-condition]"
        )


class InheritJoinError(HoldfastError, exc.NoForeignKeysError):
    """No foreign key leads from a subclass's table to its base's."""

    @classmethod
    def no_foreign_keys(cls, base: Any, table: Any) -> Self:
        """The tables `base` and `table` are not related."""
        return cls.compose(
            f"Can't determine the inherit condition between inherited table '{base.description}' "
            f"and inheriting table '{table.description}'; tables have no foreign key relationships "
            "established.  Please ensure the inheriting table has a foreign key relationship to "
            "the inherited table, or provide an 'on clause' using the 'inherit_condition' mapper "
            "argument. [inherit-condition]"
        )


def same_class_name_warning(mapped: type) -> str:
    """Two classes of one base have the same name and module."""
    return (
        "This declarative base already contains a class with the same class name and module name "
        f"as {mapped.__module__}.{mapped.__name__}, and will be replaced in the string-lookup "
        "table. [class-name-twice]"
    )


def second_version_warning(column: Any, inherited: Any) -> str:
    """A subclass names another version counter than its base."""
    return (
        f"Inheriting version_id_col '{column.key}' does not match inherited version_id_col "
        f"'{inherited.key}' and will not automatically populate the inherited versioning column. "
        "version_id_col should only be specified on the base-most mapper that includes versioning. "
        "[second-version-column]"
    )
