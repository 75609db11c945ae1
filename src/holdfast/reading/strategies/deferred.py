"""Leave a column out of the row, and load it when it is touched, alone or with its group."""

from __future__ import annotations

from typing import Any

from holdfast.errors.loading import DetachedInstanceError, LoadRefusedError, ObjectDeletedError
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.markers import ATTR_EMPTY, ATTR_WAS_SET, PASSIVE_NO_RESULT
from holdfast.mapping.sockets import register_strategy
from holdfast.queries.options.paths import AttributeChoice
from holdfast.queries.planning import EntityLoadBuilder
from holdfast.reading.identity import load_column_values
from holdfast.reading.kept_options import lazy_column_choice


@register_strategy("deferred")
class DeferredStrategy:
    """The value is read when it is asked for (LD-111)."""

    def __init__(self, prop: Any) -> None:
        self.prop = prop
        self.key: str = prop.key

    def setup(self, load: EntityLoadBuilder, choice: AttributeChoice | None) -> None:
        """Leave the column out; the primary key is loaded whatever options say (LD-110).

        What tells the class of a row is in the row anyhow, and left out only by its name.
        """
        kept = load.mapper.primary_key_keys
        if choice is not None and choice.wildcard:
            kept = (*kept, load.mapper.polymorphic_key)
        if self.key in kept:
            load.add_column(self.key, *self.prop.columns)
        elif not self.prop.deferred or choice is not None:
            load.defer(self.key)

    def load(self, state: Any, d: dict[str, Any], policy: LoadPolicy) -> object:
        """Read the column and the unloaded rest of its group."""
        if state.pk is None:
            return ATTR_EMPTY
        if not policy.may_fetch:
            return PASSIVE_NO_RESULT
        session = state.session
        if session is None:
            if not policy.raise_on_missing:
                return PASSIVE_NO_RESULT
            raise DetachedInstanceError.deferred_load(state, self.key)
        if policy.raise_on_missing and self._is_refused(state):
            raise LoadRefusedError.by(self.prop, "raiseload=True")
        if policy.autoflushes:
            session.autoflush_if_enabled()
        if not load_column_values(session, state, self._keys(state, d)):
            raise ObjectDeletedError(state)
        return ATTR_WAS_SET

    def _is_refused(self, state: Any) -> bool:
        choice = lazy_column_choice(state, self.prop)
        if choice is not None and choice.strategy == "deferred":
            return bool(choice.settings.get("raiseload"))
        return bool(self.prop.raiseload)

    def _keys(self, state: Any, d: dict[str, Any]) -> tuple[str, ...]:
        group = self.prop.group
        if group is None:
            return (self.key,)
        return tuple(
            prop.key
            for prop in state.manager.mapper.properties.values()
            if prop.kind == "column" and prop.group == group and prop.key not in d
        )
