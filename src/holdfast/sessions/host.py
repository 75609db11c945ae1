"""Say what the parts of a session need of it, and find the states of objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import inspect
from sqlalchemy.engine import Connection, Result
from sqlalchemy.sql import Executable

from holdfast import errors
from holdfast.instrument.manager import find_manager
from holdfast.states.instance import InstanceState
from holdfast.states.ports import SessionPort

# ------------------------------------------------------------------------------
# Describe a session as the files of this folder see it that `Session` is made of.
#
# They are called by `Session` and call back, so they know it by this protocol.


class SessionHost(SessionPort, Protocol):
    """What the parts of a session may ask of it, and lower layers may not."""

    # The last `SessionTransaction` of the chain, and the last nested one.
    innermost: Any
    innermost_nested: Any
    is_flushing: bool
    is_writing: bool
    autoflush: bool
    expire_on_commit: bool
    twophase: bool
    join_transaction_mode: Any
    execution_options: Any
    # Gives the connection for a mapper and one object; None where one serves all of a mapper.
    connection_callable: Any
    # Set where an asyncio session works through this one.
    async_reference: Any

    def add(self, instance: object) -> None:
        """Bring an object into the session."""

    def autobegin(self, *, explicitly: bool = False) -> Any:
        """The innermost level of the transaction, begun when there is none."""

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what is new, changed and deleted."""

    @property
    def no_autoflush(self) -> AbstractContextManager[Any]:
        """A block without autoflush."""

    @property
    def get(self) -> Callable[..., Any]:
        """The object with a primary key, or None."""

    def get_bind(self, mapper: Any = None, *, clause: Any = None, **kw: Any) -> Any:
        """The engine or connection for a mapper or statement."""

    def connection_for_bind(
        self, bind: Any, execution_options: Mapping[str, Any] | None = None
    ) -> Connection:
        """The connection of the current transaction to an engine."""

    def execute_past(
        self,
        statement: Executable,
        params: Any,
        execution_options: Mapping[str, Any],
        bind_arguments: Mapping[str, Any],
        listeners: Sequence[Any],
    ) -> Result[Any]:
        """Run a statement past the listeners that saw it already."""

    def check_awaitable(self) -> None:
        """Raise where SQL would have to be awaited and nothing can be."""

    def remember_space(self, mapper: Any) -> None:
        """Let `get` find objects of a mapper without detours from now on."""


# ------------------------------------------------------------------------------
# Find the state, mapper or key behind what a user passes to a session.


def state_of(instance: Any) -> InstanceState:
    """The state of a mapped object.

    Raises:
        UnmappedInstanceError: The object's class is not mapped.
        UnmappedClassError: Only a base of it is.
    """
    try:
        state = instance.__dict__["_sa_instance_state"]
    except (AttributeError, KeyError, TypeError):
        raise errors.UnmappedInstanceError(instance) from None
    if not isinstance(state, InstanceState):
        # An object of another ORM, for example.
        raise errors.UnmappedInstanceError(instance)
    if state.manager.mapper is None:
        if find_manager(type(instance)) is not state.manager:
            # The class was unmapped after the object was made.
            raise errors.UnmappedInstanceError(instance)
        # A subclass of a mapped class that is not mapped itself.
        raise errors.UnmappedClassError(type(instance))
    return state


def mapper_of(entity: Any) -> Any:
    """The mapper of a class, or the mapper given.

    Raises:
        NoInspectionAvailable: Nothing is known about `entity`.
        ArgumentError: It is something else than a class or mapper.
    """
    found: Any = inspect(entity)
    if found is None or not getattr(found, "is_mapper", False):
        raise errors.EntityError.expected(entity)
    return found


def key_values(mapper: Any, ident: Any) -> list[Any]:
    """The values of a primary key, in the order of its columns.

    Args:
        mapper: Whose primary key.
        ident: A value, a tuple or list of values, a dictionary by attribute name, or the value of a
            composite attribute.

    Raises:
        InvalidRequestError: The number of values or the names are not those of the key (SB-124).
    """
    if isinstance(ident, Mapping):
        return _values_by_name(mapper, ident)
    composite = _composite_of(mapper, ident)
    if composite is not None:
        values = list(composite.values_of(ident))
    elif isinstance(ident, Sequence) and not isinstance(ident, str | bytes | bytearray):
        values = list(ident)
    else:
        values = [ident]
    if len(values) != len(mapper.primary_key):
        raise errors.IdentifierError.wrong_count(_quoted(mapper.primary_key))
    return values


def _values_by_name(mapper: Any, ident: Mapping[str, Any]) -> list[Any]:
    given = {_target_of_synonym(mapper, name): value for name, value in ident.items()}
    keys = mapper.primary_key_keys
    if set(given) != set(keys):
        raise errors.IdentifierError.wrong_names(_quoted(keys))
    return [given[key] for key in keys]


def _quoted(names: Iterable[Any]) -> str:
    return ",".join(f"'{name}'" for name in names)


def _composite_of(mapper: Any, value: Any) -> Any:
    """The composite attribute whose value it may be, or None."""
    for prop in mapper.composites:
        if isinstance(prop.composite_class, type) and isinstance(value, prop.composite_class):
            return prop
    return None


def _target_of_synonym(mapper: Any, name: str) -> str:
    prop = mapper.synonyms.get(name)
    target: str = name if prop is None else prop.name
    return target
