"""Declared methods refuse wrong phases, re-entry and wrong arrivals."""

from enum import Enum

import pytest

from holdfast.errors.session import StateChangeError
from holdfast.sessions.transaction import Phased, Shift, moves


class Light(Enum):
    GREEN = 1
    RED = 2


class Crossing(Phased):
    phase = Light.GREEN

    @moves((Light.GREEN,), Light.RED)
    def stop(self, inner=None):
        if inner is not None:
            inner()
        self.phase = Light.RED

    @moves((Light.GREEN,), Light.RED)
    def forget_to_stop(self):
        pass

    @moves(Shift.ANY, Shift.NO_CHANGE)
    def look(self, inner=None):
        if inner is not None:
            inner()

    @moves((Light.GREEN,), Light.RED)
    def stop_by_other_means(self):
        with self.expecting(Light.RED):
            self.stop()


def test_method_moves_the_object_on():
    crossing = Crossing()

    crossing.stop()

    assert crossing.phase is Light.RED
    assert crossing.running is None


def test_method_is_refused_in_a_wrong_phase():
    crossing = Crossing()
    crossing.stop()

    with pytest.raises(StateChangeError, match=r"Can't run operation 'stop\(\)'"):
        crossing.stop()


def test_method_is_refused_while_another_runs():
    crossing = Crossing()

    with pytest.raises(StateChangeError, match=r"'stop\(\)' can't be called here; method 'look"):
        crossing.look(crossing.stop)


def test_method_that_leaves_the_phase_alone_may_run_inside_another():
    crossing = Crossing()

    crossing.stop(crossing.look)

    assert crossing.phase is Light.RED


def test_method_must_arrive():
    with pytest.raises(StateChangeError, match="failed to change state"):
        Crossing().forget_to_stop()


def test_expected_method_may_do_the_move():
    crossing = Crossing()

    crossing.stop_by_other_means()

    assert crossing.phase is Light.RED


def test_object_is_usable_after_a_method_raised():
    crossing = Crossing()

    with pytest.raises(ZeroDivisionError):
        crossing.stop(lambda: 1 / 0)
    crossing.stop()

    assert crossing.phase is Light.RED
