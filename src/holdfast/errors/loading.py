"""Define the errors of loading: objects without session, rows that are gone, misread results."""

from __future__ import annotations

from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError
from holdfast.foundation.describe import describe_attribute, state_text


class DetachedInstanceError(HoldfastError, exc.SQLAlchemyError):
    """An attribute must be read from the database, but no session holds its object."""

    @classmethod
    def lazy_load(cls, state: Any, key: str) -> Self:
        """A relationship was touched."""
        name = describe_attribute(state, key)
        return cls.compose(
            f"Parent instance {state_text(state)} is not bound to a Session; lazy load operation "
            f"of attribute '{key}' cannot proceed. Load it earlier with selectinload({name}), or "
            "bring the object back with session.add(). [detached-load]",
            key=key,
        )

    @classmethod
    def deferred_load(cls, state: Any, key: str) -> Self:
        """A deferred column was touched."""
        name = describe_attribute(state, key)
        return cls.compose(
            f"Parent instance {state_text(state)} is not bound to a Session; deferred load "
            f"operation of attribute '{key}' cannot proceed. Load it earlier with undefer({name}), "
            "or bring the object back with session.add(). [detached-load]",
            key=key,
        )

    @classmethod
    def refresh(cls, state: Any) -> Self:
        """An expired column was touched."""
        return cls.compose(
            f"Instance {state_text(state)} is not bound to a Session; attribute refresh operation "
            "cannot proceed. Make the session with expire_on_commit=False, read the attribute "
            "before the session lets go of the object, or bring it back with session.add(). "
            "[detached-load]"
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

    @classmethod
    def by(cls, attribute: Any, setting: str) -> Self:
        """Refused because of `lazy='raise'`, `lazy='raise_on_sql'` or `raiseload=True`.

        Args:
            attribute: The attribute, as `User.addresses`.
            setting: The setting, as it is written.
        """
        return cls.compose(
            f"'{attribute}' is not available due to {setting}. Load it in the query, or take the "
            "setting away. [load-refused]",
            attribute=str(attribute),
        )


class LoadingError(HoldfastError, exc.InvalidRequestError):
    """A result cannot be read the way that was asked for."""

    @classmethod
    def unique_required(cls) -> Self:
        """Joined collections repeat their parents."""
        return cls.compose(
            "The unique() method must be invoked on this Result, as it contains results that "
            "include joined eager loads against collections. Write .unique().all(), or use "
            "selectinload(). [unique-required]"
        )

    @classmethod
    def no_unique_with_yield_per(cls) -> Self:
        """`unique()` of a result that comes in portions."""
        return cls.compose(
            "Can't use the ORM yield_per feature in conjunction with unique(). Leave one of them "
            "out. [yield-per]"
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

    @classmethod
    def recursion(cls, relationship: str) -> Self:
        """`recursion_depth` on a relationship to another class."""
        return cls.compose(
            f"recursion_depth option on relationship {relationship} not valid for "
            "non-self-referential relationship. Chain an option for each level. [no-recursion]"
        )

    @classmethod
    def no_eager_with_yield_per(cls, kind: str) -> Self:
        """A loader that needs all rows, under yield_per; `kind` is "joined" or "subquery"."""
        return cls.compose(
            "Can't use yield_per with eager loaders that require uniquing or row buffering, e.g. "
            f"{kind} loading against collections. selectinload() works in portions. [yield-per]"
        )


class UnknownIdentityError(HoldfastError, AssertionError):
    """A row has a discriminator that no class claims."""

    @classmethod
    def value(cls, identity: Any) -> Self:
        """The discriminator has this value."""
        return cls.compose(
            f"No such polymorphic_identity {identity!r} is defined. Map a class with it. "
            "[unknown-identity]"
        )


class RowClassError(HoldfastError, exc.InvalidRequestError):
    """A row is of a class that the query did not ask for."""

    @classmethod
    def beside(cls, found: Any, wanted: Any, key: Any, column: Any) -> Self:
        """Its discriminator names a class that does not inherit from the one asked for."""
        return cls.compose(
            f"Row with identity key {key!r} can't be loaded into an object; the polymorphic "
            f"discriminator column '{column}' refers to {found}, which is not a sub-mapper of the "
            f"requested {wanted}. Query their common base, or mend the value in the row. "
            "[row-class]"
        )

    @classmethod
    def unknown(cls, key: Any, column: Any) -> Self:
        """Its discriminator is NULL."""
        return cls.compose(
            f"Row with identity key {key!r} can't be loaded into an object; the polymorphic "
            f"discriminator column '{column}' is NULL. Give the row the identity of its class. "
            "[row-class]"
        )


class SeveralRowsError(HoldfastError, exc.MultipleResultsFound):
    """One object was asked for by its key, and more than one was found."""

    @classmethod
    def with_key(cls, mapper: Any, key: tuple[Any, ...]) -> Self:
        """Concrete classes have rows with equal keys in tables of their own."""
        return cls.compose(
            "Multiple rows were found when exactly one was required: what "
            f"{mapper.class_.__name__} reads from has several with the key {key!r}. Ask for the "
            "concrete class. [several-objects]"
        )


def several_rows_warning(attribute: str, kind: str = "lazily") -> str:
    """A scalar relationship found more than one row; `kind` is "lazily" or "eagerly"."""
    return (
        f"Multiple rows returned with uselist=False for {kind}-loaded attribute '{attribute}' . "
        "The first one is taken: make the relationship a collection, or its target unique. "
        "[several-rows]"
    )


def noload_warning() -> str:
    """`noload()`, or `lazy="noload"`."""
    return (
        "The ``noload`` loader strategy is deprecated. What it leaves empty reads as if there were "
        "nothing related: use raiseload() to refuse loading. [noload]"
    )


def null_key_load_warning() -> str:
    """`get()` or a refresh with a key that is all NULL."""
    return (
        "fully NULL primary key identity cannot load any object.  This condition may raise an "
        "error in a future release. [null-key]"
    )


def dropped_criteria_warning(option: str) -> str:
    """An object is pickled that carries a `lazyload()` with criteria."""
    return (
        "Can't reliably serialize a lazyload() option that contains additional criteria; please "
        f"use eager loading for this case: the criteria of {option} are left out. Load what they "
        "select before the object is pickled. [unpickled-criteria]"
    )
