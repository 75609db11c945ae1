"""Define the errors of mappings: classes, tables, columns and relationships that do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError
from holdfast.foundation.describe import class_text, describe_class, listed

_WITH_KEY = (
    "Ensure that referencing columns are associated with a ForeignKey or ForeignKeyConstraint, or"
)


class MappingError(HoldfastError, exc.InvalidRequestError):
    """A class or its mapper is used in a way that the mapping does not provide for."""

    @classmethod
    def no_table(cls, mapped: type) -> Self:
        """A declarative class without table."""
        return cls.compose(
            f"Class {class_text(mapped)} does not have a __table__ or __tablename__ specified and "
            "does not inherit from an existing table-mapped class. Give it __tablename__, or "
            "__abstract__ = True.",
            "no-table",
        )

    @classmethod
    def no_property(cls, mapper: Any, key: str) -> Self:
        """The mapper has no attribute of this name."""
        return cls.compose(
            f"Mapper '{mapper}' has no property '{key}'.  If this property was indicated from "
            "other mappers or configure events, ensure registry.configure() has been called.",
            "no-property",
            key=key,
        )

    @classmethod
    def mixin_property(cls, kind: str = "columns, column-mapped") -> Self:
        """A relationship in a mixin that is shared by all classes that use it."""
        return cls.compose(
            "Mapper properties (i.e. deferred,column_property(), relationship(), etc.) must be "
            "declared as @declared_attr callables on declarative mixin classes.  For dataclass "
            "field() objects, use a lambda:",
            "mixin-property",
            kind=kind,
        )

    @classmethod
    def abstract_class(cls, mapper: Any) -> Self:
        """An object of a class that stands for its subclasses only."""
        return cls.compose(
            f"Can't instantiate class for {mapper}; mapper is marked polymorphic_abstract=True. "
            "Make an object of one of its subclasses.",
            "abstract-class",
        )

    @classmethod
    def validator_exists(cls, key: str, mapper: Any) -> Self:
        """A second validator for an attribute."""
        return cls.compose(
            f"A validation function for mapped attribute {key!r} on mapper {mapper} already "
            "exists. Join the two functions.",
            "validator-exists",
        )

    @classmethod
    def earlier_failure(cls, mapper: Any, cause: BaseException) -> Self:
        """Another mapper failed before, so none can be used."""
        return cls.compose(
            "One or more mappers failed to initialize - can't proceed with initialization of "
            f"other mappers. Triggering mapper: '{mapper}'. Original exception was: {cause}",
            "mapper-failed",
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
            f"that is not a relationship.  The back_populates parameter should refer to the name "
            f"of a relationship on the target class. It is a {kind}.",
            "back-populates",
        )

    @classmethod
    def name_not_found(cls, owner: Any, expression: str, name: str) -> Self:
        """A string names a class or column that does not exist (yet)."""
        return cls.compose(
            f"When initializing mapper {owner}, expression {expression!r} failed to locate a name "
            f"({name!r}). If this is a class name, consider adding this relationship() to the "
            "class after both dependent classes have been defined, or import its module.",
            "name-not-found",
            name=name,
        )

    @classmethod
    def ambiguous_name(cls, name: str, paths: Iterable[str]) -> Self:
        """Several classes have the name."""
        return cls.compose(
            f'Multiple classes found for path "{name}" in the registry of this declarative base. '
            f"Please use a fully module-qualified path. There are {listed(paths)}.",
            "ambiguous-name",
            name=name,
        )

    @classmethod
    def not_a_column(cls, prop: Any) -> Self:
        """A string expression uses an attribute that holds no column."""
        return cls.compose(
            f"Property '{prop.key}' is not an instance of ColumnProperty (i.e. does not correspond "
            f"directly to a Column). {prop} is a {prop.kind}; name a column attribute.",
            "not-a-column",
        )

    @classmethod
    def implicit_combination(cls, known: Any, column: Any, key: str) -> Self:
        """Two columns of one name that no join makes equal."""
        return cls.compose(
            f"Implicitly combining column {known} with column {column} under attribute '{key}'.  "
            "Please configure one or more attributes for these same-named columns explicitly. "
            f"Give one of them another name in `properties`, or both one: {key!r}: [a, b].",
            "implicit-combination",
        )

    @classmethod
    def registry_behind(cls, registry: Any, other: Any) -> Self:
        """`configure(cascade=False)` where another registry has to be configured first."""
        return cls.compose(
            "configure was called with cascade=False but additional registries need to be "
            f"configured. {registry} leads to classes of {other}; pass cascade=True.",
            "registry-behind",
        )

    @classmethod
    def registry_needed(cls, registry: Any, other: Any) -> Self:
        """`dispose(cascade=False)` where another registry leads here."""
        return cls.compose(
            "Registry has dependent registries that are not disposed; pass cascade=True to clear "
            f"these also. {other} leads to classes of {registry}.",
            "registry-needed",
        )


class MappingArgumentError(HoldfastError, exc.ArgumentError):
    """An argument of a mapping is of no use."""

    @classmethod
    def no_primary_key(cls, mapper: Any, table: Any) -> Self:
        """The table has no primary key."""
        return cls.compose(
            f"Mapper {mapper} could not assemble any primary key columns for mapped table "
            f"'{table}'. Mark a column with primary_key=True, or name columns in "
            '__mapper_args__ = {"primary_key": [...]}.',
            "no-primary-key",
        )

    @classmethod
    def mapped_twice(cls, mapped: type) -> Self:
        """The class has a mapper."""
        return cls.compose(
            f"Class '{class_text(mapped)}' already has a primary mapper defined. Make another "
            "class, or alias this one with aliased().",
            "mapped-twice",
        )

    @classmethod
    def column_conflict(cls, column: str, mapped: type, existing: Any) -> Self:
        """A single-table subclass declares a column that exists."""
        return cls.compose(
            f"Column '{column}' on class {mapped.__name__} conflicts with existing column "
            f"'{existing}'.  If using Declarative, consider using the use_existing_column "
            "parameter of mapped_column() to resolve conflicts.",
            "column-conflict",
        )

    @classmethod
    def class_expected(cls, given: Any) -> Self:
        """Something else than a class is mapped."""
        return cls.compose(
            f"Class object expected, got '{given!r}'. Pass the class itself.", "class-expected"
        )

    @classmethod
    def two_defaults(cls) -> Self:
        """`default` and `insert_default` together."""
        return cls.compose(
            "The 'default' and 'insert_default' parameters of Column are mutually exclusive. "
            "`default` is for dataclasses, `insert_default` for the column.",
            "two-defaults",
        )

    @classmethod
    def primary_key_not_mapped(cls, mapper: Any, column: Any) -> Self:
        """A primary key column was left out of the mapping."""
        return cls.compose(
            f"Mapper {mapper} could not assemble any primary key columns for mapped table: column "
            f"'{column}' forms the key and is not mapped. Do not exclude it.",
            "primary-key-not-mapped",
        )

    @classmethod
    def no_such_key(cls, mapper: Any, key: str) -> Self:
        """The `primary_key` option names an attribute that does not exist."""
        return cls.compose(
            f"Can't determine primary_key column '{key}' for {mapper} - no attribute is mapped to "
            "this name. Name mapped attributes, or columns.",
            "primary-key-not-mapped",
            key=key,
        )

    @classmethod
    def no_table_given(cls, mapper: Any) -> Self:
        """A class without table that inherits from no mapped class."""
        return cls.compose(
            f"Mapper[{mapper.class_.__name__}(None)] has None for a primary table argument and "
            "does not specify 'inherits'. Give it a table.",
            "no-table",
        )

    @classmethod
    def select_given(cls, given: Any) -> Self:
        """A SELECT stands where a table or subquery is needed."""
        return cls.compose(
            f"mapping target must be a Table, join(), alias or subquery, not {given!r}. Use "
            ".subquery() to give a SELECT a name.",
            "select-mapped",
        )

    @classmethod
    def not_a_subclass(cls, mapped: type, base: type) -> Self:
        """`inherits` names a class that is no base class."""
        return cls.compose(
            f"Class '{mapped.__name__}' does not inherit from '{base.__name__}'. Make it a "
            "subclass, or leave out `inherits`.",
            "not-a-subclass",
        )

    @classmethod
    def ambiguous_inherit(cls, base: Any, table: Any) -> Self:
        """Several foreign keys lead from a subclass's table to its base's."""
        return cls.compose(
            f"Can't determine the inherit condition between inherited table '{base.description}' "
            f"and inheriting table '{table.description}'; tables have more than one foreign key "
            "relationship established.  Please specify the 'on clause' using the "
            "'inherit_condition' mapper argument.",
            "inherit-condition",
        )

    @classmethod
    def foreign_column(cls, mapper: Any, column: Any) -> Self:
        """A column of a table that the class is not mapped to."""
        return cls.compose(
            f"Column '{column}' is not represented in the mapper's table.  Use the "
            "`column_property()` function to force this column to be mapped as a read-only "
            f"attribute. {mapper} is mapped to other tables.",
            "foreign-column",
        )

    @classmethod
    def column_hides(cls, key: str, mapper: Any, column: Any, existing: Any) -> Self:
        """A column's name is that of an attribute of another kind."""
        return cls.compose(
            f"WARNING: when configuring property '{key}' on {mapper}, column '{column}' conflicts "
            f"with property '{existing!r}'. To resolve this, map the column to the class under a "
            "different name in the 'properties' dictionary.  Or, to remove all awareness of the "
            "column entirely (i.e. prevent it from being mapped), use the 'include_properties' or "
            "'exclude_properties' mapper arguments to control specifically which table columns "
            "get mapped.",
            "column-hides",
            key=key,
        )

    @classmethod
    def not_a_property(cls, mapper: Any, key: str, given: Any) -> Self:
        """Something that cannot be mapped as an attribute."""
        return cls.compose(
            f"Cannot map attribute '{key}' of {mapper}: expected a column, a list of columns or a "
            f"property such as relationship(), got {class_text(type(given))}.",
            "not-a-property",
            key=key,
        )

    @classmethod
    def unknown_discriminator(cls, mapper: Any, key: str) -> Self:
        """`polymorphic_on` names an attribute that does not exist."""
        return cls.compose(
            f"Can't determine polymorphic_on value '{key}' - no attribute is mapped to this name. "
            f"Name a column attribute of {mapper}.",
            "discriminator",
            key=key,
        )

    @classmethod
    def bad_discriminator(cls, mapper: Any, prop: Any) -> Self:
        """`polymorphic_on` is an attribute that holds no column."""
        return cls.compose(
            "Only direct column-mapped property or SQL expression can be passed for polymorphic_on; "
            f"{prop} of {mapper} is a {prop.kind}.",
            "discriminator",
        )

    @classmethod
    def foreign_discriminator(cls, mapper: Any, column: Any) -> Self:
        """`polymorphic_on` is a column of another table."""
        return cls.compose(
            f"Could not map polymorphic_on column '{column.description}' to the mapped table - "
            "polymorphic loads will not function properly. Use a column of "
            f"{mapper.persist_selectable.description}.",
            "discriminator",
        )

    @classmethod
    def not_in_hierarchy(cls, given: Any, mapper: Any) -> Self:
        """`with_polymorphic` names a class that does not inherit from this one."""
        return cls.compose(
            f"{given!r} does not inherit from {mapper!r}. Name subclasses.", "not-in-hierarchy"
        )

    @classmethod
    def synonym_without_column(cls, prop: Any) -> Self:
        """`map_column=True` where the table has no column of the synonym's name."""
        return cls.compose(
            f"Can't compile synonym '{prop.key}': no column on table "
            f"'{prop.parent.local_table.description}' named '{prop.key}'. Leave out map_column.",
            "synonym-column",
        )

    @classmethod
    def synonym_column_taken(cls, prop: Any, column: Any) -> Self:
        """`map_column=True` where the column is mapped under the target's name already."""
        return cls.compose(
            f"Can't call map_column=True for synonym {prop.key!r}={prop.name!r}, a ColumnProperty "
            f"already exists keyed to the name {prop.name!r} for column {column.key!r}. Leave out "
            "map_column.",
            "synonym-column",
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
            "argument.",
            "inherit-condition",
        )


