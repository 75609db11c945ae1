"""Make sessions and mappers of 1.x."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from holdfast import errors
from holdfast.foundation.sqlalchemy_core import NO_ARG
from holdfast.legacy.extension import warn_of_form
from holdfast.legacy.session import LegacyClassMethods, Session
from holdfast.mapping.declarative.constructs import declared
from holdfast.mapping.declarative.registry import registry
from holdfast.mapping.mapper import Mapper
from holdfast.mapping.relationship import Relationship
from holdfast.sessions import factories
from holdfast.sessions.membership import add_state
from holdfast.states.instance import InstanceState

# ------------------------------------------------------------------------------
# Define `sessionmaker` and `scoped_session` of 1.x.


@contextmanager
def _in_one_transaction(session: Any) -> Iterator[Any]:
    with session, session.transaction or session.begin():
        yield session


class sessionmaker(LegacyClassMethods, factories.sessionmaker[Any]):  # noqa: N801  public name
    """Makes sessions with the same arguments, as in SQLAlchemy 1.1."""

    def __init__(
        self,
        bind: Engine | Connection | None = None,
        class_: type[Any] = Session,
        autoflush: bool = True,  # noqa: FBT001, FBT002  the 1.x order
        autocommit: bool = False,  # noqa: FBT001, FBT002
        expire_on_commit: bool = True,  # noqa: FBT001, FBT002
        info: dict[Any, Any] | None = None,
        **kw: Any,
    ) -> None:
        """Store the arguments.

        Args:
            bind: Engine or connection of the sessions.
            class_: Their class.
            autoflush: As in `Session`.
            autocommit: As in `Session`.
            expire_on_commit: As in `Session`.
            info: As in `Session`; merged with what a call gives.
            **kw: Further arguments of the class.
        """
        super().__init__(
            bind,
            class_=class_,
            autoflush=autoflush,
            autocommit=autocommit,
            expire_on_commit=expire_on_commit,
            info=info,
            **kw,
        )

    def begin(self) -> AbstractContextManager[Any]:
        """A new session in a transaction: committed or rolled back, and closed, at the end."""
        return _in_one_transaction(self())


class scoped_session(LegacyClassMethods, factories.scoped_session[Any]):  # noqa: N801  public name
    """A registry that makes one session per scope, as in SQLAlchemy 1.1 (LG-210)."""


LEGACY_METHODS = ("clear", "invalidate", "prepare", "prune")
LEGACY_ATTRIBUTES = ("autocommit", "transaction")

factories.forward_methods(scoped_session, Session, (*factories.METHODS, *LEGACY_METHODS))
factories.forward_attributes(scoped_session, LEGACY_ATTRIBUTES, assignable=())


# ------------------------------------------------------------------------------
# Offer `mapper()` and `relationship()` of 1.x.
#
# A relationship from here lets back references cascade: `item.order = order` brings `item` into the
# session of `order`, through the change that the back reference makes to `order.items`.

default_registry: registry = registry()
"""Takes the mappers that `mapper()` makes."""


class CascadingRelationship(Relationship[Any]):
    """A relationship whose `save-update` cascade follows back references (LG-130)."""

    cascade_backrefs = True
    cascades_backrefs: ClassVar[bool] = True
    # Whether it listens to its attribute.
    listens: bool = False

    def link(self) -> None:
        """Find the other side, and listen to what comes from there."""
        super().link()
        if self.cascade_backrefs and not self.viewonly and not self.listens:
            self.listens = True
            name = "append" if self.uselist else "set"
            event.listen(self.class_attribute, name, self._follow, raw=True, propagate=True)

    def _follow(self, state: InstanceState, value: Any, *rest: Any) -> None:
        """Bring what was linked from the other side into the session of the owner (LG-130)."""
        session: Any = state.session
        initiator: Any = rest[-1]
        if session is None or value is None or initiator.key == self.key:
            return
        child: InstanceState = value._sa_instance_state
        if self.cascade.save_update and not session.members.is_member(child):
            add_state(session, child)


def relationship(argument: Any = None, secondary: Any = None, **arguments: Any) -> Any:
    """Declare that objects of this class refer to objects of another, or of the same class.

    Args:
        argument: The other class.
        secondary: The association table.
        **arguments: As in the default function, and `cascade_backrefs`, which is True.
    """
    if arguments.get("default", NO_ARG) not in (NO_ARG, None):
        raise errors.DeclarationArgumentError.relationship_default()
    return declared(CascadingRelationship, [argument, secondary], arguments)


def mapper(cls: type[Any], table: Any = None, **options: Any) -> Mapper:
    """Map a class to a table, in a registry that all calls share (LG-197).

    Args:
        cls: The class.
        table: The table; None for single-table inheritance.
        **options: `properties` and the other arguments of a mapper.
    """
    warn_of_form("mapper()", "Use registry().map_imperatively().")
    made: Mapper = default_registry.map_imperatively(cls, table, **options)
    return made
