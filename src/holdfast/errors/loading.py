"""Define the errors of loading: objects without session, rows that are gone, misread results.

Those of collections that are never loaded whole, write-only and dynamic ones, are here too.
"""

from __future__ import annotations

from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError, cause, wording
from holdfast.foundation.describe import state_text


class DetachedInstanceError(HoldfastError, exc.SQLAlchemyError):
    """An attribute must be read from the database, but no session holds its object."""

    lazy_load: cause = cause(
        "Parent instance {state!i} is not bound to a Session; lazy load operation of attribute "
        "'{key}' cannot proceed. Load it earlier with "
        "selectinload({state.class_.__name__}.{key}), or bring the object back with "
        "session.add(). [detached-load]",
        "key",
    )
    deferred_load: cause = cause(
        "Parent instance {state!i} is not bound to a Session; deferred load operation of "
        "attribute '{key}' cannot proceed. Load it earlier with "
        "undefer({state.class_.__name__}.{key}), or bring the object back with session.add(). "
        "[detached-load]",
        "key",
    )
    refresh: cause = cause(
        "Instance {state!i} is not bound to a Session; attribute refresh operation cannot "
        "proceed. Make the session with expire_on_commit=False, read the attribute before the "
        "session lets go of the object, or bring it back with session.add(). [detached-load]"
    )


class ObjectDeletedError(HoldfastError, exc.InvalidRequestError):
    """The row of an object is gone."""

    slug = "row-gone"

    def __init__(self, state: Any = None, msg: str | None = None) -> None:
        super().__init__(
            msg
            or f"Instance '{state_text(state)}' has been deleted, or its row is otherwise not "
            "present. Expunge the object, or look with session.get() first. [row-gone]"
        )

    def __reduce__(self) -> Any:
        return type(self), (None, self.args[0])


class LoadRefusedError(HoldfastError, exc.InvalidRequestError):
    """An attribute is set up to raise rather than to load."""

    by: cause = cause(
        "'{attribute}' is not available due to {setting}. Load it in the query, or take the "
        "setting away. [load-refused]",
        attribute="{attribute!s}",
    )


class LoadingError(HoldfastError, exc.InvalidRequestError):
    """A result cannot be read the way that was asked for."""

    unique_required: cause = cause(
        "The unique() method must be invoked on this Result, as it contains results that include "
        "joined eager loads against collections. Write .unique().all(), or use selectinload(). "
        "[unique-required]"
    )
    no_unique_with_yield_per: cause = cause(
        "Can't use the ORM yield_per feature in conjunction with unique(). Leave one of them out. "
        "[yield-per]"
    )

    @classmethod
    def unhashable(cls, type_: Any, *, is_known: bool) -> Self:
        """`unique()` of rows with values that have no hash; `is_known` if their type says so."""
        fact = "this datatype produces" if is_known else "the values returned appear to be"
        return cls.compose(
            f"Can't apply uniqueness to row tuple containing value of type {type_!r}; {fact} "
            "non-hashable values. Give unique() a function, or leave the column out. "
            "[unique-unhashable]"
        )

    recursion: cause = cause(
        "recursion_depth option on relationship {relationship} not valid for non-self-referential "
        "relationship. Chain an option for each level. [no-recursion]"
    )
    no_eager_with_yield_per: cause = cause(
        "Can't use yield_per with eager loaders that require uniquing or row buffering, e.g. "
        "{kind} loading against collections. selectinload() works in portions. [yield-per]"
    )


class UnknownIdentityError(HoldfastError, AssertionError):
    """A row has a discriminator that no class claims."""

    value: cause = cause(
        "No such polymorphic_identity {identity!r} is defined. Map a class with it. "
        "[unknown-identity]"
    )


class RowClassError(HoldfastError, exc.InvalidRequestError):
    """A row is of a class that the query did not ask for."""

    beside: cause = cause(
        "Row with identity key {key!r} can't be loaded into an object; the polymorphic "
        "discriminator column '{column}' refers to {found}, which is not a sub-mapper of the "
        "requested {wanted}. Query their common base, or mend the value in the row. [row-class]"
    )
    unknown: cause = cause(
        "Row with identity key {key!r} can't be loaded into an object; the polymorphic "
        "discriminator column '{column}' is NULL. Give the row the identity of its class. "
        "[row-class]"
    )


class RepeatedLoadError(HoldfastError, AssertionError):
    """One line of code has loaded the same thing again and again; see `watch_loads`."""

    beyond: cause = cause(
        "Loads repeat beyond the limit of {limit}: {findings!j}. Load at once what the line needs, "
        "or raise the limit. [repeated-load]",
        "limit",
        "findings",
    )


class SeveralRowsError(HoldfastError, exc.MultipleResultsFound):
    """One object was asked for by its key, and more than one was found."""

    with_key: cause = cause(
        "Multiple rows were found when exactly one was required: what {mapper.class_.__name__} "
        "reads from has several with the key {key!r}. Ask for the concrete class. "
        "[several-objects]"
    )


class LargeCollectionError(HoldfastError, exc.InvalidRequestError):
    """A collection that is not loaded whole is used as if it were."""

    scalar: cause = cause(
        "On relationship {relationship}, '{lazy}' loaders cannot be used with "
        "many-to-one/one-to-one relationships and/or uselist=False. Such an attribute holds one "
        "object at most: leave lazy out. [scalar-relationship]"
    )
    eager_option: cause = cause(
        "'{relationship}' does not support object population - eager loading cannot be applied. "
        "Leave the option out, and query for the members. [no-population]"
    )
    replacement: cause = cause(
        'Collection "{attribute}" does not support implicit iteration; collection replacement '
        "operations can't be used. Use add_all() and remove(). [no-iteration]"
    )
    iteration: cause = cause(
        "Attribute {attribute} can't load the existing state from the database for this "
        "operation; full iteration is not permitted. Set passive_deletes=True, and let the "
        "database delete or release the members. [no-iteration]"
    )
    insert_with_association: cause = cause(
        "Write only bulk INSERT is not supported for collection {attribute}: its members are "
        "linked by rows of an association table. Insert the objects, and add_all() them. "
        "[no-bulk-insert]"
    )


class IterationError(HoldfastError, TypeError):
    """A write-only collection was iterated."""

    write_only: cause = cause(
        "WriteOnly collections don't support iteration in-place; to query for collection items, "
        "execute the statement that {attribute}'s select() makes. [no-iteration]"
    )


class PopulationError(HoldfastError, NotImplementedError):
    """Members were to be stored as if they had been loaded."""

    committed: cause = cause(
        "Dynamic attributes don't support collection population. {attribute} holds changes only: "
        "use add_all(). [no-population]"
    )


several_rows_warning: wording = wording(
    "Multiple rows returned with uselist=False for {kind}-loaded attribute '{attribute}' . The "
    "first one is taken: make the relationship a collection, or its target unique. [several-rows]"
)


noload_warning: wording = wording(
    "The ``noload`` loader strategy is deprecated. What it leaves empty reads as if there were "
    "nothing related: use raiseload() to refuse loading. [noload]"
)


null_key_load_warning: wording = wording(
    "fully NULL primary key identity cannot load any object.  This condition may raise an error "
    "in a future release. [null-key]"
)


dropped_criteria_warning: wording = wording(
    "Can't reliably serialize a lazyload() option that contains additional criteria; please use "
    "eager loading for this case: the criteria of {option} are left out. Load what they select "
    "before the object is pickled. [unpickled-criteria]"
)
