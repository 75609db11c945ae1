"""Choose the shards of objects, keys and statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self, TypeVar

from sqlalchemy.engine import Result

from holdfast import errors
from holdfast.queries.facade.query import Query
from holdfast.queries.option_functions import UserDefinedOption
from holdfast.sessions.execution import ORMExecuteState

# ------------------------------------------------------------------------------
# Let a statement name its shard.


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


# ------------------------------------------------------------------------------
# Find the shards that a statement goes to, run it there, and put the results together.
#
# `ShardedSession` registers `execute_on_shards` as its first `do_orm_execute` listener.
#
# Rules kept here:
# 1. A shard that is named wins over the choosers: by the option, by the identity token of the
#    object
#    that is read again, by the execution option, by `bind_arguments`, in this order (XT-84).
# 2. Each shard runs the whole statement; rows follow each other shard by shard (XT-82).
# 3. SELECTs that eager loading sends afterwards are statements of their own: a shard that a
#    function
#    has chosen for the parents says nothing of the related rows.

SHARD_OPTION = "_sa_shard_id"
"""Key in execution options for the shard of a statement."""

CHOSEN_OPTION = "_shard_is_for_parents"
"""Key in execution options: the identity token says nothing of the SELECTs that follow."""


def named_shard(
    options: Iterable[Any],
    execution_options: Mapping[str, Any],
    bind_arguments: Mapping[str, Any],
) -> Any:
    """The shard that a call names, or None.

    Args:
        options: Of the statement.
        execution_options: Of the call and the statement together.
        bind_arguments: Of the call.
    """
    for option in options:
        if isinstance(option, set_shard_id):
            return option.shard_id
    for found in (execution_options.get("identity_token"), execution_options.get(SHARD_OPTION)):
        if found is not None:
            return found
    return bind_arguments.get("shard_id")


def execute_on_shards(state: ORMExecuteState) -> Result[Any]:
    """Run a statement on every shard that it is for.

    Raises:
        ShardError: It is for none.
    """
    session: Any = state.session
    options = dict(state.execution_options)
    if CHOSEN_OPTION in options and _follows(state):
        del options["identity_token"]
    arguments = state.bind_arguments
    given = getattr(state.statement, "_with_options", ())
    shard = named_shard(given, options, {})
    is_general = shard is None
    if shard is None:
        shard = arguments.get("shard_id")
    shards = session.execute_chooser(state) if shard is None else [shard]
    results = [
        state.invoke_statement(
            bind_arguments={"shard_id": each},
            execution_options={
                "identity_token": each,
                **({CHOSEN_OPTION: True} if is_general else {}),
            },
        )
        for each in shards
    ]
    if not results:
        raise errors.ShardError.none_chosen()
    return results[0].merge(*results[1:]) if len(results) > 1 else results[0]


def _follows(state: ORMExecuteState) -> bool:
    """Whether the statement loads what belongs to objects that were just loaded."""
    return state.is_relationship_load and state.lazy_loaded_from is None


# ------------------------------------------------------------------------------
# Define the `Query` of sharded sessions.

T = TypeVar("T")


class ShardedQuery(Query[T]):
    """A query that can be told its shard."""

    def set_shard(self, shard_id: Any) -> Self:
        """The same query for one shard (XT-84).

        Args:
            shard_id: A key of the session's `shards`.
        """
        return self.execution_options(**{SHARD_OPTION: shard_id})