class MappedAnnotationError(HoldfastError, exc.ArgumentError):
    """An annotation cannot be read as a mapping."""

    @classmethod
    def without_mapped(cls, attribute: str) -> Self:
        """A type stands bare, without `Mapped[...]`; `attribute` is as `User.name`."""
        return cls.compose(
            f'Type annotation for "{attribute}" can\'t be correctly interpreted for Annotated '
            "Declarative Table form.  ORM annotations should normally make use of the "
            "``Mapped[]`` generic type, or other ORM-compatible generic type, as a container for "
            "the actual type, which indicates the intent that the attribute is mapped. Class "
            "variables that are not intended to be mapped by the ORM should use ClassVar[].  To "
            "allow Annotated Declarative to disregard legacy annotations which don't use Mapped[] "
            'to pass, set "__allow_unmapped__ = True" on the class or a superclass this class.',
            "bare-annotation",
            attribute=attribute,
        )

    @classmethod
    def unknown_type(cls, annotation: Any, key: str, reason: str) -> Self:
        """No SQL type is known for a Python type."""
        return cls.compose(
            "Could not locate SQLAlchemy Core type when resolving for Python type indicated by "
            f"'{annotation}' inside the Mapped[] annotation for the '{key}' attribute; {reason}",
            "unknown-type",
            key=key,
        )


