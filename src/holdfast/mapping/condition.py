"""Find the join of a relationship, its direction, and the WHERE of its lazy load."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from sqlalchemy import and_, bindparam, exc
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BindParameter, ColumnClause

from holdfast import errors
from holdfast.foundation.codegen import record
from holdfast.foundation.describe import warn
from holdfast.foundation.sqlalchemy_core import (
    adapt_criterion_to_null,
    deep_deannotate,
    join_condition,
)
from holdfast.mapping.remote import (
    Ends,
    Pairs,
    collect_pairs,
    conjuncts,
    has_mark,
    iter_comparisons,
    iter_parts,
    mark,
    marked_columns,
    replace_parts,
)

# ------------------------------------------------------------------------------
# Find the ON clause of a relationship from foreign keys.
#
# Called by `condition` for the joins that the application did not write itself.


def deduce_join(ends: Ends, left: Any, right: Any, *, near: Any) -> Any:
    """The condition that the foreign keys between two selectables give, first those of `near`."""
    name, secondary = ends.name, ends.secondary
    try:
        return join_condition(
            left, right, a_subset=near, consider_as_foreign_keys=ends.foreign_keys or None
        )
    except exc.NoForeignKeysError as cause:
        raise errors.NoJoinError.between_tables(name, secondary=secondary) from cause
    except exc.AmbiguousForeignKeysError as cause:
        raise errors.AmbiguousJoinError.between(
            name, _candidates(left, right), secondary=secondary
        ) from cause


def _candidates(left: Any, right: Any) -> list[str]:
    """The columns that refer from one side to the other, as texts for a message."""
    found: list[str] = []
    for here, there in ((left, right), (right, left)):
        for fk in here.foreign_keys:
            try:
                is_candidate = fk.get_referent(there) is not None
            except exc.NoReferenceError:
                continue
            text = str(fk.parent)
            if is_candidate and text not in found:
                found.append(text)
    return sorted(found)


# ------------------------------------------------------------------------------
# Decide which side of a relationship refers to the other.
#
# Rules kept here:
# 1. With an association table, both sides are referred to: many-to-many.
# 2. The side whose columns are foreign refers; seen from the parent that is many-to-one, seen from
#    the target one-to-many.
# 3. Where both sides have foreign columns in the condition, as in a table that refers to itself,
#    the `remote` marks decide.


class RelationshipDirection(Enum):
    """Which side of a relationship holds the foreign key."""

    ONETOMANY = 1
    """The target's."""

    MANYTOONE = 2
    """The parent's."""

    MANYTOMANY = 3
    """Neither: an association table's."""


ONETOMANY = RelationshipDirection.ONETOMANY
MANYTOONE = RelationshipDirection.MANYTOONE
MANYTOMANY = RelationshipDirection.MANYTOMANY


def find_direction(ends: Ends, primaryjoin: Any) -> RelationshipDirection:
    """The direction of a relationship whose primary join is marked."""
    if ends.secondary is not None:
        return MANYTOMANY
    foreign = marked_columns(primaryjoin, "foreign")
    on_parent = any(ends.parent.c.contains_column(column) for column in foreign)
    on_target = any(ends.target.c.contains_column(column) for column in foreign)
    if on_parent and on_target:
        return _by_marks(ends, primaryjoin, foreign)
    if on_target:
        return ONETOMANY
    if on_parent:
        return MANYTOONE
    raise errors.RelationshipError.no_direction(ends.name)


def _by_marks(ends: Ends, primaryjoin: Any, foreign: list[Any]) -> RelationshipDirection:
    remote = [c for c in foreign if "remote" in c._annotations]
    local = [c for c in foreign if "remote" not in c._annotations]
    if remote and local and not ends.self_referential:
        raise errors.RelationshipError.both_directions(ends.name)
    if remote and local:
        # A column compared with itself, as one part of a composite key that both rows share, is
        # foreign and remote wherever it stands: it tells nothing, so it is left out.
        comparisons = iter_comparisons(primaryjoin)
        shared = {part.left for part in comparisons if part.left.compare(part.right)}
        remote = [c for c in remote if c not in shared]
        local = [c for c in local if c not in shared]
        if bool(remote) == bool(local):
            raise errors.RelationshipError.both_directions(ends.name)
    return ONETOMANY if remote else MANYTOONE


