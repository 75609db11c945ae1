"""Tell a flush what each kind of relationship asks of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from holdfast import errors
from holdfast.foundation.load_policy import NO_VALUE, LoadPolicy
from holdfast.mapping.cascades import reachable
from holdfast.states.changes import History, has_parent
from holdfast.states.instance import InstanceState, bare_key
from holdfast.unitofwork.work_set import (
    LOAD_FOR_FLUSH,
    AssociationRows,
    Batch,
    KeyCopy,
    Pair,
    WorkSet,
)

# ------------------------------------------------------------------------------
# Define what a flush needs to know of any relationship.
#
# Called by the three kinds of relationship beside it. A dependency is made once per relationship
# and kept with its mapper.
#
# Rules kept here:
# 1. Keys are copied from a *source* to a *holder*, the object whose table has the foreign key.
# 2. A related object must be of the class that the relationship leads to, else the flush fails.

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
        raise errors.UnmappedColumnError.in_key_copy(side, column, mapper)
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
            raise errors.FlushError.none_in_collection(str(self.relationship))
        state: InstanceState = member.__dict__["_sa_instance_state"]
        if type(state) not in self.checked:
            self.check_class(state)
        return state

    def check_class(self, state: InstanceState) -> None:
        """Refuse an object whose class the relationship does not lead to."""
        relationship = self.relationship
        if relationship.enable_typechecks and not self.accepts(state.mapper):
            raise errors.FlushError.wrong_class(
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


# ------------------------------------------------------------------------------
# Find who must follow when a primary key has changed.
#
# Called by the dependencies for the objects that they know, and by `collect` for holders of
# many-to-one references, which their targets do not know.
#
# Rules kept here:
# 1. With `passive_updates` the database changes the foreign keys (`ON UPDATE CASCADE`) and only the
#    objects in memory are brought up to date, without UPDATE.
# 2. Without it the flush UPDATEs the foreign keys, one level deep (RL-96).


def is_rekeyed(state: InstanceState, keys: Collection[str]) -> bool:
    """Whether one of the attributes of a persistent object has another value than in its row."""
    changes = state.changes
    if not changes:
        return False
    for key in keys:
        if key in changes:
            old = changes[key]
            if old is not NO_VALUE and old is not None and old != state.dict.get(key):
                return True
    return False


def follow_targets(
    work: WorkSet, dependencies: Iterable[Any], targets: Collection[InstanceState]
) -> None:
    """Let objects in memory that refer to a target with a changed key take the new one.

    Args:
        work: What the flush has to do.
        dependencies: The many-to-one relationships that lead to the targets' classes.
        targets: Objects whose key changed.
    """
    for dependency in dependencies:
        relationship = dependency.relationship
        affected = {each for each in targets if is_rekeyed(each, dependency.source_keys)}
        if not affected:
            continue
        former = {
            key_in_row(each, [pair.source for pair in dependency.pairs]): each for each in affected
        }
        copies = work.copies.setdefault(dependency, [])
        for holder in work.members.identity_map.states():
            if not holder.manager.mapper.isa(dependency.holder_mapper) or holder in work.deletes:
                continue
            target = target_of(dependency, holder, former)
            if target in affected and work.include(
                holder, relationship, "pk change", listed=relationship.passive_updates
            ):
                copies.append((target, holder))


def target_of(
    dependency: Any, holder: InstanceState, former: Mapping[tuple[Any, ...], InstanceState]
) -> InstanceState | None:
    """What a holder refers to, if that is loaded or, where rows are to follow, known by its key."""
    values = holder.dict
    if dependency.key in values:
        found = values[dependency.key]
        if dependency.uselist:
            found = next(iter(dependency.current(holder, values)), None)
        return None if found is None else found.__dict__.get("_sa_instance_state")
    if dependency.relationship.passive_updates:
        return None
    return former.get(key_in_row(holder, [pair.holder for pair in dependency.pairs]))


def key_in_row(state: InstanceState, keys: Iterable[str]) -> tuple[Any, ...]:
    """Values of attributes as the database has them; those that are missing are loaded."""
    values, changes = state.dict, state.committed_state
    slots = state.manager.mapper.class_manager.slots
    return tuple(
        changes[key] if key in changes else slots[key].get(state, values, LoadPolicy.LOAD)
        for key in keys
    )


# ------------------------------------------------------------------------------
# Say what a many-to-one relationship asks of a flush: targets before holders.
#
# The target is the source of the key and the object with the attribute holds it.


class ManyToOneDependency(KeyedDependency):
    """The holder takes the key of the object that it refers to."""

    __slots__ = ()

    def __init__(self, relationship: Any) -> None:
        super().__init__(relationship, relationship.mapper, relationship.parent)

    def collect_saves(self, work: WorkSet, batch: Batch) -> None:
        """Holders take the key of what they refer to now."""
        key, saves, checked = self.key, work.saves, self.checked
        copies = (work.late_copies if self.writes_late else work.copies).setdefault(self, [])
        for state, values in zip(batch.new, batch.dicts, strict=True):
            if key in values:
                target = values[key]
                if target is None:
                    self.clear(work, state)
                    continue
                if self.uselist:
                    target = next(iter(self.current(state, values)), None)
                    if target is None:
                        continue
                target_state = target.__dict__["_sa_instance_state"]
                if type(target_state) not in checked:
                    self.check_class(target_state)
                if target_state in saves or self.is_available(work, target_state):
                    copies.append((target_state, state))
        for state in batch.old:
            if self.is_touched(state):
                self.collect_changed(work, copies, state)

    def collect_changed(self, work: WorkSet, copies: list[KeyCopy], state: InstanceState) -> None:
        """One persistent holder that refers to something else than before."""
        history = work.history(state, self.slot, LoadPolicy.NO_INITIALIZE)
        for target in history.added:
            if target is None:
                self.clear(work, state)
            elif self.is_available(work, self.state_of(target)):
                copies.append((self.state_of(target), state))
        if history.deleted and not history.added:
            self.clear(work, state)
        if self.relationship.cascade.delete_orphan:
            self.delete_released(work, history.deleted)

    def is_available(self, work: WorkSet, target: InstanceState) -> bool:
        """Whether the target has, or is about to get, a row of this session."""
        return work.is_member(target, self.relationship, "add")

    def clear(self, work: WorkSet, holder: InstanceState) -> None:
        """The holder refers to nothing any more."""
        clears = work.late_clears if self.writes_late else work.clears
        clears.setdefault(self, []).append((None, holder))

    def delete_released(self, work: WorkSet, targets: Sequence[Any]) -> None:
        """Delete those former targets that nobody holds."""
        for target in targets:
            if target is not None and self.is_released(self.state_of(target)):
                self.delete_with_it(work, self.state_of(target))

    def collect_deletes(self, work: WorkSet, states: Sequence[InstanceState]) -> None:
        """Former targets of deleted holders may be orphans; late keys go before the rows."""
        cascade = self.relationship.cascade
        for state in states:
            known = self.key in state().__dict__ or self.is_touched(state)
            if known and (cascade.delete or cascade.delete_orphan):
                history = work.history(state, self.slot, LoadPolicy.NO_INITIALIZE)
                if cascade.delete_orphan:
                    self.delete_released(work, history.deleted)
                for target in history.non_deleted():
                    if target is not None and cascade.delete:
                        self.delete_with_it(work, self.state_of(target))
            if self.writes_late and self.may_refer(work, state):
                work.early_clears.setdefault(self, []).append((None, state))

    def may_refer(self, work: WorkSet, state: InstanceState) -> bool:
        """Whether the row of `state` may refer to one that goes as well, whose object is here."""
        found = {pair.holder: work.value_in_row(state, pair.holder) for pair in self.pairs}
        names = self.relationship.target_key_names
        if all(value is None for value in found.values()):
            return False
        if not names or state.identity_token is not None:
            return True
        pk = tuple(work.value_in_row(state, name) for name in names)
        mapper = self.relationship.mapper
        return work.members.identity_map.find_state(mapper, bare_key(pk)) is not None


# ------------------------------------------------------------------------------
# Say what a one-to-many relationship asks of a flush: children after parents.
#
# The parent is the source of the key and the children hold it. One-to-one with the foreign key on
# the other side is the same with at most one child.


class OneToManyDependency(KeyedDependency):
    """Children take the parent's key."""

    __slots__ = ()

    def __init__(self, relationship: Any) -> None:
        super().__init__(relationship, relationship.parent, relationship.mapper)

    def collect_saves(self, work: WorkSet, batch: Batch) -> None:
        """New children take the key; removed ones lose it or go; all follow a changed one."""
        key = self.key
        copies = (work.late_copies if self.writes_late else work.copies).setdefault(self, [])
        for state, values in zip(batch.new, batch.dicts, strict=True):
            if key in values or state.extra is not None:
                self.take_in(work, copies, state, self.current(state, values))
        source_keys = self.source_keys
        for state in batch.old:
            rekeyed = bool(state.changes) and is_rekeyed(state, source_keys)
            if rekeyed or self.is_touched(state):
                self.collect_changed(work, copies, state, rekeyed=rekeyed)

    def take_in(
        self,
        work: WorkSet,
        copies: list[KeyCopy],
        parent: InstanceState,
        children: Iterable[Any],
    ) -> None:
        """Let `children` take the key of `parent`."""
        saves, listed, checked = work.saves, work.listed, self.checked
        for child in children:
            if child is None:
                if self.uselist:
                    raise errors.FlushError.none_in_collection(str(self.relationship))
                continue
            state = child.__dict__["_sa_instance_state"]
            if type(state) not in checked:
                self.check_class(state)
            if (state in saves and state not in listed) or work.include(
                state, self.relationship, "add"
            ):
                copies.append((parent, state))
            elif work.is_outside(state):
                work.outside_copies.setdefault(self, []).append((parent, state))

    def collect_changed(
        self, work: WorkSet, copies: list[KeyCopy], state: InstanceState, *, rekeyed: bool
    ) -> None:
        """One persistent parent whose children or key changed."""
        passive = self.relationship.passive_updates or not rekeyed
        history = work.history(
            state, self.slot, LoadPolicy.NO_INITIALIZE if passive else LOAD_FOR_FLUSH
        )
        self.take_in(work, copies, state, history.added)
        self.let_go(work, state, history)
        if rekeyed:
            listed = self.relationship.passive_updates
            children = [self.state_of(child) for child in history.unchanged if child is not None]
            copies.extend(
                (state, child)
                for child in children
                if work.include(child, self.relationship, "pk change", listed=listed)
            )

    def let_go(self, work: WorkSet, parent: InstanceState, history: History) -> None:
        """Children that the parent no longer has lose its key, or go with it."""
        for child in history.deleted:
            if child is None:
                continue
            state = self.state_of(child)
            if not self.relationship.cascade.delete_orphan:
                if parent in work.deletes or not self.is_held_outside(work, state):
                    self.clear(work, parent, state)
            elif self.is_released(state):
                self.delete_with_it(work, state)

    def is_held_outside(self, work: WorkSet, child: InstanceState) -> bool:
        """Whether a child went to an object outside the session, for which nothing is written.

        Its row keeps the key that it has until that object comes in (CA-32).
        """
        values = child.dict
        for reverse in self.relationship.reverse_properties:
            holder = None if reverse.uselist or reverse.viewonly else values.get(reverse.key)
            if holder is not None:
                state: InstanceState = holder.__dict__["_sa_instance_state"]
                if state not in work.saves and not work.members.is_member(state):
                    return not state.was_deleted
        return False

    def clear(self, work: WorkSet, parent: InstanceState, child: InstanceState) -> None:
        """Let `child` lose the key of `parent`; a copy from elsewhere comes later and wins."""
        if work.include(child, self.relationship, "delete"):
            clears = work.late_clears if self.writes_late else work.clears
        elif work.is_outside(child):
            clears = work.outside_clears
        else:
            return
        clears.setdefault(self, []).append((None, child))

    def collect_deletes(self, work: WorkSet, states: Sequence[InstanceState]) -> None:
        """Children of deleted parents lose the key, unless they go as well."""
        relationship = self.relationship
        if relationship.passive_deletes == "all":
            return
        policy = self.delete_policy(work)
        for parent in states:
            if policy is LoadPolicy.NO_INITIALIZE and not (
                self.key in parent().__dict__ or self.is_touched(parent)
            ):
                continue
            history = work.history(parent, self.slot, policy)
            self.let_go(work, parent, history)
            if relationship.cascade.delete and not self.writes_late:
                continue
            for child in history.unchanged:
                if child is not None:
                    self.leave(work, parent, self.state_of(child))

    def leave(self, work: WorkSet, parent: InstanceState, child: InstanceState) -> None:
        """The parent of `child` is deleted and the child stays."""
        if self.writes_late and child in work.deletes:
            # The rows refer to each other: the reference goes before either row can.
            work.early_clears.setdefault(self, []).append((None, child))
        elif self.writes_late:
            if work.include(child, self.relationship, "delete"):
                work.early_clears.setdefault(self, []).append((None, child))
        else:
            self.clear(work, parent, child)