class RelationshipError(HoldfastError, exc.ArgumentError):
    """A relationship cannot be made out, or contradicts itself."""

    @classmethod
    def no_target(cls, attribute: str) -> Self:
        """Neither argument nor annotation names a class."""
        return cls.compose(
            f'Python typing annotation is required for attribute "{attribute}" when primary '
            'argument(s) for "Relationship" construct are None or not present. Write '
            'Mapped["Target"], or relationship("Target").',
            "no-target",
            attribute=attribute,
        )

    @classmethod
    def bad_target(cls, key: str, given: type) -> Self:
        """The argument is neither class nor mapper."""
        return cls.compose(
            f"relationship '{key}' expects a class or a mapper argument (received: "
            f"{class_text(given)}). Pass the class, or its name.",
            "bad-target",
        )

    @classmethod
    def no_foreign_columns(cls, which: str, condition: Any, relationship: Any) -> Self:
        """A join condition without foreign key; `which` is "primary" or "secondary"."""
        return cls.compose(
            f"Could not locate any relevant foreign key columns for {which} join condition "
            f"'{condition}' on relationship {relationship}.  {_WITH_KEY} are annotated in the join "
            "condition with the foreign() annotation.",
            "no-foreign-columns",
        )

    @classmethod
    def no_equality(cls, which: str, condition: Any, relationship: Any) -> Self:
        """A join condition that compares with something else than `==`."""
        return cls.compose(
            "Could not locate any simple equality expressions involving locally mapped foreign "
            f"key columns for {which} join condition '{condition}' on relationship {relationship}."
            f"  {_WITH_KEY} are annotated in the join condition with the foreign() annotation. To "
            "allow comparison operators other than '==', the relationship can be marked as "
            "viewonly=True.",
            "no-equality",
        )

    @classmethod
    def no_direction(cls, relationship: Any) -> Self:
        """Foreign keys on neither side."""
        return cls.compose(
            f"Can't determine relationship direction for relationship '{relationship}' - foreign "
            "key columns are present in neither the parent nor the child's mapped tables. Name "
            "the foreign key columns with foreign_keys.",
            "no-direction",
        )

    @classmethod
    def both_directions(cls, relationship: Any) -> Self:
        """Foreign keys on both sides."""
        return cls.compose(
            f"Can't determine relationship direction for relationship '{relationship}' - foreign "
            "key columns within the join condition are present in both the parent and the child's "
            "mapped tables.  Ensure that only those columns referring to a parent column are "
            "marked as foreign, either via the foreign() annotation or via the foreign_keys "
            "argument.",
            "no-direction",
        )

    @classmethod
    def same_direction(cls, one: Any, other: Any, direction: Any) -> Self:
        """Two relationships that claim to be each other's reverse lead the same way."""
        return cls.compose(
            f"{one} and back-reference {other} are both of the same direction {direction!r}.  Did "
            "you mean to set remote_side on the many-to-one side ?",
            "same-direction",
        )

    @classmethod
    def foreign_reverse(cls, attribute: Any, reverse: Any, mapper: Any) -> Self:
        """A relationship names a reverse that leads to another class."""
        return cls.compose(
            f"reverse_property {attribute!r} on relationship {reverse[0]} references relationship "
            f"{reverse[1]}, which does not reference mapper {mapper}. Name another one.",
            "foreign-reverse",
        )

    @classmethod
    def backref_exists(cls, backref: str, relationship: Any, mapper: Any) -> Self:
        """The name of a backref is taken."""
        return cls.compose(
            f"Error creating backref '{backref}' on relationship '{relationship}': property of "
            f"that name exists on mapper '{mapper}'. Choose another name, or use back_populates on "
            "both sides.",
            "backref-exists",
        )

    @classmethod
    def unknown_cascades(cls, names: Iterable[str]) -> Self:
        """Cascade names that do not exist."""
        shown = ", ".join(repr(name) for name in sorted(names))
        return cls.compose(
            f"Invalid cascade option(s): {shown}. There are save-update, merge, refresh-expire, "
            "expunge, delete, delete-orphan, all and none.",
            "cascade-names",
        )

    @classmethod
    def delete_orphan_on_many(cls, kind: str, relationship: Any, target: str, owner: str) -> Self:
        """delete-orphan where an object may have many parents; `kind` is "many-to-one" ..."""
        return cls.compose(
            f"For {kind} relationship {relationship}, delete-orphan cascade is normally configured "
            'only on the "one" side of a one-to-many relationship, and not on the "many" side of a '
            f"many-to-one or many-to-many relationship.  To force this relationship to allow a "
            f'particular "{target}" object to be referenced by only a single "{owner}" object at a '
            f"time via the {relationship} relationship, which would allow delete-orphan cascade to "
            "take place in this direction, set the single_parent=True flag.",
            "delete-orphan-on-many",
        )

    @classmethod
    def passive_deletes_all(cls, relationship: Any) -> Self:
        """`passive_deletes="all"` together with a delete cascade."""
        return cls.compose(
            f"On {relationship}, can't set passive_deletes='all' in conjunction with 'delete' or "
            "'delete-orphan' cascade. Leave one of them out.",
            "passive-deletes-all",
        )

    @classmethod
    def sync_backref_viewonly(cls) -> Self:
        """`sync_backref` and `viewonly` together."""
        return cls.compose(
            "sync_backref and viewonly cannot both be True. A view-only relationship writes "
            "nothing.",
            "viewonly",
        )

    @classmethod
    def viewonly_with(cls, arguments: Sequence[str]) -> Self:
        """Arguments that mean nothing when nothing is written."""
        return cls.compose(
            "The following relationship settings only apply to persistence operations, which do "
            f"not take place when viewonly=True is set: {', '.join(arguments)}. Leave them out.",
            "viewonly",
        )

    @classmethod
    def viewonly_cascade(cls, names: Iterable[str]) -> Self:
        """Cascades that mean nothing when nothing is written."""
        shown = ", ".join(f'"{name}"' for name in sorted(names))
        return cls.compose(
            f"Cascade settings {shown} apply to persistence operations and should not be combined "
            "with a viewonly=True relationship. Leave them out.",
            "viewonly",
        )

    @classmethod
    def column_expected(cls, argument: str, given: Any) -> Self:
        """An argument that must be a column is not."""
        return cls.compose(
            f"Column expression expected for argument '{argument}'; got {given!r}. Pass a column.",
            "column-expected",
        )

    @classmethod
    def cascade_backrefs(cls) -> Self:
        """`cascade_backrefs` with another value than False."""
        return cls.compose(
            "The 'cascade_backrefs' parameter passed to relationship() may only be set to False. "
            "Add objects to the session themselves, or set the other side.",
            "cascade-backrefs",
        )

    @classmethod
    def two_reverses(cls) -> Self:
        """`backref` and `back_populates` together."""
        return cls.compose(
            "backref and back_populates keyword arguments are mutually exclusive. Use "
            "back_populates on both sides.",
            "two-reverses",
        )

    @classmethod
    def secondary_missing(cls, relationship: Any) -> Self:
        """`secondaryjoin` without `secondary`."""
        return cls.compose(
            f"Property {relationship} specified with secondary join condition but no secondary "
            "argument. Name the association table with `secondary`.",
            "secondary-missing",
        )

    @classmethod
    def mapped_secondary(cls, secondary: Any, relationship: Any) -> Self:
        """`secondary` is a mapped class."""
        return cls.compose(
            f"secondary argument {secondary} passed to to relationship() {relationship} must be a "
            "Table object or other FROM clause; can't send a mapped class directly as rows in "
            "'secondary' are persisted independently of a class that is mapped to that same table.",
            "mapped-secondary",
        )

    @classmethod
    def no_local_remote_pairs(cls, relationship: Any) -> Self:
        """No column of the condition is the target's."""
        return cls.compose(
            f"Relationship {relationship} could not determine any unambiguous local/remote column "
            "pairs based on join condition and remote_side arguments.  Consider using the remote() "
            "annotation to accurately mark those elements of the join condition that are on the "
            "remote side of the relationship.",
            "no-remote-side",
        )

    @classmethod
    def remote_side_twice(cls, relationship: Any) -> Self:
        """`remote_side` and `remote()` together."""
        return cls.compose(
            "remote_side argument is redundant against more detailed _local_remote_side argument "
            f"or remote() marks in the condition of {relationship}. Leave one of them out.",
            "no-remote-side",
        )

    @classmethod
    def bad_reverse(cls, relationship: Any, given: type) -> Self:
        """`back_populates` is neither name nor attribute."""
        return cls.compose(
            f"Invalid back_populates value for {relationship}: expected the name of a relationship "
            f"on the target class, or a class-bound attribute, got {class_text(given)}.",
            "back-populates",
        )

    @classmethod
    def backref_secondaryjoin(cls, relationship: Any) -> Self:
        """A backref with `secondaryjoin` of a relationship without association table."""
        return cls.compose(
            "Can't assign 'secondaryjoin' on a backref against a non-secondary relationship. "
            f"{relationship} has no association table.",
            "secondary-missing",
        )


