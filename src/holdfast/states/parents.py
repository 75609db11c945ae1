"""This file records which parents claim an object, so that a flush can tell orphans.

Only relationships with a `delete-orphan` cascade or a single-parent rule record anything; the
record is keyed by the relationship's slot.

Rules kept here:
1. An object never heard of counts as claimed when it has a row (it was loaded as someone's child,
   or stands on its own), and as unclaimed when it is new.
2. A release by one parent does not undo a later claim by another (CA-64).
"""

from __future__ import annotations

from holdfast.states.instance import InstanceState


def claim_child(state: InstanceState, slot: object, parent: InstanceState) -> None:
    """`parent` now holds the object through the relationship of `slot`."""
    extra = state.more()
    if extra.parents is None:
        extra.parents = {}
    extra.parents[slot] = parent


def release_child(state: InstanceState, slot: object, parent: InstanceState) -> bool:
    """`parent` no longer holds the object; tells whether it was the one that did.

    A claim by another parent in the meantime stands.
    """
    extra = state.more()
    if extra.parents is None:
        extra.parents = {}
    holder = extra.parents.get(slot)
    if isinstance(holder, InstanceState) and holder is not parent:
        return False
    extra.parents[slot] = False
    return True


def has_parent(state: InstanceState, slot: object, *, optimistic: bool) -> bool:
    """Whether someone holds the object through the relationship of `slot`.

    Args:
        state: The possible orphan.
        slot: Names the relationship.
        optimistic: The answer for an object that was never claimed nor released.
    """
    extra = state.extra
    if extra is None or extra.parents is None:
        return optimistic
    holder = extra.parents.get(slot)
    return optimistic if holder is None else holder is not False


def is_claimed_by(state: InstanceState, slot: object) -> InstanceState | None:
    """The parent that is known to hold the object, or None."""
    extra = state.extra
    if extra is None or extra.parents is None:
        return None
    holder = extra.parents.get(slot)
    return holder if isinstance(holder, InstanceState) else None


def forget_parent(state: InstanceState, slot: object, parent: InstanceState) -> None:
    """Forget what `parent` said of an object with a row: neither claimed nor released."""
    known = None if state.extra is None or state.pk is None else state.extra.parents
    if known is not None and known.get(slot) in (False, parent):
        del known[slot]


def forget_parents(state: InstanceState) -> None:
    """Forget all claims and releases."""
    extra = state.extra
    if extra is not None:
        extra.parents = None
