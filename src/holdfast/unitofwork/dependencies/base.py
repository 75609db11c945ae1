"""This file defines what a flush needs to know of any relationship.

Called by the three kinds of relationship beside it. A dependency is made once per relationship and
kept with its mapper.

Rules kept here:
1. Keys are copied from a *source* to a *holder*, the object whose table has the foreign key.
2. A related object must be of the class that the relationship leads to, else the flush fails.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from holdfast.errors.flush import FlushError
from holdfast.errors.mapping import UnmappedColumnError
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.mapping.cascades import reachable
from holdfast.states.history import History
from holdfast.states.instance import InstanceState
from holdfast.states.parents import has_parent
from holdfast.unitofwork.work_set import LOAD_FOR_FLUSH, Batch, WorkSet

EMPTY: tuple[Any, ...] = ()


class KeyPair:
    """One column of a key and the column of a foreign key that takes its value."""

    __slots__ = ("holder", "holder_column", "source", "source_column")

    def __init__(self, source_mapper: Any, holder_mapper: Any, source: Any, holder: Any) -> None:
        self.source_column: Any = source
        self.holder_column: Any = holder
        # Attribute names; the mapper of the related class may be a subclass that has more.
        self.source: str = attribute_of(source_mapper, source, "source")
        self.holder: str = attribute_of(holder_mapper, holder, "destination")


def attribute_of(mapper: Any, column: Any, side: str) -> str:
    """Name of the attribute that holds a column.

    Raises:
        UnmappedColumnError: There is none.
    """
    key: str | None = mapper.key_of_column.get(column)
    if key is None:
        raise UnmappedColumnError.in_key_copy(side, column, mapper)
    return key


class Dependency(ABC):
    """What one relationship asks of a flush."""

    __slots__ = ("checked", "key", "mapper", "parent", "relationship", "slot", "uselist")

    def __init__(self, relationship: Any) -> None:
        self.relationship: Any = relationship
        self.key: str = relationship.key
        self.parent: Any = relationship.parent
        self.mapper: Any = relationship.mapper
        self.slot: Any = relationship.parent.class_manager.slots[relationship.key]
        self.uselist: bool = relationship.uselist
        # Classes, as state classes, that were found to fit the relationship.
        self.checked: set[type[InstanceState]] = set()

    @property
    def writes_late(self) -> bool:
        """Whether the foreign key is written by an UPDATE of its own (`post_update`)."""
        late: bool = self.relationship.post_update
        return late

    @abstractmethod
    def collect_saves(self, work: WorkSet, batch: Batch) -> None:
        """Record what follows from saving the objects of `batch`."""

    @abstractmethod
    def collect_deletes(self, work: WorkSet, states: Sequence[InstanceState]) -> None:
        """Record what follows from deleting the objects."""

    # -- for the kinds -----------------------------------------------------------------------------

    def is_touched(self, state: InstanceState) -> bool:
        """Whether the relationship of a persistent object has changes recorded."""
        changes = state.changes
        if changes and self.key in changes:
            return True
        extra = state.extra
        pending = None if extra is None else extra.pending
        return pending is not None and self.key in pending

    def current(self, state: InstanceState, values: dict[str, Any]) -> Iterable[Any]:
        """The members of a new object's relationship."""
        value = values.get(self.key)
        if value is None:
            if self.key not in values and state.extra is not None and state.extra.pending:
                queued: History = self.slot.history(state, values, LoadPolicy.NO_INITIALIZE)
                return queued.added
            return EMPTY
        if not self.uselist:
            return (value,)
        if self.slot.is_plain_list:
            members: Iterable[Any] = value
            return members
        history: History = self.slot.history(state, values, LoadPolicy.NO_INITIALIZE)
        return history.non_deleted()

    def state_of(self, member: Any) -> InstanceState:
        """The state of a related object, which must be of the right class."""
        if member is None:
            raise FlushError.none_in_collection(str(self.relationship))
        state: InstanceState = member.__dict__["_sa_instance_state"]
        if type(state) not in self.checked:
            self.check_class(state)
        return state

    def check_class(self, state: InstanceState) -> None:
        """Refuse an object whose class the relationship does not lead to."""
        relationship = self.relationship
        if relationship.enable_typechecks and not self.accepts(state.mapper):
            raise FlushError.wrong_class(
                state.class_,
                str(relationship),
                self.mapper.class_,
                is_subclass=issubclass(state.class_, self.mapper.class_),
            )
        self.checked.add(type(state))

    def accepts(self, mapper: Any) -> bool:
        """Whether objects of `mapper` may stand in the relationship."""
        target = self.mapper
        if target.polymorphic_on is not None:
            accepted: bool = mapper.isa(target)
            return accepted
        return mapper is target

    def is_released(self, state: InstanceState) -> bool:
        """Whether nobody holds an object that was removed from this relationship.

        Where nothing is recorded of it, it was removed without having been looked at.
        """
        return not has_parent(state, self.slot.parent_token, optimistic=False)

    def delete_with_it(self, work: WorkSet, state: InstanceState) -> None:
        """Delete an object that goes with its holder, and what its deletion reaches."""
        if work.delete(state):
            for each in list(reachable(state, "delete")):
                work.delete(each)

    def delete_policy(self, work: WorkSet) -> LoadPolicy:
        """How far to look for the members of an object that is deleted."""
        return LoadPolicy.NO_INITIALIZE if self.relationship.passive_deletes else LOAD_FOR_FLUSH

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.relationship}>"


class KeyedDependency(Dependency):
    """A relationship that stands on a foreign key of one of its two sides."""

    __slots__ = ("holder_mapper", "pairs", "source_keys", "source_mapper")

    def __init__(self, relationship: Any, source_mapper: Any, holder_mapper: Any) -> None:
        super().__init__(relationship)
        # Mapper of the objects whose key is copied, and of those that hold the foreign key.
        self.source_mapper: Any = source_mapper
        self.holder_mapper: Any = holder_mapper
        self.pairs: list[KeyPair] = [
            KeyPair(source_mapper, holder_mapper, source, holder)
            for source, holder in relationship.synchronize_pairs
        ]
        self.source_keys: frozenset[str] = frozenset(pair.source for pair in self.pairs)