class NoJoinError(HoldfastError, exc.NoForeignKeysError):
    """No foreign key says how two tables are related."""

    @classmethod
    def between_tables(cls, relationship: Any, *, secondary: Any = None) -> Self:
        """Of a relationship, perhaps through an association table."""
        via = f" via secondary table '{secondary}'" if secondary is not None else ""
        wanted = (
            "'primaryjoin' and 'secondaryjoin' expressions"
            if secondary is not None
            else "a 'primaryjoin' expression"
        )
        return cls.compose(
            "Could not determine join condition between parent/child tables on relationship "
            f"{relationship} - there are no foreign keys linking these tables{via}.  {_WITH_KEY} "
            f"specify {wanted}.",
            "no-join",
        )


class AmbiguousJoinError(HoldfastError, exc.AmbiguousForeignKeysError):
    """Several foreign keys lead from one table to another."""

    @classmethod
    def between(
        cls, relationship: Any, candidates: Iterable[Any] = (), *, secondary: Any = None
    ) -> Self:
        """Of a relationship, perhaps through an association table.

        Args:
            relationship: The relationship.
            candidates: The foreign key columns that come into question.
            secondary: The association table.
        """
        if secondary is not None:
            via = f" via secondary table '{secondary}'"
            place = "from the secondary table to each of the parent and child tables"
        else:
            via, place = "", "to the parent table"
        names = [str(candidate) for candidate in candidates]
        found = f" There are {listed(names)}." if names else ""
        return cls.compose(
            "Could not determine join condition between parent/child tables on relationship "
            f"{relationship} - there are multiple foreign key paths linking the tables{via}.  "
            "Specify the 'foreign_keys' argument, providing a list of those columns which should "
            f"be counted as containing a foreign key reference {place}.{found}",
            "ambiguous-join",
            candidates=names,
        )


