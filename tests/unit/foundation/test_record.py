"""Records behave as frozen data classes do."""

import copy
import pickle
from dataclasses import FrozenInstanceError, field, fields
from typing import Any

import pytest

from holdfast.foundation.record import record, replace


@record
class Point:
    """A point with names."""

    x: int
    y: int = 0
    names: list[str] = field(default_factory=list)


@record(eq=False)
class Mark:
    """Equal to itself alone."""

    text: Any


def test_record_takes_values_by_place_and_by_name_and_fills_defaults():
    assert vars(Point(1)) == {"x": 1, "y": 0, "names": []}
    assert vars(Point(1, names=["a"], y=2)) == {"x": 1, "y": 2, "names": ["a"]}
    assert Point(1).names is not Point(1).names
    assert [each.name for each in fields(Point)] == ["x", "y", "names"]


@pytest.mark.parametrize(
    ("args", "given"), [((), {}), ((1, 2, [], 3), {}), ((1,), {"x": 1}), ((1,), {"z": 1})]
)
def test_record_refuses_missing_and_unknown_values(args, given):
    with pytest.raises(TypeError, match="__init__"):
        Point(*args, **given)


def test_record_cannot_be_changed():
    point = Point(1)

    with pytest.raises(FrozenInstanceError):
        point.x = 2
    with pytest.raises(FrozenInstanceError):
        del point.x
    assert point.x == 1


def test_records_are_equal_by_values_or_not_at_all():
    assert Point(1, names=("a",)) == Point(1, 0, ("a",)) != Point(2, names=("a",))
    assert hash(Point(1, names=("a",))) == hash(Point(1, 0, ("a",)))
    assert Mark("a") != Mark("a")
    assert Point(1, names=("a",)) != ("a",)


def test_record_with_other_values_keeps_the_rest():
    assert vars(replace(Point(1, 2), y=3)) == {"x": 1, "y": 3, "names": []}
    assert repr(replace(Mark("a"), text="b")) == "Mark(text='b')"


def test_record_is_copied_and_pickled():
    point = Point(1, 2, ["a"])

    assert copy.copy(point) == pickle.loads(pickle.dumps(point)) == point
