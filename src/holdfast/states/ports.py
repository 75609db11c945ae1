"""This file names what the lower layers need of the higher ones.

Protocols describe sessions, mappers and class managers as the lower layers see them; sockets hold
the functions that higher layers plug in (`_wiring` sees to it that all are filled).

Rules kept here:
1. A lower layer calls upwards through these names only.
2. A socket is plugged once; plugging again replaces the function, which tests make use of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Result
    from sqlalchemy.sql import Executable

    from holdfast.foundation.load_policy import LoadPolicy

T = TypeVar("T")

# What stands above this file in the layer's own order is named here without being imported.
InstanceState: TypeAlias = Any
Members: TypeAlias = Any


class Socket(Generic[T]):
    """A place for one function of a higher layer.

    `plugged` is a plain attribute, so that a call through it costs one attribute look-up.
    """

    __slots__ = ("name", "plugged")

    plugged: T

    def __init__(self, name: str) -> None:
        self.name: str = name

    def plug(self, value: T) -> T:
        """Put `value` into the socket and return it, so that this serves as a decorator too."""
        self.plugged = value
        return value

    @property
    def is_plugged(self) -> bool:
        """Whether something is in the socket."""
        return hasattr(self, "plugged")

    def __repr__(self) -> str:
        return f"<Socket {self.name}{'' if self.is_plugged else ' (empty)'}>"


class SessionPort(Protocol):
    """A session, as seen by the layers that track, load and write its objects."""

    @property
    def async_session(self) -> Any:
        """The asyncio session that works through this one, or None."""

    @property
    def hash_key(self) -> int:
        """Number of the session, counted from 1 in order of construction."""

    @property
    def autoflush(self) -> bool:
        """Whether reads flush first."""

    @property
    def members(self) -> Members:
        """What the session holds."""

    @property
    def dispatch(self) -> Any:
        """Listeners of the session's events, as Core keeps them."""

    @property
    def has_listeners(self) -> bool:
        """Whether `dispatch` is worth a look: someone listened to the session or its class."""

    @property
    def refuses_taken_identities(self) -> bool:
        """Whether a new object with the key of a persistent one ends a flush with an error."""

    @property
    def intercepts_execution(self) -> bool:
        """Whether every statement must be shown to `do_orm_execute` listeners first."""

    def autobegin_for_change(self) -> None:
        """Begin a transaction because a member is about to change, unless one is begun."""

    def autoflush_if_enabled(self) -> None:
        """Write pending changes, where the session's settings ask for it."""

    def connection_for(self, mapper: Any) -> Connection:
        """The connection of the current transaction that serves `mapper`."""

    def execute_internal(
        self,
        statement: Executable,
        params: Mapping[str, object] | Sequence[Mapping[str, object]] | None = None,
        *,
        execution_options: Mapping[str, object] = ...,
    ) -> Result[Any]:
        """Run a statement over classes without flushing first."""


class ManagerPort(Protocol):
    """A class manager, as seen by object states."""

    class_: type[Any]
    mapper: Any
    state_class: type[InstanceState]
    dispatch: Any
    prepare: Callable[[], None] | None

    def attach(self, obj: Any) -> InstanceState:
        """The state of an object; made when there is none."""

    def attribute_states(self, state: InstanceState) -> Any:
        """The `inspect(obj).attrs` collection of one object."""

    def keys(self) -> Any:
        """Names of all mapped attributes."""

    def __getitem__(self, key: str) -> Any: ...

    def __contains__(self, key: object) -> bool: ...

    def __iter__(self) -> Iterator[str]: ...


class LinkListener(Protocol):
    """What happens in a session when one of its objects is linked to another object."""

    def linked(self, state: InstanceState, key: str, child: InstanceState) -> None:
        """`child` was appended to, or assigned to, the attribute `key` of `state`."""

    def unlinked(self, state: InstanceState, key: str, child: InstanceState) -> None:
        """`child` was removed from the attribute `key` of `state`."""


MissingValue = Callable[[InstanceState, str, "LoadPolicy"], object]

missing_value: Socket[MissingValue] = Socket("missing_value")
"""Loads an attribute that is absent from an object with identity; see `reading.identity`."""

link_listener: Socket[LinkListener] = Socket("link_listener")
"""Carries an object into the session of the object it was linked to; see
`sessions.membership`."""
