"""Define cascade rules and the walk along them.

A relationship names the operations that it passes on to related objects; `reachable` yields the
objects that one operation on one object reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from holdfast import errors
from holdfast.foundation.describe import warn
from holdfast.foundation.load_policy import NO_VALUE, PASSIVE_NO_RESULT, LoadPolicy
from holdfast.instrument.collection_adapter import collection_adapter

if TYPE_CHECKING:
    from holdfast.states.instance import InstanceState

RULES = ("save-update", "delete", "refresh-expire", "merge", "expunge", "delete-orphan")
"""Names of the cascades; each has a boolean attribute on `CascadeOptions`."""

# "all" leaves delete-orphan to be asked for by name.
ALL_RULES = frozenset(RULES) - {"delete-orphan"}
VIEW_ONLY_RULES = frozenset(("all", "none", "refresh-expire", "merge", "expunge"))


# Relationships of one mapper with one cascade, each with whether it is a collection.
Arms: TypeAlias = list[tuple[str, Any, bool]]


class CascadeOptions(frozenset[str]):
    """The cascades of one relationship: a set of names, with one boolean attribute each."""

    delete: bool
    delete_orphan: bool
    expunge: bool
    merge: bool
    refresh_expire: bool
    save_update: bool

    def __new__(cls, value_list: Iterable[str] | str | None) -> CascadeOptions:
        """Read a comma-separated string or a list of names."""
        if value_list is None or isinstance(value_list, str):
            names = [part.strip() for part in (value_list or "").split(",")]
        else:
            names = list(value_list)
        given = {name for name in names if name}
        unknown = given.difference(RULES, ("all", "none"))
        if unknown:
            raise errors.RelationshipError.unknown_cascades(sorted(unknown))
        rules = (given | ALL_RULES if "all" in given else given) - {"all", "none"}
        if "none" in given:
            rules = set()
        self = super().__new__(cls, rules)
        for rule in RULES:
            self.__dict__[rule.replace("-", "_")] = rule in rules
        if "delete-orphan" in rules and "delete" not in rules:
            warn("The 'delete-orphan' cascade option requires 'delete'.")
        return self

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"CascadeOptions is immutable: cannot set {name!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        return CascadeOptions, (sorted(self),)

    def __repr__(self) -> str:
        return f"CascadeOptions({','.join(sorted(self))!r})"


def reachable(
    state: InstanceState, rule: str, *, halt_on: Callable[[InstanceState], bool] | None = None
) -> Iterator[InstanceState]:
    """States that an operation on `state` reaches along relationships with the cascade `rule`.

    Each is yielded once, parents before what is reached through them, the start never. Nothing is
    loaded, except by "delete", which loads what the flush has to know (CA-51). "save-update" also
    reaches members that were removed and not flushed (CA-35); other rules follow present ones.
    States for which `halt_on` answers true are neither yielded nor walked through.
    """
    loads = rule == "delete"
    if not loads and not _has_any(state, _keys_of(state.manager.mapper, rule)):
        return
    seen = {state}
    waiting = [state]
    arms_of_kind: dict[type[InstanceState], Arms] = {}
    while waiting:
        parent = waiting.pop()
        arms = arms_of_kind.get(type(parent))
        if arms is None:
            arms = arms_of_kind[type(parent)] = _arms_of(parent.manager.mapper, rule)
        dict_ = parent.dict
        if not loads:
            # PERF: flush of a graph. Most members refer to their owner and to nothing else.
            extra, changes = parent.extra, parent.changes
            if extra is None or extra.pending is None:
                for key, _, is_collection in arms:
                    value = dict_.get(key)
                    if value is not None and (
                        is_collection or value._sa_instance_state not in seen
                    ):
                        break
                    former = None if changes is None else changes.get(key)
                    if former is not None and former is not NO_VALUE:
                        break
                else:
                    continue
        found = _unseen(parent, dict_, arms, rule, seen, halt_on)
        yield from found
        waiting.extend(reversed(found))


def _unseen(
    parent: InstanceState,
    dict_: dict[str, Any],
    arms: Arms,
    rule: str,
    seen: set[InstanceState],
    halt_on: Callable[[InstanceState], bool] | None,
) -> list[InstanceState]:
    """The objects that one leads to; the walk has seen them from now on."""
    found = []
    for _, prop, is_collection in arms:
        for child in _members(parent, dict_, prop, rule, is_collection=is_collection):
            if child in seen or (halt_on is not None and halt_on(child)):
                continue
            seen.add(child)
            target, manager = prop.mapper, child.manager
            if manager is not target.class_manager and not manager.mapper.isa(target):
                raise errors.CascadeTypeError.met(
                    prop.key, prop.parent.class_, child.class_, target.class_
                )
            found.append(child)
    return found


def _keys_of(mapper: Any, rule: str) -> tuple[str, ...]:
    """Names of the relationships of a mapper that have the cascade."""
    keys: tuple[str, ...] = getattr(mapper, f"{rule.replace('-', '_')}_keys")
    return keys


def _arms_of(mapper: Any, rule: str) -> Arms:
    """The relationships of a mapper that have the cascade: name, property, is it a collection?"""
    keys = _keys_of(mapper, rule)
    # The names are part of the memo's key: a cascade may be assigned anew at any time (CA-13).
    arms: Arms | None = mapper.memo.get(("cascade arms", rule, keys))
    if arms is None:
        slots = mapper.class_manager.slots
        arms = [(key, mapper.properties[key], slots[key].collection) for key in keys]
        mapper.memo["cascade arms", rule, keys] = arms
    return arms


def _has_any(state: InstanceState, keys: tuple[str, ...]) -> bool:
    """Whether memory holds anything for the relationships of these names.

    PERF: most objects that are added have none (tests/bench: flush of a graph).
    """
    if not keys:
        return False
    extra = state.extra
    if extra is not None and extra.pending is not None:
        return True
    changes = state.changes
    if changes is not None and not changes.keys().isdisjoint(keys):
        return True
    return not state.dict.keys().isdisjoint(keys)


def _members(
    parent: InstanceState, dict_: dict[str, Any], prop: Any, rule: str, *, is_collection: bool
) -> Iterable[InstanceState]:
    """States at the other end of one relationship, as far as the rule wants to know them."""
    key = prop.key
    if rule == "save-update":
        if _has_no_former(parent, key):
            return _present(dict_.get(key), is_collection=is_collection)
        slot = parent.manager.slots[key]  # type: ignore[attr-defined]
        pending = slot.all_pending(parent, dict_, LoadPolicy.NO_INITIALIZE)
        return [child for child, obj in pending if child is not None and obj is not None]
    if rule == "delete":
        # What refuses to load otherwise is loaded here all the same (CA-105).
        policy = LoadPolicy.NO_INITIALIZE if prop.passive_deletes else LoadPolicy.NO_RAISE
        slot = parent.manager.slots[key]  # type: ignore[attr-defined]
        value = slot.held(parent, dict_, policy)
    else:
        value = dict_.get(key)
        if is_collection and type(value) is tuple:
            # The changes of a collection that is never loaded whole.
            slot = parent.manager.slots[key]  # type: ignore[attr-defined]
            value = slot.held(parent, dict_, LoadPolicy.NO_INITIALIZE)
    return _present(value, is_collection=is_collection)


def _has_no_former(state: InstanceState, key: str) -> bool:
    """Whether a relationship is known to have no members but those in the object's dict."""
    extra = state.extra
    if extra is not None and extra.pending is not None:
        return False
    if state.changes is None or key not in state.changes:
        return True
    former = state.changes[key]
    return former is None or former is NO_VALUE or (isinstance(former, list) and not former)


def _present(value: Any, *, is_collection: bool) -> Iterable[InstanceState]:
    """States of the members that an attribute's value holds now."""
    if value is None or value is PASSIVE_NO_RESULT or value is NO_VALUE:
        return ()
    if not is_collection:
        return (value._sa_instance_state,)
    # A collection that is never loaded whole, and of which no change waits, holds ().
    members = value if isinstance(value, list | tuple) else collection_adapter(value) or ()
    return [member._sa_instance_state for member in members if member is not None]