class UnmapError(HoldfastError, NotImplementedError):
    """A mapped attribute is deleted from its class."""

    @classmethod
    def attribute(cls) -> Self:
        """`del User.name`."""
        return cls.compose(
            "Can't un-map individual mapped attributes on a mapped class. Map another class.",
            "unmap",
        )


def overlap_warning(
    relationship: str,
    source: Any,
    target: Any,
    others: Iterable[str],
    overlaps: Iterable[str],
) -> str:
    """Two relationships write one column without knowing of each other.

    Args:
        relationship: The one that comes second, as `A.bs`.
        source: The column it copies.
        target: The column it copies to.
        others: The relationships it conflicts with, as `'A.cs' (copies a.id to b.a_id)`.
        overlaps: What `overlaps` would have to name to allow it.
    """
    names = ",".join(sorted(set(overlaps)))
    return (
        f"relationship '{relationship}' will copy column {source} to column {target}, which "
        f"conflicts with relationship(s): {', '.join(others)}. If this is not the intention, "
        "consider if these relationships should be linked with back_populates, or if viewonly=True "
        "should be applied to one or more if they are read-only. For the less common case that "
        "foreign key constraints are partially overlapping, the orm.foreign() annotation can be "
        "used to isolate the columns that should be written towards.   To silence this warning, "
        f"add the parameter 'overlaps=\"{names}\"' to the '{relationship}' relationship."
    )


def reserved_name_warning() -> str:
    """A class attribute named metadata."""
    return (
        "Attribute name 'metadata' should be left reserved for the MetaData instance when using a "
        "Declarative class. Choose another name. [reserved-name]"
    )


def same_class_name_warning(mapped: type) -> str:
    """Two classes of one base have the same name and module."""
    return (
        "This declarative base already contains a class with the same class name and module name "
        f"as {describe_class(mapped)}, and will be replaced in the string-lookup table. "
        "[class-name-twice]"
    )
