"""This file copies objects from outside onto the members of a session that have their keys.

Rules kept here:
1. The source is never attached and never changed (SM-70).
2. Each source is copied once, however often it is reached (SM-78).
3. With `load` values are copied by ordinary sets, with history and events (SM-75); without, they
   are stamped onto the target as if loaded, and nothing is emitted (SM-85).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import is_
from typing import Any

from sqlalchemy.engine import FrozenResult

from holdfast import errors
from holdfast.foundation.describe import warn
from holdfast.foundation.load_policy import NO_VALUE, LoadPolicy
from holdfast.foundation.sqlalchemy_core import frozen_rows
from holdfast.instrument.reference_slot import ValueSlot
from holdfast.queries.entities import SelectedEntity, parse_elements
from holdfast.sessions.host import SessionHost, state_of
from holdfast.sessions.membership import add_state
from holdfast.states.changes import SharedChanges, note_dirty, own_changes
from holdfast.states.identity_map import Members
from holdfast.states.instance import InstanceState, bare_key

Key = tuple[Any, Any, Any]


def merge(session: SessionHost, instance: Any, *, load: bool, options: Sequence[Any] | None) -> Any:
    """Merge one object."""
    merger = Merger(session, load=load)
    before, session.autoflush = session.autoflush, False
    try:
        return merger.merge(state_of(instance), options)
    finally:
        session.autoflush = before


def merge_all(
    session: SessionHost,
    instances: Iterable[Any],
    *,
    load: bool,
    options: Sequence[Any] | None,
) -> list[Any]:
    """Merge objects in order; each is copied once, also when reached from another (SM-90)."""
    merger = Merger(session, load=load)
    with session.no_autoflush:
        return [merger.merge(state_of(each), options) for each in instances]


def merge_frozen_result(
    session: SessionHost,
    statement: Any,
    frozen_result: FrozenResult[Any],
    load: bool = True,  # noqa: FBT001, FBT002  SQLAlchemy's form
) -> FrozenResult[Any]:
    """The result with the objects of a session in place of those that were frozen.

    Example:
        >>> frozen = session.execute(select(Author)).freeze()
        >>> result = merge_frozen_result(another_session, select(Author), frozen)()

    Args:
        session: Whose objects the rows are to hold.
        statement: The statement that gave the result.
        frozen_result: From `Result.freeze()`.
        load: Look up in the database what the session does not have; see `Session.merge()`.
    """
    elements = parse_elements(statement._raw_columns, statement._label_style)
    rows = frozen_rows(frozen_result)
    for place, element in enumerate(elements):
        if isinstance(element, SelectedEntity):
            present = [row for row in rows if row[place] is not None]
            found = [row[place] for row in present]
            for row, merged in zip(
                present, merge_all(session, found, load=load, options=None), strict=True
            ):
                row[place] = merged
    return frozen_result.with_new_rows([tuple(row) for row in rows])  # type: ignore[misc]


class Merger:
    """One call of merge: what was copied already, and where to."""

    __slots__ = ("arrived", "load", "made", "members", "session", "targets")

    def __init__(self, session: SessionHost, *, load: bool) -> None:
        if session.innermost is None:
            session.autobegin()
        if load and session.autoflush:
            # Once, before anything is read (SM-82).
            session.autoflush_if_enabled()
        self.session: SessionHost = session
        self.members: Members = session.members
        self.load: bool = load
        # Source state -> its target.
        self.targets: dict[InstanceState, Any] = {}
        # Base mapper, bare key, token -> object that is pending, or that this merge has made: two
        # sources of one identity share it.
        self.made: dict[Key, Any] | None = None
        # Member -> the relationships through which it was reached: the way back along their
        # reverse relationships is not gone.
        self.arrived: dict[InstanceState, tuple[Any, ...]] | None = None

    def merge(self, state: InstanceState, options: Sequence[Any] | None = None) -> Any:
        """The target of a source, with the source's values."""
        target = self.targets.get(state)
        if target is not None:
            return target
        mapper = type(state).manager.mapper
        is_new = False
        if state.members is self.members and self.members.is_member(state):
            target = self._own(state)
        else:
            if state.pk is not None:
                token = None if state.extra is None else state.extra.identity_token
                target = self.members.identity_map.find(mapper, state.pk, token)
            if target is None:
                key = self._key_of(state, mapper)
                target, is_new = self._look_further(state, mapper, key, options)
        self.targets[state] = target
        target_state: InstanceState = target._sa_instance_state
        if target_state is not state:
            self._copy(state, mapper, target_state, target)
            if not self.load:
                self._settle(target_state)
        manager: Any = type(target_state).manager
        if is_new and manager.has_load_listeners:
            manager.dispatch.load(target_state, None)
        elif not self.load and target_state is not state and manager.has_refresh_listeners:
            manager.dispatch.refresh(target_state, None, None)
        return target

    def _own(self, state: InstanceState) -> Any:
        """The source itself, which is in the session (SM-70)."""
        if state.pk is None:
            warn(errors.merge_pending_warning(state))
            if not self.load:
                raise errors.MembershipError.merge_without_load(
                    "transient (i.e. unpersisted) objects"
                )
        return state()

    def _key_of(self, state: InstanceState, mapper: Any) -> Key | None:
        """Where the target is to be looked for; None when the source has no usable key."""
        if state.pk is not None:
            return (mapper.base_mapper, state.pk, state.identity_token)
        if not self.load:
            raise errors.MembershipError.merge_without_load("transient (i.e. unpersisted) objects")
        return _given_key(state, mapper)

    def _look_further(
        self,
        state: InstanceState,
        mapper: Any,
        key: Key | None,
        options: Sequence[Any] | None,
    ) -> tuple[Any, bool]:
        """The target that the identity map lacks, and whether it was made for the purpose."""
        session = self.session
        if self.made is None:
            self.made = {}
            for each, instance in self.members.new.items():
                if (pending := _given_key(each, each.manager.mapper)) is not None:
                    self.made[pending] = instance
        if key is not None:
            target = self.members.identity_map.find(*key)
            if target is None:
                target = self.made.get(key)
            if target is None and self.load:
                # A tuple means the same for simple and for composite keys.
                _, pk, token = key
                ident = pk if len(mapper.primary_key) > 1 else (pk,)
                target = session.get(mapper.class_, ident, identity_token=token, options=options)
            if target is not None:
                return target, False
        if not self.load and state.changes is not None:
            raise errors.MembershipError.merge_without_load("marked as 'dirty'")
        target = mapper.class_manager.new_instance()
        made = state_of(target)
        if not self.load:
            made.pk = state.pk
            if state.identity_token is not None:
                made.more().identity_token = state.identity_token
        add_state(session, made)
        if key is not None:
            self.made[key] = target
        return target, True

    def _copy(
        self, state: InstanceState, mapper: Any, target_state: InstanceState, target: Any
    ) -> None:
        manager: Any = type(target_state).manager
        plan = mapper.memo.get(Plan)
        if plan is None or plan.manager is not manager:
            plan = mapper.memo[Plan] = Plan(mapper, manager)
        if plan.version_key is not None:
            _check_version(state, plan.version_key, target_state)
        extra = state.extra
        if extra is not None and (extra.load_options or extra.deferred or extra.said):
            more = target_state.more()
            more.load_options = extra.load_options
            more.load_path = extra.load_path
            more.deferred = extra.deferred
            more.said = extra.said
        source, values = state().__dict__, target.__dict__
        if self.load:
            _set_values(plan.columns, source, target_state, values)
        else:
            values.update((key, source[key]) for key, _ in plan.columns if key in source)
        for prop, slot in plan.relationships:
            if prop.key in source and self._leads_on(state, prop):
                if prop.uselist:
                    self._copy_collection(state, source, prop, slot, target_state, values)
                else:
                    self._copy_reference(source[prop.key], prop, slot, target_state, values)

    def _leads_on(self, state: InstanceState, prop: Any) -> bool:
        arrived = self.arrived
        if arrived is None or state not in arrived or not self.load:
            return True
        return bool(prop.reverse_properties.isdisjoint(arrived[state]))

    def _copy_reference(
        self, member: Any, prop: Any, slot: Any, target_state: InstanceState, values: dict[str, Any]
    ) -> None:
        copied = None if member is None else self._copy_member(member, prop)
        if self.load:
            slot.set(target_state, values, copied)
        else:
            values[prop.key] = copied

    def _copy_collection(
        self,
        state: InstanceState,
        source: dict[str, Any],
        prop: Any,
        slot: Any,
        target_state: InstanceState,
        values: dict[str, Any],
    ) -> None:
        key = prop.key
        if not slot.keeps_value and not (self.load and state.changes and key in state.changes):
            # Nothing of it is in memory.
            return
        # The members present are then found in the identity map, not one by one.
        present: Any = slot.get(target_state, values, LoadPolicy.NO_RAISE) if self.load else None
        source_slot = state.manager.slots[key]  # type: ignore[attr-defined]
        members = [self._copy_member(each, prop) for each in source_slot.members(source)]
        if not self.load:
            values[key] = slot.new_loaded(target_state, members)
            return
        is_plain = slot.is_plain_list and not slot.has_listeners and key in values
        if is_plain and len(present) == len(members) and all(map(is_, present, members)):
            # PERF: merge graph. Nobody is told of members that stay.
            slot.note_members(target_state, values)
            return
        slot.assign(target_state, values, members)

    def _copy_member(self, member: Any, prop: Any) -> Any:
        state = member._sa_instance_state
        if prop.reverse_properties:
            if self.arrived is None:
                self.arrived = {}
            self.arrived[state] = (*self.arrived.get(state, ()), prop)
        target = self.targets.get(state)
        return self.merge(state) if target is None else target

    def _settle(self, target_state: InstanceState) -> None:
        """What was stamped onto the target is what the database holds."""
        target_state.changes = None
        self.members.modified.pop(target_state, None)


