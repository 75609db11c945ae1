"""Define the errors of a flush: orders that do not exist, rows that are gone, missing keys.

The warnings of a flush have their texts here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError, cause, wording
from holdfast.foundation.describe import (
    class_text,
)


def note_failed_rollback(error: BaseException, trouble: BaseException) -> None:
    """Let an error tell that the rollback after it failed as well, and stay what is raised."""
    error.add_note(f"The rollback failed as well: {trouble}")


def note_step(error: Exception, step: Any) -> None:
    """Let an exception tell what was being written when it was raised.

    Args:
        error: Of the database, of a listener, or one of ours; gets `objects`, those that the
            failing statement may be about.
        step: Of the flush plan.
    """
    states = getattr(step, "states", ())
    error.add_note(f"Raised in the step of the flush: {step}")
    vars(error)["objects"] = [each for state in states if (each := state()) is not None]


SHOWN_ROWS = 5
"""Rows that the text of a `StaleDataError` names."""


class FlushError(HoldfastError, exc.SQLAlchemyError):
    """An object cannot be written as it is."""

    identity_taken: cause = cause(
        "New instance {state!i} with identity key {key} conflicts with persistent instance "
        "{existing!i}. Use session.merge() to copy its values onto that one. "
        "[legacy-identity-taken]"
    )
    nowhere_to_write: cause = cause(
        "Can't write objects of {mapper}: what it is mapped to is a query whose rows are not "
        "those of tables. Read with this class only, and write with one that is mapped to the "
        "table. [nowhere-to-write]"
    )
    endless: cause = cause(
        "Over 100 subsequent flushes have occurred within session.commit() - is an after_flush() "
        "hook creating new objects? Let it make them in before_flush(). [endless-flush]"
    )

    @classmethod
    def wrong_class(cls, given: type, attribute: str, expected: type, *, is_subclass: bool) -> Self:
        """An object of a class that the relationship does not lead to.

        Args:
            given: Class of the object.
            attribute: The relationship, as `Parent.children`.
            expected: Class that the relationship leads to.
            is_subclass: The object's class derives from the expected one, but is mapped apart.
        """
        also = (
            f" If {class_text(given)} is a subclass of {class_text(expected)}, configure mapper "
            f'"{expected.__name__}" to load this subtype polymorphically, or set '
            "enable_typechecks=False to allow any subtype to be accepted for flush."
            if is_subclass
            else " Give the relationship an object of that class."
        )
        return cls.compose(
            f"Attempting to flush an item of type {class_text(given)} as a member of collection "
            f'"{attribute}". Expected an object of type {class_text(expected)} or a polymorphic '
            f"subclass of this type.{also} [wrong-class]",
            attribute=attribute,
        )

    none_in_collection: cause = cause(
        "Can't flush None value found in collection {attribute}. Take it out of it. "
        "[none-in-collection]",
        "attribute",
    )
    null_identity: cause = cause(
        "Instance {state!i} has a NULL identity key.  If this is an auto-generated value, check "
        "that the database table allows generation of new primary key values, and that the mapped "
        "Column object is configured to expect these generated values.  Ensure also that this "
        "flush() is not occurring at an inappropriate time, such as within a load() event. "
        "[null-identity]"
    )
    null_version: cause = cause(
        "Instance does not contain a non-NULL version value: {state!i}. Set the version "
        "attribute, or let a version_id_generator make it. [null-version]"
    )
    no_rows_returned: cause = cause(
        "{kind} INSERT statement for {mapper} did not produce the primary keys of the new rows. "
        "Let the table generate them, or give them to the objects. [no-keys-returned]"
    )
    null_key: cause = cause(
        "Can't {change} table {table} using NULL for primary key value on column {column}. Set "
        "the key, or expunge the object. [null-key]"
    )
    computed_key: cause = cause(
        "Can't update table {table}: the new value of primary key column {column} is a SQL "
        "expression, and this database does not return what an UPDATE computes. Select the value "
        "first, and set that. [computed-key]"
    )


class BulkRowError(HoldfastError, exc.InvalidRequestError, KeyError):
    """A dictionary does not say which row it belongs to."""

    without_key: cause = cause(
        "No primary key value supplied for column(s) {columns!j}; per-row ORM Bulk UPDATE by "
        "Primary Key requires that records contain primary key values. Give each dictionary the "
        "full key, and the version where the class has one. [bulk-row-without-key]"
    )


class FlushCycleError(HoldfastError, exc.CircularDependencyError):
    """The rows of a flush, or the tables of a model, need one another in a circle.

    `cycles` is the circle and `edges` the dependencies in it, as texts.
    """

    def __init__(
        self,
        message: str = "",
        cycles: Any = (),
        edges: Any = (),
        msg: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message, cycles, edges, msg or message, code)

    def __reduce__(self) -> Any:
        return type(self), (self.args[0], self.cycles, self.edges, self.args[0], self.code)

    @classmethod
    def among(cls, steps: Sequence[str], edges: Iterable[tuple[str, str]] = ()) -> Self:
        """The steps, in order, each of which needs the one before it, the first the last."""
        error = cls.compose(
            f"Circular dependency detected. ({', '.join(steps)}). Make one of the foreign keys "
            "nullable and give its relationship post_update=True. See the plan with "
            "holdfast.diagnostics.explain(session). [flush-cycle]"
        )
        error.cycles = set(steps)
        error.edges = set(edges)
        return error


class StaleRow(NamedTuple):
    """A row that is not as it was loaded."""

    key: tuple[Any, ...]
    # Versions: as it was loaded, where the table has a version counter, and as it is now; the
    # latter is None when the row is gone.
    expected: Any = None
    found: Any = None

    def __str__(self) -> str:
        shown = ", ".join(map(repr, self.key))
        if self.found is None:
            return f"{shown} is gone"
        return f"{shown} has version {self.found!r} and not {self.expected!r}"


class StaleDataError(HoldfastError, exc.SQLAlchemyError):
    """The database holds something else than the session believes.

    `rows` lists the rows that are known to be stale, as far as they could be found.
    """

    rows: Sequence[StaleRow] = ()

    @classmethod
    def row_count(
        cls,
        verb: str,
        table: str,
        expected: int,
        matched: int,
        *,
        of_links: bool = False,
        rows: Sequence[StaleRow] = (),
    ) -> Self:
        """An UPDATE or DELETE met fewer or more rows than objects or links were written.

        Args:
            verb: "UPDATE" or "DELETE".
            table: Its name.
            expected: How many rows there should have been.
            matched: How many there were.
            of_links: The rows stand for links between objects.
            rows: Which were missed, if that is known.
        """
        shown = f"Only {matched}" if of_links else str(matched)
        listed = "; ".join(map(str, rows[:SHOWN_ROWS]))
        listed += f"; and {len(rows) - SHOWN_ROWS} more" if len(rows) > SHOWN_ROWS else ""
        which = f" By primary key: {listed}." if rows else ""
        return cls.compose(
            f"{verb} statement on table '{table}' expected to {verb.lower()} {expected} row(s); "
            f"{shown} were matched.{which} Somebody else changed or deleted the row: refresh the "
            "object, then try again. [stale-row]",
            table=table,
            expected=expected,
            matched=matched,
            rows=tuple(rows),
        )

    parent_gone: cause = cause(
        "Removing state {child!i} from parent state {parent!i} along attribute '{key}', but the "
        "parent record has gone stale, can't be sure this is the most recent parent. Keep the "
        "parent referenced until the change is flushed. [parent-gone]",
        "key",
    )
    version_loaded: cause = cause(
        "Instance '{state!i}' has version id '{version}' which does not match database-loaded "
        "version id '{loaded}'. Refresh the object, then try again. [stale-version]"
    )
    version_merged: cause = cause(
        "Version id '{version}' on merged state {state!i} does not match existing version "
        "'{existing}'. Leave the version attribute unset when merging to update the most recent "
        "version. [stale-version]"
    )


ConcurrentModificationError = StaleDataError
"""The older name of the same class."""


class DependencyRuleError(HoldfastError, AssertionError):
    """Removing a parent would leave a row without part of its primary key."""

    blanked_key: cause = cause(
        "Dependency rule on column '{parent_column}' tried to blank-out primary key column "
        "'{child_column}' on instance '{state!i}'. Delete the object together with its parent: "
        'relationship(..., cascade="all, delete-orphan"). [blanked-key]'
    )


class UnsortableKeyError(HoldfastError, exc.InvalidRequestError):
    """Rows are written in the order of their keys, and these keys have none."""

    because: cause = cause(
        "Could not sort objects by primary key; primary key values must be sortable in Python "
        "(was: {cause}). Give the class of the key an order. [unsortable-key]"
    )


class CascadeTypeError(HoldfastError, AssertionError):
    """A cascade met an object of a class that the relationship does not lead to."""

    met: cause = cause(
        "Attribute '{key}' on class '{owner!c}' doesn't handle objects of type '{given!c}'. It "
        "takes {target.__name__}. [wrong-class]",
        "key",
    )


delete_count_warning: wording = wording(
    "DELETE statement on table '{table}' expected to delete {expected} row(s); {matched} were "
    "matched.  Please set confirm_deleted_rows=False within the mapper configuration to prevent "
    "this warning. [rows-not-deleted]"
)


unverified_version_warning: wording = wording(
    "Dialect {dialect} does not support {verb} rowcount - versioning cannot be verified. "
    "[unverified-version]"
)


identity_conflict_warning: wording = wording(
    "New instance {state!i} with identity key {key} conflicts with persistent instance "
    "{existing!i}. The INSERT will fail; use session.merge(). [identity-taken]"
)


replaced_in_map_warning: wording = wording(
    "Identity map already had an identity for {state.key}, replacing it with newly flushed "
    "object.   Are there load operations occurring inside of an event handler within the flush? "
    "[replaced-in-map]"
)


not_in_session_warning: wording = wording(
    "Object of type {child!k} not in session, {operation} operation along '{attribute}' will not "
    "proceed. Add the object to the session, or give the relationship the save-update cascade. "
    "[not-in-session]"
)


polymorphic_mismatch_warning: wording = wording(
    "Flushing object {state!i} with incompatible polymorphic identity {identity!r}; the object "
    "may not refresh and/or load correctly (expected {expected}). [polymorphic-identity]"
)