# ------------------------------------------------------------------------------
# Turn join conditions into a WHERE clause in which one side is given by values.
#
# A lazy load gives the parent's values and asks for targets; a comparison such as
# `Child.parent == parent` gives the target's values and asks for parents.


@record(eq=False)
class LazyClause:
    """A criterion with one bind parameter per column whose value is given."""

    # The condition, its columns still marked. With an association table, both conditions joined by
    # AND: the statement must select from that table too.
    criterion: Any
    # Names of the bind parameters, and for each the column whose value goes there.
    names: tuple[str, ...]
    columns: tuple[Any, ...]

    @property
    def needs_values(self) -> bool:
        """Whether nothing can be found where all values are None: each is compared with `=`."""
        compared = {
            getattr(side, "key", None)
            for part in conjuncts(self.criterion)
            if part.__visit_name__ == "binary" and part.operator is operators.eq
            for side in (part.left, part.right)
        }
        return compared.issuperset(self.names)

    def bound(self, value_of: Callable[[Any], Callable[[], Any]]) -> Any:
        """The criterion with values read at execution, by what `value_of` gives for a column."""
        found = dict(zip(self.names, self.columns, strict=True))

        def replace(part: Any) -> Any:
            if isinstance(part, BindParameter) and part.key in found:
                return bindparam(
                    None, callable_=value_of(found[part.key]), type_=part.type, unique=True
                )
            return None

        return replace_parts(self.criterion, replace)

    def is_null(self) -> Any:
        """The criterion for values that are all None: `IS NULL` in place of comparisons."""
        return adapt_criterion_to_null(self.criterion, self.names)


def build_lazy_clause(primaryjoin: Any, secondaryjoin: Any, *, reverse: bool) -> LazyClause:
    """The criterion of a relationship with the parent's values, or the target's, as parameters."""
    names: dict[Any, str] = {}
    # COMPAT: statements of lazy loads name their parameters `param_1` and so on. Core gives such
    # names to nameless parameters of the condition too; then ours are called otherwise.
    is_taken = any(
        isinstance(part, BindParameter) and "param" in part.key
        for join in (primaryjoin, secondaryjoin)
        if join is not None
        for part in iter_parts(join)
    )
    prefix = "own_key" if is_taken else "param"
    # The target's columns: remote ones in a direct join; in the condition between target and
    # association table, those that are not the association table's.
    side, has_side = ("remote", secondaryjoin is None) if reverse else ("local", True)

    def replace(part: Any) -> Any:
        if not isinstance(part, ColumnClause) or (side in part._annotations) is not has_side:
            return None
        plain = part._deannotate()
        name = names.setdefault(plain, f"{prefix}_{len(names) + 1}")
        return bindparam(name, None, type_=part.type, unique=False)

    if secondaryjoin is None:
        criterion = replace_parts(primaryjoin, replace)
    elif reverse:
        criterion = and_(primaryjoin, replace_parts(secondaryjoin, replace))
    else:
        criterion = and_(replace_parts(primaryjoin, replace), secondaryjoin)
    return LazyClause(criterion, tuple(names.values()), tuple(names))


# ------------------------------------------------------------------------------
# Run the steps that turn what a relationship was given into marked, checked join conditions.
#
# Called by `mapping.relationship` when mappers are configured: deduce what was not given, mark
# the columns, extract pairs, decide the direction, and check that the result can do its work.


