"""This file copies objects from outside onto the members of a session that have their keys.

Rules kept here:
1. The source is never attached and never changed (SM-70).
2. Each source is copied once, however often it is reached (SM-78).
3. With `load` values are copied by ordinary sets, with history and events (SM-75); without, they
   are stamped onto the target as if loaded, and nothing is emitted (SM-85).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from holdfast.errors.flush import StaleDataError
from holdfast.errors.session import MembershipError, merge_pending_warning
from holdfast.foundation.deprecated import warn
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.markers import NO_VALUE
from holdfast.sessions.host import SessionHost
from holdfast.sessions.membership import add_state
from holdfast.sessions.subjects import state_of
from holdfast.states.identity import bare_key
from holdfast.states.instance import InstanceState

Key = tuple[Any, Any, Any]


def merge_all(
    session: SessionHost,
    instances: Iterable[Any],
    *,
    load: bool,
    options: Sequence[Any] | None,
) -> list[Any]:
    """Merge objects in order; each is copied once, also when reached from another (SM-90)."""
    session.autobegin()
    if load:
        session.autoflush_if_enabled()
    merger = Merger(session, load=load)
    with session.no_autoflush:
        return [merger.merge(state_of(each), options) for each in instances]


class Merger:
    """One call of merge: what was copied already, and where to."""

    def __init__(self, session: SessionHost, *, load: bool) -> None:
        self.session = session
        self.load = load
        # Source state -> its target.
        self.targets: dict[InstanceState, Any] = {}
        # Base mapper, bare key, token -> target: two sources of one identity share it.
        self.by_key: dict[Key, Any] = {}
        # Relationship of a source through which a member was reached, by the member: the way back
        # along the reverse relationship would copy nothing new.
        self.arrived: set[tuple[InstanceState, Any]] = set()

    def merge(self, state: InstanceState, options: Sequence[Any] | None = None) -> Any:
        """The target of a source, with the source's values."""
        target = self.targets.get(state)
        if target is not None:
            return target
        mapper = state.manager.mapper
        key = self._key_of(state, mapper)
        target, is_new = self._find_target(state, mapper, key, options)
        target_state = state_of(target)
        self.targets[state] = target
        if key is not None:
            self.by_key[key] = target
        if target_state is not state:
            self._copy(state, mapper, target_state, target)
        if not self.load:
            self._settle(target_state)
        manager: Any = type(target_state).manager
        if is_new and manager.has_load_listeners:
            manager.dispatch.load(target_state, None)
        return target

    def _key_of(self, state: InstanceState, mapper: Any) -> Key | None:
        """Where the target is to be looked for; None when the source has no usable key."""
        base = mapper.base_mapper
        if state.pk is not None:
            return (base, state.pk, state.identity_token)
        if state in self.session.members.new:
            warn(merge_pending_warning(state))
        if not self.load:
            raise MembershipError.merge_without_load("transient (i.e. unpersisted) objects")
        values = state.dict
        if not all(key in values for key in mapper.primary_key_keys):
            return None
        given = [values[key] for key in mapper.primary_key_keys]
        missing = sum(value is None for value in given)
        if missing == len(given) or (missing and not mapper.allow_partial_pks):
            return None
        return (base, bare_key(given), None)

    def _find_target(
        self,
        state: InstanceState,
        mapper: Any,
        key: Key | None,
        options: Sequence[Any] | None,
    ) -> tuple[Any, bool]:
        session = self.session
        target: Any = None
        if key is not None:
            target = session.members.identity_map.find(*key)
            if target is None:
                target = self.by_key.get(key)
            if target is None and self.load:
                # A tuple means the same for simple and for composite keys.
                _, pk, token = key
                ident = pk if len(mapper.primary_key) > 1 else (pk,)
                target = session.get(mapper.class_, ident, identity_token=token, options=options)
        if target is not None:
            return target, False
        if not self.load and state.changes is not None:
            raise MembershipError.merge_without_load("marked as 'dirty'")
        target = mapper.class_manager.new_instance()
        made = state_of(target)
        if not self.load:
            made.pk = state.pk
            if state.identity_token is not None:
                made.more().identity_token = state.identity_token
        add_state(session, made)
        return target, True

    def _copy(
        self, state: InstanceState, mapper: Any, target_state: InstanceState, target: Any
    ) -> None:
        _check_version(state, mapper, target_state)
        if state.extra is not None and (state.extra.load_options or state.extra.load_path):
            extra = target_state.more()
            extra.load_options = state.extra.load_options
            extra.load_path = state.extra.load_path
            extra.deferred = state.extra.deferred
        source, values = state.dict, target.__dict__
        for key, prop in mapper.properties.items():
            if prop.kind == "relationship":
                self._copy_relationship(state, prop, target_state, values)
            elif key in source and key in target_state.manager:
                self._copy_value(key, source[key], target_state, values)

    def _copy_value(
        self, key: str, value: Any, target_state: InstanceState, values: dict[str, Any]
    ) -> None:
        slot = target_state.manager.slots.get(key)  # type: ignore[attr-defined]
        if slot is None:
            return
        if self.load:
            slot.set(target_state, values, value)
        else:
            values[key] = value

    def _copy_relationship(
        self, state: InstanceState, prop: Any, target_state: InstanceState, values: dict[str, Any]
    ) -> None:
        key = prop.key
        if not prop.cascade.merge or key not in state.dict:
            return
        if self.load and any((state, each) in self.arrived for each in prop.reverse_properties):
            return
        slot = target_state.manager.slots[key]  # type: ignore[attr-defined]
        if not prop.uselist:
            member = state.dict[key]
            copied = None if member is None else self._copy_member(member, prop)
            if self.load:
                slot.set(target_state, values, copied)
            else:
                values[key] = copied
            return
        if self.load:
            # The members present are then found in the identity map, not one by one.
            slot.get(target_state, values, LoadPolicy.NO_RAISE)
        source_slot = state.manager.slots[key]  # type: ignore[attr-defined]
        members = [self._copy_member(each, prop) for each in source_slot.members(state.dict)]
        if not self.load:
            values[key] = slot.new_loaded(target_state, members)
            return
        collection = slot.make(target_state)
        collection._sa_adapter.append_multiple_without_event(members)
        slot.set(target_state, values, collection, policy=LoadPolicy.NO_RAISE)

    def _copy_member(self, member: Any, prop: Any) -> Any:
        state = state_of(member)
        self.arrived.add((state, prop))
        return self.merge(state)

    def _settle(self, target_state: InstanceState) -> None:
        """What was stamped onto the target is what the database holds."""
        target_state.changes = None
        self.session.members.modified.pop(target_state, None)


def _check_version(state: InstanceState, mapper: Any, target_state: InstanceState) -> None:
    """Refuse a source that was read before the target's row was last changed (SM-89)."""
    if mapper.version_id_col is None:
        return
    key = mapper.key_of_column[mapper.version_id_col]
    changes = target_state.changes or {}
    existing = changes.get(key, target_state.dict.get(key, NO_VALUE))
    merged = state.dict.get(key, NO_VALUE)
    if existing is NO_VALUE or merged is NO_VALUE or existing == merged:
        return
    raise StaleDataError.version_merged(state, merged, existing)
