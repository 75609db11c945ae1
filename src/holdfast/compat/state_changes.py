"""Show the phases of a transaction under the names of `sqlalchemy.orm.state_changes`."""

from __future__ import annotations

from enum import Enum
from typing import Any

from holdfast.sessions.transactions.phases import Phased, Shift, moves


class StateChange(Phased):
    """An object with phases, whose phase is read and set as `_state`."""

    declare_states: Any = staticmethod(moves)
    _expect_state = Phased.expecting

    @property
    def _state(self) -> object:
        return self.phase

    @_state.setter
    def _state(self, value: object) -> None:
        self.phase = value


StateChangeState = Enum
StateChangeStates = Shift