@record
class JoinCondition:
    """How a relationship joins its two classes."""

    ends: Ends
    primaryjoin: Any
    secondaryjoin: Any
    # Whether the application marked the target's columns itself.
    has_own_marks: bool
    direction: RelationshipDirection
    pairs: Pairs
    # Columns of the target, or of the association table, in the conditions.
    remote_side: set[Any]
    # Columns of the parent in the primary join.
    local_columns: set[Any]

    def reversed_joins(self) -> tuple[Any, Any]:
        """Both conditions as the relationship in the other direction needs them.

        Marks of the application say which side is which, so they are turned round; marks that were
        derived here are taken off, for the other relationship to derive its own.
        """
        marks = ("local", "remote")
        if self.secondaryjoin is not None:
            return (
                deep_deannotate(self.secondaryjoin, values=marks),
                deep_deannotate(self.primaryjoin, values=marks),
            )
        if self.has_own_marks:
            return replace_parts(self.primaryjoin, _swap_sides), None
        return deep_deannotate(self.primaryjoin, values=marks), None


def _swap_sides(part: Any) -> Any:
    marks = part._annotations
    if "remote" in marks:
        return part._deannotate(("remote",))._annotate({"local": True})
    if "local" in marks:
        return part._deannotate(("local",))._annotate({"remote": True})
    return None


def build_condition(
    ends: Ends,
    primaryjoin: Any,
    secondaryjoin: Any,
    *,
    writes: bool,
    can_copy: Callable[[Any], bool],
) -> JoinCondition:
    """The join conditions of one relationship, which copies keys in a flush where it `writes`."""
    primaryjoin, secondaryjoin = _given_or_deduced(ends, primaryjoin, secondaryjoin)
    has_own_marks = has_mark(primaryjoin, "remote")
    primaryjoin, secondaryjoin = mark(ends, primaryjoin, secondaryjoin)
    pairs = collect_pairs(primaryjoin, secondaryjoin, can_copy=can_copy)
    _check_foreign(ends, "primary", primaryjoin, pairs.synchronize, writes=writes)
    if secondaryjoin is not None:
        _check_foreign(ends, "secondary", secondaryjoin, pairs.secondary_synchronize, writes=writes)
    direction = find_direction(ends, primaryjoin)
    _check_remote(ends, primaryjoin, pairs)
    return JoinCondition(
        ends,
        primaryjoin,
        secondaryjoin,
        has_own_marks,
        direction,
        pairs,
        remote_side=_plain_columns(primaryjoin, "remote") | _plain_columns(secondaryjoin, "remote"),
        local_columns=_plain_columns(primaryjoin, "local"),
    )


def _plain_columns(join: Any, side: str) -> set[Any]:
    """Columns of a condition that carry a mark, without it."""
    return set() if join is None else {each._deannotate() for each in marked_columns(join, side)}


def _given_or_deduced(ends: Ends, primaryjoin: Any, secondaryjoin: Any) -> tuple[Any, Any]:
    secondary = ends.secondary
    if secondary is None:
        if secondaryjoin is not None:
            raise errors.RelationshipError.secondary_missing(ends.name)
    elif secondaryjoin is None:
        secondaryjoin = deduce_join(ends, ends.target, secondary, near=ends.target_local)
    if primaryjoin is None:
        beyond = ends.target if secondary is None else secondary
        primaryjoin = deduce_join(ends, ends.parent, beyond, near=ends.parent_local)
    return primaryjoin, secondaryjoin


def _check_foreign(ends: Ends, which: str, join: Any, copied: list[Any], *, writes: bool) -> None:
    has_foreign = has_mark(join, "foreign")
    if copied if writes else has_foreign:
        return
    if writes and has_foreign:
        raise errors.RelationshipError.no_equality(which, join, ends.name)
    raise errors.RelationshipError.no_foreign_columns(which, join, ends.name)


def _check_remote(ends: Ends, primaryjoin: Any, pairs: Pairs) -> None:
    if not pairs.local_remote:
        raise errors.RelationshipError.no_local_remote_pairs(ends.name)
    if ends.self_referential or ends.secondary is not None:
        return
    for column in marked_columns(primaryjoin, "remote"):
        plain = column._deannotate()
        if ends.parent.c.contains_column(plain) and not ends.target.c.contains_column(plain):
            warn(
                f"Expression {plain} is marked as 'remote', but these column(s) are local to the "
                "local side.  The remote() annotation is needed only for a self-referential "
                "relationship where both sides of the relationship refer to the same tables."
            )
