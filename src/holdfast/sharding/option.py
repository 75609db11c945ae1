"""Let a statement name its shard."""

from __future__ import annotations

from typing import Any

from holdfast.queries.options.user_defined import UserDefinedOption


class set_shard_id(UserDefinedOption):  # noqa: N801  public name
    """An option for a statement, and for what its objects load later (XT-84).

    Example:
        >>> session.scalars(select(Book).options(set_shard_id("asia")))
    """

    def __init__(self, shard_id: Any, propagate_to_loaders: bool = True) -> None:  # noqa: FBT001, FBT002
        """Name a shard.

        Args:
            shard_id: A key of the session's `shards`.
            propagate_to_loaders: Whether relationships that are loaded when touched go there too.
        """
        super().__init__(shard_id)
        self.propagate_to_loaders = propagate_to_loaders

    @property
    def shard_id(self) -> Any:
        """The shard."""
        return self.payload
