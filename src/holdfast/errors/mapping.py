"""Define the errors of mappings: classes, tables, columns and relationships that do not fit.

Those about objects, classes and columns that no mapper knows are here too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError, cause, wording
from holdfast.foundation.describe import class_text, describe_class, nearest


class UnmappedError(HoldfastError, exc.InvalidRequestError):
    """Something is used that is not mapped."""

    @classmethod
    def compose(cls, text: str, *, note: str = "", **parts: Any) -> Self:
        """An exception with this text; the first argument would be what it is about."""
        return cls(None, text)


class UnmappedClassError(UnmappedError):
    """A class is used that is not mapped."""

    slug = "unmapped-class"
    not_mapped: wording = wording(
        "Class '{given!d}' is not mapped. Declare it on a DeclarativeBase, or pass it to "
        "registry.map_imperatively(). [unmapped-class]"
    )
    without_manager: cause = cause(
        "Can't locate an instrumentation manager for class {given!d}. Class '{given!d}' is not "
        "mapped. Declare it on a DeclarativeBase, or pass it to registry.map_imperatively(). "
        "[unmapped-class]"
    )
    deferred: cause = cause(
        "Class {mapped!d} has a deferred mapping on it.  It is not yet usable as a mapped class. "
        "Call {mapped.__name__}.prepare(engine) first. [deferred-mapping]"
    )
    unprepared: cause = cause(
        "Class {mapped!d} is a subclass of AutomapBase.  Mappings are not produced until the "
        ".prepare() method is called on the class hierarchy. Call {mapped.__name__}.prepare() "
        "first. [automap-unprepared]"
    )
    pending: cause = cause(
        "Class {mapped!d} is a subclass of AbstractConcreteBase and has a mapping pending until "
        "all subclasses are defined. Call the sqlalchemy.orm.configure_mappers() function after "
        "all subclasses have been defined to complete the mapping of this class. [mapping-pending]"
    )

    def __init__(self, cls: Any = None, msg: str | None = None) -> None:
        super().__init__(msg or self.not_mapped(cls))

    def __reduce__(self) -> Any:
        return type(self), (None, self.args[0])


class UnmappedInstanceError(UnmappedError):
    """An object is used whose class is not mapped, or was not when the object was made."""

    slug = "unmapped-instance"
    unpickled: cause = cause(
        "Cannot deserialize object of type {given!c} - no mapper() has been configured for this "
        "class within the current Python process. Import the module that maps it before "
        "unpickling. [unpickled-unmapped]"
    )
    made_before: wording = wording(
        "Class '{name}' is mapped, but this instance lacks instrumentation. It was made before "
        "the class was mapped, or without its __init__ in a way that Holdfast does not see. Make "
        "the object after the mapping. [unmapped-instance]"
    )
    class_given: wording = wording(
        "Class '{name}' is not mapped; was a class ({given!d}) supplied where an instance was "
        "required? Pass {given.__name__}(...) instead. [unmapped-instance]"
    )
    not_mapped: wording = wording(
        "Class '{name}' is not mapped. Declare it on a DeclarativeBase, or pass it to "
        "registry.map_imperatively(). [unmapped-instance]"
    )

    def __init__(self, obj: Any = None, msg: str | None = None) -> None:
        super().__init__(msg or self._text_for(obj))

    def __reduce__(self) -> Any:
        return type(self), (None, self.args[0])

    def _text_for(self, obj: Any) -> str:
        manager = getattr(type(obj), "_sa_class_manager", None)
        name = describe_class(type(obj))
        if manager is not None and manager.is_mapped:
            return self.made_before(name)
        return self.class_given(name, obj) if isinstance(obj, type) else self.not_mapped(name)


class UnmappedColumnError(HoldfastError, exc.InvalidRequestError):
    """A column is needed that the mapper does not map."""

    not_mapped: cause = cause(
        "No column {column} is configured on mapper {mapper}... Map it, or use another class. "
        "[unmapped-column]",
        column="{column!s}",
    )
    in_key_copy: cause = cause(
        "Can't execute sync rule for {side} column '{column}'; mapper '{mapper}' does not map "
        "this column. Map the column, or name other columns in the relationship's primaryjoin. "
        "[unmapped-column]",
        column="{column!s}",
    )


class MappingError(HoldfastError, exc.InvalidRequestError):
    """A class or its mapper is used in a way that the mapping does not provide for."""

    mapper_function: cause = cause(
        "The 'sqlalchemy.orm.mapper()' function is removed as of SQLAlchemy 2.0. Use "
        "registry().map_imperatively(), or the mapper() of holdfast.legacy. [mapper-function]"
    )
    not_in_hierarchy: cause = cause(
        "{given!r} does not inherit from {mapper!r}. Name subclasses. [not-in-hierarchy]"
    )
    made_directly: cause = cause(
        "The _mapper() function and Mapper() constructor may not be invoked directly outside of a "
        "declarative registry. Call registry.map_imperatively(). [mapper-directly]"
    )
    abstract_class: cause = cause(
        "Can't instantiate class for {mapper}; mapper is marked polymorphic_abstract=True. Make "
        "an object of one of its subclasses. [abstract-class]"
    )
    abstract_without_discriminator: cause = cause(
        "The Mapper.polymorphic_abstract parameter may only be used on a mapper hierarchy which "
        "includes the Mapper.polymorphic_on parameter at the base of the hierarchy. Give the base "
        "of {mapper} a discriminator column. [abstract-without-discriminator]"
    )
    foreign_discriminator: cause = cause(
        "Could not map polymorphic_on column '{column.description}' to the mapped table - "
        "polymorphic loads will not function properly. Use a column of "
        "{mapper.persist_selectable.description}. [discriminator]"
    )
    discriminator_taken: cause = cause(
        "Polymorphic union can't use '{name}' as the discriminator column due to mapped column "
        "{column!r}; please apply the 'typecolname' argument; this is available on ConcreteBase "
        "as '_concrete_discriminator_name' [discriminator-taken]"
    )
    no_property: cause = cause(
        "Mapper '{mapper}' has no property '{key}'.  If this property was indicated from other "
        "mappers or configure events, ensure registry.configure() has been called. [no-property]",
        "key",
    )
    validator_exists: cause = cause(
        "A validation function for mapped attribute {key!r} on mapper {mapper} already exists. "
        "Join the two functions. [validator-exists]"
    )
    earlier_failure: cause = cause(
        "One or more mappers failed to initialize - can't proceed with initialization of other "
        "mappers. Triggering mapper: '{mapper}'. Original exception was: {cause} [mapper-failed]"
    )
    viewonly_reverse: cause = cause(
        "Relationship {relationship} cannot specify sync_backref=True since {other} includes "
        "viewonly=True. Leave one of them out. [viewonly]"
    )
    back_populates_column: cause = cause(
        "back_populates on relationship '{relationship}' refers to attribute '{attribute}' that "
        "is not a relationship.  The back_populates parameter should refer to the name of a "
        "relationship on the target class. It is a {kind}. [back-populates]"
    )
    name_not_found: cause = cause(
        "When initializing mapper {owner}, expression {expression!r} failed to locate a name "
        "({name!r}). If this is a class name, consider adding this relationship() to the class "
        "after both dependent classes have been defined, or import its module. There are {known}. "
        "[name-not-found]",
        "name",
    )
    generic_target: cause = cause(
        'When initializing mapper {owner}, expression "relationship("{expression}")" seems to be '
        "using a generic class as the argument to relationship(); please state the generic "
        'argument using an annotation, e.g. "{key}: Mapped[{expression}] = relationship()". '
        "[generic-target]"
    )
    ambiguous_name: cause = cause(
        'Multiple classes found for path "{name}" in the registry of this declarative base. '
        "Please use a fully module-qualified path. They are {paths!l}. [ambiguous-name]",
        "name",
    )
    not_a_column: cause = cause(
        "Property '{prop.key}' is not an instance of ColumnProperty (i.e. does not correspond "
        "directly to a Column). {prop} is a {prop.kind}; name a column attribute. [not-a-column]"
    )
    synonym_target: cause = cause(
        'synonym() attribute "{prop.parent.class_.__name__}.{prop.name}" only supports ORM mapped '
        "attributes, got {target!p}. Use it from Python only. [synonym-target]"
    )
    implicit_combination: cause = cause(
        "Implicitly combining column {known} with column {column} under attribute '{key}'.  "
        "Please configure one or more attributes for these same-named columns explicitly. Give "
        "one of them another name in `properties`, or both one: {key!r}: [a, b]. "
        "[implicit-combination]"
    )
    registry_behind: cause = cause(
        "configure was called with cascade=False but additional registries need to be configured. "
        "{registry} leads to classes of {other}; pass cascade=True. [registry-behind]"
    )
    registry_needed: cause = cause(
        "Registry has dependent registries that are not disposed; pass cascade=True to clear "
        "these also. {other} leads to classes of {registry}. [registry-needed]"
    )


class UnknownNameError(HoldfastError, NameError):
    """A string names something that does not exist where it is looked for."""

    not_in_module: cause = cause(
        "Module '{module}' has no mapped classes registered under the name '{name}', only {known}. "
        "[module-without-class]",
        "name",
    )
    not_in_schema: cause = cause(
        "Schema '{schema}' has no table named '{name}' in the metadata, only {known}. "
        "[schema-without-table]",
        "name",
    )


class MappingArgumentError(HoldfastError, exc.ArgumentError):
    """An argument of a mapping is of no use."""

    no_primary_key: cause = cause(
        "Mapper {mapper} could not assemble any primary key columns for mapped table '{table}'. "
        "Mark a column with primary_key=True, or name columns in __mapper_args__ = "
        '{{"primary_key": [...]}}. [no-primary-key]'
    )
    mapped_twice: cause = cause(
        "Class '{mapped!c}' already has a primary mapper defined. Make another class, or alias "
        "this one with aliased(). [mapped-twice]"
    )
    class_expected: cause = cause(
        "Class object expected, got '{given!r}'. Pass the class itself. [class-expected]"
    )
    primary_key_not_mapped: cause = cause(
        "Mapper {mapper} could not assemble any primary key columns for mapped table: column "
        "'{column}' forms the key and is not mapped. Do not exclude it. [primary-key-not-mapped]"
    )
    no_such_key: cause = cause(
        "Can't determine primary_key column '{key}' - no attribute is mapped to this name by "
        "{mapper}. Name mapped attributes, or columns. [primary-key-not-mapped]",
        "key",
    )
    key_not_column: cause = cause(
        "Can't determine primary_key column '{key}'; property does not refer to a single mapped "
        "Column of {mapper}. Name an attribute that holds one. [primary-key-name]",
        "key",
    )
    no_table_given: cause = cause(
        "Mapper[{mapper.class_.__name__}(None)] has None for a primary table argument and does "
        "not specify 'inherits'. Give it a table. [no-table]"
    )
    select_given: cause = cause(
        "mapping target must be a Table, join(), alias or subquery, not {given!r}. Use "
        ".subquery() to give a SELECT a name. [select-mapped]"
    )
    not_a_subclass: cause = cause(
        "Class '{mapped.__name__}' does not inherit from '{base.__name__}'. Make it a subclass, "
        "or leave out `inherits`. [not-a-subclass]"
    )
    foreign_column: cause = cause(
        "Column '{column}' is not represented in the mapper's table.  Use the `column_property()` "
        "function to force this column to be mapped as a read-only attribute. {mapper} is mapped "
        "to other tables. [foreign-column]"
    )
    column_hides: cause = cause(
        "WARNING: when configuring property '{key}' on {mapper}, column '{column.key}' conflicts "
        "with property '{existing!r}'. To resolve this, map the column to the class under a "
        "different name in the 'properties' dictionary.  Or, to remove all awareness of the "
        "column entirely (i.e. prevent it from being mapped), use the 'include_properties' or "
        "'exclude_properties' mapper arguments to control specifically which table columns get "
        "mapped. [column-hides]",
        "key",
    )
    not_a_property: cause = cause(
        "Cannot map attribute '{key}' of {mapper}: expected a column, a list of columns or a "
        "property such as relationship(), got {given!t}. [not-a-property]",
        "key",
    )
    unknown_discriminator: cause = cause(
        "Can't determine polymorphic_on value '{key}' - no attribute is mapped to this name. Name "
        "a column attribute of {mapper}. [discriminator]",
        "key",
    )
    bad_discriminator: cause = cause(
        "Only direct column-mapped property or SQL expression can be passed for polymorphic_on; "
        "{prop} of {mapper} is a {prop.kind}. [discriminator]"
    )
    synonym_without_column: cause = cause(
        "Can't compile synonym '{prop.name}': no column on table "
        "'{prop.parent.local_table.description}' named '{prop.key}'. Leave out map_column. "
        "[synonym-column]"
    )
    synonym_column_taken: cause = cause(
        "Can't call map_column=True for synonym {prop.key!r}={prop.name!r}, a ColumnProperty "
        "already exists keyed to the name {prop.name!r} for column {prop.key!r}. Leave out "
        "map_column. [synonym-column]"
    )
    composite_part: cause = cause(
        "Composite expects Column objects or mapped attributes/attribute names as arguments, got: "
        "{given!r} for {prop}. Map the column first. [composite-part]"
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

    several_foreign_keys: cause = cause(
        "Can't determine the inherit condition between inherited table '{base.description}' and "
        "inheriting table '{table.description}'; tables have more than one foreign key "
        "relationship established.  Please specify the 'on clause' using the 'inherit_condition' "
        "mapper argument. [inherit-condition]"
    )


class InheritJoinError(HoldfastError, exc.NoForeignKeysError):
    """No foreign key leads from a subclass's table to its base's."""

    no_foreign_keys: cause = cause(
        "Can't determine the inherit condition between inherited table '{base.description}' and "
        "inheriting table '{table.description}'; tables have no foreign key relationships "
        "established.  Please ensure the inheriting table has a foreign key relationship to the "
        "inherited table, or provide an 'on clause' using the 'inherit_condition' mapper "
        "argument. [inherit-condition]"
    )


same_class_name_warning: wording = wording(
    "This declarative base already contains a class with the same class name and module name as "
    "{mapped.__module__}.{mapped.__name__}, and will be replaced in the string-lookup table. "
    "[class-name-twice]"
)


second_version_warning: wording = wording(
    "Inheriting version_id_col '{column.key}' does not match inherited version_id_col "
    "'{inherited.key}' and will not automatically populate the inherited versioning column. "
    "version_id_col should only be specified on the base-most mapper that includes versioning. "
    "[second-version-column]"
)
