"""Define the errors of collections that are never loaded whole: write-only and dynamic ones."""

from __future__ import annotations

from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError


class LargeCollectionError(HoldfastError, exc.InvalidRequestError):
    """A collection that is not loaded whole is used as if it were."""

    @classmethod
    def scalar(cls, relationship: Any, lazy: str) -> Self:
        """A relationship to one object was set up so."""
        return cls.compose(
            f"On relationship {relationship}, '{lazy}' loaders cannot be used with "
            "many-to-one/one-to-one relationships and/or uselist=False. Such an attribute holds "
            "one object at most: leave lazy out. [scalar-relationship]"
        )

    @classmethod
    def eager_option(cls, relationship: Any) -> Self:
        """A loader option asks for its members."""
        return cls.compose(
            f"'{relationship}' does not support object population - eager loading cannot be "
            "applied. Leave the option out, and query for the members. [no-population]"
        )

    @classmethod
    def replacement(cls, attribute: object) -> Self:
        """A write-only collection of an object with a row was assigned."""
        return cls.compose(
            f'Collection "{attribute}" does not support implicit iteration; collection replacement '
            "operations can't be used. Use add_all() and remove(). [no-iteration]"
        )

    @classmethod
    def iteration(cls, attribute: object) -> Self:
        """An operation has to know all members of a write-only collection."""
        return cls.compose(
            f"Attribute {attribute} can't load the existing state from the database for this "
            "operation; full iteration is not permitted. Set passive_deletes=True, and let the "
            "database delete or release the members. [no-iteration]"
        )

    @classmethod
    def insert_with_association(cls, attribute: object) -> Self:
        """`insert()` into a collection with an association table."""
        return cls.compose(
            f"Write only bulk INSERT is not supported for collection {attribute}: its members are "
            "linked by rows of an association table. Insert the objects, and add_all() them. "
            "[no-bulk-insert]"
        )


class IterationError(HoldfastError, TypeError):
    """A write-only collection was iterated."""

    @classmethod
    def write_only(cls, attribute: object) -> Self:
        """Members are read by a statement only."""
        return cls.compose(
            "WriteOnly collections don't support iteration in-place; to query for collection "
            f"items, execute the statement that {attribute}'s select() makes. [no-iteration]"
        )


class PopulationError(HoldfastError, NotImplementedError):
    """Members were to be stored as if they had been loaded."""

    @classmethod
    def committed(cls, attribute: object) -> Self:
        """`set_committed_value()` or `init_collection()`."""
        return cls.compose(
            "Dynamic attributes don't support collection population. "
            f"{attribute} holds changes only: use add_all(). [no-population]"
        )
