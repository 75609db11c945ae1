"""This file shows a session, an object or a plan as readable text.

Rules kept here:
1. Nothing is loaded, flushed or begun, and no code of the user's is called: values come from the
   `__dict__` of an object, those of types that are the user's are named by their type.
2. Values are shown unless an engine of the session has `hide_parameters`; keys always.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from holdfast.diagnostics.explain import Explanation, ordinary
from holdfast.foundation.describe import describe_state, describe_value, listed
from holdfast.foundation.load_policy import NO_VALUE
from holdfast.queries.load_plan import LoadPlan
from holdfast.sessions.host import state_of
from holdfast.sessions.session import Session
from holdfast.sessions.transaction import SessionTransaction
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.plan import SHOWN, FlushPlan, shortened

# ------------------------------------------------------------------------------
# One object.


class _Values:
    """How values are written: those of columns may be hidden."""

    def __init__(self, session: Any) -> None:
        binds = () if session is None else (session.bind, *session.binds.values())
        engines = [bind.engine if isinstance(bind, Connection) else bind for bind in binds]
        self.hidden: bool = any(getattr(each, "hide_parameters", False) for each in engines)

    def column(self, value: object) -> str:
        return "..." if self.hidden and value is not None else describe_value(value)

    def target(self, value: object) -> str:
        """What a relationship holds: an object, a collection of objects, or None."""
        if value is None:
            return "None"
        members = _members_of(value)
        if members is not None:
            shown = shortened([self.target(each) for each in members[:SHOWN]], len(members))
            return f"[{shown}]"
        held = getattr(value, "__dict__", {}) if type(value).__module__ != "builtins" else {}
        state = held.get("_sa_instance_state")
        return f"<{type(value).__name__}>" if state is None else describe_state(state)

    def changed(self, old: object, new: object) -> str:
        """An old value and a new one."""
        before = "unknown" if old is NO_VALUE else self.column(old)
        return f"{before} -> {'deleted' if new is NO_VALUE else self.column(new)}"

    def relinked(self, old: object, new: object) -> str:
        """The same of a relationship: of a collection, what was added and what was removed."""
        after = _members_of(new)
        before = [] if old is NO_VALUE else _members_of(old)
        if after is None or before is None:
            was = "unknown" if old is NO_VALUE else self.target(old)
            return f"{was} -> {self.target(None if new is NO_VALUE else new)}"
        kept = set(map(id, before)), set(map(id, after))
        return ", ".join(
            [f"+{self.target(each)}" for each in after if id(each) not in kept[0]]
            + [f"-{self.target(each)}" for each in before if id(each) not in kept[1]]
        )


def _members_of(value: object) -> list[Any] | None:
    """The members of a collection that is of a kind of Python's; None for all else."""
    if isinstance(value, dict):
        return list(dict.values(value))
    if isinstance(value, set):
        return list(set.__iter__(value))
    return list(list.__iter__(value)) if isinstance(value, list) else None


def changes_of(state: InstanceState, values: _Values) -> Iterator[tuple[str, str]]:
    """Name and change of each attribute with a change that is not flushed."""
    held, mapper = state.dict, state.mapper
    for key, old in state.committed_state.items():
        new = held.get(key, NO_VALUE)
        if new is old:
            continue
        if key in mapper.column_of_key:
            yield key, values.changed(old, new)
        elif text := values.relinked(old, new):
            yield key, text
    for key, queued in ((state.extra and state.extra.pending) or {}).items():
        text = values.relinked(list(queued.removed), list(queued.added))
        if text:
            yield key, f"{text}, the rest not loaded"


def _unloaded(state: InstanceState, key: str) -> str:
    """What is known of an attribute that has no value in memory."""
    extra = state.extra
    if state.pk is None:
        return "not set"
    if extra is not None and key in extra.unset:
        return "None"
    if key not in state.mapper.column_of_key:
        return "not loaded"
    return "expired" if key in state.expired_attributes else "deferred"


