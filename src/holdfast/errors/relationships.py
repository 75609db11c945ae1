"""Define the errors of relationships: joins, directions and cascades that do not fit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError
from holdfast.foundation.describe import class_text, listed

_WITH_KEY = (
    "Ensure that referencing columns are associated with a ForeignKey or ForeignKeyConstraint, or"
)


class RelationshipError(HoldfastError, exc.ArgumentError):
    """A relationship cannot be made out, or contradicts itself."""

    @classmethod
    def bad_target(cls, key: str, given: type) -> Self:
        """The argument is neither class nor mapper."""
        return cls.compose(
            f"relationship '{key}' expects a class or a mapper argument (received: "
            f"{class_text(given)}). Pass the class, or its name. [bad-target]"
        )

    @classmethod
    def no_foreign_columns(cls, which: str, condition: Any, relationship: Any) -> Self:
        """A join condition without foreign key; `which` is "primary" or "secondary"."""
        return cls.compose(
            f"Could not locate any relevant foreign key columns for {which} join condition "
            f"'{condition}' on relationship {relationship}.  {_WITH_KEY} are annotated in the join "
            "condition with the foreign() annotation. [no-foreign-columns]"
        )

    @classmethod
    def no_equality(cls, which: str, condition: Any, relationship: Any) -> Self:
        """A join condition that compares with something else than `==`."""
        return cls.compose(
            "Could not locate any simple equality expressions involving locally mapped foreign key "
            f"columns for {which} join condition '{condition}' on relationship {relationship}.  "
            f"{_WITH_KEY} are annotated in the join condition with the foreign() annotation. To "
            "allow comparison operators other than '==', the relationship can be marked as "
            "viewonly=True. [no-equality]"
        )

    @classmethod
    def no_direction(cls, relationship: Any) -> Self:
        """Foreign keys on neither side."""
        return cls.compose(
            f"Can't determine relationship direction for relationship '{relationship}' - foreign "
            "key columns are present in neither the parent nor the child's mapped tables. Name the "
            "foreign key columns with foreign_keys. [no-direction]"
        )

    @classmethod
    def both_directions(cls, relationship: Any) -> Self:
        """Foreign keys on both sides."""
        return cls.compose(
            f"Can't determine relationship direction for relationship '{relationship}' - foreign "
            "key columns within the join condition are present in both the parent and the child's "
            "mapped tables.  Ensure that only those columns referring to a parent column are "
            "marked as foreign, either via the foreign() annotation or via the foreign_keys "
            "argument. [no-direction]"
        )

    @classmethod
    def same_direction(cls, one: Any, other: Any, direction: Any) -> Self:
        """Two relationships that claim to be each other's reverse lead the same way."""
        return cls.compose(
            f"{one} and back-reference {other} are both of the same direction {direction!r}.  Did "
            "you mean to set remote_side on the many-to-one side ? [same-direction]"
        )

    @classmethod
    def foreign_reverse(cls, attribute: Any, reverse: Any, mapper: Any) -> Self:
        """A relationship names a reverse that leads to another class."""
        return cls.compose(
            f"reverse_property {attribute!r} on relationship {reverse[0]} references relationship "
            f"{reverse[1]}, which does not reference mapper {mapper}. Name another one. "
            "[foreign-reverse]"
        )

    @classmethod
    def backref_exists(cls, backref: str, relationship: Any, mapper: Any) -> Self:
        """The name of a backref is taken."""
        return cls.compose(
            f"Error creating backref '{backref}' on relationship '{relationship}': property of "
            f"that name exists on mapper '{mapper}'. Choose another name, or use back_populates on "
            "both sides. [backref-exists]"
        )

    @classmethod
    def unknown_cascades(cls, names: Iterable[str]) -> Self:
        """Cascade names that do not exist."""
        shown = ", ".join(repr(name) for name in sorted(names))
        return cls.compose(
            f"Invalid cascade option(s): {shown}. There are save-update, merge, refresh-expire, "
            "expunge, delete, delete-orphan, all and none. [cascade-names]"
        )

    @classmethod
    def delete_orphan_on_many(cls, kind: str, relationship: Any, target: str, owner: str) -> Self:
        """delete-orphan where an object may have many parents; `kind` is "many-to-one" ..."""
        return cls.compose(
            f"For {kind} relationship {relationship}, delete-orphan cascade is normally configured "
            'only on the "one" side of a one-to-many relationship, and not on the "many" side of a '
            "many-to-one or many-to-many relationship.  To force this relationship to allow a "
            f'particular "{target}" object to be referenced by only a single "{owner}" object at a '
            f"time via the {relationship} relationship, which would allow delete-orphan cascade to "
            "take place in this direction, set the single_parent=True flag. [delete-orphan-on-many]"
        )

    @classmethod
    def passive_deletes_all(cls, relationship: Any) -> Self:
        """`passive_deletes="all"` together with a delete cascade."""
        return cls.compose(
            f"On {relationship}, can't set passive_deletes='all' in conjunction with 'delete' or "
            "'delete-orphan' cascade. Leave one of them out. [passive-deletes-all]"
        )

    @classmethod
    def sync_backref_viewonly(cls) -> Self:
        """`sync_backref` and `viewonly` together."""
        return cls.compose(
            "sync_backref and viewonly cannot both be True. A view-only relationship writes "
            "nothing. [viewonly]"
        )

    @classmethod
    def column_expected(cls, argument: str, given: Any) -> Self:
        """An argument that must be a column is not."""
        return cls.compose(
            f"Column expression expected for argument '{argument}'; got {given!r}. Pass a column. "
            "[column-expected]"
        )

    @classmethod
    def cascade_backrefs(cls) -> Self:
        """`cascade_backrefs` with another value than False."""
        return cls.compose(
            "The 'cascade_backrefs' parameter passed to relationship() may only be set to False. "
            "Add objects to the session themselves, or set the other side. [cascade-backrefs]"
        )

    @classmethod
    def two_reverses(cls) -> Self:
        """`backref` and `back_populates` together."""
        return cls.compose(
            "backref and back_populates keyword arguments are mutually exclusive. Use "
            "back_populates on both sides. [two-reverses]"
        )

    @classmethod
    def secondary_missing(cls, relationship: Any) -> Self:
        """`secondaryjoin` without `secondary`."""
        return cls.compose(
            f"Property {relationship} specified with secondary join condition but no secondary "
            "argument. Name the association table with `secondary`. [secondary-missing]"
        )

    @classmethod
    def mapped_secondary(cls, secondary: Any, relationship: Any) -> Self:
        """`secondary` is a mapped class."""
        return cls.compose(
            f"secondary argument {secondary} passed to to relationship() {relationship} must be a "
            "Table object or other FROM clause; can't send a mapped class directly as rows in "
            "'secondary' are persisted independently of a class that is mapped to that same table. "
            "[mapped-secondary]"
        )

    @classmethod
    def no_local_remote_pairs(cls, relationship: Any) -> Self:
        """No column of the condition is the target's."""
        return cls.compose(
            f"Relationship {relationship} could not determine any unambiguous local/remote column "
            "pairs based on join condition and remote_side arguments.  Consider using the remote() "
            "annotation to accurately mark those elements of the join condition that are on the "
            "remote side of the relationship. [no-remote-side]"
        )

    @classmethod
    def remote_side_twice(cls, relationship: Any) -> Self:
        """`remote_side` and `remote()` together."""
        return cls.compose(
            "remote_side argument is redundant against more detailed _local_remote_side argument "
            f"or remote() marks in the condition of {relationship}. Leave one of them out. "
            "[no-remote-side]"
        )

    @classmethod
    def bad_reverse(cls, relationship: Any, given: Any) -> Self:
        """`back_populates` is neither name nor attribute."""
        return cls.compose(
            f"Invalid back_populates value: {object.__repr__(given)} of {relationship}. Name a "
            "relationship of the target class, or pass the class-bound attribute. [back-populates]"
        )

    @classmethod
    def backref_secondaryjoin(cls, relationship: Any) -> Self:
        """A backref with `secondaryjoin` of a relationship without association table."""
        return cls.compose(
            "Can't assign 'secondaryjoin' on a backref against a non-secondary relationship. "
            f"{relationship} has no association table. [secondary-missing]"
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
