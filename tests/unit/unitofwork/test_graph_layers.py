"""Rows in layers."""

import pytest

from holdfast.errors.flush import FlushCycleError
from holdfast.foundation import describe
from holdfast.unitofwork.planner import layers


class Row:
    """Stands for a state where only identity and name matter."""

    pk = 1
    mapper = None

    def __init__(self, name):
        self.class_ = type(name, (), {})

    def __repr__(self):
        return self.class_.__name__


def test_rows_without_edges_are_one_layer_in_the_given_order():
    rows = [Row("a"), Row("b"), Row("c")]

    assert layers(rows, []) == [rows]


def test_a_row_stands_below_all_that_it_waits_for():
    a, b, c, d = (Row(name) for name in "abcd")

    assert layers([d, c, b, a], [(a, b), (b, c), (a, c), (a, d)]) == [[a], [d, b], [c]]


def test_rows_that_wait_for_each_other_are_named():
    a, b, c = (Row(name) for name in "abc")

    with pytest.raises(FlushCycleError) as caught:
        layers([a, b, c], [(a, b), (b, a), (b, c)])
    assert caught.value.cycles == {describe.describe_state(a), describe.describe_state(b)}