def view_object(state: InstanceState) -> str:
    """One object: its state, and each attribute."""
    mapper, held, session = state.mapper, state.dict, state.session
    values = _Values(session)
    # Of an object without a row everything is new.
    changed = {} if state.pk is None else dict(changes_of(state, values))
    names = ("transient", "pending", "persistent", "deleted", "detached", "expired")
    facts = [name for name in names if getattr(state, name)]
    if state() is None:
        facts.append("collected")
    if session is not None and state in state.members.deleted:
        facts.append("to be deleted")
    rows = []
    for key in (*mapper.column_keys, *mapper.relationship_keys):
        if key in changed:
            text = f"{changed[key]}  (changed)"
        elif key not in held:
            text = _unloaded(state, key)
        elif key in mapper.primary_key_keys:
            text = describe_value(held[key])
        else:
            write = values.column if key in mapper.column_of_key else values.target
            text = write(held[key])
        rows.append((key, text))
    width = max(len(key) for key, _ in rows)
    head = f"{describe_state(state)}: {', '.join(facts)}"
    return "\n".join([head, *(f"  {key:<{width}}  {text}" for key, text in rows)])


# ------------------------------------------------------------------------------
# One session.


def _transaction_text(levels: Sequence[SessionTransaction]) -> str:
    """The levels of a session's transaction, from the outside inwards."""
    if not levels:
        return "no transaction"
    words = " > ".join(each.origin.name.lower() for each in reversed(levels))
    failure = levels[0].failure
    if failure is not None:
        return f"in {words}, which {type(failure).__name__} has ended: call rollback()"
    return f"in {words}, connections: {len({c for each in levels for c in each.connections})}"


def view_session(session: Session) -> str:
    """One session: its transaction, and its members by what the next flush will do with them."""
    members, values = session.members, _Values(session)
    levels = [] if session.innermost is None else list(session.innermost.levels())
    lines = [f"{type(session).__name__} {session.hash_key}: {_transaction_text(levels)}"]
    dirty = members.dirty()
    for state in dirty[:SHOWN]:
        changes = ", ".join(f"{key} {text}" for key, text in changes_of(state, values))
        lines.append(f"changed: {describe_state(state)} {changes or 'to the same values'}")
    if len(dirty) > SHOWN:
        lines.append(f"changed: {len(dirty) - SHOWN} more")
    flushed = dict.fromkeys(each for level in levels for each in level.snapshot.deleted)
    for title, states in (
        ("new", list(members.new)),
        ("to be deleted", list(members.deleted)),
        ("deleted, not committed", [each for each in flushed if each.was_deleted]),
    ):
        if states:
            shown = [describe_state(each) for each in states[:SHOWN]]
            lines.append(f"{title}: {shortened(shown, len(states))}")
    # The map is not swept: whoever looks changes nothing.
    kept = (state for space in members.identity_map.spaces.values() for state in space.values())
    rest = {each for each in kept if each() is not None} - {*members.modified, *members.deleted}
    counts = Counter(each.class_.__name__ for each in rest)
    if counts:
        lines.append(f"unchanged: {listed(f'{n} {name}' for name, n in sorted(counts.items()))}")
    return "\n".join(lines if len(lines) > 1 else [*lines, "no objects"])


# ------------------------------------------------------------------------------
# Anything.


def view(thing: Any) -> str:
    """A session, a mapped object or a plan as text. Loads nothing, and changes nothing.

    Args:
        thing: A session, also scoped or of asyncio; an object, or what `inspect()` says of it; or
            what `explain()` and `explain_select()` give.

    Raises:
        UnmappedInstanceError: It is none of these.

    Example:
        >>> print(view(author))  # doctest: +SKIP
        <Author id=7>: persistent
          id     7
          name   'Anne' -> 'Emily'  (changed)
          email  expired
          books  not loaded
    """
    if isinstance(thing, Explanation | FlushPlan | LoadPlan):
        return str(thing)
    if isinstance(thing, InstanceState):
        return view_object(thing)
    if isinstance(thing, Session):
        return view_session(thing)
    if "_sa_instance_state" not in getattr(thing, "__dict__", ()):
        found = ordinary(thing)
        if isinstance(found, Session):
            return view_session(found)
    return view_object(state_of(thing))
