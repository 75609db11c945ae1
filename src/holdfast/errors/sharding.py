"""Define the errors of sessions that are spread over several databases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError


class ShardError(HoldfastError, exc.InvalidRequestError):
    """A shard does not exist, or none was chosen."""

    @classmethod
    def unknown(cls, shard_id: Any, known: Iterable[Any]) -> Self:
        """A chooser, an option or an argument named a shard that the session does not have."""
        names = ", ".join(str(each) for each in known) or "none"
        return cls.compose(
            f"There is no shard {str(shard_id)!r}: this session has {names}. Return or pass a key "
            "of `shards`. [unknown-shard]"
        )

    @classmethod
    def none_chosen(cls) -> Self:
        """`execute_chooser` returned nothing."""
        return cls.compose(
            "The statement goes nowhere: execute_chooser returned no shard for it. Return at "
            "least one. [no-shard-chosen]"
        )


class ShardArgumentError(HoldfastError, exc.ArgumentError):
    """A `ShardedSession` was given choosers that do not fit together."""

    @classmethod
    def choosers(cls, new: str, old: str) -> Self:
        """A chooser is missing, or was given in its old form too."""
        return cls.compose(
            f"ShardedSession needs {new}, and takes the old form {old} in its place only. Pass "
            f"{new} alone. [shard-choosers]"
        )