# ------------------------------------------------------------------------------
# Say what a many-to-many relationship asks of a flush: rows of its association table.
#
# Rules kept here:
# 1. A change that both sides of a pair of relationships know of is written once.
# 2. Rows are recorded as pairs in the direction of the leading side, whichever side saw them.


class ManyToManyDependency(Dependency):
    """Association rows between the parent and its members."""

    __slots__ = ("leader", "parent_columns", "parent_keys", "target_columns", "target_keys")

    def __init__(self, relationship: Any) -> None:
        super().__init__(relationship)
        # (attribute of the object, column of the association table) of either side.
        self.parent_columns: list[tuple[str, Any]] = [
            (attribute_of(self.parent, column, "source"), target)
            for column, target in relationship.synchronize_pairs
        ]
        self.target_columns: list[tuple[str, Any]] = [
            (attribute_of(self.mapper, column, "source"), target)
            for column, target in relationship.secondary_synchronize_pairs
        ]
        self.parent_keys: frozenset[str] = frozenset(key for key, _ in self.parent_columns)
        self.target_keys: frozenset[str] = frozenset(key for key, _ in self.target_columns)
        # Of this relationship and its other sides, the one under which rows are recorded.
        self.leader: Any = min(
            (
                relationship,
                *(
                    each
                    for each in relationship.reverse_properties
                    if each.secondary is relationship.secondary and not each.viewonly
                ),
            ),
            key=str,
        )

    def collect_saves(self, work: WorkSet, batch: Batch) -> None:
        """New members get a row, former ones lose theirs, and rows follow changed keys."""
        key = self.key
        rows = work.association_of(self.leader)
        for state, values in zip(batch.new, batch.dicts, strict=True):
            if key in values or state.extra is not None:
                self.record(work, rows, rows.added, state, self.current(state, values))
        for state in batch.old:
            rekeyed = bool(state.changes) and is_rekeyed(state, self.parent_keys)
            if not rekeyed and not self.is_touched(state):
                continue
            passive = self.relationship.passive_updates or not rekeyed
            history = work.history(
                state, self.slot, LoadPolicy.NO_INITIALIZE if passive else LOAD_FOR_FLUSH
            )
            self.record(work, rows, rows.added, state, history.added)
            self.record(work, rows, rows.removed, state, history.deleted, operation="delete")
            if rekeyed and not passive:
                self.record(work, rows, rows.rekeyed, state, history.unchanged)
            if self.relationship.cascade.delete_orphan:
                for member in history.deleted:
                    if member is not None and self.is_released(self.state_of(member)):
                        self.delete_with_it(work, self.state_of(member))

    def record(
        self,
        work: WorkSet,
        rows: AssociationRows,
        into: list[Pair],
        state: InstanceState,
        members: Iterable[Any],
        *,
        operation: str = "add",
    ) -> None:
        """Record one pair for each member, unless the other side did."""
        leads = self.leader is self.relationship
        owner = rows.owner
        for member in members:
            if member is None and not self.uselist:
                continue
            other = self.state_of(member)
            # The rows of a member that was deleted went with it.
            if not work.is_member(other, self.relationship, operation):
                continue
            if operation == "delete" and other.pk is None:
                continue
            pair = (state, other) if leads else (other, state)
            if operation == "delete" and pair in owner:
                # Twice in the collection, once in the table.
                continue
            if owner.setdefault(pair, self) is self:
                into.append(pair)

    def collect_deletes(self, work: WorkSet, states: Sequence[InstanceState]) -> None:
        """Deleted objects lose all their association rows."""
        rows = work.association_of(self.leader)
        policy = self.delete_policy(work)
        for state in states:
            if policy is LoadPolicy.NO_INITIALIZE and not (
                self.key in state().__dict__ or self.is_touched(state)
            ):
                continue
            history = work.history(state, self.slot, policy)
            self.record(work, rows, rows.removed, state, history.non_added(), operation="delete")
