"""This file brings an object that is linked to a member into the session.

Plugged into the `link_listener` socket: the attribute slots call it when an object is appended,
assigned, removed or replaced, but not for the other end, which a back reference keeps in step
(CA-31).

Rules kept here:
1. A new member of a relationship with `save-update` joins the session of its owner (CA-30).
2. A pending object that lost its `delete-orphan` parent leaves the session at once (CA-63).
"""

from __future__ import annotations

from typing import Any, cast

from holdfast.sessions.membership import add_state, expunge, warn_inside_flush
from holdfast.states.instance import InstanceState
from holdfast.states.ports import link_listener
from holdfast.unitofwork.collect import is_orphan


class Links:
    """What a session does when one of its objects is linked to another, or unlinked."""

    def linked(self, state: InstanceState, key: str, child: InstanceState) -> None:
        """Let `child` join the session of `state`."""
        session: Any = state.session
        if session is None:
            return
        prop = state.manager.mapper.properties[key]
        if session.is_writing:
            for each in (prop, *prop.reverse_properties):
                warn_inside_flush(
                    session, "collection append" if each.uselist else "related attribute set"
                )
        if prop.cascade.save_update and not session.members.is_member(child):
            add_state(session, child)

    def unlinked(self, state: InstanceState, key: str, child: InstanceState) -> None:
        """Let `child` go when nobody claims it and it has no row yet."""
        session: Any = state.session
        prop = state.manager.mapper.properties[key]
        if session is not None and session.is_writing:
            self._warn_of_removal(session, state, prop, child)
        if not prop.cascade.delete_orphan:
            return
        holder: Any = child.session
        if (
            holder is not None
            and child in holder.members.new
            and is_orphan(child, child.manager.mapper)
        ):
            expunge(holder, child())

    def _warn_of_removal(
        self, session: Any, state: InstanceState, prop: Any, child: InstanceState
    ) -> None:
        if not prop.uselist:
            # An attribute that has a value is being set, which `linked` warns of.
            if prop.key not in state.dict:
                warn_inside_flush(session, "related attribute delete")
            return
        warn_inside_flush(session, "collection remove")
        if any(child.dict.get(each.key) is state() for each in prop.reverse_properties):
            warn_inside_flush(session, "related attribute set")


link_listener.plug(cast("Any", Links()))
