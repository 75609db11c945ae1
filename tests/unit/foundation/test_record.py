"""Records behave as frozen data classes do, and the other cheap classes as what they stand for."""

import copy
import pickle
from dataclasses import FrozenInstanceError, field
from typing import Any

import pytest

from holdfast.foundation.codegen import FEW, Choice, FieldTuple, Keywords, record, replace


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


@record(frozen=False)
class Count:
    """May change."""

    number: int


@record
class Odd:
    """Its fields have the names of what a method has at hand."""

    values: int
    fields: int = 2
    name: int = 3


@record
class Named(Point):
    """A point with a title."""

    title: str = ""


class Pair(FieldTuple):
    """Two values, the second of which may be left out."""

    left: Any
    right: Any = 0


class Colour(Choice):
    """Two values with names."""

    RED = "red"
    BLUE = "blue"


class Options(Keywords, total=False):
    """Keywords of a function."""

    size: int


def test_record_takes_values_by_place_and_by_name_and_fills_defaults():
    assert vars(Point(1)) == {"x": 1, "y": 0, "names": []}
    assert vars(Point(1, names=["a"], y=2)) == {"x": 1, "y": 2, "names": ["a"]}
    assert Point(1).names is not Point(1).names
    assert vars(Odd(1)) == {"values": 1, "fields": 2, "name": 3}


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


def test_record_can_be_changed_where_it_is_not_frozen():
    count = Count(1)
    count.number += 1

    assert vars(count) == {"number": 2}
    assert Count(2) == count
    with pytest.raises(TypeError, match="unhashable"):
        hash(count)


def test_record_of_a_subclass_has_the_fields_of_both():
    assert vars(Named(1, 2, ["a"], title="b")) == {"x": 1, "y": 2, "names": ["a"], "title": "b"}


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


def test_record_is_made_alike_before_and_after_its_init_is_written():
    @record
    class Late:
        first: int
        rest: list[int] = field(default_factory=list)
        last: int = 3

    made = [Late(first=1, last=2) for _ in range(FEW + 1)]

    assert all(each == Late(1, [], 2) and hash(each.first) for each in made)
    assert [list(vars(each)) for each in (made[0], made[-1])] == [["first", "rest", "last"]] * 2


def test_field_tuple_is_a_tuple_with_names():
    pair = Pair(1, right=2)

    assert (pair, pair.left, pair.right, Pair(5)) == ((1, 2), 1, 2, (5, 0))
    assert repr(pair) == "Pair(left=1, right=2)"
    assert not hasattr(pair, "__dict__")


@pytest.mark.parametrize(("args", "given"), [((), {}), ((1, 2, 3), {}), ((1,), {"top": 1})])
def test_field_tuple_refuses_missing_and_unknown_values(args: Any, given: Any):
    with pytest.raises(TypeError):
        Pair(*args, **given)


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_field_tuple_and_choice_are_copied_and_pickled(again: Any):
    assert again(Pair(1, 2)) == Pair(1, 2)
    assert type(again(Pair(1, 2))) is Pair
    assert again(Colour.RED) is Colour.RED


def test_choice_lists_its_values_by_name():
    assert list(Colour) == [Colour.RED, Colour.BLUE]
    assert (Colour.RED.name, Colour.RED.value, repr(Colour.RED)) == ("RED", "red", "Colour.RED")
    assert isinstance(Colour.RED, Colour)
    assert Colour.RED != Colour.BLUE


def test_keywords_are_annotations():
    assert list(Options.__annotations__) == ["size"]