class Plan:
    """What is copied between objects of two classes, mostly the same; kept in a mapper's memo."""

    __slots__ = ("columns", "manager", "relationships", "version_key")

    def __init__(self, mapper: Any, manager: Any) -> None:
        self.manager: Any = manager
        self.columns: list[tuple[str, Any]] = []
        self.relationships: list[tuple[Any, Any]] = []
        for key, prop in mapper.properties.items():
            slot = manager.slots.get(key)
            if prop.kind == "relationship":
                if prop.cascade.merge:
                    self.relationships.append((prop, slot))
            elif slot is not None:
                self.columns.append((key, slot))
        self.version_key: str | None = mapper.version_key


def _given_key(state: InstanceState, mapper: Any) -> Key | None:
    """The key that an object without identity was given; None when it is not complete."""
    values = state.dict
    keys = mapper.primary_key_keys
    if not all(key in values for key in keys):
        return None
    given = [values[key] for key in keys]
    missing = given.count(None)
    if missing and (missing == len(given) or not mapper.allow_partial_pks):
        return None
    return (mapper.base_mapper, bare_key(given), None)


def _set_values(
    columns: Iterable[tuple[str, Any]],
    source: dict[str, Any],
    target_state: InstanceState,
    values: dict[str, Any],
) -> None:
    """Assign the values of columns as a user would, one after the other (SM-75)."""
    changes = target_state.changes
    for key, slot in columns:
        if key not in source:
            continue
        if (
            type(slot) is ValueSlot
            and not slot.has_listeners
            and (key in values or not slot.active_history)
        ):
            # PERF: merge, present. What `slot.set` would do.
            if changes is None:
                note_dirty(target_state)
            if changes is None or type(changes) is SharedChanges:
                changes = own_changes(target_state)
            if key not in changes:
                changes[key] = values.get(key, NO_VALUE)
            values[key] = source[key]
        else:
            slot.set(target_state, values, source[key])
            changes = target_state.changes


def _check_version(state: InstanceState, key: str, target_state: InstanceState) -> None:
    """Refuse a source that was read before the target's row was last changed (SM-89)."""
    existing = target_state.committed_value(key)
    merged = state.dict.get(key, NO_VALUE)
    if existing is NO_VALUE or merged is NO_VALUE or existing == merged:
        return
    raise errors.StaleDataError.version_merged(merged, state, existing)
