"""This file defines `ShardedSession`: a session whose rows are spread over several databases.

Rules kept here:
1. A new object gets its shard before it is first written, and keeps it (XT-83).
2. Where a key may be in several shards, an object in memory is found before any is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from sqlalchemy import event
from sqlalchemy.engine import Connection

from holdfast import errors
from holdfast.foundation.describe import warn_deprecated
from holdfast.foundation.sqlalchemy_core import EMPTY_DICT
from holdfast.reading.identity import key_values
from holdfast.sessions import host
from holdfast.sessions.execution import Bind
from holdfast.sessions.session import Session
from holdfast.sharding.choose import ShardedQuery, execute_on_shards, named_shard
from holdfast.states.instance import InstanceState, bare_key

if TYPE_CHECKING:
    from holdfast.mapping.mapper import Mapper
    from holdfast.sessions.execution import Entity
    from holdfast.sessions.refresh import LookupArguments

ShardChooser = Callable[..., Any]
IdentityChooser = Callable[..., Iterable[Any]]
ExecuteChooser = Callable[[Any], Iterable[Any]]


class ShardedSession(Session):
    """A session over several databases that have the same tables (XT-80).

    Example:
        >>> session = ShardedSession(
        ...     shard_chooser=lambda mapper, instance, clause=None: instance.continent,
        ...     identity_chooser=lambda mapper, primary_key, **kw: ["asia", "europe"],
        ...     execute_chooser=lambda state: ["asia", "europe"],
        ...     shards={"asia": asia_engine, "europe": europe_engine},
        ... )
    """

    def __init__(
        self,
        shard_chooser: ShardChooser,
        identity_chooser: IdentityChooser | None = None,
        execute_chooser: ExecuteChooser | None = None,
        shards: Mapping[Any, Bind] | None = None,
        query_cls: type[Any] = ShardedQuery,
        *,
        id_chooser: Callable[[Any, Any], Iterable[Any]] | None = None,
        query_chooser: Callable[[Any], Iterable[Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        """Make a session; nothing is connected or begun yet.

        Args:
            shard_chooser: Called with a mapper, an object or None, and perhaps `clause=`; names
                the shard that a new object is written to.
            identity_chooser: Called with a mapper, a primary key, and by keyword
                `lazy_loaded_from`, `execution_options` and `bind_arguments`; names the shards that
                may hold the row.
            execute_chooser: Called with the `ORMExecuteState` of a statement; names its shards.
            shards: Shard -> engine or connection.
            query_cls: Class of what `query()` returns.
            id_chooser: Deprecated form of `identity_chooser`: takes a query and a primary key.
            query_chooser: Deprecated form of `execute_chooser`: takes the statement.
            **kwargs: As for `Session`.

        Raises:
            ArgumentError: A chooser is missing, or given in both forms.
        """
        super().__init__(query_cls=query_cls, **kwargs)
        self.shard_chooser = shard_chooser
        self.identity_chooser: IdentityChooser = _current_form(
            ("identity_chooser", identity_chooser), ("id_chooser", id_chooser), self._ask_for_key
        )
        self.execute_chooser: ExecuteChooser = _current_form(
            ("execute_chooser", execute_chooser),
            ("query_chooser", query_chooser),
            lambda choose: lambda state: choose(state.statement),
        )
        self.shards: dict[Any, Bind] = dict(shards or {})
        event.listen(self, "do_orm_execute", execute_on_shards)

    def _ask_for_key(self, choose: Callable[[Any, Any], Iterable[Any]]) -> IdentityChooser:
        return lambda mapper, primary_key, **_: choose(self.query(mapper), primary_key)

    def bind_shard(self, shard_id: Any, bind: Bind) -> None:
        """Add a shard, or give one another engine or connection."""
        self.shards[shard_id] = bind

    # -- connections -----------------------------------------------------------------------------

    def connection_callable(
        self,
        mapper: Any = None,
        instance: Any = None,
        shard_id: Any = None,
        **kw: Any,
    ) -> Connection:
        """The connection to the shard of an object (XT-85).

        Args:
            mapper: Of the object.
            instance: The object; a new one gets its shard now.
            shard_id: In place of the object's.
            **kw: Further arguments of `get_bind`.
        """
        if shard_id is None:
            shard_id = self._shard_of(mapper, instance)
        return self.connection_for_bind(
            self.get_bind(mapper, shard_id=shard_id, instance=instance, **kw)
        )

    def get_bind(
        self,
        mapper: Any = None,
        *,
        shard_id: Any = None,
        instance: Any = None,
        clause: Any = None,
        bind: Bind | None = None,
        **kw: Any,
    ) -> Bind:
        """The engine or connection of a shard (XT-85).

        Args:
            mapper: A mapper or mapped class.
            shard_id: The shard; chosen by `shard_chooser` when omitted.
            instance: The object to choose by.
            clause: The statement or table to choose by.
            bind: Given back as it is.
            **kw: Whatever else `bind_arguments` held.

        Raises:
            InvalidRequestError: There is no such shard.
        """
        if bind is not None:
            return bind
        if shard_id is None:
            shard_id = self.shard_chooser(mapper, instance, clause=clause)
        try:
            return self.shards[shard_id]
        except KeyError:
            raise errors.ShardError.unknown(
                str(shard_id), ", ".join(map(str, self.shards)) or "none"
            ) from None

    def _shard_of(self, mapper: Any, instance: Any) -> Any:
        """The shard of an object: the one it has, or else the one that is chosen for it now."""
        if instance is None:
            return self.shard_chooser(mapper, instance)
        state = host.state_of(instance)
        if state.identity_token is None:
            state.more().identity_token = self.shard_chooser(mapper, instance)
        return state.identity_token

    # -- by key ----------------------------------------------------------------------------------

    def get(
        self,
        entity: type[Entity] | Mapper[Entity],
        ident: Any,
        **how: Unpack[LookupArguments],
    ) -> Entity | None:
        """The object with a primary key, or None.

        It is looked for in memory, and then in each shard that `identity_chooser` names until it is
        found. `identity_token` names the shard, and so do the ways that a statement has.

        Args:
            entity: A mapped class or mapper.
            ident: The primary key.
            **how: Further arguments of `Session.get`.
        """
        execution_options = how.get("execution_options", EMPTY_DICT)
        bind_arguments = how.get("bind_arguments") or EMPTY_DICT
        token = how.pop("identity_token", None)
        if token is None:
            token = named_shard(how.get("options") or (), execution_options, bind_arguments)
        tokens = [token]
        if token is None:
            mapper = host.mapper_of(entity)
            pk = bare_key(host.key_values(mapper, ident))
            tokens = list(self._tokens(mapper, pk, None, execution_options, bind_arguments))
            find = self.members.identity_map.find_state
            tokens.sort(key=lambda each: find(mapper, pk, each) is None)
        for each in tokens:
            how["identity_token"] = each
            found = super().get(entity, ident, **how)
            if found is not None:
                return found
        return None

    def tokens_for(self, mapper: Any, pk: Any, state: InstanceState) -> Sequence[Any]:
        """The shards that may hold the target of a reference."""
        return list(self._tokens(mapper, pk, state, EMPTY_DICT, EMPTY_DICT))

    def _tokens(
        self,
        mapper: Any,
        pk: Any,
        lazy_loaded_from: InstanceState | None,
        execution_options: Mapping[str, Any],
        bind_arguments: Mapping[str, Any],
    ) -> Iterable[Any]:
        return self.identity_chooser(
            mapper,
            key_values(mapper, pk),
            lazy_loaded_from=lazy_loaded_from,
            execution_options=execution_options,
            bind_arguments=bind_arguments,
        )


def _current_form(
    new: tuple[str, Any], old: tuple[str, Any], adapt: Callable[[Any], Callable[..., Any]]
) -> Callable[..., Any]:
    """A chooser, whichever form it was given in."""
    (name, chooser), (old_name, old_chooser) = new, old
    if (chooser is None) is (old_chooser is None):
        raise errors.ShardArgumentError.choosers(name, old_name)
    if old_chooser is None:
        found: Callable[..., Any] = chooser
        return found
    warn_deprecated(
        f"The ``{old_name}`` parameter is deprecated; please use ``{name}``.", version="1.4"
    )
    return adapt(old_chooser)
