"""Define the errors of relationships: joins, directions and cascades that do not fit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError, cause
from holdfast.foundation.describe import listed

_WITH_KEY = (
    "Ensure that referencing columns are associated with a ForeignKey or ForeignKeyConstraint, or"
)


class RelationshipError(HoldfastError, exc.ArgumentError):
    """A relationship cannot be made out, or contradicts itself."""

    bad_target: cause = cause(
        "relationship '{key}' expects a class or a mapper argument (received: {given!c}). Pass "
        "the class, or its name. [bad-target]"
    )
    no_foreign_columns: cause = cause(
        "Could not locate any relevant foreign key columns for {which} join condition "
        f"'{{condition}}' on relationship {{relationship}}.  {_WITH_KEY} are annotated in the join "
        "condition with the foreign() annotation. [no-foreign-columns]"
    )
    no_equality: cause = cause(
        "Could not locate any simple equality expressions involving locally mapped foreign key "
        "columns for {which} join condition '{condition}' on relationship {relationship}.  "
        f"{_WITH_KEY} are annotated in the join condition with the foreign() annotation. To allow "
        "comparison operators other than '==', the relationship can be marked as viewonly=True. "
        "[no-equality]"
    )
    no_direction: cause = cause(
        "Can't determine relationship direction for relationship '{relationship}' - foreign key "
        "columns are present in neither the parent nor the child's mapped tables. Name the "
        "foreign key columns with foreign_keys. [no-direction]"
    )
    both_directions: cause = cause(
        "Can't determine relationship direction for relationship '{relationship}' - foreign key "
        "columns within the join condition are present in both the parent and the child's mapped "
        "tables.  Ensure that only those columns referring to a parent column are marked as "
        "foreign, either via the foreign() annotation or via the foreign_keys argument. "
        "[no-direction]"
    )
    same_direction: cause = cause(
        "{one} and back-reference {other} are both of the same direction {direction!r}.  Did you "
        "mean to set remote_side on the many-to-one side ? [same-direction]"
    )
    foreign_reverse: cause = cause(
        "reverse_property {attribute!r} on relationship {relationship} references relationship "
        "{reverse}, which does not reference mapper {mapper}. Name another one. "
        "[foreign-reverse]"
    )
    backref_exists: cause = cause(
        "Error creating backref '{backref}' on relationship '{relationship}': property of that "
        "name exists on mapper '{mapper}'. Choose another name, or use back_populates on both "
        "sides. [backref-exists]"
    )
    unknown_cascades: cause = cause(
        "Invalid cascade option(s): {names!q}. There are save-update, merge, refresh-expire, "
        "expunge, delete, delete-orphan, all and none. [cascade-names]"
    )
    delete_orphan_on_many: cause = cause(
        "For {kind} relationship {relationship}, delete-orphan cascade is normally configured "
        'only on the "one" side of a one-to-many relationship, and not on the "many" side of a '
        "many-to-one or many-to-many relationship.  To force this relationship to allow a "
        'particular "{target}" object to be referenced by only a single "{owner}" object at a '
        "time via the {relationship} relationship, which would allow delete-orphan cascade to "
        "take place in this direction, set the single_parent=True flag. [delete-orphan-on-many]"
    )
    passive_deletes_all: cause = cause(
        "On {relationship}, can't set passive_deletes='all' in conjunction with 'delete' or "
        "'delete-orphan' cascade. Leave one of them out. [passive-deletes-all]"
    )
    sync_backref_viewonly: cause = cause(
        "sync_backref and viewonly cannot both be True. A view-only relationship writes nothing. "
        "[viewonly]"
    )
    column_expected: cause = cause(
        "Column expression expected for argument '{argument}'; got {given!r}. Pass a column. "
        "[column-expected]"
    )
    cascade_backrefs: cause = cause(
        "The 'cascade_backrefs' parameter passed to relationship() may only be set to False. Add "
        "objects to the session themselves, or set the other side. [cascade-backrefs]"
    )
    two_reverses: cause = cause(
        "backref and back_populates keyword arguments are mutually exclusive. Use back_populates "
        "on both sides. [two-reverses]"
    )
    secondary_missing: cause = cause(
        "Property {relationship} specified with secondary join condition but no secondary "
        "argument. Name the association table with `secondary`. [secondary-missing]"
    )
    mapped_secondary: cause = cause(
        "secondary argument {secondary} passed to to relationship() {relationship} must be a "
        "Table object or other FROM clause; can't send a mapped class directly as rows in "
        "'secondary' are persisted independently of a class that is mapped to that same table. "
        "[mapped-secondary]"
    )
    no_local_remote_pairs: cause = cause(
        "Relationship {relationship} could not determine any unambiguous local/remote column "
        "pairs based on join condition and remote_side arguments.  Consider using the remote() "
        "annotation to accurately mark those elements of the join condition that are on the "
        "remote side of the relationship. [no-remote-side]"
    )
    remote_side_twice: cause = cause(
        "remote_side argument is redundant against more detailed _local_remote_side argument or "
        "remote() marks in the condition of {relationship}. Leave one of them out. "
        "[no-remote-side]"
    )
    bad_reverse: cause = cause(
        "Invalid back_populates value: {given!p} of {relationship}. Name a relationship of the "
        "target class, or pass the class-bound attribute. [back-populates]"
    )
    backref_secondaryjoin: cause = cause(
        "Can't assign 'secondaryjoin' on a backref against a non-secondary relationship. "
        "{relationship} has no association table. [secondary-missing]"
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
            f"specify {wanted}. [no-join]"
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
            f"be counted as containing a foreign key reference {place}.{found} [ambiguous-join]",
            candidates=names,
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
